/* SPDX-License-Identifier: Apache-2.0 */
/* Time and its texts. */
#include "weir/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
expect(const char *to, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(to, expected, len);
}

static int
use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
    return 0;
}

/* 1994-11-06 08:49:37.123456 UTC. The zone is set once: formats keep the last second. */
#define WHEN_US (784111777ll * 1000000 + 123456)

static void
test_formats(void **state)
{
    char to[64];

    (void)state;
    use_zone("CET-1");
    expect(to, clock_format_http(to, WHEN_US / 1000000), "Sun, 06 Nov 1994 08:49:37 GMT");
    expect(to, clock_format_log(to, WHEN_US), "06/Nov/1994:09:49:37.123");
    expect(to, clock_format_log_zone(to, WHEN_US), "06/Nov/1994:09:49:37 +0100");
    expect(to, clock_format_log_gmt(to, WHEN_US), "06/Nov/1994:08:49:37 +0000");
    expect(to, clock_format_syslog(to, WHEN_US), "Nov  6 09:49:37");
    expect(to, clock_format_iso(to, WHEN_US), "1994-11-06T09:49:37.123456+01:00");
}

static void
test_the_next_second_is_another_text(void **state)
{
    char to[64];

    (void)state;
    expect(to, clock_format_http(to, 784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
    expect(to, clock_format_http(to, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
    expect(to, clock_format_log(to, WHEN_US + 1000000), "06/Nov/1994:09:49:38.123");
    expect(to, clock_format_log(to, WHEN_US + 1000), "06/Nov/1994:09:49:37.124");
    expect(to, clock_format_syslog(to, WHEN_US + 86400ll * 10 * 1000000), "Nov 16 09:49:37");
}

static void
test_zones_west_of_greenwich(void **state)
{
    char to[64];

    (void)state;
    use_zone("NST3:30");
    expect(to, clock_format_log_zone(to, WHEN_US + 5000000), "06/Nov/1994:05:19:42 -0330");
    expect(to, clock_format_iso(to, WHEN_US + 6000000), "1994-11-06T05:19:43.123456-03:30");
    expect(to, clock_format_log_gmt(to, -1), "31/Dec/1969:23:59:59 +0000");
}

static void
test_clocks_go_on(void **state)
{
    int64_t us = clock_monotonic_us();
    int64_t cpu_us = clock_cpu_us();

    (void)state;
    assert_true(clock_monotonic_us() >= us);
    assert_true(clock_monotonic_ms() >= us / 1000);
    assert_true(clock_cpu_us() >= cpu_us);
    assert_true(clock_wall_us() > 1700000000ll * 1000000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_the_next_second_is_another_text),
        cmocka_unit_test(test_zones_west_of_greenwich),
        cmocka_unit_test(test_clocks_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
