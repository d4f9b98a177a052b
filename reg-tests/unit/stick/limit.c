/* SPDX-License-Identifier: Apache-2.0 */
/* GCRA: what comes evenly passes, a burst passes at once, the rest is told when. */
#include "weir/stick/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static const struct stick_limit ten_per_second = { 100 * MS, 0 };
static const struct stick_limit with_burst = { 100 * MS, 200 * MS };

static void
even_ones_pass(void **state)
{
    uint64_t due = 0;

    (void)state;
    for (int64_t now = 5000 * MS; now < 9000 * MS; now += 100 * MS)
        assert_true(stick_limit_decide(&ten_per_second, now, &due).is_within);
}

static void
early_ones_are_told_when(void **state)
{
    struct stick_limit_answer answer;
    uint64_t due = 0, before;

    (void)state;
    assert_true(stick_limit_decide(&ten_per_second, 5000 * MS, &due).is_within);
    before = due;
    answer = stick_limit_decide(&ten_per_second, 5030 * MS, &due);
    assert_false(answer.is_within);
    assert_int_equal(answer.retry_ns, 70 * MS);
    assert_int_equal(answer.remaining, 0);
    assert_true(due == before); /* it has not counted */
    assert_true(stick_limit_decide(&ten_per_second, 5030 * MS + answer.retry_ns, &due).is_within);
}

static void
bursts_pass_at_once(void **state)
{
    struct stick_limit_answer answer;
    uint64_t due = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        answer = stick_limit_decide(&with_burst, 5000 * MS, &due);
        assert_true(answer.is_within);
        assert_int_equal(answer.early_ns, i * 100 * MS);
        assert_int_equal(answer.full_ns, (i + 1) * 100 * MS);
        assert_int_equal(answer.remaining, 2 - i);
    }
    assert_false(stick_limit_decide(&with_burst, 5000 * MS, &due).is_within);
    /* One comes back with each interval. */
    assert_true(stick_limit_decide(&with_burst, 5100 * MS, &due).is_within);
    assert_false(stick_limit_decide(&with_burst, 5100 * MS, &due).is_within);
}

static void
long_run_is_the_rate(void **state)
{
    unsigned passed = 0;
    uint64_t due = 0;

    (void)state;
    for (int64_t now = 0; now < 10000 * MS; now += MS)
        passed += stick_limit_decide(&with_burst, now, &due).is_within;
    assert_int_equal(passed, 102);
}

/* A reload may make a limit narrower: what is left over of the old one does not last. */
static void
leftovers_are_cut(void **state)
{
    uint64_t due = (uint64_t)(1000000 * MS);
    struct stick_limit_answer answer = stick_limit_decide(&with_burst, 5000 * MS, &due);

    (void)state;
    assert_false(answer.is_within);
    assert_int_equal(answer.retry_ns, 100 * MS);
    assert_true(due == (uint64_t)(5300 * MS));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_ones_pass),      cmocka_unit_test(early_ones_are_told_when),
        cmocka_unit_test(bursts_pass_at_once), cmocka_unit_test(long_run_is_the_rate),
        cmocka_unit_test(leftovers_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
