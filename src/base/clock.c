/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, and the texts that logs and HTTP write it as.
 *
 * For:     the loop reads the clock once per turn; log lines and Date headers
 *          format what it read.
 * Owns:    per thread, the text of the last second that was formatted: most
 *          lines of one second share it, and localtime_r() takes libc's lock.
 * Callers: everybody.
 * Thread:  any.
 */
#include "weir/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define US_PER_S 1000000

/* The broken-down form of one second. */
struct second {
    time_t when;
    bool is_known; /* false: nothing was computed on this thread yet */
    struct tm tm;
};

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static _Thread_local struct second local_second, gmt_second;

static int64_t
read_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t
clock_monotonic_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t
clock_cpu_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

static const struct tm *
local_time(time_t when)
{
    if (!local_second.is_known || local_second.when != when) {
        localtime_r(&when, &local_second.tm);
        local_second.when = when;
        local_second.is_known = true;
    }
    return &local_second.tm;
}

static const struct tm *
gmt_time(time_t when)
{
    if (!gmt_second.is_known || gmt_second.when != when) {
        gmtime_r(&when, &gmt_second.tm);
        gmt_second.when = when;
        gmt_second.is_known = true;
    }
    return &gmt_second.tm;
}

/* Seconds since 1970, and what is left in microseconds, also before 1970. */
static time_t
split_us(int64_t wall_us, unsigned *rest_us)
{
    int64_t rest = wall_us % US_PER_S;

    if (rest < 0)
        rest += US_PER_S;
    *rest_us = (unsigned)rest;
    return (time_t)((wall_us - rest) / US_PER_S);
}

/* `width` digits of n. */
static char *
put_digits(char *to, unsigned n, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char)('0' + n % 10);
        n /= 10;
    }
    return to + width;
}

static char *
put_name(char *to, const char name[4])
{
    memcpy(to, name, 3);
    return to + 3;
}

/* "08:49:37" */
static char *
put_time(char *to, const struct tm *tm)
{
    to = put_digits(to, (unsigned)tm->tm_hour, 2);
    *to++ = ':';
    to = put_digits(to, (unsigned)tm->tm_min, 2);
    *to++ = ':';
    return put_digits(to, (unsigned)tm->tm_sec, 2);
}

/* "06/Nov/1994:08:49:37" */
static char *
put_log_time(char *to, const struct tm *tm)
{
    to = put_digits(to, (unsigned)tm->tm_mday, 2);
    *to++ = '/';
    to = put_name(to, month_names[tm->tm_mon]);
    *to++ = '/';
    to = put_digits(to, (unsigned)tm->tm_year + 1900, 4);
    *to++ = ':';
    return put_time(to, tm);
}

/* "+0100", or "+01:00" when there is a separator */
static char *
put_zone(char *to, const struct tm *tm, bool with_colon)
{
    long minutes = tm->tm_gmtoff / 60;

    *to++ = minutes < 0 ? '-' : '+';
    if (minutes < 0)
        minutes = -minutes;
    to = put_digits(to, (unsigned)(minutes / 60), 2);
    if (with_colon)
        *to++ = ':';
    return put_digits(to, (unsigned)(minutes % 60), 2);
}

size_t
clock_format_http(char *to, time_t when)
{
    static _Thread_local char cached[29];
    static _Thread_local time_t cached_when;

    if (cached[0] == '\0' || cached_when != when) {
        const struct tm *tm = gmt_time(when);
        char *at = put_name(cached, day_names[tm->tm_wday]);

        *at++ = ',';
        *at++ = ' ';
        at = put_digits(at, (unsigned)tm->tm_mday, 2);
        *at++ = ' ';
        at = put_name(at, month_names[tm->tm_mon]);
        *at++ = ' ';
        at = put_digits(at, (unsigned)tm->tm_year + 1900, 4);
        *at++ = ' ';
        at = put_time(at, tm);
        memcpy(at, " GMT", 4);
        cached_when = when;
    }
    memcpy(to, cached, sizeof(cached));
    return sizeof(cached);
}

size_t
clock_format_log(char *to, int64_t wall_us)
{
    static _Thread_local char cached[20];
    static _Thread_local time_t cached_when;
    unsigned rest_us;
    time_t when = split_us(wall_us, &rest_us);

    if (cached[0] == '\0' || cached_when != when) {
        put_log_time(cached, local_time(when));
        cached_when = when;
    }
    memcpy(to, cached, sizeof(cached));
    to[sizeof(cached)] = '.';
    put_digits(to + sizeof(cached) + 1, rest_us / 1000, 3);
    return sizeof(cached) + 4;
}

size_t
clock_format_log_zone(char *to, int64_t wall_us)
{
    unsigned rest_us;
    const struct tm *tm = local_time(split_us(wall_us, &rest_us));
    char *at = put_log_time(to, tm);

    *at++ = ' ';
    return (size_t)(put_zone(at, tm, false) - to);
}

size_t
clock_format_log_gmt(char *to, int64_t wall_us)
{
    unsigned rest_us;
    char *at = put_log_time(to, gmt_time(split_us(wall_us, &rest_us)));

    memcpy(at, " +0000", 6);
    return (size_t)(at + 6 - to);
}

size_t
clock_format_syslog(char *to, int64_t wall_us)
{
    unsigned rest_us;
    const struct tm *tm = local_time(split_us(wall_us, &rest_us));
    char *at = put_name(to, month_names[tm->tm_mon]);

    *at++ = ' ';
    at = put_digits(at, (unsigned)tm->tm_mday, 2);
    if (at[-2] == '0')
        at[-2] = ' ';
    *at++ = ' ';
    return (size_t)(put_time(at, tm) - to);
}

size_t
clock_format_iso(char *to, int64_t wall_us)
{
    unsigned rest_us;
    const struct tm *tm = local_time(split_us(wall_us, &rest_us));
    char *at = put_digits(to, (unsigned)tm->tm_year + 1900, 4);

    *at++ = '-';
    at = put_digits(at, (unsigned)tm->tm_mon + 1, 2);
    *at++ = '-';
    at = put_digits(at, (unsigned)tm->tm_mday, 2);
    *at++ = 'T';
    at = put_time(at, tm);
    *at++ = '.';
    at = put_digits(at, rest_us, 6);
    return (size_t)(put_zone(at, tm, true) - to);
}
