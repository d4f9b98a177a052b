/* SPDX-License-Identifier: Apache-2.0 */
/* The order of turns: shares by weight, spread evenly, and every server proposed once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "balance/schedule.c"

enum { SERVERS_MAX = 300 };

static struct server servers[SERVERS_MAX];
static struct server *usable[SERVERS_MAX];

static struct server_set
set_of(const int64_t *weights, unsigned count)
{
    struct server_set set = { .usable = usable, .usable_count = count };

    for (unsigned i = 0; i < count; i++) {
        servers[i].effective_weight = weights[i];
        usable[i] = &servers[i];
        set.weight_sum += (uint64_t)weights[i];
    }
    schedule_build(NULL, NULL, &set);
    return set;
}

static void
check_order(const int64_t *weights, unsigned count, const char *expected)
{
    struct server_set set = set_of(weights, count);
    char order[64] = "";

    for (unsigned i = 0; expected[i] != '\0'; i++)
        order[i] = (char)('a' + (schedule_server(&set, i) - servers));
    assert_string_equal(order, expected);
    set.plan_free(set.plan);
}

static void
equal_weights_keep_the_order(void **state)
{
    (void)state;
    check_order((int64_t[]){ 1, 1, 1 }, 3, "abcabc");
    check_order((int64_t[]){ 256, 256 }, 2, "abab");
    check_order((int64_t[]){ 7 }, 1, "aaa");
}

static void
weights_are_spread(void **state)
{
    (void)state;
    check_order((int64_t[]){ 2, 1, 1 }, 3, "abcaabca");
    check_order((int64_t[]){ 20, 10, 10 }, 3, "abcaabca");
    check_order((int64_t[]){ 3, 1 }, 2, "aabaaaba");
}

/* In each stretch of a round a server has its share, give or take one turn. */
static void
shares_are_even_everywhere(void **state)
{
    static const int64_t weights[] = { 1, 7, 100, 255, 256, 13 };
    struct server_set set = set_of(weights, COUNT(weights));
    const struct schedule *schedule = set.plan;
    unsigned seen[COUNT(weights)] = { 0 };

    (void)state;
    assert_int_equal(schedule->length, 632);
    for (unsigned at = 0; at < schedule->length; at++) {
        seen[schedule->at[at]]++;
        for (unsigned i = 0; i < COUNT(weights); i++) {
            double due = (double)weights[i] * (at + 1) / schedule->length;

            assert_true(seen[i] >= due - 1.5 && seen[i] <= due + 1.5);
        }
    }
    for (unsigned i = 0; i < COUNT(weights); i++)
        assert_int_equal(seen[i], weights[i]);
    set.plan_free(set.plan);
}

static void
long_rounds_are_shortened(void **state)
{
    static int64_t weights[SERVERS_MAX];
    struct server_set set;
    const struct schedule *schedule;
    unsigned seen[SERVERS_MAX] = { 0 };

    (void)state;
    for (unsigned i = 0; i < SERVERS_MAX; i++)
        weights[i] = i == 0 ? 1 : 255 + i % 2;
    set = set_of(weights, SERVERS_MAX);
    schedule = set.plan;
    assert_true(schedule->length <= ROUND_MAX);
    for (unsigned at = 0; at < schedule->length; at++)
        seen[schedule->at[at]]++;
    for (unsigned i = 0; i < SERVERS_MAX; i++)
        assert_true(seen[i] >= 1);
    set.plan_free(set.plan);
}

static void
attempts_go_round_all(void **state)
{
    struct server_set set = set_of((int64_t[]){ 5, 1, 3 }, 3);

    (void)state;
    for (uint64_t position = 0; position < 20; position++) {
        unsigned seen = 0;

        for (unsigned attempt = 0; attempt < 3; attempt++)
            seen |= 1u << (schedule_next(&set, position, attempt) - servers);
        assert_int_equal(seen, 7);
        assert_null(schedule_next(&set, position, 3));
    }
    set.plan_free(set.plan);
}

static void
no_server_no_plan(void **state)
{
    struct server_set set = { 0 };

    (void)state;
    schedule_build(NULL, NULL, &set);
    assert_null(set.plan);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_weights_keep_the_order), cmocka_unit_test(weights_are_spread),
        cmocka_unit_test(shares_are_even_everywhere),   cmocka_unit_test(long_rounds_are_shortened),
        cmocka_unit_test(attempts_go_round_all),        cmocka_unit_test(no_server_no_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
