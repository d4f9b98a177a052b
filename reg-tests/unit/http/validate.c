/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in a message. The table of classes against the classes spelled out. */
#include "weir/http/validate.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool
is_among(int c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

static void
classes(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool alnum = c < 128 && isalnum(c), visible = c > 0x20 && c < 0x7f;
        bool host = visible && !is_among(c, "#/<>?\\^|,\"`{}@");
        unsigned expected = 0;

        expected |= alnum || is_among(c, "!#$%&'*+-.^_`|~") ? BYTE_TOKEN : 0;
        expected |= c >= 'A' && c <= 'Z' ? BYTE_UPPER : 0;
        expected |= c != 0 && c != '\r' && c != '\n' ? BYTE_VALUE : 0;
        expected |= visible && c != '#' ? BYTE_TARGET : 0;
        expected |= host ? BYTE_HOST | BYTE_AUTHORITY : 0;
        expected |= c == '@' ? BYTE_AUTHORITY : 0;
        expected |= c < 128 && isxdigit(c) ? BYTE_HEX : 0;
        expected |= c >= '0' && c <= '9' ? BYTE_DIGIT : 0;
        assert_int_equal(byte_classes[c], expected);
    }
}

static void
words(void **state)
{
    (void)state;
    assert_true(validate_token(STR("X-Foo")));
    assert_false(validate_token(STR("")));
    assert_false(validate_token(STR("X Foo")));
    assert_true(validate_lower_name(STR("x-foo")));
    assert_false(validate_lower_name(STR("X-foo")));
    assert_false(validate_lower_name(STR("")));
    assert_true(validate_value(STR("a \t\xe9\x01")));
    assert_false(validate_value(STR("a\nb")));
    assert_false(validate_value(STR("a\0b")));
    assert_true(validate_target(STR("/a?b=\"|{}"), false));
    assert_false(validate_target(STR("/a#b"), false));
    assert_true(validate_target(STR("/a#b\xe9"), true));
    assert_false(validate_target(STR("/a b"), true));
    assert_false(validate_target(STR(""), false));
    assert_true(validate_host(STR("")));
    assert_true(validate_host(STR("[::1]:80")));
    assert_false(validate_host(STR("a,b")));
    assert_false(validate_host(STR("u@a")));
    assert_true(validate_authority(STR("u:p@a:80")));
}

static void
expect_length(const char *value, long expected, const char *plain)
{
    struct str rest;
    uint64_t length;

    if (expected < 0) {
        assert_false(validate_length(str_from(value), &length, &rest));
        return;
    }
    assert_true(validate_length(str_from(value), &length, &rest));
    assert_int_equal(length, expected);
    assert_true(str_eq(rest, str_from(plain)));
}

static void
lengths(void **state)
{
    (void)state;
    expect_length("0", 0, "0");
    expect_length("5", 5, "5");
    expect_length("005", 5, "5");
    expect_length("000", 0, "0");
    expect_length("5, 5", 5, "5");
    expect_length("5,05 ,5", 5, "5");
    expect_length("999999999999999999", 999999999999999999, "999999999999999999");
    expect_length("1000000000000000000", -1, NULL);
    expect_length("18446744073709551616", -1, NULL);
    expect_length("", -1, NULL);
    expect_length(",", -1, NULL);
    expect_length("5,", -1, NULL);
    expect_length(",5", -1, NULL);
    expect_length("5, 6", -1, NULL);
    expect_length("+5", -1, NULL);
    expect_length("-5", -1, NULL);
    expect_length("5x", -1, NULL);
    expect_length("0x5", -1, NULL);
    expect_length("5 5", -1, NULL);
}

static enum coding_result
coding(const char *first, const char *second)
{
    enum coding_result result = validate_coding(CODING_EMPTY, str_from(first));

    return second == NULL ? result : validate_coding(result, str_from(second));
}

static void
codings(void **state)
{
    (void)state;
    assert_int_equal(coding("chunked", NULL), CODING_CHUNKED);
    assert_int_equal(coding("Chunked", NULL), CODING_CHUNKED);
    assert_int_equal(coding("", NULL), CODING_EMPTY);
    assert_int_equal(coding("", "chunked"), CODING_CHUNKED);
    assert_int_equal(coding("chunked, chunked", NULL), CODING_REPEATED);
    assert_int_equal(coding("chunked", "chunked"), CODING_REPEATED);
    assert_int_equal(coding("gzip, chunked", NULL), CODING_UNKNOWN);
    assert_int_equal(coding("gzip", "chunked"), CODING_UNKNOWN);
    assert_int_equal(coding(",chunked", NULL), CODING_UNKNOWN);
    assert_int_equal(coding("gzip", NULL), CODING_BAD);
    assert_int_equal(coding("chunked, gzip", NULL), CODING_BAD);
    assert_int_equal(coding("chunked,", NULL), CODING_BAD);
    assert_int_equal(coding("chunked;a=b", NULL), CODING_BAD);
    assert_int_equal(coding("\"chunked\"", NULL), CODING_BAD);
    assert_int_equal(coding("x chunked", NULL), CODING_BAD);
    assert_int_equal(coding("xchunked", NULL), CODING_BAD);
    assert_int_equal(coding("identity", NULL), CODING_BAD);
}

static void
lists(void **state)
{
    struct str rest = STR("a, b ,,c");

    (void)state;
    assert_true(str_eq(list_next(&rest), STR("a")));
    assert_true(str_eq(list_next(&rest), STR("b")));
    assert_true(str_eq(list_next(&rest), STR("")));
    assert_non_null(rest.ptr);
    assert_true(str_eq(list_next(&rest), STR("c")));
    assert_null(rest.ptr);
    assert_true(list_has(STR("keep-alive, Upgrade"), STR("upgrade")));
    assert_true(list_has(STR("Upgrade"), STR("upgrade")));
    assert_false(list_has(STR("upgrades"), STR("upgrade")));
    assert_false(list_has(STR(""), STR("upgrade")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes), cmocka_unit_test(words), cmocka_unit_test(lengths),
        cmocka_unit_test(codings), cmocka_unit_test(lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
