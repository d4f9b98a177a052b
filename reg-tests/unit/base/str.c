/* SPDX-License-Identifier: Apache-2.0 */
/* Text that somebody else owns: compare, search, trim, split. */
#include "weir/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
test_comparing(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a"), STR("a")));
    assert_true(str_eq(STR_NONE, STR("")));
    assert_false(str_eq(STR("a"), STR("A")));
    assert_true(str_eq_nocase(STR("X-Forwarded"), STR("x-fOrwarded")));
    assert_false(
        str_eq_nocase(STR("@"), STR("`"))); /* differ by the case bit, but are no letters */
    assert_true(str_compare(STR("ab"), STR("b")) < 0);
    assert_true(str_compare(STR("ab"), STR("a")) > 0);
    assert_int_equal(str_compare(STR("ab"), STR("ab")), 0);
    assert_true(str_compare(STR_NONE, STR("a")) < 0);
    assert_true(str_compare(STR("\xff"), STR("a")) > 0);
}

static void
test_start_and_end(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(STR_NONE, STR("")));
    assert_false(str_ends(STR("c"), STR("bc")));
}

static void
test_finding(void **state)
{
    (void)state;
    assert_int_equal(str_find_char(STR("abc"), 'c'), 2);
    assert_int_equal(str_find_char(STR("abc"), 'x'), -1);
    assert_int_equal(str_find_char(STR_NONE, 'x'), -1);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 0), 1);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 2), 4);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 5), -1);
    assert_int_equal(str_find(STR("abc"), STR("bc"), 99), -1);
    assert_int_equal(str_find(STR("abc"), STR(""), 3), 3);
    assert_int_equal(str_find(STR_NONE, STR(""), 0), 0);
    assert_int_equal(str_find_nocase(STR("abCABC"), STR("Bc"), 0), 1);
    assert_int_equal(str_find_nocase(STR("abCABC"), STR("Bc"), 2), 4);
    assert_int_equal(str_find_nocase(STR("a"), STR("Bc"), 0), -1);
}

static void
test_trimming_and_slicing(void **state)
{
    (void)state;
    assert_true(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_int_equal(str_trim(STR("  ")).len, 0);
    assert_true(str_eq(str_slice(STR("abcd"), 1, 2), STR("bc")));
    assert_true(str_eq(str_slice(STR("abcd"), 3, 99), STR("d")));
    assert_int_equal(str_slice(STR("abcd"), 9, 1).len, 0);
    assert_int_equal(str_slice(STR_NONE, 0, 1).len, 0);
}

static void
test_splitting_gives_empty_parts_too(void **state)
{
    struct str rest = STR("a,,b,");
    const char *expected[] = { "a", "", "b", "" };
    size_t count = 0;

    (void)state;
    while (rest.ptr != NULL) {
        struct str part = str_split(&rest, ',');

        assert_true(count < 4);
        assert_true(str_eq(part, str_from(expected[count])));
        count++;
    }
    assert_int_equal(count, 4);
}

static void
test_distance(void **state)
{
    char longest[200];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(str_distance(STR("timeout"), STR("timeout"), 3), 0);
    assert_int_equal(str_distance(STR("timeout"), STR("tiemout"), 3), 1);
    assert_int_equal(str_distance(STR("timeout"), STR("timeouts"), 3), 1);
    assert_int_equal(str_distance(STR("timeout"), STR("tmeout"), 3), 1);
    assert_int_equal(str_distance(STR("kitten"), STR("sitting"), 5), 3);
    assert_int_equal(str_distance(STR(""), STR("abc"), 5), 3);
    assert_true(str_distance(STR("frontend"), STR("backend"), 1) > 1);
    assert_true(str_distance(str_of(longest, 200), str_of(longest, 200), 3) > 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_start_and_end),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_trimming_and_slicing),
        cmocka_unit_test(test_splitting_gives_empty_parts_too),
        cmocka_unit_test(test_distance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
