/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole configurations: sections, keywords, setters, conditional blocks, files and folders; and
 * what is said about mistakes: all of them, in order, each with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/config/keyword.h"
#include "weir/config/slot.h"
#include "weir/config/snapshot.h"

/* --- a section of our own ------------------------------------------------------------------ */

#define IN_TESTBED (1u << 30)

struct testbed {
    bool flag, on_off;
    int64_t count, time_ms, time_s;
    uint64_t size;
    const char *text;
    int choice;
    void *slots;
};
struct testbed_slot {
    int64_t count;
    bool is_on;
};

static struct testbed testbed;
static struct arena testbed_arena;
static struct text seen = TEXT_INIT; /* what parsers were given */
static unsigned opened, closed;

static void
init_slot(void *slot)
{
    ((struct testbed_slot *)slot)->is_on = true;
}

static struct slot testbed_slot = {
    .name = "testbed",
    .owner = SLOT_BIND,
    .size = sizeof(struct testbed_slot),
    .init = init_slot,
};
REGISTER_SLOT(testbed_slot);

static bool
open_testbed(struct parse *parse)
{
    parse->object = &testbed;
    opened++;
    if (words_accept(parse->words, "broken"))
        return parse_alert(parse, "it is broken");
    text_printf(&seen, "[%s]", parse->section_name == NULL ? "" : parse->section_name);
    words_rest(parse);
    return true;
}

static bool
close_testbed(struct parse *parse)
{
    assert_ptr_equal(parse->object, &testbed);
    closed++;
    return true;
}

static void *
slots_of_testbed(void *object)
{
    return ((struct testbed *)object)->slots;
}

static bool
parse_seen(struct parse *parse)
{
    text_printf(&seen, "%s%s%s(%s);", parse->is_default ? "default " : "",
                parse->negated && !parse->is_default ? "no " : "", parse->keyword,
                words_rest(parse));
    return true;
}

static const struct section sections[] = {
    { "testbed", IN_TESTBED, open_testbed, close_testbed, "For tests." },
};
REGISTER(section, sections);

static const struct place_slots place_slots_of_testbed[] = { { IN_TESTBED, slots_of_testbed } };
REGISTER(place_slots, place_slots_of_testbed);

static const char *const choices[] = { "red", "green", "blue", NULL };

static const struct keyword keywords[] = {
    { "tb flag", IN_TESTBED, .flags = KEYWORD_NO, SET_FLAG(struct testbed, flag), .help = "x" },
    { "tb count", IN_TESTBED, .args = "<count>", SET_INT(struct testbed, count, -5, 100),
      .help = "x" },
    { "tb ms", IN_TESTBED, .args = "<time>", SET_TIME_MS(struct testbed, time_ms), .help = "x" },
    { "tb s", IN_TESTBED, .args = "<time>", SET_TIME_S(struct testbed, time_s), .help = "x" },
    { "tb size", IN_TESTBED, .args = "<size>", SET_SIZE(struct testbed, size), .help = "x" },
    { "tb text", IN_TESTBED, .args = "<text>", SET_TEXT(struct testbed, text), .help = "x" },
    { "tb on-off", IN_TESTBED, SET_ON_OFF(struct testbed, on_off), .help = "x" },
    { "tb colour", IN_TESTBED, .args = "a colour", SET_CHOICE(struct testbed, choice, choices),
      .help = "x" },
    { "tb slot", IN_TESTBED, .args = "<count>", .slot = &testbed_slot,
      SET_INT(struct testbed_slot, count, 0, 9), .help = "x" },
    { "tb slot-flag", IN_TESTBED, .flags = KEYWORD_NO, .slot = &testbed_slot,
      SET_FLAG(struct testbed_slot, is_on), .help = "x" },
    { "seen", IN_TESTBED, .flags = KEYWORD_NO, .parse = parse_seen, .help = "x" },
    { "seen longer", IN_TESTBED, .parse = parse_seen, .help = "x" },
    { "seen longer still", IN_TESTBED, .parse = parse_seen, .help = "x" },
    { "seen-at(", IN_TESTBED, .flags = KEYWORD_PREFIX, .parse = parse_seen, .help = "x" },
    { "seen-at-all(", IN_TESTBED, .flags = KEYWORD_PREFIX, .parse = parse_seen, .help = "x" },
};
REGISTER(keyword, keywords);

/* --- reading ------------------------------------------------------------------------------- */

struct reading {
    struct diag *diag;
    struct text report;
    bool is_accepted;
};

