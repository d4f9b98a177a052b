/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs that this process may use. */
#include "weir/os/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_there_is_one(void **state)
{
    (void)state;
    assert_true(cpu_count_usable() >= 1);
}

static bool
parses(const char *text, cpu_set_t *set)
{
    CPU_ZERO(set);
    return cpu_parse_set(str_from(text), set, NULL);
}

static void
test_sets(void **state)
{
    cpu_set_t set;

    (void)state;
    assert_true(parses("0", &set));
    assert_int_equal(CPU_COUNT(&set), 1);
    assert_true(parses("0-3,8,10-11", &set));
    assert_int_equal(CPU_COUNT(&set), 7);
    assert_true(CPU_ISSET(8, &set) && !CPU_ISSET(9, &set));
    assert_true(parses("all", &set));
    assert_int_equal(CPU_COUNT(&set), CPU_SETSIZE);
    assert_true(parses("odd", &set));
    assert_true(CPU_ISSET(1, &set) && !CPU_ISSET(0, &set));
    assert_true(parses("even", &set));
    assert_true(CPU_ISSET(0, &set) && !CPU_ISSET(1, &set));
    assert_true(parses("4-", &set));
    assert_int_equal(CPU_COUNT(&set), CPU_SETSIZE - 4);
    assert_false(parses("", &set));
    assert_false(parses("3-1", &set));
    assert_false(parses("x", &set));
    assert_false(parses("1,", &set));
    assert_false(parses("99999", &set));
}

static void
test_binding(void **state)
{
    cpu_set_t before, set;
    struct error err = ERROR_INIT;
    int first = 0;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    assert_true(cpu_bind_thread(&set, NULL));
    assert_int_equal(cpu_count_usable(), 1);
    assert_true(cpu_bind_thread(&before, NULL));
    CPU_ZERO(&set);
    assert_false(cpu_bind_thread(&set, &err));
    assert_non_null(strstr(err.text, "cannot bind"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_is_one),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_binding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
