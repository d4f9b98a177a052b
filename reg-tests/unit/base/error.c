/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that gain context. */
#include "weir/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

static void
test_setting_and_prefixing(void **state)
{
    struct error err = ERROR_INIT;

    (void)state;
    assert_false(error_set(&err, "port %d is taken", 80));
    assert_string_equal(err.text, "port 80 is taken");
    assert_false(error_prefix(&err, "bind '%s'", ":80"));
    assert_string_equal(err.text, "bind ':80': port 80 is taken");
    error_set(&err, "again: %s", err.text);
    assert_string_equal(err.text, "again: bind ':80': port 80 is taken");
}

static void
test_errno(void **state)
{
    struct error err = ERROR_INIT;

    (void)state;
    errno = ENOENT;
    assert_false(error_set_errno(&err, "cannot open '%s'", "x"));
    assert_string_equal(err.text, "cannot open 'x': No such file or directory");
    assert_int_equal(errno, ENOENT);
}

static void
test_nobody_listens(void **state)
{
    (void)state;
    assert_false(error_set(NULL, "x"));
    assert_false(error_set_errno(NULL, "x"));
    assert_false(error_prefix(NULL, "x"));
}

static void
test_long_messages_are_cut(void **state)
{
    struct error err = ERROR_INIT;

    (void)state;
    error_set(&err, "%*s", 5000, "x");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    errno = EINVAL;
    error_set_errno(&err, "%*s", 5000, "x");
    assert_non_null(strstr(err.text, "Invalid argument"));
    error_set(&err, "the reason");
    error_prefix(&err, "%*s", 5000, "x");
    assert_non_null(strstr(err.text, "the reason"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setting_and_prefixing),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_long_messages_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
