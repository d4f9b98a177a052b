/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the runtime socket: commands, words, the mark of a payload. Compared with HAProxy's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/cli/command_line.h"

/* All commands of the line: words with '|' between them, each command ended by '\n'. */
static void
check(const char *line, const char *expected)
{
    const char *words[COMMAND_WORDS_MAX + 1];
    struct text got = TEXT_INIT;
    char copy[256], *rest = copy;

    snprintf(copy, sizeof(copy), "%s", line);
    while (rest != NULL) {
        unsigned count = command_line_cut(&rest, words);

        assert_null(words[count]);
        for (unsigned i = 0; i < count; i++)
            text_printf(&got, "%s%s", i > 0 ? "|" : "", words[i]);
        text_puts(&got, "\n");
    }
    if (strcmp(text_cstr(&got), expected) != 0)
        fail_msg("%s gives: %s", line, text_cstr(&got));
    text_fini(&got);
}

static void
test_words(void **state)
{
    (void)state;
    check("", "\n");
    check("show info", "show|info\n");
    check("  show \t info  \r", "show|info\n");
    check("a b c d", "a|b|c|d\n");
}

static void
test_several_commands(void **state)
{
    (void)state;
    check("show info;show stat", "show|info\nshow|stat\n");
    check(" show info ; show stat ", "show|info\nshow|stat\n");
    check("show info;", "show|info\n\n");
    check(";", "\n\n");
    check("a;;b", "a\n\nb\n");
}

static void
test_escapes(void **state)
{
    (void)state;
    check("a\\ b", "a b\n");
    check("a\\;b;c", "a;b\nc\n");
    check("a\\\\b", "a\\b\n");
    check("a\\b", "ab\n");
    check("a\\\\\\;b", "a\\;b\n");
    check("a\\", "a\\\n");
    check("\\a b\\ c d", "a|b c|d\n");
}

/* Values with quotes, as in JSON, pass unchanged. */
static void
test_quotes_mean_nothing(void **state)
{
    (void)state;
    check("\"a b\"", "\"a|b\"\n");
    check("\"a;b\"", "\"a\nb\"\n");
    check("set x {\"k\":'v'}", "set|x|{\"k\":'v'}\n");
    check("a\\\"b", "a\"b\n");
}

static void
test_too_many_words(void **state)
{
    const char *words[COMMAND_WORDS_MAX + 1];
    char line[4 * COMMAND_WORDS_MAX] = "", *rest = line;

    (void)state;
    for (int i = 0; i < COMMAND_WORDS_MAX + 10; i++)
        strcat(line, "w ");
    strcat(line, ";x");
    assert_int_equal(command_line_cut(&rest, words), COMMAND_WORDS_MAX);
    assert_null(words[COMMAND_WORDS_MAX]);
    assert_int_equal(command_line_cut(&rest, words), 1);
    assert_string_equal(words[0], "x");
    assert_null(rest);
}

static void
check_mark(const char *line, const char *left, const char *end)
{
    struct payload_mark mark;
    char copy[256];

    snprintf(copy, sizeof(copy), "%s", line);
    command_line_take_mark(copy, &mark);
    assert_string_equal(copy, left);
    assert_int_equal(mark.is_there, end != NULL);
    assert_string_equal(mark.end, end == NULL ? "" : end);
}

static void
test_payload_mark(void **state)
{
    static const char longest[] =
        "<<1234567890123456789012345678901234567890123456789012345678901234";
    char line[128];

    (void)state;
    check_mark("set ssl cert a <<", "set ssl cert a ", "");
    check_mark("set ssl cert a << \r", "set ssl cert a ", "");
    check_mark("add map #1 <<EOF", "add map #1 ", "EOF");
    check_mark("a; add map <<%-+", "a; add map ", "%-+");
    check_mark("<<", "", "");
    check_mark("add map<<", "add map<<", NULL);
    check_mark("add << map", "add << map", NULL);
    check_mark("add <", "add <", NULL);
    check_mark("", "", NULL);
    snprintf(line, sizeof(line), "a %s", longest);
    check_mark(line, "a ", longest + 2);
    snprintf(line, sizeof(line), "a %sx", longest);
    check_mark(line, line, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),          cmocka_unit_test(test_several_commands),
        cmocka_unit_test(test_escapes),        cmocka_unit_test(test_quotes_mean_nothing),
        cmocka_unit_test(test_too_many_words), cmocka_unit_test(test_payload_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
