/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Traffic code takes loop_now_ms() and friends (read once per turn of the
 * loop) instead of asking the system.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Monotonic; asks the system. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
/* Since 1970; asks the system. */
int64_t clock_wall_us(void);
/* CPU time of this thread. */
int64_t clock_cpu_us(void);

/* Texts, cached per thread and second where that pays. Return the length, no NUL needed.
 * "Sun, 06 Nov 1994 08:49:37 GMT" (29 bytes) */
size_t clock_format_http(char *to, time_t when);
/* "06/Nov/1994:08:49:37.123" local time, as in HTTP logs (24 bytes); ms 0..999 */
size_t clock_format_log(char *to, int64_t wall_us);
/* "06/Nov/1994:08:49:37 +0100" and, with `gmt`, the same in UTC */
size_t clock_format_log_zone(char *to, int64_t wall_us);
size_t clock_format_log_gmt(char *to, int64_t wall_us);
/* "Nov  6 08:49:37" as in RFC 3164 */
size_t clock_format_syslog(char *to, int64_t wall_us);
/* "1994-11-06T08:49:37.123456+01:00" as in RFC 5424 */
size_t clock_format_iso(char *to, int64_t wall_us);
