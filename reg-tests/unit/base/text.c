/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows. */
#include "weir/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_an_empty_text_is_an_empty_string(void **state)
{
    struct text text = TEXT_INIT;

    (void)state;
    assert_string_equal(text_cstr(&text), "");
    assert_int_equal(text_str(&text).len, 0);
    text_clear(&text);
    text_fini(&text);
}

static void
test_adding(void **state)
{
    struct text text = TEXT_INIT;

    (void)state;
    text_puts(&text, "a");
    text_add(&text, STR("bc"));
    text_add(&text, STR_NONE);
    text_add_char(&text, 'd');
    text_printf(&text, "%d%s", 42, "!");
    assert_string_equal(text_cstr(&text), "abcd42!");
    assert_int_equal(text.len, 7);
    text_clear(&text);
    assert_string_equal(text_cstr(&text), "");
    text_fini(&text);
    assert_null(text.ptr);
}

static void
test_growing(void **state)
{
    struct text text = TEXT_INIT;

    (void)state;
    for (int i = 0; i < 10000; i++)
        text_printf(&text, "%04d", i);
    assert_int_equal(text.len, 40000);
    assert_memory_equal(text.ptr + 4 * 1234, "1234", 4);
    text_fini(&text);
    text_printf(&text, "%*s", 5000, "x"); /* the first piece needs more than the first room */
    assert_int_equal(text.len, 5000);
    assert_int_equal(text.ptr[4999], 'x');
    text_fini(&text);
}

static void
test_reserving(void **state)
{
    struct text text = TEXT_INIT;

    (void)state;
    memcpy(text_reserve(&text, 100), "hello", 5);
    text_keep(&text, 5);
    assert_string_equal(text_cstr(&text), "hello");
    text_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_text_is_an_empty_string),
        cmocka_unit_test(test_adding),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_reserving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
