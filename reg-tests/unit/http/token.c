/* SPDX-License-Identifier: Apache-2.0 */
/* Names to numbers and back. */
#include "weir/http/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Exactly as many bytes as the text, so that a read beyond them is seen. */
static enum field_name
find(const char *text, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);
    enum field_name id;

    memcpy(copy, text, len);
    id = field_name_find(copy, len);
    free(copy);
    return id;
}

static void
known_names_are_found(void **state)
{
    (void)state;
    for (unsigned i = 1; i < FIELD_NAMES; i++) {
        struct str name = field_name_text((enum field_name)i);

        assert_true(name.len > 0);
        assert_int_equal(find(name.ptr, name.len), i);
    }
    assert_int_equal(find("", 0), FIELD_OTHER);
}

static void
similar_names_are_not(void **state)
{
    (void)state;
    for (unsigned i = 1; i < FIELD_NAMES; i++) {
        struct str name = field_name_text((enum field_name)i);
        char other[64];

        for (size_t at = 0; at < name.len; at++) {
            memcpy(other, name.ptr, name.len);
            other[at] ^= 1;
            assert_int_not_equal(find(other, name.len), i);
        }
        memcpy(other, name.ptr, name.len);
        other[name.len] = 'x';
        assert_int_not_equal(find(other, name.len + 1), i);
        assert_int_not_equal(find(other, name.len - 1), i);
    }
    assert_int_equal(find("x-unknown", 9), FIELD_OTHER);
}

static void
methods(void **state)
{
    (void)state;
    for (unsigned i = 1; i < METHODS; i++)
        assert_int_equal(method_find(method_text((enum http_method)i)), i);
    assert_int_equal(method_find(STR("get")), METHOD_OTHER);
    assert_int_equal(method_find(STR("GEX")), METHOD_OTHER);
    assert_int_equal(method_find(STR("PROPFIND")), METHOD_OTHER);
    assert_int_equal(method_find(STR("")), METHOD_OTHER);
    assert_int_equal(method_text(METHOD_OTHER).len, 0);
    assert_true(method_is_idempotent(METHOD_GET));
    assert_true(method_is_idempotent(METHOD_PUT));
    assert_false(method_is_idempotent(METHOD_POST));
    assert_false(method_is_idempotent(METHOD_OTHER));
    assert_false(method_is_idempotent(METHOD_CONNECT));
}

static void
statuses(void **state)
{
    (void)state;
    assert_string_equal(status_reason(200), "OK");
    assert_string_equal(status_reason(404), "Not Found");
    assert_string_equal(status_reason(299), "Success");
    assert_string_equal(status_reason(399), "Redirection");
    assert_string_equal(status_reason(498), "Client Error");
    assert_string_equal(status_reason(599), "Server Error");
    assert_string_equal(status_reason(99), "Other");
    assert_string_equal(status_reason(600), "Other");
    assert_string_equal(status_reason(-1), "Other");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_names_are_found),
        cmocka_unit_test(similar_names_are_not),
        cmocka_unit_test(methods),
        cmocka_unit_test(statuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
