/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of dates: http_date, date, ltime and utime with their forms for ms and us.
 *
 * Thread: traffic, inside an expression. localtime_r() reads the zone that was set at start.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "weir/base/clock.h"
#include "weir/base/number.h"
#include "private.h"

#define RESULT_MAX 1024

/* Seconds and the rest, whatever the sign. */
static int64_t
split_units(int64_t n, int64_t per_second, int64_t *rest)
{
    int64_t seconds = n / per_second;

    *rest = n % per_second;
    if (*rest < 0) {
        *rest += per_second;
        seconds--;
    }
    return seconds;
}

static bool
check_unit(struct arg *arg, struct error *err)
{
    arg->num = 1;
    if (!arg_is_given(arg) || str_eq(arg->str, STR("s")))
        return true;
    arg->num = str_eq(arg->str, STR("ms")) ? 1000 : str_eq(arg->str, STR("us")) ? 1000000 : 0;
    return arg->num != 0 || error_set(err, "unknown unit '%s'; known are s, ms and us",
                                      arg->str.ptr);
}

/* --- http_date ------------------------------------------------------------ */

static bool
check_http_date(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    return check_unit(&args[1], err);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; smaller units stand behind the seconds. */
static bool
run_http_date(struct eval *eval, const struct converter *conv, const struct arg *args,
              struct value *value)
{
    int64_t unit = args[1].num, rest, n;
    int64_t seconds;
    char text[64], date[32];
    size_t len;

    (void)conv;
    if (__builtin_add_overflow(value->num, args[0].num, &n))
        return false;
    seconds = split_units(n, unit, &rest);
    if (seconds < 0 || seconds > INT64_C(253402300799)) /* the year 9999 */
        return false;
    len = clock_format_http(date, (time_t)seconds);
    if (unit == 1)
        return value_set_copy(value, VALUE_STR, eval->arena, date, len);
    len = (size_t)snprintf(text, sizeof(text), "%.25s.%0*lld%.4s", date, unit == 1000 ? 3 : 6,
                           (long long)rest, date + 25);
    return value_set_copy(value, VALUE_STR, eval->arena, text, len);
}

/* --- date: the other way -------------------------------------------------- */

static int
find_month(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++) {
        if (strncmp(names + (size_t)i * 3, name, 3) == 0)
            return i;
    }
    return -1;
}

/* The three forms of RFC 9110 5.6.7, in order of preference. */
static bool
read_date(const char *text, struct tm *tm)
{
    char month[4] = "", day[16] = "";

    memset(tm, 0, sizeof(*tm));
    if (sscanf(text, "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", day, &tm->tm_mday, month,
               &tm->tm_year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec) == 7) {
        tm->tm_year -= 1900;
    } else if (sscanf(text, "%15[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT", day, &tm->tm_mday,
                      month, &tm->tm_year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec) == 7) {
        tm->tm_year += tm->tm_year < 70 ? 100 : 0;
    } else if (sscanf(text, "%3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d", day, month, &tm->tm_mday,
                      &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &tm->tm_year) == 7) {
        tm->tm_year -= 1900;
    } else {
        return false;
    }
    tm->tm_mon = find_month(month);
    return tm->tm_mon >= 0 && tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour <= 23 &&
           tm->tm_min <= 59 && tm->tm_sec <= 60;
}

static bool
run_date(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    char text[64];
    struct tm tm;

    (void)eval;
    (void)conv;
    (void)args;
    if (value->str.len == 0 || value->str.len >= sizeof(text))
        return false;
    memcpy(text, value->str.ptr, value->str.len);
    text[value->str.len] = '\0';
    if (!read_date(text, &tm))
        return false;
    value_set_int(value, timegm(&tm));
    return true;
}

/* --- ltime, utime and kin ------------------------------------------------- */

/* The units of a second in the low bits; bit 30: local time. */
#define IS_LOCAL ((intptr_t)1 << 30)

/* "%N" and "%3N", which strftime() lacks, are replaced by digits. */
static bool
put_fractions(const char *format, int64_t nanoseconds, char *to, size_t size)
{
    char digits[10];
    size_t len = 0;

    snprintf(digits, sizeof(digits), "%09lld", (long long)nanoseconds);
    while (*format != '\0') {
        bool has_width = format[0] == '%' && format[1] >= '1' && format[1] <= '9';
        size_t width = has_width ? (size_t)(format[1] - '0') : 9;

        if (size - len <= 10)
            return false;
        if (format[0] == '%' && format[has_width ? 2 : 1] == 'N') {
            memcpy(to + len, digits, width);
            len += width;
            format += has_width ? 3 : 2;
            continue;
        }
        to[len++] = *format++;
        if (format[-1] == '%' && *format != '\0')
            to[len++] = *format++;
    }
    to[len] = '\0';
    return true;
}

static bool
run_time(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    int64_t per_second = conv->private & ~IS_LOCAL, rest;
    char format[RESULT_MAX], text[RESULT_MAX];
    struct tm tm;
    time_t seconds;

    seconds = (time_t)(split_units(value->num, per_second, &rest) + args[1].num);
    if ((conv->private & IS_LOCAL ? localtime_r(&seconds, &tm) : gmtime_r(&seconds, &tm)) == NULL)
        return false;
    if (!put_fractions(args[0].str.ptr, rest * (1000000000 / per_second), format, sizeof(format)))
        return false;
    return value_set_copy(value, VALUE_STR, eval->arena, text,
                          strftime(text, sizeof(text), format, &tm));
}

/* A format that is checked here cannot be wrong later, and the compiler cannot see it. */
static bool
check_time(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    char format[RESULT_MAX];

    (void)parse;
    (void)count;
    return put_fractions(args[0].str.ptr, 0, format, sizeof(format)) ||
           error_set(err, "the format is too long");
}

#define TIME(name_, units_, help_)                                                                 \
    {                                                                                              \
        name_, VALUE_INT, VALUE_STR, { { ARG_STR }, { ARG_INT, true } }, run_time, units_,         \
            check_time, help_                                                                      \
    }

static const struct converter converters[] = {
    { "http_date", VALUE_INT, VALUE_STR, { { ARG_INT, true }, { ARG_STR, true } }, run_http_date, 0,
      check_http_date, "A date for HTTP fields, with an offset; unit s, ms or us." },
    { "date", VALUE_STR, VALUE_INT, { { 0 } }, run_date,
      .help = "Seconds since 1970 of a date as in HTTP fields." },
    TIME("ltime", 1 | IS_LOCAL, "Local date by a format of strftime, of seconds."),
    TIME("utime", 1, "UTC date by a format of strftime, of seconds."),
    TIME("ms_ltime", 1000 | IS_LOCAL, "Local date, of milliseconds; %3N: the milliseconds."),
    TIME("ms_utime", 1000, "UTC date, of milliseconds; %3N: the milliseconds."),
    TIME("us_ltime", 1000000 | IS_LOCAL, "Local date, of microseconds; %6N: the microseconds."),
    TIME("us_utime", 1000000, "UTC date, of microseconds; %6N: the microseconds."),
};
REGISTER(converter, converters);
