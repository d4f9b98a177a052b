/* SPDX-License-Identifier: Apache-2.0 */
/* base64, hexadecimal, URL escapes. */
#include "weir/base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
expect(const char *to, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(to, expected, len);
}

static void
test_base64(void **state)
{
    char to[64];
    size_t len;

    (void)state;
    expect(to, base64_encode(to, STR("")), "");
    expect(to, base64_encode(to, STR("f")), "Zg==");
    expect(to, base64_encode(to, STR("fo")), "Zm8=");
    expect(to, base64_encode(to, STR("foo")), "Zm9v");
    expect(to, base64_encode(to, STR("foobar")), "Zm9vYmFy");
    expect(to, base64_encode(to, STR("\xff\xef\xbe")), "/+++");
    assert_true(base64_decode(to, &len, STR("Zm9vYg==")));
    expect(to, len, "foob");
    assert_true(base64_decode(to, &len, STR("")));
    assert_int_equal(len, 0);
    assert_false(base64_decode(to, &len, STR("Zg=")));
    assert_false(base64_decode(to, &len, STR("Zg")));
    assert_false(base64_decode(to, &len, STR("Z===")));
    assert_false(base64_decode(to, &len, STR("====")));
    assert_false(base64_decode(to, &len, STR("Zg=a")));
    assert_false(base64_decode(to, &len, STR("Zm 9")));
    assert_false(base64_decode(to, &len, STR("-_-_")));
}

static void
test_base64url(void **state)
{
    char to[64];
    size_t len;

    (void)state;
    expect(to, base64_encode_url(to, STR("f")), "Zg");
    expect(to, base64_encode_url(to, STR("\xff\xef\xbe")), "_---");
    assert_true(base64_decode_url(to, &len, STR("Zm9vYg")));
    expect(to, len, "foob");
    assert_true(base64_decode_url(to, &len, STR("Zm9vYg==")));
    expect(to, len, "foob");
    assert_false(base64_decode_url(to, &len, STR("Zm9vYg=")));
    assert_false(base64_decode_url(to, &len, STR("Z")));
    assert_false(base64_decode_url(to, &len, STR("/+++")));
}

static void
test_hex(void **state)
{
    char to[64];
    size_t len;

    (void)state;
    expect(to, hex_encode(to, STR("\x01\xaf")), "01af");
    expect(to, hex_encode_upper(to, STR("\x01\xaf")), "01AF");
    assert_true(hex_decode(to, &len, STR("4a4B")));
    expect(to, len, "JK");
    assert_true(hex_decode(to, &len, STR("")));
    assert_false(hex_decode(to, &len, STR("4")));
    assert_false(hex_decode(to, &len, STR("4g")));
    assert_int_equal(hex_digit('f'), 15);
    assert_int_equal(hex_digit('G'), -1);
}

static void
test_url(void **state)
{
    char to[64];
    size_t len;

    (void)state;
    expect(to, url_encode(to, STR("a-_.~ +/\xff")), "a-_.~%20%2B%2F%FF");
    assert_true(url_decode(to, &len, STR("a%2fb+c%2B"), URL_PATH));
    expect(to, len, "a/b+c+");
    assert_true(url_decode(to, &len, STR("a+b%2b"), URL_FORM));
    expect(to, len, "a b+");
    assert_true(url_decode(to, &len, STR("%00"), URL_PATH));
    assert_int_equal(len, 1);
    assert_false(url_decode(to, &len, STR("%"), URL_PATH));
    assert_false(url_decode(to, &len, STR("%2"), URL_PATH));
    assert_false(url_decode(to, &len, STR("%zz"), URL_PATH));
}

/* What is encoded comes back, also when it is decoded in place. */
static void
test_round_trips(void **state)
{
    char bytes[100], to[300];
    size_t len;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct str from = str_of(bytes, (size_t)random() % sizeof(bytes));

        for (size_t i = 0; i < from.len; i++)
            bytes[i] = (char)random();
        len = base64_encode(to, from);
        assert_true(len <= BASE64_ENCODED_MAX(from.len));
        assert_true(base64_decode(to, &len, str_of(to, len)));
        assert_true(str_eq(str_of(to, len), from));
        len = base64_encode_url(to, from);
        assert_true(base64_decode_url(to, &len, str_of(to, len)));
        assert_true(str_eq(str_of(to, len), from));
        len = hex_encode(to, from);
        assert_true(hex_decode(to, &len, str_of(to, len)));
        assert_true(str_eq(str_of(to, len), from));
        len = url_encode(to, from);
        assert_true(len <= URL_ENCODED_MAX(from.len));
        assert_true(url_decode(to, &len, str_of(to, len), URL_FORM));
        assert_true(str_eq(str_of(to, len), from));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),      cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_hex),         cmocka_unit_test(test_url),
        cmocka_unit_test(test_round_trips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
