/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines of a configuration: their words, mistakes, inheritance, "log global". */
#include "telemetry/log_conf.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORDS_MAX 32

static struct snapshot snapshot;
static struct diag *diag;

/* Cuts a line at blanks and reads it for `object`. */
static bool
read_line(const char *line, unsigned place, void *object, struct log_targets **targets)
{
    struct word items[WORDS_MAX];
    struct words words = { .line_text = line, .items = items };
    struct parse parse = {
        .snapshot = &snapshot,
        .arena = &snapshot.arena,
        .diag = diag,
        .object = object,
        .place = place,
        .words = &words,
        .keyword = "log",
    };
    struct str rest = str_from(line);

    if (str_starts(rest, STR("no "))) {
        parse.negated = true;
        rest = str_slice(rest, 3, rest.len);
    }
    while (rest.ptr != NULL) {
        struct str word = str_split(&rest, ' ');

        if (word.len > 0)
            items[words.count++] =
                (struct word){ .text = arena_copy_str(&snapshot.arena, word), .column = 1 };
    }
    return log_targets_parse(&parse, targets);
}

static void
finish_text(void)
{
    struct parse parse = { .snapshot = &snapshot, .arena = &snapshot.arena, .diag = diag };

    assert_true(resolve(&parse));
}

static struct log_target *
read_good(const char *line)
{
    struct log_targets *targets = NULL;

    assert_true(read_line(line, IN_GLOBAL, NULL, &targets));
    assert_int_equal(targets->line_count, 1);
    return targets->lines[0];
}

static void
check_bad(const char *line, const char *expected)
{
    struct log_targets *targets = NULL;
    struct text report = TEXT_INIT;

    assert_false(read_line(line, IN_GLOBAL, NULL, &targets));
    diag_print(diag, &report, DIAG_HINT);
    if (strstr(text_cstr(&report), expected) == NULL)
        fail_msg("'%s' is not in: %s", expected, text_cstr(&report));
    text_fini(&report);
}

static void
test_targets(void **state)
{
    const struct log_target *target = read_good("127.0.0.1 local0");

    (void)state;
    assert_int_equal(target->addr.family, ADDR_IPV4);
    assert_int_equal(target->addr.port, 514);
    assert_int_equal(target->facility, 16);
    assert_int_equal(target->len, 1024);
    assert_int_equal(target->kind, HEADER_DEFAULT);
    assert_int_equal(target->level_max, LOG_LEVEL_DEBUG);
    assert_int_equal(target->level_min, LOG_LEVEL_EMERG);
    assert_int_equal(read_good("127.0.0.1:5140 local0")->addr.port, 5140);
    assert_int_equal(read_good("udp@127.0.0.1:5140 local0")->addr.port, 5140);
    assert_int_equal(read_good("[::1]:514 local0")->addr.family, ADDR_IPV6);
    assert_string_equal(read_good("/dev/log daemon")->addr.path, "/dev/log");
    assert_int_equal(read_good("stdout local0")->addr.fd, 1);
    assert_int_equal(read_good("stderr local0")->addr.fd, 2);
    assert_int_equal(read_good("fd@7 local0")->addr.fd, 7);
    setenv("WEIR_TEST_LOG", "192.0.2.1", 1);
    assert_int_equal(read_good("${WEIR_TEST_LOG}:99 local0")->addr.port, 99);
}

static void
test_options(void **state)
{
    const struct log_target *target =
        read_good("stdout len 2048 format rfc5424 sample 1,3-4:5 local7 info err");

    (void)state;
    assert_int_equal(target->len, 2048);
    assert_int_equal(target->kind, HEADER_RFC5424);
    assert_int_equal(target->facility, 23);
    assert_int_equal(target->level_max, LOG_LEVEL_INFO);
    assert_int_equal(target->level_min, LOG_LEVEL_ERR);
    assert_int_equal(target->sample_size, 5);
    assert_int_equal(target->range_count, 2);
    assert_int_equal(target->ranges[1].low, 3);
    assert_int_equal(target->ranges[1].high, 4);
    assert_int_equal(read_good("stdout format local local0")->kind, HEADER_LOCAL);
    assert_int_equal(read_good("stdout format raw kern")->facility, 0);
}

