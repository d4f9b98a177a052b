/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events per period.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weir/loop/rate.h"

static void
counts_the_running_period(void **state)
{
    struct rate rate = { 0 };

    (void)state;
    rate_add(&rate, 100000, 1000, 3);
    rate_add(&rate, 100999, 1000, 4);
    assert_int_equal(rate_read(&rate, 100999, 1000), 7);
}

static void
previous_period_fades_evenly(void **state)
{
    struct rate rate = { 0 };

    (void)state;
    rate_add(&rate, 100000, 1000, 100);
    assert_int_equal(rate_read(&rate, 101000, 1000), 100);
    assert_int_equal(rate_read(&rate, 101250, 1000), 75);
    rate_add(&rate, 101500, 1000, 10);
    assert_int_equal(rate_read(&rate, 101500, 1000), 60);
    assert_int_equal(rate_read(&rate, 102000, 1000), 10);
    assert_int_equal(rate_read(&rate, 103000, 1000), 0);
}

static void
one_event_stays_one_until_it_leaves(void **state)
{
    struct rate rate = { 0 };

    (void)state;
    rate_add(&rate, 5000, 1000, 1);
    assert_int_equal(rate_read(&rate, 6999, 1000), 1);
    assert_int_equal(rate_read(&rate, 7000, 1000), 0);
}

static void
long_silence_forgets(void **state)
{
    struct rate rate = { 0 };

    (void)state;
    rate_add(&rate, 5000, 1000, 50);
    rate_add(&rate, 90000, 1000, 1);
    assert_int_equal(rate_read(&rate, 90000, 1000), 1);
}

static void
readers_clock_may_be_behind(void **state)
{
    struct rate rate = { 0 };

    (void)state;
    rate_add(&rate, 5000, 1000, 2);
    rate_add(&rate, 6000, 1000, 2);
    assert_int_equal(rate_read(&rate, 5998, 1000), 4);
}

static void
other_periods(void **state)
{
    struct rate rate = { 0 };

    (void)state;
    rate_add(&rate, 1000000, 3600000, 3600);
    assert_int_equal(rate_read(&rate, 1000000 + 3600000 + 1800000, 3600000), 1800);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_the_running_period),
        cmocka_unit_test(previous_period_fades_evenly),
        cmocka_unit_test(one_event_stays_one_until_it_leaves),
        cmocka_unit_test(long_silence_forgets),
        cmocka_unit_test(readers_clock_may_be_behind),
        cmocka_unit_test(other_periods),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
