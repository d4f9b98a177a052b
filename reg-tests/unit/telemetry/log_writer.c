/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of several threads: all arrive, in order, or are counted; samples and levels. */
#include "telemetry/log_writer.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define THREADS 2
#define LINES   20000

static struct log_conf conf = { .tag = "tag" };
static struct log_target target = {
    .kind = HEADER_RAW,
    .level_max = LOG_LEVEL_INFO,
    .len = LOG_LEN_DEFAULT,
};
static struct log_target *items[] = { &target };
static struct log_targets targets = {
    .conf = &conf, .items = items, .count = 1, .level = LOG_LEVEL_INFO, .max_len = LOG_LEN_DEFAULT
};

/* A new file as the only target. */
static int
open_target(void)
{
    char path[] = "/tmp/weir-log-XXXXXX";
    int fd = mkstemp(path);

    unlink(path);
    target.addr = (struct addr){ .family = ADDR_FD, .fd = fd };
    target.sink = log_sink_adopt(&target.addr, NULL);
    assert_non_null(target.sink);
    return fd;
}

static char *
close_target(int fd)
{
    off_t size;
    char *all;

    log_sink_drop(target.sink);
    target.sink = NULL;
    size = lseek(fd, 0, SEEK_END);
    all = calloc(1, (size_t)size + 1);
    assert_int_equal(pread(fd, all, (size_t)size, 0), size);
    close(fd);
    return all;
}

static void
expect_file(int fd, const char *expected)
{
    char *all = close_target(fd);

    assert_string_equal(all, expected);
    free(all);
}

/* --- one thread --------------------------------------------------------------------- */

static void
say(enum log_level level, const char *text)
{
    log_send(&targets, level, NULL, str_from(text), STR_NONE);
}

static void
test_levels(void **state)
{
    int fd = open_target();

    (void)state;
    target.kind = HEADER_SHORT;
    target.level_min = LOG_LEVEL_ERR;
    say(LOG_LEVEL_DEBUG, "too much");
    say(LOG_LEVEL_INFO, "info\n");
    say(LOG_LEVEL_EMERG, "emergency");
    target.level_min = LOG_LEVEL_EMERG;
    target.kind = HEADER_RAW;
    expect_file(fd, "<6>info\n<3>emergency\n");
}

static void
test_length(void **state)
{
    int fd = open_target();

    (void)state;
    target.len = 10;
    say(LOG_LEVEL_INFO, "123456789abcdef");
    target.len = LOG_LEN_DEFAULT;
    expect_file(fd, "123456789\n");
}

static void
test_samples(void **state)
{
    static const struct sample_range ranges[] = { { 1, 1 }, { 3, 4 } };
    uint32_t position = 0;
    int fd = open_target();

    (void)state;
    target.ranges = ranges;
    target.range_count = 2;
    target.sample_size = 5;
    target.sample_position = &position;
    for (int i = 1; i <= 10; i++)
        say(LOG_LEVEL_INFO, (char[]){ (char)('0' + i % 10), '\0' });
    target.range_count = 0;
    expect_file(fd, "1\n3\n4\n6\n8\n9\n");
}

/* --- several threads ----------------------------------------------------------------- */

static unsigned finished; /* control */

static void
on_finished(void *arg)
{
    (void)arg;
    if (++finished == THREADS)
        loop_stop(loop_here());
}

static void
write_lines(void *arg)
{
    char text[64];

    (void)arg;
    for (unsigned i = 0; i < LINES; i++) {
        int len = snprintf(text, sizeof(text), "%u %u", this_thread->index, i);

        log_send(&targets, LOG_LEVEL_INFO, NULL, str_of(text, (size_t)len), STR_NONE);
    }
    mailbox_call(thread_at(0), on_finished, NULL);
}

static void
test_threads(void **state)
{
    unsigned next[THREADS + 1] = { 0 }, lines = 0;
    uint64_t lost = log_writer_dropped();
    int fd = open_target();
    char *all;

    (void)state;
    for (unsigned i = 1; i <= THREADS; i++)
        mailbox_call(thread_at(i), write_lines, NULL);
    loop_run(loop_here());
    log_writer_drain();
    all = close_target(fd);
    for (char *at = all; *at != '\0'; at = strchr(at, '\n') + 1, lines++) {
        unsigned thread, number;

        if (sscanf(at, "%u %u\n", &thread, &number) != 2 || thread == 0 || thread > THREADS)
            fail_msg("broken line");
        assert_true(number >= next[thread]);
        next[thread] = number + 1;
    }
    assert_int_equal(lines + (log_writer_dropped() - lost), THREADS * LINES);
    assert_true(lines > 0);
    free(all);
}

static int
set_up(void **state)
{
    (void)state;
    thread_table_init(THREADS);
    make_rings();
    thread_start_all();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    thread_stop_all();
    finish();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
