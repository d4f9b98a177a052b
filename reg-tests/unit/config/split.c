/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes, escapes, comments and variables: how a line becomes words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/split.c"

static struct snapshot snapshot;
static struct splitter splitter = SPLITTER_INIT;

struct cut {
    struct words words;
    struct diag *diag;
    bool is_fine;
    struct text joined; /* the words, with '|' between them */
};

static void
cut_line(struct cut *cut, const char *line)
{
    struct section section = { .name = "global" };
    struct parse parse = {
        .snapshot = &snapshot,
        .arena = &snapshot.arena,
        .section = &section,
        .words = &cut->words,
    };

    *cut = (struct cut){ .diag = diag_new(), .joined = TEXT_INIT };
    parse.diag = cut->diag;
    cut->words.pos = (struct source_pos){ "a.cfg", 7 };
    cut->words.line_text = line;
    cut->is_fine = split_line(&parse, &splitter, line);
    for (unsigned i = 0; i < cut->words.count; i++)
        text_printf(&cut->joined, "%s%s", i > 0 ? "|" : "", cut->words.items[i].text);
}

static void
cut_fini(struct cut *cut)
{
    diag_free(cut->diag);
    text_fini(&cut->joined);
}

static void
check(const char *line, const char *expected)
{
    struct cut cut;

    cut_line(&cut, line);
    if (!cut.is_fine || strcmp(text_cstr(&cut.joined), expected) != 0)
        fail_msg("%s gives [%s]", line, text_cstr(&cut.joined));
    assert_int_equal(diag_count(cut.diag, DIAG_ALERT), 0);
    cut_fini(&cut);
}

static void
check_bad(const char *line, const char *expected, unsigned column)
{
    struct text report = TEXT_INIT;
    struct cut cut;
    const char *caret, *begin;

    cut_line(&cut, line);
    assert_false(cut.is_fine);
    assert_int_equal(diag_count(cut.diag, DIAG_ALERT), 1);
    diag_print(cut.diag, &report, DIAG_ALERT);
    if (strstr(text_cstr(&report), expected) == NULL)
        fail_msg("'%s' is not in: %s", expected, text_cstr(&report));
    caret = strrchr(text_cstr(&report), '^');
    for (begin = caret; begin[-1] != '\n'; begin--)
        ;
    assert_int_equal(caret - begin, (long)strlen("    | ") + column - 1);
    text_fini(&report);
    cut_fini(&cut);
}

static void
test_blanks_and_comments(void **state)
{
    (void)state;
    check("", "");
    check("   \t  ", "");
    check("one two\tthree \r", "one|two|three");
    check("  one # two", "one");
    check("one#two", "one");
    check("# all", "");
    check("one \"# two\" '# three' \\#four", "one|# two|# three|#four");
}

static void
test_escapes(void **state)
{
    (void)state;
    check("a\\ b", "a b");
    check("\\#\\\"\\'\\\\", "#\"'\\");
    check("\\n\\r\\t\\x41", "\n\r\tA");
    /* What regular expressions need stays. */
    check("\\d\\.\\$\\1", "\\d\\.\\$\\1");
    check("a\\", "a\\");
    check("'\\n\\x41\\'", "\\n\\x41\\");
    check("\"\\n\\x41 \\\"\\\\\\$\\#\\ \\' \\d\"", "\nA \"\\$# ' \\d");
    check_bad("one \\x4", "two hexadecimal digits", 5);
    check_bad("one \"\\xzz\"", "two hexadecimal digits", 6);
    check_bad("one \\x00", "\\x00", 5);
}

static void
test_quotes(void **state)
{
    (void)state;
    check("a\"b c\"d'e f'g", "ab cde fg");
    check("\"it's\" 'a \"b\"'", "it's|a \"b\"");
    check("\"\"x ''y x\"\"", "x|y|x");
    check_bad("one \"two", "not closed", 5);
    check_bad("one 'two", "not closed", 5);
    check_bad("one two\\ \"x\\\"", "not closed", 10);
    check_bad("one \"\"", "empty argument", 5);
    check_bad("one '' two", "empty argument", 5);
}

