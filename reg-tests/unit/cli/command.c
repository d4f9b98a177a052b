/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: the longest name wins; help; answers with severities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "weir/cli/command.h"

static enum command_result
run(struct command_call *call)
{
    (void)call;
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "testing", "[<x>]", LEVEL_USER, run, "the short one" },
    { "testing deep", NULL, LEVEL_OPERATOR, run, "a longer one" },
    { "testing deep inside", NULL, LEVEL_ADMIN, run, "the longest" },
    { "testing other things entirely", "[<with>|<a long>] <synopsis>", LEVEL_USER, run, "wide" },
};
REGISTER(command, commands);

static const char *
find(const char *const *words)
{
    unsigned count = 0;
    const struct command *command;

    while (words[count] != NULL)
        count++;
    command = command_find((const char **)words, count);
    return command == NULL ? "none" : command->name;
}

#define FIND(...) find((const char *const[]){ __VA_ARGS__, NULL })

static void
test_longest_name_wins(void **state)
{
    (void)state;
    assert_string_equal(FIND("testing"), "testing");
    assert_string_equal(FIND("testing", "x", "y"), "testing");
    assert_string_equal(FIND("testing", "deep"), "testing deep");
    assert_string_equal(FIND("testing", "deep", "x"), "testing deep");
    assert_string_equal(FIND("testing", "deep", "inside", "x"), "testing deep inside");
    assert_string_equal(FIND("testing", "dee"), "testing");
    assert_string_equal(FIND("test"), "none");
    assert_string_equal(FIND("testings"), "none");
    assert_int_equal(command_name_words(&commands[0]), 1);
    assert_int_equal(command_name_words(&commands[2]), 3);
}

static void
check_help(const char *const *words, enum command_level level, const char *const *lines,
           const char *absent)
{
    struct text out = TEXT_INIT;
    unsigned count = 0;

    while (words[count] != NULL)
        count++;
    command_help(&out, (const char **)words, count, level);
    for (; *lines != NULL; lines++) {
        if (strstr(text_cstr(&out), *lines) == NULL)
            fail_msg("'%s' is not in:\n%s", *lines, text_cstr(&out));
    }
    if (absent != NULL && strstr(text_cstr(&out), absent) != NULL)
        fail_msg("'%s' is in:\n%s", absent, text_cstr(&out));
    text_fini(&out);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
test_help(void **state)
{
    (void)state;
    check_help(WORDS("testing"), LEVEL_ADMIN,
               WORDS("  testing [<x>]                           : the short one\n",
                     "  testing deep                            : a longer one\n",
                     "  testing other things entirely [<with>|<a long>] <synopsis>: wide\n"),
               "show");
    /* Beginnings of words, and as many words as any command has. */
    check_help(WORDS("test", "de", "in"), LEVEL_ADMIN, WORDS("testing deep inside"), "show");
    check_help(WORDS("testing", "other", "nonsense"), LEVEL_ADMIN,
               WORDS("testing other things entirely"), "testing deep inside");
    check_help(WORDS("tesitng"), LEVEL_ADMIN, WORDS("testing deep"), "show");
    check_help(WORDS("zzzzzzzz"), LEVEL_ADMIN, WORDS("testing deep", "show"), NULL);
    check_help(WORDS("testing"), LEVEL_USER, WORDS("the short one", "wide"), "testing deep");
}

static void
test_private_commands_are_not_listed(void **state)
{
    struct text out = TEXT_INIT;

    (void)state;
    command_help(&out, NULL, 0, LEVEL_ADMIN);
    assert_null(strstr(text_cstr(&out), "  _"));
    text_fini(&out);
}

static void
say(int severity_output, const char *expected)
{
    struct text out = TEXT_INIT;
    struct command_call call = { .out = &out, .severity_output = severity_output };

    assert_int_equal(command_say(&call, 3, "No such %s.", "thing"), COMMAND_DONE);
    assert_string_equal(text_cstr(&out), expected);
    text_fini(&out);
}

static void
test_severities(void **state)
{
    (void)state;
    say(0, "No such thing.\n");
    say(1, "[3]: No such thing.\n");
    say(2, "[err]: No such thing.\n");
}

static void
test_walking_over_words(void **state)
{
    const char *words[] = { "testing", "one", "two", NULL };
    struct command_call call = { .words = words, .count = 3, .at = 1 };

    (void)state;
    assert_false(command_accept(&call, "two"));
    assert_true(command_accept(&call, "one"));
    assert_string_equal(command_next(&call), "two");
    assert_null(command_next(&call));
    assert_false(command_accept(&call, "two"));
}

static int
set_up(void **state)
{
    (void)state;
    command_table_init();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_name_wins),
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_private_commands_are_not_listed),
        cmocka_unit_test(test_severities),
        cmocka_unit_test(test_walking_over_words),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
