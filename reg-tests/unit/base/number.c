/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people write them. */
#include "weir/base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int64_t
parsed_int(const char *text, int64_t min, int64_t max)
{
    struct error err = ERROR_INIT;
    int64_t value = -999;

    if (!number_parse_int(str_from(text), min, max, &value, &err)) {
        assert_true(err.text[0] != '\0');
        return -999;
    }
    return value;
}

static void
test_integers(void **state)
{
    (void)state;
    assert_int_equal(parsed_int("0", 0, 10), 0);
    assert_int_equal(parsed_int("10", 0, 10), 10);
    assert_int_equal(parsed_int("+5", 0, 10), 5);
    assert_int_equal(parsed_int("-5", -5, 10), -5);
    assert_int_equal(parsed_int("11", 0, 10), -999);
    assert_int_equal(parsed_int("-1", 0, 10), -999);
    assert_int_equal(parsed_int("", 0, 10), -999);
    assert_int_equal(parsed_int("-", -5, 10), -999);
    assert_int_equal(parsed_int("5x", 0, 10), -999);
    assert_int_equal(parsed_int("x5", 0, 10), -999);
    assert_int_equal(parsed_int(" 5", 0, 10), -999);
    assert_int_equal(parsed_int("--5", -10, 10), -999);
    assert_true(parsed_int("9223372036854775807", 0, INT64_MAX) == INT64_MAX);
    assert_true(parsed_int("-9223372036854775808", INT64_MIN, 0) == INT64_MIN);
    assert_int_equal(parsed_int("9223372036854775808", 0, INT64_MAX), -999);
    assert_int_equal(parsed_int("-9223372036854775809", INT64_MIN, 0), -999);
    assert_int_equal(parsed_int("99999999999999999999999", 0, INT64_MAX), -999);
}

static bool
size_is(const char *text, uint64_t expected)
{
    uint64_t bytes;

    return number_parse_size(str_from(text), &bytes, NULL) && bytes == expected;
}

static void
test_sizes(void **state)
{
    uint64_t bytes;

    (void)state;
    assert_true(size_is("0", 0));
    assert_true(size_is("16384", 16384));
    assert_true(size_is("16k", 16384));
    assert_true(size_is("1M", 1048576));
    assert_true(size_is("2g", 2147483648u));
    assert_false(number_parse_size(STR("k"), &bytes, NULL));
    assert_false(number_parse_size(STR("1kb"), &bytes, NULL));
    assert_false(number_parse_size(STR("1x"), &bytes, NULL));
    assert_false(number_parse_size(STR(""), &bytes, NULL));
    assert_false(number_parse_size(STR("-1"), &bytes, NULL));
    assert_false(number_parse_size(STR("99999999999999g"), &bytes, NULL));
    assert_false(number_parse_size(STR("99999999999999999999"), &bytes, NULL));
}

static int64_t
parsed_time(const char *text, const char *unit)
{
    int64_t ms;

    return number_parse_time(str_from(text), unit, &ms, NULL) ? ms : -1;
}

static void
test_times(void **state)
{
    (void)state;
    assert_int_equal(parsed_time("0", "ms"), 0);
    assert_int_equal(parsed_time("5", "ms"), 5);
    assert_int_equal(parsed_time("5", "s"), 5000);
    assert_int_equal(parsed_time("5s", "ms"), 5000);
    assert_int_equal(parsed_time("2m", "ms"), 120000);
    assert_int_equal(parsed_time("1h", "ms"), 3600000);
    assert_int_equal(parsed_time("1d", "ms"), 86400000);
    assert_int_equal(parsed_time("1000us", "ms"), 1);
    assert_int_equal(parsed_time("1001us", "ms"), 2);
    assert_int_equal(parsed_time("1us", "ms"), 1);
    assert_int_equal(parsed_time("0us", "ms"), 0);
    assert_int_equal(parsed_time("2147483647", "ms"), INT32_MAX);
    assert_int_equal(parsed_time("24d", "ms"), 24 * 86400000ll);
    assert_int_equal(parsed_time("5x", "ms"), -1);
    assert_int_equal(parsed_time("5sec", "ms"), -1);
    assert_int_equal(parsed_time("s", "ms"), -1);
    assert_int_equal(parsed_time("", "ms"), -1);
    assert_int_equal(parsed_time("-5", "ms"), -1);
}

static void
test_times_out_of_range_say_so(void **state)
{
    struct error err = ERROR_INIT;
    int64_t ms;

    (void)state;
    assert_false(number_parse_time(STR("25d"), "ms", &ms, &err));
    assert_non_null(strstr(err.text, "overflow"));
    assert_false(number_parse_time(STR("2147483648"), "ms", &ms, &err));
    assert_non_null(strstr(err.text, "overflow"));
    assert_false(number_parse_time(STR("9999999999999999999d"), "ms", &ms, &err));
    assert_non_null(strstr(err.text, "overflow"));
}

static void
test_digits(void **state)
{
    uint64_t n;

    (void)state;
    assert_true(number_read_digits(STR("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_true(number_read_digits(STR("007"), &n));
    assert_int_equal(n, 7);
    assert_false(number_read_digits(STR("18446744073709551616"), &n));
    assert_false(number_read_digits(STR("184467440737095516150"), &n));
    assert_false(number_read_digits(STR(""), &n));
    assert_false(number_read_digits(STR("+1"), &n));
    assert_false(number_read_digits(STR("1 "), &n));
    assert_false(number_read_digits(STR("\xb1"), &n)); /* '1' with the high bit */
}

static void
test_printing(void **state)
{
    char to[21];

    (void)state;
    assert_int_equal(number_format(to, 0), 1);
    assert_memory_equal(to, "0", 1);
    assert_int_equal(number_format(to, UINT64_MAX), 20);
    assert_memory_equal(to, "18446744073709551615", 20);
    assert_int_equal(number_format_int(to, INT64_MIN), 20);
    assert_memory_equal(to, "-9223372036854775808", 20);
    assert_int_equal(number_format_int(to, 42), 2);
    assert_int_equal(number_format_hex(to, 0), 1);
    assert_int_equal(number_format_hex(to, 0x1f), 2);
    assert_memory_equal(to, "1f", 2);
    assert_int_equal(number_format_hex(to, UINT64_MAX), 16);
    assert_memory_equal(to, "ffffffffffffffff", 16);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_times),    cmocka_unit_test(test_times_out_of_range_say_so),
        cmocka_unit_test(test_digits),   cmocka_unit_test(test_printing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