static void
read_sources(struct reading *reading, const struct config_sources *sources)
{
    struct snapshot *snapshot;

    *reading = (struct reading){ .diag = diag_new(), .report = TEXT_INIT };
    testbed = (struct testbed){ .slots = slots_new(SLOT_BIND, &testbed_arena) };
    text_clear(&seen);
    opened = closed = 0;
    snapshot = snapshot_build(sources, reading->diag);
    reading->is_accepted = snapshot != NULL;
    snapshot_free(snapshot);
    diag_print(reading->diag, &reading->report, DIAG_HINT);
}

static void
reading_fini(struct reading *reading)
{
    diag_free(reading->diag);
    text_fini(&reading->report);
}

static void
read_text(struct reading *reading, const char *content)
{
    struct config_text text = { "test.cfg", content };
    struct config_sources sources = { .texts = &text, .text_count = 1 };

    read_sources(reading, &sources);
}

/* Accepted, without a word. */
static void
check(const char *content, const char *expected_seen)
{
    struct reading reading;

    read_text(&reading, content);
    if (!reading.is_accepted || reading.report.len > 0)
        fail_msg("%s\nis refused: %s", content, text_cstr(&reading.report));
    assert_string_equal(text_cstr(&seen), expected_seen);
    reading_fini(&reading);
}

/* The lines of the report that say something, one after the other, begin with these. */
static void
check_report(const char *content, unsigned alerts, const char *const *expected)
{
    struct reading reading;
    const char *at;

    read_text(&reading, content);
    assert_int_equal(diag_count(reading.diag, DIAG_ALERT), alerts);
    assert_int_equal(reading.is_accepted, alerts == 0);
    at = text_cstr(&reading.report);
    for (; *expected != NULL; expected++) {
        const char *found = strstr(at, *expected);

        if (found == NULL)
            fail_msg("'%s' is not in (the rest of):\n%s", *expected, at);
        at = found + strlen(*expected);
    }
    reading_fini(&reading);
}

#define REPORT(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- sections and keywords ------------------------------------------------------------------- */

static void
test_sections(void **state)
{
    (void)state;
    check("testbed\n  seen a\ntestbed name\n\n  # comment\n  seen b c\n",
          "[]seen(a);[name]seen(b c);");
    assert_int_equal(opened, 2);
    assert_int_equal(closed, 2);
    check("testbed from x\n", "[]");
    check("", "");
    check("# nothing\n\n", "");
}

static void
test_longest_keyword_wins(void **state)
{
    (void)state;
    check("testbed\n seen x\n seen longer\n seen longer still y\n seen longest\n",
          "[]seen(x);seen longer();seen longer still(y);seen(longest);");
    check("testbed\n seen-at(1) y\n seen-at-all(2)\n",
          "[]seen-at((seen-at(1) y);seen-at-all((seen-at-all(2));");
}

static void
test_modifiers(void **state)
{
    (void)state;
    check("testbed\n no seen x\n default seen\n seen\n", "[]no seen(x);default seen();seen();");
    check("testbed\n tb flag\n", "[]");
    assert_true(testbed.flag);
    check("testbed\n tb flag\n no tb flag\n", "[]");
    assert_false(testbed.flag);
    check("testbed\n tb flag\n default tb flag\n", "[]");
    assert_false(testbed.flag);
    check("testbed\n no tb slot-flag\n", "[]");
    assert_false(((struct testbed_slot *)slot_of(testbed.slots, &testbed_slot))->is_on);
    check("testbed\n no tb slot-flag\n default tb slot-flag\n", "[]");
    assert_true(((struct testbed_slot *)slot_of(testbed.slots, &testbed_slot))->is_on);
    check_report("testbed\n no tb count 5\n", 1,
                 REPORT("[test.cfg:2] : 'tb count' cannot be preceded by 'no'"));
}

static void
test_setters(void **state)
{
    (void)state;
    check("testbed\n tb count -5\n tb ms 2s\n tb s 3\n tb size 4k\n tb text 'a b'\n tb on-off on\n"
          " tb colour blue\n tb slot 7\n",
          "[]");
    assert_int_equal(testbed.count, -5);
    assert_int_equal(testbed.time_ms, 2000);
    assert_int_equal(testbed.time_s, 3000);
    assert_int_equal(testbed.size, 4096);
    assert_true(testbed.on_off);
    assert_int_equal(testbed.choice, 2);
    assert_int_equal(((struct testbed_slot *)slot_of(testbed.slots, &testbed_slot))->count, 7);
    check_report("testbed\n tb count 101\n tb ms 5x\n tb on-off yes\n tb colour gren\n tb count\n"
                 " tb count 5 6\n",
                 6,
                 REPORT(":2] : 'tb count' expects <count>", ":3] : 'tb ms' expects <time>",
                        ":4] : 'tb on-off' expects 'on' or 'off', not 'yes'",
                        ":5] : 'tb colour' expects a colour, not 'gren'; did you mean 'green'?",
                        ":6] : 'tb count' expects <count>",
                        ":7] : 'tb count' takes nothing more, but '6' follows"));
}