static void
test_mistakes(void **state)
{
    (void)state;
    check_bad("", "expects");
    check_bad("127.0.0.1", "facility");
    check_bad("127.0.0.1 locl0", "did you mean 'local0'");
    check_bad("127.0.0.1 local0 inf", "did you mean 'info'");
    check_bad("127.0.0.1 local0 info er", "minimum log level");
    check_bad("127.0.0.1 local0 info err more", "more");
    check_bad("127.0.0.1 len 79 local0", "80");
    check_bad("127.0.0.1 len 65536 local0", "65535");
    check_bad("127.0.0.1 format rfc local0", "log format");
    check_bad("127.0.0.1 sample 1 local0", "<ranges>:<size>");
    check_bad("127.0.0.1 sample 1:0 local0", "<ranges>:<size>");
    check_bad("127.0.0.1 sample 5:4 local0", "beyond the sample size");
    check_bad("127.0.0.1 sample 2-1:4 local0", "not a sample range");
    check_bad("127.0.0.1 sample 1,1:4 local0", "overlaps");
    check_bad("${WEIR_TEST_NOT_SET} local0", "address is empty");
    check_bad("sockpair@3 local0", "not implemented yet");
    check_bad("global", "facility");
}

static void
test_inheritance(void **state)
{
    struct log_targets *defaults = NULL, *a, *b, *c;
    int owners[4];

    (void)state;
    assert_true(read_line("stdout local0 notice", IN_DEFAULTS, &owners[0], &defaults));
    a = b = c = defaults;
    assert_true(read_line("stderr len 4000 local0 err", IN_FRONTEND, &owners[1], &a));
    assert_true(read_line("no ", IN_FRONTEND, &owners[2], &b));
    assert_null(b);
    assert_int_equal(defaults->line_count, 1);
    assert_int_equal(a->line_count, 2);
    assert_ptr_equal(c, defaults);
    finish_text();
    assert_true(log_targets_want(a, LOG_LEVEL_NOTICE));
    assert_false(log_targets_want(a, LOG_LEVEL_INFO));
    assert_false(log_targets_want(a, LOG_LEVEL_SILENT));
    assert_int_equal(log_targets_max_len(a), 4000);
    assert_int_equal(log_targets_max_len(defaults), 1024);
    assert_false(log_targets_want(NULL, LOG_LEVEL_EMERG));
}

/* Lines of global count wherever they stand, and once. */
static void
test_global(void **state)
{
    struct log_conf *conf = snapshot_slot(&snapshot, &log_slot);
    struct log_targets *front = NULL;
    int owner;

    (void)state;
    conf->global = NULL;
    assert_true(read_line("global", IN_FRONTEND, &owner, &front));
    assert_true(read_line("global", IN_FRONTEND, &owner, &front));
    assert_true(read_line("stderr local1", IN_FRONTEND, &owner, &front));
    assert_true(read_line("stdout local0 warning", IN_GLOBAL, NULL, &conf->global));
    finish_text();
    assert_int_equal(conf->global->count, 1);
    assert_int_equal(front->count, 2);
    assert_true(log_targets_want(front, LOG_LEVEL_DEBUG));
    assert_false(log_targets_want(conf->global, LOG_LEVEL_NOTICE));
}

static int
set_up(void **state)
{
    (void)state;
    slot_layout_init();
    arena_init(&snapshot.arena);
    snapshot.globals = slots_new(SLOT_GLOBAL, &snapshot.arena);
    diag = diag_new();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    diag_free(diag);
    arena_fini(&snapshot.arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),  cmocka_unit_test(test_options),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_global),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
