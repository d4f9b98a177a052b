/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of messages, carets, and which files have mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/config/diag.h"

static void
check(const struct diag *diag, enum severity least, const char *expected)
{
    struct text report = TEXT_INIT, wanted = TEXT_INIT;

    for (; *expected != '\0'; expected++) {
        if (*expected == '@')
            text_printf(&wanted, "(%d)", (int)getpid());
        else
            text_add_char(&wanted, *expected);
    }
    diag_print(diag, &report, least);
    assert_string_equal(text_cstr(&report), text_cstr(&wanted));
    text_fini(&wanted);
    text_fini(&report);
}

static void
test_frame(void **state)
{
    struct diag *diag = diag_new();

    (void)state;
    diag_add(diag, DIAG_ALERT, (struct source_pos){ "a.cfg", 3 }, NULL, 0, "one %d", 1);
    diag_add(diag, DIAG_WARNING, (struct source_pos){ "a.cfg", 0 }, NULL, 0, "two");
    diag_add(diag, DIAG_NOTICE, (struct source_pos){ NULL, 0 }, NULL, 0, "three");
    diag_add(diag, DIAG_HINT, (struct source_pos){ "a.cfg", 4 }, NULL, 0, "four");
    check(diag, DIAG_HINT,
          "[ALERT]    @ : config : parsing [a.cfg:3] : one 1\n"
          "[WARNING]  @ : config : [a.cfg] : two\n"
          "[NOTICE]   @ : config : three\n"
          "[DIAG]     @ : config : parsing [a.cfg:4] : four\n");
    check(diag, DIAG_ALERT, "[ALERT]    @ : config : parsing [a.cfg:3] : one 1\n");
    assert_int_equal(diag_count(diag, DIAG_WARNING), 1);
    diag_free(diag);
}

static void
test_lines(void **state)
{
    struct diag *diag = diag_new();
    struct source_pos pos = { "a.cfg", 1 };

    (void)state;
    diag_add(diag, DIAG_ALERT, pos, "\tone two", 6, "x");
    diag_add(diag, DIAG_ALERT, pos, "\xc3\xa9 two", 4, "y");
    diag_add(diag, DIAG_ALERT, pos, "esc \x1b[31m", 0, "z");
    diag_add(diag, DIAG_ALERT, pos, "ab", 99, "far");
    check(diag, DIAG_ALERT,
          "[ALERT]    @ : config : parsing [a.cfg:1] : x\n    | \tone two\n    | \t    ^\n"
          "[ALERT]    @ : config : parsing [a.cfg:1] : y\n    | \xc3\xa9 two\n    |   ^\n"
          "[ALERT]    @ : config : parsing [a.cfg:1] : z\n    | esc ?[31m\n"
          "[ALERT]    @ : config : parsing [a.cfg:1] : far\n    | ab\n    |   ^\n");
    diag_free(diag);
}

static void
test_bad_files(void **state)
{
    struct diag *diag = diag_new();

    (void)state;
    assert_null(diag_bad_file(diag, 0));
    diag_add(diag, DIAG_WARNING, (struct source_pos){ "w.cfg", 1 }, NULL, 0, "x");
    diag_add(diag, DIAG_ALERT, (struct source_pos){ NULL, 0 }, NULL, 0, "x");
    diag_add(diag, DIAG_ALERT, (struct source_pos){ "b.cfg", 1 }, NULL, 0, "x");
    diag_add(diag, DIAG_ALERT, (struct source_pos){ "a.cfg", 1 }, NULL, 0, "x");
    diag_add(diag, DIAG_ALERT, (struct source_pos){ "b.cfg", 2 }, NULL, 0, "x");
    assert_string_equal(diag_bad_file(diag, 0), "b.cfg");
    assert_string_equal(diag_bad_file(diag, 1), "a.cfg");
    assert_null(diag_bad_file(diag, 2));
    diag_free(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bad_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