/* --- unknown words ------------------------------------------------------------------------------
 */

static void
test_spelling(void **state)
{
    (void)state;
    check_report(
        "backend b\n balence roundrobin\n option httpchkk\n optoin httpchk\n timeout\n"
        " zzzzzz\n server s 127.0.0.1:1 chek\n",
        6,
        REPORT(":2] : unknown keyword 'balence' in 'backend'; did you mean 'balance'?",
               ":3] : unknown keyword 'option httpchkk' in 'backend'; did you mean 'option "
               "httpchk'?",
               ":4] : unknown keyword 'optoin' in 'backend'; did you mean 'option'?",
               ":5] : 'timeout' expects another word",
               ":6] : unknown keyword 'zzzzzz' in 'backend'\n",
               ":7] : unknown keyword 'chek' on a 'server' line; did you mean 'check'?"));
}

static void
test_caret(void **state)
{
    (void)state;
    check_report("testbed\n\ttb\tcount 5 6\n", 1,
                 REPORT("    | \ttb\tcount 5 6\n    | \t  \t        ^\n"));
    /* Characters of several bytes are one column wide. */
    check_report("testbed\n tb text \"\xc3\xa9\xc3\xa9\" x\n", 1,
                 REPORT("    |  tb text \"\xc3\xa9\xc3\xa9\" x\n    |               ^\n"));
    /* A missing word is shown at the end of the line. */
    check_report("testbed\n tb count\n", 1, REPORT("    |  tb count\n    |          ^\n"));
}

static void
test_words_that_are_gone(void **state)
{
    (void)state;
    check_report(
        "global\n nbproc 2\nbackend b\n reqadd X\n option forceclose\nprogram x\n command y\n", 4,
        REPORT(":2] : 'nbproc' is not supported any more: ",
               ":4] : 'reqadd' is not supported any more: use 'http-request add-header'",
               ":5] : 'option forceclose' is not supported any more: ",
               ":6] : section 'program' is not supported any more: "));
}

static void
test_words_of_other_sections(void **state)
{
    (void)state;
    /* Ignored with a warning, as HAProxy does ... */
    check_report("frontend f\n balance roundrobin\nbackend b\n bind :80\n maxconn 5\n", 0,
                 REPORT(":2] : 'balance' is ignored: it means nothing in 'frontend'",
                        ":4] : 'bind' is ignored: it means nothing in 'backend'",
                        ":5] : 'maxconn' is ignored", "is 'fullconn' meant?"));
    /* ... but for what would send traffic elsewhere, and in defaults sections. */
    check_report("frontend f\n server s 127.0.0.1:1\ndefaults\n bind :80\nglobal\n bind :80\n", 3,
                 REPORT(":2] : 'server' is not allowed in 'frontend' (known in: listen, backend",
                        ":4] : 'bind' is not allowed in 'defaults'",
                        ":6] : 'bind' is not allowed in 'global'"));
}

static void
test_misspelt_section_is_passed_over(void **state)
{
    (void)state;
    check_report("testbed\n seen x\nfrontned f\n bind :80\n nonsense\ntestbed\n tb count\n", 2,
                 REPORT(":3] : unknown section 'frontned'; did you mean 'frontend'?",
                        ":7] : 'tb count' expects"));
    check_report("nonsense\n more nonsense\n and more\ntestbed\n", 1,
                 REPORT(":1] : unknown keyword 'nonsense' out of section"));
    check_report("testbed broken\n seen x\n nonsense\n", 1, REPORT(":1] : it is broken"));
    assert_int_equal(closed, 0);
}

/* A quote that is not closed on the line of a section. */
static void
test_broken_section_line(void **state)
{
    (void)state;
    check_report("testbed\n seen\ntestbed 'x\n nonsense\n", 1,
                 REPORT(":3] : this quote is not closed"));
}

