/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of HTTP/1: answers, reuse, and servers that misbehave. */
#include "harness.h"

#include "mux/h1_conn.h"

#define RESPONSE "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

static struct loop *loop;
static struct side side;
static struct message *request;

static int
set_up(void **state)
{
    (void)state;
    side = (struct side){ .settings = { .max_fields = 20 }, .peer = -1 };
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    side_fini(&side);
    message_give(request);
    request = NULL;
    return 0;
}

static void
start(void)
{
    side_start(&side, loop, &h1_mux, MUX_BACK);
}

static void
open_stream(void)
{
    struct endpoint *ep = h1_mux.open(side.mc);

    assert_non_null(ep);
    side_attach(&side, ep);
}

static void
ask_with(enum http_method method, unsigned flags)
{
    message_give(request);
    request = message_take();
    request->version_major = request->version_minor = 1;
    request->method = (uint8_t)method;
    request->method_text = method_text(method);
    request->flags = flags;
    if ((flags & MESSAGE_UPGRADE) != 0) {
        assert_true(message_add_field(request, FIELD_UPGRADE, STR("upgrade"), STR("foo")));
        assert_true(
            message_add_field(request, FIELD_CONNECTION, STR("connection"), STR("upgrade")));
    }
    message_set_target(request, method == METHOD_CONNECT ? STR("a:1") : STR("/"));
    assert_true(endpoint_send_head(side.ep, request));
    assert_true(endpoint_send_end(side.ep));
    endpoint_flush(side.ep, false);
}

static void
ask(void)
{
    open_stream();
    ask_with(METHOD_GET, 0);
}

static unsigned
take_status(void)
{
    struct message *msg = endpoint_take_message(side.ep);
    unsigned status;

    assert_non_null(msg);
    status = msg->status;
    /* The final one must live on: trailers may come. Here, none does. */
    message_give(msg);
    return status;
}

/* --- the usual way -------------------------------------------------------- */

static void
asked_and_reused(void **state)
{
    (void)state;
    start();
    for (int i = 1; i <= 3; i++) {
        ask();
        assert_true(has(&side, EP_BACK | EP_CONNECTED | EP_OUT_FLUSHED | EP_OUT_ENDED));
        peer_expect(&side, "GET / HTTP/1.1\r\n\r\n", false);
        peer_say(&side, RESPONSE);
        assert_int_equal(side.events, i);
        assert_true(has(&side, EP_HEAD | EP_IN_ENDED));
        assert_true(side.ep->began_us > 0);
        assert_int_equal(side.ep->bytes_in, strlen(RESPONSE));
        assert_int_equal(take_status(), 200);
        expect_in(side.ep, "ok");
        side_close(&side, EP_CLOSE_DONE);
        assert_int_equal(side.idle, i);
        assert_true((side.mc->conn->flags & CONN_IDLE_USED) != 0);
        assert_null(((struct h1_conn *)side.mc)->intake.buf);
    }
    assert_int_equal(side.gone, 0);
}

static void
answer_in_pieces(void **state)
{
    (void)state;
    start();
    ask();
    for (size_t i = 0; RESPONSE[i] != '\0'; i++)
        peer_send(&side, &RESPONSE[i], 1);
    assert_int_equal(take_status(), 200);
    assert_true(has(&side, EP_IN_ENDED));
    expect_in(side.ep, "ok");
}

