/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as they are, both sides. */
#include "harness.h"

static struct loop *loop;
static struct side side;

static int
set_up(void **state)
{
    (void)state;
    side = (struct side){ .peer = -1 };
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    side_fini(&side);
    return 0;
}

static void
front(void **state)
{
    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_FRONT);
    assert_int_equal(side.streams, 0); /* never from inside start() */
    run(loop);
    assert_int_equal(side.streams, 1);
    assert_true(has(&side, EP_CONNECTED | EP_OUT_FLUSHED));
    assert_false(has(&side, EP_HEAD));
    peer_say(&side, "hello");
    assert_int_equal(side.events, 1);
    expect_in(side.ep, "hello");
    assert_int_equal(side.ep->bytes_in, 5);
    send_text(side.ep, "world");
    endpoint_flush(side.ep, false);
    peer_expect(&side, "world", false);
    assert_int_equal(side.ep->bytes_out, 5);
}

/* The end of one side does not end the other. */
static void
half_close(void **state)
{
    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_FRONT);
    run(loop);
    peer_say(&side, "hello");
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_true(has(&side, EP_IN_ENDED));
    assert_false(has(&side, EP_IN_BROKEN));
    send_text(side.ep, "still here");
    endpoint_flush(side.ep, false);
    peer_expect(&side, "still here", false);
    assert_true(endpoint_send_end(side.ep));
    endpoint_flush(side.ep, false);
    peer_expect(&side, "", true);
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.gone, 1);
}

/* Bytes may be there before the stream is. */
static void
early_bytes(void **state)
{
    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_FRONT);
    assert_int_equal(send(side.peer, "early", 5, 0), 5);
    run(loop);
    assert_int_equal(side.streams, 1);
    expect_in(side.ep, "early");
}

static void
back(void **state)
{
    struct endpoint *ep;

    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_BACK);
    ep = tcp_mux.open(side.mc);
    assert_non_null(ep);
    side_attach(&side, ep);
    assert_null(tcp_mux.open(side.mc));
    run(loop);
    send_text(ep, "hello");
    assert_true(endpoint_send_end(ep));
    endpoint_flush(ep, false);
    peer_expect(&side, "hello", true);
    close(side.peer);
    side.peer = -1;
    run(loop);
    assert_true(has(&side, EP_IN_ENDED));
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.idle, 0);
    assert_int_equal(side.gone, 1);
}

static void
slow_reader(void **state)
{
    char *block = calloc(1, 100000), *text = malloc(2000000);
    size_t queued = 0, len;

    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_FRONT);
    run(loop);
    while (!has(&side, EP_OUT_FULL)) {
        send_bytes(side.ep, block, 10000);
        endpoint_flush(side.ep, false);
        queued += 10000;
    }
    assert_int_equal(side.events, 0);
    assert_false(peer_read(&side, text, 2000000, &len));
    assert_int_equal(len, queued);
    assert_true(side.events > 0);
    assert_true(has(&side, EP_OUT_FLUSHED));
    assert_false(has(&side, EP_OUT_FULL));
    free(block);
    free(text);
}

static void
slow_stream(void **state)
{
    char *block = calloc(1, 300000);
    size_t sent = 0, read = 0;

    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_FRONT);
    run(loop);
    for (int turn = 0; turn < 50; turn++) {
        ssize_t part = send(side.peer, block, 300000, MSG_NOSIGNAL);

        sent += part > 0 ? (size_t)part : 0;
        run(loop);
        assert_true(side.ep->in.bytes <= 6 * buffer_default_size());
        if (turn % 5 != 4)
            continue;
        while (side.ep->in.bytes > 0) {
            read += side.ep->in.bytes;
            chain_clear(&side.ep->in);
            endpoint_consumed(side.ep);
            run(loop);
        }
    }
    assert_int_equal(read, sent);
    free(block);
}

static void
peer_is_gone(void **state)
{
    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_FRONT);
    run(loop);
    close(side.peer);
    side.peer = -1;
    send_text(side.ep, "hello");
    endpoint_flush(side.ep, false);
    assert_true(has(&side, EP_OUT_BROKEN));
    run(loop);
    assert_true(side.events > 0);
    side_close(&side, EP_CLOSE_ABORT);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
stopped_without_stream(void **state)
{
    (void)state;
    side_start(&side, loop, &tcp_mux, MUX_BACK);
    tcp_mux.stop(side.mc);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(mux_find(STR("h1")), &h1_mux);
    assert_ptr_equal(mux_find(STR("none")), &tcp_mux);
    assert_null(mux_find(STR("h9")));
    mux_conn_close(NULL);
}

static int
make_loop(void **state)
{
    (void)state;
    loop = loop_new();
    return loop == NULL;
}

static int
free_loop(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(front),         TEST(half_close),  TEST(early_bytes),  TEST(back),
        TEST(slow_reader),   TEST(slow_stream), TEST(peer_is_gone), TEST(stopped_without_stream),
        TEST(found_by_name),
    };

    return cmocka_run_group_tests(tests, make_loop, free_loop);
}