static void
test_all_mistakes_are_told(void **state)
{
    struct text content = TEXT_INIT;
    struct reading reading;

    (void)state;
    text_puts(&content, "testbed\n");
    for (int i = 0; i < 2000; i++)
        text_puts(&content, " tb count x\n");
    read_text(&reading, text_cstr(&content));
    assert_int_equal(diag_count(reading.diag, DIAG_ALERT), 2000);
    assert_non_null(strstr(text_cstr(&reading.report), ":900] : 'tb count'"));
    assert_non_null(strstr(text_cstr(&reading.report), "and 1000 messages more"));
    reading_fini(&reading);
    text_fini(&content);
}

/* --- conditional blocks
 * ---------------------------------------------------------------------------- */

static void
test_branches(void **state)
{
    (void)state;
    check("testbed\n.if 1\n seen a\n.else\n seen b\n.endif\n seen c\n", "[]seen(a);seen(c);");
    check("testbed\n.if 0\n seen a\n.elif 0\n seen b\n.elif 1\n seen c\n.elif 1\n seen d\n.else\n"
          " seen e\n.endif\n",
          "[]seen(c);");
    check("testbed\n.if 0\n .if 1\n seen a\n .else\n seen b\n .endif\n.else\n seen c\n.endif\n",
          "[]seen(c);");
    check(" .if 1 # comment\n testbed\n .endif#\n", "[]");
}

/* Lines that are not read need not make sense. */
static void
test_lines_that_are_not_read(void **state)
{
    (void)state;
    check("testbed\n.if 0\n seen 'unclosed\n nonsense\n.if nonsense(\n.elif \"\n.endif\n"
          ".alert x\n.nonsense\n.endif\n.if 1\n.elif nonsense(\n.endif\n",
          "[]");
}

static void
test_mistakes_in_blocks(void **state)
{
    (void)state;
    check_report(".if bad(x)\n.endif x\n.else\n.elif 1\n.endif\n.if 1\n.else x\n.elif 1\n.else\n"
                 ".endif\n.elsif\n.if 1\n",
                 10,
                 REPORT(":1] : condition 'bad(x)'", ":2] : '.endif' takes nothing more",
                        ":3] : '.else' without '.if'", ":4] : '.elif' without '.if'",
                        ":5] : '.endif' without '.if'", ":7] : '.else' takes nothing more",
                        ":8] : '.elif' behind '.else'", ":9] : '.else' behind '.else'",
                        ":11] : unknown directive '.elsif'; did you mean '.elif'?",
                        ":12] : this '.if' has no '.endif'"));
    check_report(".if  streq(a,b)  || bad(x)\n.endif\n", 1,
                 REPORT("    | .if  streq(a,b)  || bad(x)\n    |                     ^\n"));
}

static void
test_nesting(void **state)
{
    struct text content = TEXT_INIT;

    (void)state;
    for (int i = 0; i < 17; i++)
        text_puts(&content, ".if 1\n");
    for (int i = 0; i < 17; i++)
        text_puts(&content, ".endif\n");
    check_report(text_cstr(&content), 1, REPORT(":17] : too many '.if' inside each other"));
    text_fini(&content);
}

static void
test_messages(void **state)
{
    (void)state;
    check_report(".notice \"n 1\"\n.warning w\n.diag d\n.notice\n", 0,
                 REPORT("[NOTICE]   (", ":1] : 'n 1'.\n", "[WARNING]  (", ":2] : 'w'.\n",
                        "[DIAG]     (", ":3] : 'd'.\n", ":4] : ''.\n"));
    check_report(".alert a\n.notice two words\n", 2,
                 REPORT("[ALERT]    (", ":1] : 'a'.\n", ":2] : '.notice' expects one text"));
}

/* --- lines and files
 * ----------------------------------------------------------------------------------- */

static void
test_long_lines(void **state)
{
    (void)state;
    check("testbed\n seen a \\\n   b\\\nc\n seen d\n", "[]seen(a bc);seen(d);");
    check("testbed\n # comment \\\n seen a\n", "[]seen(a);");
    check("testbed\n seen 'a\\'\n seen b\\\\\n", "[]seen(a\\);seen(b\\);");
    /* The line is named by its first number; later ones keep theirs. */
    check_report("testbed\n tb count \\\n x\n tb count y\n", 2, REPORT(":2] : ", ":4] : "));
}

static void
test_line_ends(void **state)
{
    (void)state;
    check("testbed\r\n seen a\r\n\r\n seen b \\\r\n c\r\n", "[]seen(a);seen(b c);");
    check("\xef\xbb\xbftestbed\n", "[]");
    check_report("testbed\n seen a", 0, REPORT("[WARNING]", ":2] : missing line feed at the end"));
    check_report("testbed\n # a", 0, REPORT("[WARNING]"));
    assert_string_equal(text_cstr(&seen), "[]");
}