static void
test_variables(void **state)
{
    (void)state;
    setenv("ONE", "1", 1);
    setenv("TWO_WORDS", "a b", 1);
    unsetenv("NONE");
    check("\"$ONE\" \"${ONE}\" x\"$ONE-$ONE\"y", "1|1|x1-1y");
    check("\"$TWO_WORDS\"", "a b");
    check("$ONE '$ONE' \\$ONE ${ONE}", "$ONE|$ONE|\\$ONE|${ONE}");
    check("\"x$NONE\"", "x");
    check("\"${NONE-default}\" \"${ONE-default}\"", "default|1");
    check("\"${NONE-a b}\" \"${NONE-${ONE}}\" \"${NONE-x\\}y\\$}\"", "a b|1|x}y$");
    check("\"${NONE-${NONE-${ONE}2}3}\"", "123");
    check_bad("x \"$NONE\"", "empty argument", 3);
    check_bad("x \"$\"", "name of a variable", 4);
    check_bad("x \"$1\"", "name of a variable", 4);
    check_bad("x \"${ONE\"", "brace", 4);
    check_bad("x \"${ONE x}\"", "brace", 4);
    check_bad("x \"${A.B}\"", "brace", 4);
    check_bad("x \"${NONE-y", "brace", 4);
}

static void
test_arrays(void **state)
{
    (void)state;
    setenv("LIST", " a b\tc  d ", 1);
    setenv("EMPTY", "", 1);
    check("x \"${LIST[*]}\" y", "x|a|b|c|d|y");
    check("\"<${LIST[*]}>\"", "<a|b|c|d>");
    check("x \"${NONE[*]}\" \"${EMPTY[*]}\" y", "x|y");
    check("x\"${NONE[*]}\"", "x");
    check("\"${NONE[*]-p q}\"", "p|q");
}

static void
test_pseudo_variables(void **state)
{
    (void)state;
    check("\"${.FILE}\" \"$.LINE\" \"${.SECTION}\"", "a.cfg|7|global");
    check_bad("x \"${.LINES}\"", "'.LINE'", 4);
}

static void
test_columns(void **state)
{
    struct cut cut;

    (void)state;
    cut_line(&cut, "  one 'two' th\"r\"ee");
    assert_int_equal(cut.words.items[0].column, 3);
    assert_int_equal(cut.words.items[1].column, 7);
    assert_int_equal(cut.words.items[2].column, 13);
    assert_false(cut.words.items[0].quoted);
    assert_true(cut.words.items[1].quoted);
    assert_true(cut.words.items[2].quoted);
    cut_fini(&cut);
}

static bool
wants_next(const char *line)
{
    return split_wants_next_line(line, strlen(line));
}

static void
test_continuation(void **state)
{
    (void)state;
    assert_true(wants_next("one \\"));
    assert_true(wants_next("\"one \\"));
    assert_true(wants_next("'a' \\\\\\"));
    assert_false(wants_next("one"));
    assert_false(wants_next("one \\\\"));
    assert_false(wants_next("one \\ "));
    assert_false(wants_next("# one \\"));
    assert_false(wants_next("one # two \\"));
    assert_true(wants_next("\"# one\" \\"));
    assert_true(wants_next("\\# one \\"));
    assert_false(wants_next("'one \\"));
}

/* More words than fit at first, and a word longer than any buffer. */
static void
test_growth(void **state)
{
    struct text line = TEXT_INIT;
    struct cut cut;

    (void)state;
    for (int i = 0; i < 1000; i++)
        text_printf(&line, "w%d ", i);
    for (int i = 0; i < 10000; i++)
        text_puts(&line, "long");
    cut_line(&cut, text_cstr(&line));
    assert_int_equal(cut.words.count, 1001);
    assert_string_equal(cut.words.items[999].text, "w999");
    assert_int_equal(strlen(cut.words.items[1000].text), 40000);
    cut_fini(&cut);
    text_fini(&line);
}

static int
set_up(void **state)
{
    (void)state;
    arena_init(&snapshot.arena);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_fini(&snapshot.arena);
    splitter_fini(&splitter);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks_and_comments),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_pseudo_variables),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_continuation),
        cmocka_unit_test(test_growth),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
