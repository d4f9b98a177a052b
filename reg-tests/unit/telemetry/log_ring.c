/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of a thread: order, wrapping, a full ring, and two threads at once. */
#include "telemetry/log_ring.c"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RING_SIZE 4096

static bool
put(struct log_ring *ring, const char *text)
{
    size_t len = strlen(text);
    struct log_record *record = log_ring_reserve(ring, len);

    if (record == NULL)
        return false;
    record->message_len = (uint32_t)len;
    memcpy(record->bytes, text, len);
    log_ring_commit(ring, record);
    return true;
}

/* The oldest text, "" when there is none. */
static const char *
take(struct log_ring *ring, char *to)
{
    const struct log_record *record = log_ring_first(ring, log_ring_mark(ring));

    *to = '\0';
    if (record == NULL)
        return to;
    memcpy(to, record->bytes, record->message_len);
    to[record->message_len] = '\0';
    log_ring_release(ring, record);
    return to;
}

static void
test_in_order(void **state)
{
    struct log_ring *ring = log_ring_new(RING_SIZE);
    char text[64];

    (void)state;
    assert_true(log_ring_is_empty(ring));
    assert_string_equal(take(ring, text), "");
    assert_true(put(ring, "one"));
    assert_true(put(ring, "two"));
    assert_false(log_ring_is_empty(ring));
    assert_string_equal(take(ring, text), "one");
    assert_string_equal(take(ring, text), "two");
    assert_string_equal(take(ring, text), "");
    assert_true(log_ring_is_empty(ring));
    log_ring_free(ring);
}

static void
test_mark_ends_a_round(void **state)
{
    struct log_ring *ring = log_ring_new(RING_SIZE);
    uint64_t mark;

    (void)state;
    put(ring, "old");
    mark = log_ring_mark(ring);
    put(ring, "new");
    assert_non_null(log_ring_first(ring, mark));
    log_ring_release(ring, log_ring_first(ring, mark));
    assert_null(log_ring_first(ring, mark));
    assert_non_null(log_ring_first(ring, log_ring_mark(ring)));
    log_ring_free(ring);
}

static void
test_full_ring_counts(void **state)
{
    struct log_ring *ring = log_ring_new(RING_SIZE);
    char text[128], expected[128];
    unsigned count = 0;

    (void)state;
    do {
        snprintf(expected, sizeof(expected), "line %u, which is some words long", count++);
    } while (put(ring, expected));
    assert_int_equal(log_ring_dropped(ring), 1);
    assert_false(put(ring, expected));
    assert_int_equal(log_ring_dropped(ring), 2);
    for (unsigned i = 0; i + 1 < count; i++) {
        snprintf(expected, sizeof(expected), "line %u, which is some words long", i);
        assert_string_equal(take(ring, text), expected);
    }
    assert_true(put(ring, "there is room again"));
    assert_string_equal(take(ring, text), "there is room again");
    log_ring_free(ring);
}

/* Every length at every place of the block. */
static void
test_wrapping(void **state)
{
    struct log_ring *ring = log_ring_new(RING_SIZE);
    char text[512], line[512];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned len = i * 7 % 400;

        memset(line, 'a' + (int)(i % 26), len);
        line[len] = '\0';
        assert_true(put(ring, line));
        assert_string_equal(take(ring, text), line);
    }
    assert_int_equal(log_ring_dropped(ring), 0);
    log_ring_free(ring);
}

static void
test_too_large(void **state)
{
    struct log_ring *ring = log_ring_new(RING_SIZE);

    (void)state;
    assert_null(log_ring_reserve(ring, RING_SIZE));
    assert_int_equal(log_ring_dropped(ring), 1);
    log_ring_free(ring);
}

/* --- two threads ---------------------------------------------------------------- */

#define LINES 200000

static void *
write_lines(void *arg)
{
    struct log_ring *ring = arg;
    char text[96];

    for (unsigned i = 0; i < LINES;) {
        snprintf(text, sizeof(text), "%u%.*s", i, (int)(i % 60),
                 "                                                            ");
        if (put(ring, text))
            i++;
        else
            sched_yield();
    }
    return NULL;
}

static void
test_two_threads(void **state)
{
    struct log_ring *ring = log_ring_new(RING_SIZE);
    pthread_t writer;
    unsigned next = 0;

    (void)state;
    pthread_create(&writer, NULL, write_lines, ring);
    while (next < LINES) {
        const struct log_record *record = log_ring_first(ring, log_ring_mark(ring));
        char text[96];

        if (record == NULL) {
            sched_yield();
            continue;
        }
        memcpy(text, record->bytes, record->message_len);
        text[record->message_len] = '\0';
        log_ring_release(ring, record);
        assert_int_equal(strtoul(text, NULL, 10), next);
        next++;
    }
    pthread_join(writer, NULL);
    assert_true(log_ring_is_empty(ring));
    log_ring_free(ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),         cmocka_unit_test(test_mark_ends_a_round),
        cmocka_unit_test(test_full_ring_counts), cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_too_large),        cmocka_unit_test(test_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