static char folder[] = "/tmp/weir-config-test.XXXXXX";

static const char *
write_file(const char *name, const char *content, size_t len)
{
    static char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    fclose(file);
    return path;
}

#define WRITE(name, content) write_file(name, content, sizeof(content) - 1)

/* All *.cfg of a folder, sorted; hidden files and others are passed over. */
static void
test_folders(void **state)
{
    const char *paths[] = { folder, "/nonexistent/x.cfg" };
    struct config_sources sources = { .paths = paths, .count = 1 };
    struct reading reading;

    (void)state;
    WRITE("20.cfg", " seen second\ntb\n");
    WRITE("10.cfg", "testbed\n seen first\n");
    WRITE("30.conf", "nonsense\n");
    WRITE(".40.cfg", "nonsense\n");
    read_sources(&reading, &sources);
    assert_string_equal(text_cstr(&seen), "[]seen(first);seen(second);");
    assert_int_equal(diag_count(reading.diag, DIAG_ALERT), 1);
    assert_non_null(strstr(text_cstr(&reading.report), "/20.cfg:2] : 'tb' expects another word"));
    assert_non_null(strstr(diag_bad_file(reading.diag, 0), "/20.cfg"));
    assert_null(diag_bad_file(reading.diag, 1));
    reading_fini(&reading);

    sources.count = 2;
    read_sources(&reading, &sources);
    assert_int_equal(diag_count(reading.diag, DIAG_ALERT), 2);
    assert_non_null(strstr(text_cstr(&reading.report), "cannot open '/nonexistent/x.cfg'"));
    reading_fini(&reading);
}

static void
test_nul_bytes(void **state)
{
    const char *paths[] = { NULL, NULL };
    struct config_sources sources = { .paths = paths, .count = 2 };
    struct reading reading;

    (void)state;
    paths[0] = strdup(WRITE("nul.bin", "testbed\n seen a\n se\0en b\n"));
    paths[1] = WRITE("next.bin", "testbed\n seen c\n");
    read_sources(&reading, &sources);
    assert_false(reading.is_accepted);
    assert_non_null(strstr(text_cstr(&reading.report), "nul.bin:3] : a NUL byte"));
    assert_string_equal(text_cstr(&seen), "[]seen(c);");
    reading_fini(&reading);
    free((char *)paths[0]);
}

static void
test_lines_from_elsewhere(void **state)
{
    struct arena arena = { 0 };
    struct snapshot snapshot = { .arena = arena };
    struct words words = { .pos = { "command", 0 } };
    struct parse parse = {
        .snapshot = &snapshot,
        .arena = &snapshot.arena,
        .diag = diag_new(),
        .words = &words,
        .place = IN_TESTBED,
        .object = &testbed,
    };

    (void)state;
    text_clear(&seen);
    assert_true(parse_line(&parse, "seen 'a b'"));
    assert_true(parse_line(&parse, "tb count 9"));
    assert_true(parse_line(&parse, "  # nothing"));
    assert_string_equal(text_cstr(&seen), "seen(a b);");
    assert_int_equal(testbed.count, 9);
    assert_false(parse_line(&parse, "tb coutn 9"));
    assert_false(parse_line(&parse, "seen 'x"));
    assert_int_equal(diag_count(parse.diag, DIAG_ALERT), 2);
    diag_free(parse.diag);
    arena_fini(&snapshot.arena);
}

static int
set_up(void **state)
{
    (void)state;
    slot_layout_init();
    keyword_table_init();
    return mkdtemp(folder) == NULL;
}

static int
tear_down(void **state)
{
    static const char *const names[] = { "20.cfg",  "10.cfg",  "30.conf",
                                         ".40.cfg", "nul.bin", "next.bin" };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    text_fini(&seen);
    arena_fini(&testbed_arena);
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_longest_keyword_wins),
        cmocka_unit_test(test_modifiers),
        cmocka_unit_test(test_setters),
        cmocka_unit_test(test_spelling),
        cmocka_unit_test(test_caret),
        cmocka_unit_test(test_words_that_are_gone),
        cmocka_unit_test(test_words_of_other_sections),
        cmocka_unit_test(test_misspelt_section_is_passed_over),
        cmocka_unit_test(test_broken_section_line),
        cmocka_unit_test(test_all_mistakes_are_told),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_lines_that_are_not_read),
        cmocka_unit_test(test_mistakes_in_blocks),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_lines_from_elsewhere),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