static void
chunked_with_trailers(void **state)
{
    struct message *msg;

    (void)state;
    start();
    ask();
    peer_say(&side, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    msg = endpoint_take_message(side.ep);
    assert_non_null(msg);
    expect_in(side.ep, "hello");
    peer_say(&side, "0\r\nX-T");
    peer_say(&side, ": v\r\n\r");
    assert_false(has(&side, EP_IN_ENDED));
    peer_say(&side, "\n");
    assert_true(has(&side, EP_IN_ENDED));
    assert_int_equal(msg->trailer_count, 1);
    side_close(&side, EP_CLOSE_DONE);
    assert_int_equal(side.idle, 1);
    message_give(msg);
}

/* Interim answers come one by one, each when the one before has been taken. */
static void
interim_answers(void **state)
{
    (void)state;
    start();
    ask();
    peer_say(&side, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" RESPONSE);
    assert_true(has(&side, EP_HEAD));
    assert_false(has(&side, EP_IN_ENDED));
    assert_int_equal(take_status(), 100);
    run(loop);
    assert_int_equal(take_status(), 103);
    run(loop);
    assert_true(has(&side, EP_HEAD | EP_IN_ENDED));
    assert_int_equal(take_status(), 200);
    expect_in(side.ep, "ok");
    side_close(&side, EP_CLOSE_DONE);
    assert_int_equal(side.idle, 1);
}

static void
interim_not_taken(void **state)
{
    (void)state;
    start();
    ask();
    peer_say(&side, "HTTP/1.1 100 Continue\r\n\r\n");
    peer_say(&side, RESPONSE);
    peer_say(&side, "");
    assert_int_equal(side.events, 1);
    assert_int_equal(take_status(), 100);
    run(loop);
    assert_int_equal(take_status(), 200);
}

static void
head_has_no_body(void **state)
{
    (void)state;
    start();
    open_stream();
    ask_with(METHOD_HEAD, 0);
    peer_say(&side, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    assert_true(has(&side, EP_HEAD | EP_IN_ENDED));
    side_close(&side, EP_CLOSE_DONE);
    assert_int_equal(side.idle, 1);
}

static void
large_body(void **state)
{
    const size_t size = 3000000;
    char *block = malloc(size);
    char head[128];
    size_t sent = 0, read = 0;

    (void)state;
    for (size_t i = 0; i < size; i++)
        block[i] = (char)(i * 7 + i / 251);
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    start();
    ask();
    peer_say(&side, head);
    assert_int_equal(take_status(), 200);
    while (read < size) {
        ssize_t part = send(side.peer, block + sent, size - sent, MSG_NOSIGNAL);

        sent += part > 0 ? (size_t)part : 0;
        run(loop);
        for (const struct slice *slice = side.ep->in.first; slice != NULL; slice = slice->next) {
            assert_memory_equal(slice->ptr, block + read, slice->len);
            read += slice->len;
        }
        chain_clear(&side.ep->in);
        endpoint_consumed(side.ep);
    }
    assert_true(has(&side, EP_IN_ENDED));
    side_close(&side, EP_CLOSE_DONE);
    assert_int_equal(side.idle, 1);
    free(block);
}

/* --- the end -------------------------------------------------------------- */

static void
until_close(void **state)
{
    (void)state;
    start();
    ask();
    peer_expect(&side, "GET / HTTP/1.1\r\n\r\n", false); /* unread bytes would become a reset */
    peer_say(&side, "HTTP/1.1 200 OK\r\n\r\nhello");
    assert_int_equal(take_status(), 200);
    assert_false(has(&side, EP_IN_ENDED));
    close(side.peer);
    side.peer = -1;
    run(loop);
    assert_true(has(&side, EP_IN_ENDED));
    expect_in(side.ep, "hello");
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.idle, 0);
    assert_int_equal(side.gone, 1);
}

static void
server_wants_close(void **state)
{
    (void)state;
    start();
    ask();
    peer_say(&side, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.idle, 0);
    assert_int_equal(side.gone, 1);
}

static void
we_want_close(void **state)
{
    (void)state;
    start();
    open_stream();
    ask_with(METHOD_GET, MESSAGE_FORCE_CLOSE);
    peer_expect(&side, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n", false);
    peer_say(&side, RESPONSE);
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
we_pretend(void **state)
{
    (void)state;
    side.settings.pretend_keepalive = true;
    start();
    open_stream();
    ask_with(METHOD_GET, MESSAGE_FORCE_CLOSE);
    peer_expect(&side, "GET / HTTP/1.1\r\n\r\n", false);
    peer_say(&side, RESPONSE);
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
limited_reuse(void **state)
{
    (void)state;
    start();
    side.mc->max_requests = 2;
    ask();
    peer_say(&side, RESPONSE);
    side_close(&side, EP_CLOSE_DONE);
    assert_int_equal(side.idle, 1);
    ask();
    peer_say(&side, RESPONSE);
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.idle, 1);
    assert_int_equal(side.gone, 1);
}

static void
closed_while_idle(void **state)
{
    (void)state;
    start();
    ask();
    peer_say(&side, RESPONSE);
    side_close(&side, EP_CLOSE_DONE);
    close(side.peer);
    side.peer = -1;
    run(loop);
    assert_int_equal(side.gone, 1);
}

/* Unasked bytes would be taken for the answer of the next client. */
static void
speaks_while_idle(void **state)
{
    (void)state;
    start();
    ask();
    peer_say(&side, RESPONSE);
    side_close(&side, EP_CLOSE_DONE);
    peer_say(&side, RESPONSE);
    assert_int_equal(side.gone, 1);
}

static void
speaks_too_much(void **state)
{
    (void)state;
    start();
    ask();
    peer_say(&side, RESPONSE "HTTP/1.1 200 Poison\r\n");
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.idle, 0);
    assert_int_equal(side.gone, 1);
}

static void
speaks_before_it_is_asked(void **state)
{
    (void)state;
    start();
    open_stream();
    peer_say(&side, RESPONSE);
    assert_true(has(&side, EP_IN_BROKEN));
    assert_false(has(&side, EP_HEAD));
    side_close(&side, EP_CLOSE_ABORT);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
stopped(void **state)
{
    (void)state;
    start();
    ask();
    h1_mux.stop(side.mc);
    peer_say(&side, RESPONSE);
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.idle, 0);
    assert_int_equal(side.gone, 1);
}

/* --- answers that are none ------------------------------------------------ */

static void
expect_broken(const char *said, bool closes, enum endpoint_error error)
{
    start();
    ask();
    if (said[0] != '\0')
        peer_say(&side, said);
    if (closes) {
        shutdown(side.peer, SHUT_WR);
        run(loop);
    }
    assert_true(has(&side, EP_IN_BROKEN));
    assert_int_equal(side.ep->error, error);
    assert_int_equal(side.ep->error_status, 502);
    side_close(&side, EP_CLOSE_ABORT);
    run(loop);
    assert_int_equal(side.gone, 1);
    assert_int_equal(side.idle, 0);
}

static void
nothing_said(void **state)
{
    (void)state;
    expect_broken("", true, EP_ERR_EMPTY);
}

static void
half_a_head(void **state)
{
    (void)state;
    expect_broken("HTTP/1.1 200 OK\r\nCon", true, EP_ERR_CLOSED);
}

static void
half_a_body(void **state)
{
    (void)state;
    expect_broken("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", true, EP_ERR_CLOSED);
}

static void
half_a_chunk(void **state)
{
    (void)state;
    expect_broken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", true,
                  EP_ERR_CLOSED);
}

static void
garbage(void **state)
{
    (void)state;
    expect_broken("garbage\r\n\r\n", false, EP_ERR_BAD);
}

static void
large_answer_head(void **state)
{
    char *text = malloc(40000);

    (void)state;
    memset(text, 'x', 40000);
    memcpy(text, "HTTP/1.1 200 OK\r\nX-Big: ", 24);
    text[20000] = '\0';
    expect_broken(text, false, EP_ERR_TOO_LARGE);
    free(text);
}

/* --- tunnels -------------------------------------------------------------- */

static void
expect_tunnel(const char *response, unsigned status)
{
    peer_say(&side, response);
    assert_true(has(&side, EP_HEAD | EP_TUNNEL));
    assert_false(has(&side, EP_IN_ENDED));
    assert_false(has(&side, EP_OUT_ENDED));
    assert_int_equal(take_status(), status);
    expect_in(side.ep, "early");
    send_text(side.ep, "raw");
    endpoint_flush(side.ep, false);
    peer_expect(&side, "raw", false);
    peer_say(&side, "HTTP/1.1 200 OK\r\n\r\n");
    expect_in(side.ep, "HTTP/1.1 200 OK\r\n\r\n");
    assert_true(endpoint_send_end(side.ep));
    endpoint_flush(side.ep, false);
    peer_expect(&side, "", true);
    peer_say(&side, "late");
    expect_in(side.ep, "late");
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_true(has(&side, EP_IN_ENDED));
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.idle, 0);
    assert_int_equal(side.gone, 1);
}

static void
upgraded(void **state)
{
    (void)state;
    start();
    open_stream();
    ask_with(METHOD_GET, MESSAGE_UPGRADE);
    peer_expect(&side, "GET / HTTP/1.1\r\nconnection: Upgrade\r\nupgrade: foo\r\n\r\n", false);
    expect_tunnel("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nearly",
                  101);
}

static void
connected(void **state)
{
    (void)state;
    start();
    open_stream();
    ask_with(METHOD_CONNECT, 0);
    peer_expect(&side, "CONNECT a:1 HTTP/1.1\r\n\r\n", false);
    expect_tunnel("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nearly", 200);
}

/* ------------------------------------------------------------------------------------------------------
 */

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
        TEST(asked_and_reused),
        TEST(answer_in_pieces),
        TEST(chunked_with_trailers),
        TEST(interim_answers),
        TEST(interim_not_taken),
        TEST(head_has_no_body),
        TEST(large_body),
        TEST(until_close),
        TEST(server_wants_close),
        TEST(we_want_close),
        TEST(we_pretend),
        TEST(limited_reuse),
        TEST(closed_while_idle),
        TEST(speaks_while_idle),
        TEST(speaks_too_much),
        TEST(speaks_before_it_is_asked),
        TEST(stopped),
        TEST(nothing_said),
        TEST(half_a_head),
        TEST(half_a_body),
        TEST(half_a_chunk),
        TEST(garbage),
        TEST(large_answer_head),
        TEST(upgraded),
        TEST(connected),
    };

    return cmocka_run_group_tests(tests, make_loop, free_loop);
}
