/* SPDX-License-Identifier: Apache-2.0 */
/* Looking values up in JSON text. */
#include "weir/base/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
test_finding(void **state)
{
    static const struct {
        const char *text, *path;
        enum json_kind kind;
        const char *value;
    } cases[] = {
        { "{\"a\":5}", "$.a", JSON_NUMBER, "5" },
        { " { \"a\" : -1.5e+3 } ", "$.a", JSON_NUMBER, "-1.5e+3" },
        { "{\"a\":\"x\\\"y\"}", "$.a", JSON_STRING, "x\\\"y" },
        { "{\"a\":true,\"b\":false,\"c\":null}", "$.b", JSON_FALSE, "false" },
        { "{\"a\":{\"b\":[1,{\"c\":\"d\"}]}}", "$.a.b[1].c", JSON_STRING, "d" },
        { "{\"x\":{\"a\":1},\"a\":8}", "$.a", JSON_NUMBER, "8" },
        { "{\"x\":[[],{},[{}]],\"a\":8}", "$.a", JSON_NUMBER, "8" },
        { "[1,2,3]", "$[2]", JSON_NUMBER, "3" },
        { "[1,2,3]", "$[3]", JSON_NOTHING, "" },
        { "[]", "$[0]", JSON_NOTHING, "" },
        { "{}", "$.a", JSON_NOTHING, "" },
        { "{\"a\":[1, \"x\"]}", "$.a", JSON_ARRAY, "[1, \"x\"]" },
        { "{\"a\":{\"b\":1}}", "$.a", JSON_OBJECT, "{\"b\":1}" },
        { "5", "$", JSON_NUMBER, "5" },
        { "{\"a\":5", "$.a", JSON_NUMBER, "5" },
        { "{\"a\":", "$.a", JSON_NOTHING, "" },
        { "{\"a\" 5}", "$.a", JSON_NOTHING, "" },
        { "{\"x\":tru,\"a\":5}", "$.a", JSON_NOTHING, "" },
        { "{\"x\":[1,],\"a\":5}", "$.a", JSON_NOTHING, "" },
        { "{\"x\":{\"y\"},\"a\":5}", "$.a", JSON_NOTHING, "" },
        { "{\"x\":\"\x01\",\"a\":5}", "$.a", JSON_NOTHING, "" },
        { "{\"a\":\"open", "$.a", JSON_NOTHING, "" },
        { "", "$.a", JSON_NOTHING, "" },
        { "{\"a\":01x}", "$.a", JSON_NUMBER, "01" },
        { "{\"a\":-}", "$.a", JSON_NOTHING, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str value;
        enum json_kind kind =
            json_find(str_from(cases[i].text), str_from(cases[i].path), &value);

        if (kind != cases[i].kind || (kind != JSON_NOTHING && !str_eq(value, str_from(cases[i].value))))
            fail_msg("'%s' in '%s': kind %d, '%.*s'", cases[i].path, cases[i].text, (int)kind,
                     STR_ARG(value));
    }
}

static void
test_depth_is_bounded(void **state)
{
    char text[512];
    struct str value;

    (void)state;
    memset(text, '[', sizeof(text));
    assert_int_equal(json_find(str_of(text, sizeof(text)), STR("$"), &value), JSON_NOTHING);
    memset(text, '[', 60);
    memset(text + 60, ']', 60);
    assert_int_equal(json_find(str_of(text, 120), STR("$"), &value), JSON_ARRAY);
}

static void
test_paths(void **state)
{
    (void)state;
    assert_true(json_path_is_valid(STR("$")));
    assert_true(json_path_is_valid(STR("$.a.b[0][12].c")));
    assert_false(json_path_is_valid(STR("a")));
    assert_false(json_path_is_valid(STR("$.")));
    assert_false(json_path_is_valid(STR("$.a..b")));
    assert_false(json_path_is_valid(STR("$[")));
    assert_false(json_path_is_valid(STR("$[]")));
    assert_false(json_path_is_valid(STR("$[x]")));
    assert_false(json_path_is_valid(STR("$x")));
}

static void
test_unescaping(void **state)
{
    static const struct {
        const char *raw, *text; /* text NULL: refused */
    } cases[] = {
        { "abc", "abc" },           { "a\\n\\t\\\"\\\\\\/", "a\n\t\"\\/" },
        { "\\u0041", "A" },         { "\\u00e9", "\xc3\xa9" },
        { "\\u20ac", "\xe2\x82\xac" }, { "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
        { "\\ud83d", NULL },        { "\\ude00", NULL },
        { "\\ud83dx", NULL },       { "\\u12", NULL },
        { "\\x", NULL },            { "\\", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char to[64];
        long len = json_unescape(to, str_from(cases[i].raw));

        if (cases[i].text == NULL)
            assert_int_equal(len, -1);
        else if (!str_eq(str_of(to, (size_t)len), str_from(cases[i].text)))
            fail_msg("'%s' gives '%.*s'", cases[i].raw, (int)len, to);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_unescaping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
