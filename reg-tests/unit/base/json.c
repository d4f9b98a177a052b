/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that any reader accepts. */
#include "weir/base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_structure(void **state)
{
    struct text text = TEXT_INIT;
    struct json json;

    (void)state;
    json_init(&json, &text);
    json_open_object(&json);
    json_add_key(&json, "a");
    json_add_int(&json, -1);
    json_add_key(&json, "b");
    json_open_array(&json);
    json_close_array(&json);
    json_add_key(&json, "c");
    json_open_array(&json);
    json_add_bool(&json, true);
    json_add_bool(&json, false);
    json_add_null(&json);
    json_add_text(&json, NULL);
    json_add_text(&json, "x");
    json_add_uint(&json, UINT64_MAX);
    json_open_object(&json);
    json_close_object(&json);
    json_close_array(&json);
    json_close_object(&json);
    assert_string_equal(text_cstr(&text), "{\"a\":-1,\"b\":[],\"c\":[true,false,null,null,\"x\","
                                          "18446744073709551615,{}]}");
    text_fini(&text);
}

static void
test_doubles(void **state)
{
    struct text text = TEXT_INIT;
    struct json json;

    (void)state;
    json_init(&json, &text);
    json_open_array(&json);
    json_add_double(&json, 1.5);
    json_add_double(&json, 3);
    json_add_double(&json, NAN);
    json_add_double(&json, INFINITY);
    json_close_array(&json);
    assert_string_equal(text_cstr(&text), "[1.5,3,null,null]");
    text_fini(&text);
}

static bool
escapes_to(struct str s, const char *expected)
{
    struct text text = TEXT_INIT;
    bool is_same;

    json_escape(&text, s);
    is_same = strcmp(text_cstr(&text), expected) == 0;
    if (!is_same)
        print_message("%s\n", text_cstr(&text));
    text_fini(&text);
    return is_same;
}

static void
test_escapes(void **state)
{
    (void)state;
    assert_true(escapes_to(STR_NONE, ""));
    assert_true(escapes_to(STR("plain /text/"), "plain /text/"));
    assert_true(escapes_to(STR("\"\\\b\f\n\r\t"), "\\\"\\\\\\b\\f\\n\\r\\t"));
    assert_true(escapes_to(STR("a\0b\x1f\x7f"), "a\\u0000b\\u001f\\u007f"));
}

#define BAD "\xef\xbf\xbd"

static void
test_utf8(void **state)
{
    (void)state;
    assert_true(escapes_to(STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                           "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    assert_true(escapes_to(STR("\xf4\x8f\xbf\xbf\xee\x80\x80"), "\xf4\x8f\xbf\xbf\xee\x80\x80"));
    assert_true(escapes_to(STR("a\xff"
                               "b"),
                           "a" BAD "b"));
    assert_true(escapes_to(STR("\xc3"), BAD));
    assert_true(escapes_to(STR("\xe2\x82"), BAD BAD));
    assert_true(escapes_to(STR("\x80"), BAD));
    assert_true(escapes_to(STR("\xc0\x80"), BAD BAD));         /* overlong */
    assert_true(escapes_to(STR("\xe0\x80\x80"), BAD BAD BAD)); /* overlong */
    assert_true(escapes_to(STR("\xf0\x80\x80\x80"), BAD BAD BAD BAD));
    assert_true(escapes_to(STR("\xed\xa0\x80"), BAD BAD BAD));         /* a surrogate */
    assert_true(escapes_to(STR("\xf4\x90\x80\x80"), BAD BAD BAD BAD)); /* above the last */
    assert_true(escapes_to(STR("\xc3\""), BAD "\\\""));                /* the quote is still seen */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
