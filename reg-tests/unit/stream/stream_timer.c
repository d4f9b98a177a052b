/* SPDX-License-Identifier: Apache-2.0 */
/* The times of log lines, from the moments that a stream notes. */
#include "stream/stream_timer.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS 1000

static void
test_whole_request(void **state)
{
    struct stream s = { .flags = STREAM_HTTP,
                        .times = { .accepted = 100 * MS,
                                   .ready = 103 * MS,
                                   .request_began = 110 * MS,
                                   .request_done = 112 * MS,
                                   .queued = 112 * MS,
                                   .picked = 132 * MS,
                                   .connected = 135 * MS,
                                   .response_head = 185 * MS,
                                   .ended = 200 * MS } };

    (void)state;
    assert_int_equal(stream_timer(&s, TIMER_HANDSHAKE), 3);
    assert_int_equal(stream_timer(&s, TIMER_IDLE), 7);
    assert_int_equal(stream_timer(&s, TIMER_REQUEST), 2);
    assert_int_equal(stream_timer(&s, TIMER_TO_REQUEST), 12);
    assert_int_equal(stream_timer(&s, TIMER_QUEUE), 20);
    assert_int_equal(stream_timer(&s, TIMER_CONNECT), 3);
    assert_int_equal(stream_timer(&s, TIMER_RESPONSE), 50);
    assert_int_equal(stream_timer(&s, TIMER_DATA), 15);
    assert_int_equal(stream_timer(&s, TIMER_ACTIVE), 90);
    assert_int_equal(stream_timer(&s, TIMER_TOTAL), 100);
    assert_int_equal(stream_timer(&s, TIMER_USER), 93);
}

static void
test_what_did_not_happen(void **state)
{
    struct stream s = { .flags = STREAM_HTTP,
                        .times = { .accepted = 100 * MS, .ready = 100 * MS, .ended = 600 * MS } };

    (void)state;
    assert_int_equal(stream_timer(&s, TIMER_IDLE), -1);
    assert_int_equal(stream_timer(&s, TIMER_REQUEST), -1);
    assert_int_equal(stream_timer(&s, TIMER_TO_REQUEST), -1);
    assert_int_equal(stream_timer(&s, TIMER_QUEUE), -1);
    assert_int_equal(stream_timer(&s, TIMER_CONNECT), -1);
    assert_int_equal(stream_timer(&s, TIMER_RESPONSE), -1);
    assert_int_equal(stream_timer(&s, TIMER_DATA), -1);
    assert_int_equal(stream_timer(&s, TIMER_ACTIVE), 500);
}

static void
test_tcp(void **state)
{
    struct stream s = { .times = { .accepted = 100 * MS,
                                   .ready = 100 * MS,
                                   .picked = 300 * MS,
                                   .connected = 301 * MS,
                                   .ended = 400 * MS } };

    (void)state;
    assert_int_equal(stream_timer(&s, TIMER_QUEUE), 200);
    assert_int_equal(stream_timer(&s, TIMER_CONNECT), 1);
    assert_int_equal(stream_timer(&s, TIMER_DATA), 99);
    assert_int_equal(stream_timer(&s, TIMER_TOTAL), 300);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_request),
        cmocka_unit_test(test_what_did_not_happen),
        cmocka_unit_test(test_tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
