/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of HTTP/1: requests, keep-alive, deadlines, backpressure, tunnels. */
#include "harness.h"

#include "mux/h1_conn.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

static struct loop *loop;
static struct side side;

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
    return 0;
}

static void
start(void)
{
    side_start(&side, loop, &h1_mux, MUX_FRONT);
}

static struct h1_conn *
h1(void)
{
    return (struct h1_conn *)side.mc;
}

/* --- one after the other -------------------------------------------------- */

static void
request_and_answer(void **state)
{
    struct message *msg;

    (void)state;
    start();
    run(loop);
    assert_int_equal(side.streams, 0);
    peer_say(&side, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(side.streams, 1);
    assert_true(has(&side, EP_HEAD | EP_IN_ENDED | EP_OUT_FLUSHED));
    assert_int_equal(side.ep->bytes_in, 28);
    assert_true(side.ep->began_us > 0);
    msg = endpoint_take_message(side.ep);
    assert_true(str_eq(msg->path, STR("/x")));
    assert_false(has(&side, EP_HEAD));
    assert_null(endpoint_take_message(side.ep));
    answer(&side, 200, "ok");
    assert_true(has(&side, EP_OUT_FLUSHED | EP_OUT_ENDED));
    assert_int_equal(side.ep->bytes_out, strlen(OK_KEEP));
    message_give(msg);
    side_close(&side, EP_CLOSE_DONE);
    peer_expect(&side, OK_KEEP, false);
    assert_int_equal(side.gone, 0);
}

static void
idle_connection_owns_no_memory(void **state)
{
    (void)state;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET);
    peer_expect(&side, OK_KEEP, false);
    assert_null(h1()->intake.buf);
    assert_null(h1()->out.first);
    assert_null(h1()->ep.message);
    assert_true(sizeof(struct h1_conn) <= 360);
}

static void
kept_alive(void **state)
{
    (void)state;
    side.on_stream = answer_at_once;
    start();
    for (int i = 1; i <= 5; i++) {
        peer_say(&side, GET);
        assert_int_equal(side.streams, i);
        peer_expect(&side, OK_KEEP, false);
    }
    assert_int_equal(side.mc->served, 5);
}

static void
byte_by_byte(void **state)
{
    const char *text =
        "\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: v\r\n\r\n";

    (void)state;
    start();
    for (size_t i = 0; text[i] != '\0'; i++)
        peer_send(&side, text + i, 1);
    assert_int_equal(side.streams, 1);
    assert_true(has(&side, EP_HEAD | EP_IN_ENDED));
    assert_int_equal(side.ep->bytes_in, strlen(text) - 2); /* empty lines do not count */
    assert_int_equal(side.ep->message->trailer_count, 1);
    expect_in(side.ep, "abc");
}

/* The next request waits until the stream before it has ended. */
static void
pipelined(void **state)
{
    (void)state;
    start();
    peer_say(&side, GET GET "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab");
    assert_int_equal(side.streams, 1);
    answer_at_once(&side);
    assert_int_equal(side.streams, 1);
    run(loop);
    assert_int_equal(side.streams, 2);
    answer_at_once(&side);
    run(loop);
    assert_int_equal(side.streams, 3);
    assert_false(has(&side, EP_IN_ENDED));
    peer_say(&side, "c" GET);
    assert_true(has(&side, EP_IN_ENDED));
    expect_in(side.ep, "abc");
    side.on_stream = answer_at_once;
    answer_at_once(&side);
    peer_expect(&side, OK_KEEP OK_KEEP OK_KEEP OK_KEEP, false);
    assert_int_equal(side.streams, 4);
}

/* More than a buffer of requests at once, many of which begin at the end of one. */
static void
many_pipelined(void **state)
{
    static char answers[200000];
    char *text = malloc(100000);
    size_t len = 0, answered;

    (void)state;
    for (int i = 0; i < 1000; i++)
        len += (size_t)sprintf(text + len, "GET /%d HTTP/1.1\r\nHost: a\r\nX: %*d\r\n\r\n", i,
                               1 + i % 50, i);
    side.on_stream = answer_at_once;
    start();
    /* The client does not read: at some point, neither do we. */
    for (size_t sent = 0; sent < len || side.streams < 1000;) {
        ssize_t part = sent < len ? send(side.peer, text + sent, len - sent, MSG_NOSIGNAL) : 0;

        sent += part > 0 ? (size_t)part : 0;
        run(loop);
        assert_false(peer_read(&side, answers, sizeof(answers), &answered));
    }
    assert_int_equal(side.streams, 1000);
    free(text);
}

static void
empty_lines_between(void **state)
{
    (void)state;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET "\r\n" GET "\r\n\r\n");
    peer_say(&side, GET);
    assert_int_equal(side.streams, 3);
}

/* --- bodies --------------------------------------------------------------- */

static void
counted_body(void **state)
{
    (void)state;
    start();
    peer_say(&side, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    assert_int_equal(side.streams, 1);
    assert_false(has(&side, EP_IN_ENDED));
    expect_in(side.ep, "abc");
    peer_say(&side, "defg");
    assert_int_equal(side.events, 1);
    expect_in(side.ep, "defg");
    peer_say(&side, "hij");
    expect_in(side.ep, "hij");
    assert_true(has(&side, EP_IN_ENDED));
    answer_at_once(&side);
    side.on_stream = answer_at_once;
    peer_say(&side, GET);
    assert_int_equal(side.streams, 2);
}

static void
bad_chunk(void **state)
{
    (void)state;
    start();
    peer_say(&side, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    expect_in(side.ep, "abc");
    peer_say(&side, "x\r\n");
    assert_true(has(&side, EP_IN_BROKEN));
    assert_int_equal(side.ep->error, EP_ERR_BAD);
    assert_int_equal(side.ep->error_status, 400);
    assert_non_null(side.ep->error_text);
}

static void
client_leaves_in_body(void **state)
{
    (void)state;
    start();
    peer_say(&side, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_true(has(&side, EP_IN_BROKEN));
    assert_int_equal(side.ep->error, EP_ERR_CLOSED);
    side_close(&side, EP_CLOSE_ABORT);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
body_waits_for_reader(void **state)
{
    const size_t size = 2000000;
    char *block = malloc(10000);
    size_t sent = 0, read = 0;

    (void)state;
    memset(block, 'x', 10000);
    start();
    peer_say(&side, "POST / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
    while (sent < size) {
        ssize_t part = send(side.peer, block, 10000, MSG_NOSIGNAL);

        if (part > 0) {
            sent += (size_t)part;
            continue;
        }
        run(loop);
        /* Nothing is taken: what is held stays below some buffers. */
        assert_true(side.ep->in.bytes >= buffer_default_size());
        assert_true(side.ep->in.bytes <= 6 * buffer_default_size());
        run(loop);
        read += side.ep->in.bytes;
        chain_clear(&side.ep->in);
        endpoint_consumed(side.ep);
        run(loop);
    }
    for (int i = 0; i < 100; i++) {
        run(loop);
        read += side.ep->in.bytes;
        chain_clear(&side.ep->in);
        endpoint_consumed(side.ep);
    }
    assert_int_equal(read, size);
    assert_true(has(&side, EP_IN_ENDED));
    free(block);
}

static void
expect_continue(void **state)
{
    (void)state;
    start();
    peer_say(&side, "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    peer_expect(&side, "", false);
    endpoint_want_body(side.ep);
    peer_expect(&side, "HTTP/1.1 100 Continue\r\n\r\n", false);
    endpoint_want_body(side.ep);
    peer_say(&side, "abc");
    expect_in(side.ep, "abc");
    answer_at_once(&side);
    peer_expect(&side, OK_KEEP, false);
}

/* A final answer in place of 100: whether the body comes is anybody's guess, so the connection
 * ends. */
static void
answer_instead_of_continue(void **state)
{
    (void)state;
    start();
    peer_say(&side, "POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    answer_at_once(&side);
    peer_expect(&side, OK_CLOSE, true);
}

/* --- the end of a connection ---------------------------------------------- */

static void
client_wants_close(void **state)
{
    (void)state;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n" GET);
    peer_expect(&side, OK_CLOSE, true);
    assert_int_equal(side.streams, 1);
    assert_int_equal(side.gone, 1);
}

static void
http_1_0(void **state)
{
    (void)state;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    peer_expect(&side, OK_HEAD "connection: keep-alive\r\n\r\nok", false);
    peer_say(&side, "GET / HTTP/1.0\r\n\r\n");
    peer_expect(&side, OK_CLOSE, true);
}

static void
owner_wants_close(void **state)
{
    (void)state;
    side.settings.close_after = true;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET);
    peer_expect(&side, OK_CLOSE, true);
}

static void
stopped(void **state)
{
    (void)state;
    start();
    peer_say(&side, GET);
    h1_mux.stop(side.mc);
    run(loop);
    assert_int_equal(side.gone, 0);
    answer_at_once(&side);
    peer_expect(&side, OK_CLOSE, true);
    assert_int_equal(side.gone, 1);
}

static void
stopped_while_idle(void **state)
{
    (void)state;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET);
    h1_mux.stop(side.mc);
    peer_expect(&side, OK_KEEP, true);
    assert_int_equal(side.gone, 1);
}

static void
client_leaves_while_idle(void **state)
{
    (void)state;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET);
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_int_equal(side.streams, 1);
    assert_int_equal(side.gone, 1);
}

/* It asked, and closed its side: it still gets its answer. */
static void
half_closed_client(void **state)
{
    (void)state;
    start();
    peer_say(&side, GET GET);
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_int_equal(side.gone, 0);
    answer_at_once(&side);
    run(loop);
    assert_int_equal(side.streams, 2);
    run(loop);
    assert_true(has(&side, EP_PEER_GONE));
    answer_at_once(&side);
    peer_expect(&side, OK_KEEP OK_KEEP, true);
    assert_int_equal(side.gone, 1);
}

static void
half_request_and_gone(void **state)
{
    (void)state;
    start();
    peer_say(&side, GET "GET / HT");
    shutdown(side.peer, SHUT_WR);
    answer_at_once(&side);
    run(loop);
    assert_int_equal(side.streams, 2);
    assert_true(has(&side, EP_IN_BROKEN));
    assert_int_equal(side.ep->error, EP_ERR_CLOSED);
    side_close(&side, EP_CLOSE_ABORT);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
said_nothing(void **state)
{
    (void)state;
    start();
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_int_equal(side.streams, 1);
    assert_true(has(&side, EP_IN_BROKEN));
    assert_int_equal(side.ep->error, EP_ERR_CLOSED);
    assert_int_equal(side.ep->error_status, 400);
    assert_int_equal(side.ep->bytes_in, 0);
    side_close(&side, EP_CLOSE_ABORT);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
said_nothing_and_nobody_minds(void **state)
{
    (void)state;
    side.settings.ignore_probes = true;
    start();
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_int_equal(side.streams, 0);
    assert_int_equal(side.gone, 1);
}

static void
closed_with_reset(void **state)
{
    (void)state;
    start();
    peer_say(&side, GET);
    side_close(&side, EP_CLOSE_RESET);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
closed_without_answer(void **state)
{
    (void)state;
    start();
    peer_say(&side, GET);
    side_close(&side, EP_CLOSE_DONE);
    peer_expect(&side, "", true);
    assert_int_equal(side.gone, 1);
}

/* --- requests that cannot be read ----------------------------------------- */

static void
refuse(struct side *who)
{
    assert_true(has(who, EP_IN_BROKEN));
    answer(who, who->ep->error_status, "no");
    side_close(who, EP_CLOSE_DONE);
}

#define REFUSED(status)                                                                            \
    "HTTP/1.1 " status " Fine\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"

/* The client gets the answer although it goes on sending, and then the end of the connection. */
static void
bad_request(void **state)
{
    (void)state;
    side.on_stream = refuse;
    start();
    peer_say(&side, "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n");
    peer_say(&side, GET);
    peer_expect(&side, REFUSED("400"), true);
    assert_int_equal(side.gone, 0);
    close(side.peer);
    side.peer = -1;
    run(loop);
    assert_int_equal(side.gone, 1);
    assert_int_equal(side.streams, 1);
}

static void
drain_ends_by_itself(void **state)
{
    (void)state;
    side.on_stream = refuse;
    start();
    peer_say(&side, "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n");
    peer_expect(&side, REFUSED("400"), true);
    run_for_ms(loop, 1100);
    assert_int_equal(side.gone, 1);
}

static void
early_answer_to_a_body(void **state)
{
    (void)state;
    start();
    peer_say(&side, "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\nabc");
    answer_at_once(&side);
    peer_expect(&side, OK_CLOSE, true);
    assert_int_equal(side.gone, 0);
    peer_say(&side, "def");
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
too_large(const char *start_line, const char *name, unsigned status)
{
    char *value = malloc(40000);

    memset(value, 'v', 40000);
    start();
    peer_say(&side, start_line);
    assert_int_equal(side.streams, 0);
    (void)!send(side.peer, value, 40000, MSG_NOSIGNAL);
    run(loop);
    assert_int_equal(side.streams, 1);
    assert_int_equal(side.ep->error, EP_ERR_TOO_LARGE);
    assert_int_equal(side.ep->error_status, status);
    assert_non_null(strstr(side.ep->error_text, name));
    free(value);
}

static void
head_too_large(void **state)
{
    (void)state;
    too_large("GET / HTTP/1.1\r\nHost: a\r\nX-Large: ", "'x-large'", 431);
}

static void
uri_too_large(void **state)
{
    (void)state;
    too_large("GET /", "first line", 414);
}

/* A head and a body that fill a buffer together, in every way: only the head has a limit. */
static void
body_does_not_count(void **state)
{
    size_t size = buffer_default_size();
    char *text = malloc(3 * size);
    size_t head = (size_t)sprintf(text, "POST / HTTP/1.1\r\nContent-Length: %zu\r\nX: ", size);

    (void)state;
    memset(text + head, 'v', size - head - 4);
    memcpy(text + size - 4, "\r\n\r\n", 4);
    memset(text + size, 'b', size);
    start();
    peer_send(&side, text, 2 * size);
    assert_int_equal(side.streams, 1);
    assert_true(has(&side, EP_HEAD));
    assert_int_equal(side.ep->message->head_bytes, size);
    assert_int_equal(side.ep->in.bytes, size);
    assert_true(has(&side, EP_IN_ENDED));
    free(text);
}

/* A pipelined head that begins in the middle of a buffer moves to a fresh one. */
static void
pipelined_large_head(void **state)
{
    size_t size = buffer_default_size();
    char *text = malloc(2 * size);
    size_t head = (size_t)sprintf(text, GET "GET /second HTTP/1.1\r\nX: ");

    (void)state;
    memset(text + head, 'v', size - 100);
    memcpy(text + head + size - 100, "\r\n\r\n", 4);
    start();
    peer_send(&side, text, head + size - 96);
    answer_at_once(&side);
    run(loop);
    assert_int_equal(side.streams, 2);
    assert_true(has(&side, EP_HEAD));
    assert_true(str_eq(side.ep->message->path, STR("/second")));
    free(text);
}

/* --- deadlines ------------------------------------------------------------ */

static void
nothing_comes(void **state)
{
    (void)state;
    side.settings.http_request_ms = 30;
    start();
    run_for_ms(loop, 60);
    assert_int_equal(side.streams, 1);
    assert_int_equal(side.ep->error, EP_ERR_TIMEOUT);
    assert_int_equal(side.ep->error_status, 408);
    assert_int_equal(side.ep->bytes_in, 0);
    answer(&side, 408, "no");
    side_close(&side, EP_CLOSE_DONE);
    peer_expect(&side, REFUSED("408"), true);
    assert_int_equal(side.gone, 1);
}

static void
half_a_request(void **state)
{
    (void)state;
    side.settings.client_ms = 30;
    start();
    peer_say(&side, "GET / HT");
    run_for_ms(loop, 60);
    assert_int_equal(side.ep->error, EP_ERR_TIMEOUT);
    assert_int_equal(side.ep->bytes_in, 8);
}

static void
idle_for_too_long(void **state)
{
    (void)state;
    side.settings.http_request_ms = 10000;
    side.settings.keep_alive_ms = 30;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET);
    run_for_ms(loop, 60);
    peer_expect(&side, OK_KEEP, true);
    assert_int_equal(side.streams, 1);
    assert_int_equal(side.gone, 1);
}

static void
half_a_second_request(void **state)
{
    (void)state;
    side.settings.http_request_ms = 50;
    side.settings.keep_alive_ms = 10000;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET);
    side.on_stream = NULL;
    run_for_ms(loop, 80);
    assert_int_equal(side.gone, 0);
    peer_say(&side, "GET");
    run_for_ms(loop, 20);
    assert_int_equal(side.streams, 1);
    run_for_ms(loop, 60);
    assert_int_equal(side.streams, 2);
    assert_int_equal(side.ep->error_status, 408);
}

/* Neither do they move the deadline. */
static void
nothing_but_empty_lines(void **state)
{
    (void)state;
    side.settings.http_request_ms = 50;
    side.on_stream = answer_at_once;
    start();
    peer_say(&side, GET);
    side.on_stream = NULL;
    for (int i = 0; i < 10 && side.streams < 2; i++) {
        peer_say(&side, i % 2 == 0 ? "\r\n" : "\n\r\n\r");
        if (i % 2 == 1)
            peer_say(&side, "\n");
        run_for_ms(loop, 10);
    }
    assert_int_equal(side.streams, 2);
    assert_int_equal(side.ep->error_status, 408);
}

static void
no_deadline_during_a_stream(void **state)
{
    (void)state;
    side.settings.http_request_ms = side.settings.keep_alive_ms = 20;
    start();
    peer_say(&side, GET);
    run_for_ms(loop, 60);
    assert_int_equal(side.events, 0);
    answer_at_once(&side);
    peer_expect(&side, OK_KEEP, false);
}

static void
new_settings(void **state)
{
    struct mux_settings other = { .max_fields = 20, .close_after = true };

    (void)state;
    side.on_stream = answer_at_once;
    side.next_settings = &other;
    start();
    peer_say(&side, GET);
    peer_expect(&side, OK_KEEP, false);
    peer_say(&side, GET);
    peer_expect(&side, OK_CLOSE, true);
}

/* --- slow readers --------------------------------------------------------- */

static void
slow_client(void **state)
{
    struct message *msg = make_response(200, "");
    char *block = malloc(10000), *text = malloc(3000000);
    size_t queued = 0, len, all = 0;

    (void)state;
    memset(block, 'x', 10000);
    start();
    peer_say(&side, GET);
    msg->body_length = 2000000;
    assert_true(endpoint_send_head(side.ep, msg));
    while (!has(&side, EP_OUT_FULL)) {
        send_bytes(side.ep, block, 10000);
        queued += 10000;
        endpoint_flush(side.ep, false);
        assert_true(queued < 2000000);
    }
    assert_int_equal(side.events, 0);
    peer_read(&side, text, 3000000, &len);
    all += len;
    assert_true(side.events > 0);
    assert_false(has(&side, EP_OUT_FULL));
    assert_true(has(&side, EP_OUT_FLUSHED));
    while (queued < 2000000) {
        send_bytes(side.ep, block, 10000);
        queued += 10000;
    }
    send_bytes(side.ep, block, 10000); /* more than was promised: dropped */
    assert_true(endpoint_send_end(side.ep));
    endpoint_flush(side.ep, false);
    message_give(msg);
    side_close(&side, EP_CLOSE_DONE); /* what is queued still goes */
    assert_true(peer_read(&side, text, 3000000, &len));
    all += len;
    assert_int_equal(all, 2000000 + strlen("HTTP/1.1 200 Fine\r\ncontent-length: 2000000\r\n\r\n"));
    assert_int_equal(side.gone, 1);
    free(block);
    free(text);
}

static void
client_gone_while_writing(void **state)
{
    struct message *msg = make_response(200, "");

    (void)state;
    start();
    peer_say(&side, GET);
    close(side.peer);
    side.peer = -1;
    msg->body_length = 100;
    assert_true(endpoint_send_head(side.ep, msg));
    send_text(side.ep, "hello");
    endpoint_flush(side.ep, false);
    assert_true(has(&side, EP_OUT_BROKEN));
    assert_int_equal(side.events, 0);
    run(loop);
    assert_true(side.events > 0);
    send_text(side.ep, "more");
    assert_true(endpoint_send_end(side.ep));
    message_give(msg);
    side_close(&side, EP_CLOSE_ABORT);
    run(loop);
    assert_int_equal(side.gone, 1);
}

static void
chunked_answer(void **state)
{
    struct message *msg = make_response(200, "");

    (void)state;
    start();
    peer_say(&side, GET);
    message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    msg->body = BODY_CHUNKED;
    assert_true(endpoint_send_head(side.ep, msg));
    send_text(side.ep, "hello");
    send_text(side.ep, "0123456789abcdef");
    assert_true(message_add_trailer(msg, STR("x-t"), STR("v")));
    assert_true(endpoint_send_end(side.ep));
    endpoint_flush(side.ep, false);
    message_give(msg);
    side_close(&side, EP_CLOSE_DONE);
    peer_expect(&side,
                "HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n"
                "0123456789abcdef\r\n0\r\nx-t: v\r\n\r\n",
                false);
}

static void
interim_answer(void **state)
{
    struct message *msg = make_response(103, "");

    (void)state;
    start();
    peer_say(&side, GET);
    assert_true(endpoint_send_head(side.ep, msg));
    message_give(msg);
    endpoint_flush(side.ep, false);
    peer_expect(&side, "HTTP/1.1 103 Fine\r\n\r\n", false);
    answer_at_once(&side);
    peer_expect(&side, OK_KEEP, false);
}

/* --- tunnels -------------------------------------------------------------- */

static void
tunnel(void **state)
{
    struct message *msg = make_response(101, "");

    (void)state;
    start();
    peer_say(&side, "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nearly");
    assert_true(has(&side, EP_IN_ENDED));
    assert_true(endpoint_send_end(side.ep)); /* of nothing: taken back below */
    side.ep->flags &= ~(unsigned)EP_OUT_ENDED;
    msg->flags |= MESSAGE_TUNNEL | MESSAGE_UPGRADE;
    assert_true(message_add_field(msg, FIELD_UPGRADE, STR("upgrade"), STR("foo")));
    assert_true(endpoint_send_head(side.ep, msg));
    message_give(msg);
    endpoint_flush(side.ep, false);
    assert_true(has(&side, EP_TUNNEL));
    assert_false(has(&side, EP_IN_ENDED));
    peer_expect(&side, "HTTP/1.1 101 Fine\r\nconnection: Upgrade\r\nupgrade: foo\r\n\r\n", false);
    assert_true(side.events > 0);
    expect_in(side.ep, "early");
    peer_say(&side, "GET / HTTP/1.1\r\n\r\n");
    expect_in(side.ep, "GET / HTTP/1.1\r\n\r\n");
    send_text(side.ep, "raw");
    endpoint_flush(side.ep, false);
    peer_expect(&side, "raw", false);
    shutdown(side.peer, SHUT_WR);
    run(loop);
    assert_true(has(&side, EP_IN_ENDED));
    send_text(side.ep, "last");
    assert_true(endpoint_send_end(side.ep));
    endpoint_flush(side.ep, false);
    peer_expect(&side, "last", true);
    side_close(&side, EP_CLOSE_DONE);
    run(loop);
    assert_int_equal(side.gone, 1);
}

/* What follows a CONNECT that was refused is no request: it may be meant for the tunnel. */
static void
refused_tunnel(void **state)
{
    (void)state;
    start();
    peer_say(&side, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    answer_at_once(&side);
    peer_expect(&side, OK_CLOSE, true);
    assert_int_equal(side.streams, 1);
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
        TEST(request_and_answer),
        TEST(idle_connection_owns_no_memory),
        TEST(kept_alive),
        TEST(byte_by_byte),
        TEST(pipelined),
        TEST(many_pipelined),
        TEST(empty_lines_between),
        TEST(counted_body),
        TEST(bad_chunk),
        TEST(client_leaves_in_body),
        TEST(body_waits_for_reader),
        TEST(expect_continue),
        TEST(answer_instead_of_continue),
        TEST(client_wants_close),
        TEST(http_1_0),
        TEST(owner_wants_close),
        TEST(stopped),
        TEST(stopped_while_idle),
        TEST(client_leaves_while_idle),
        TEST(half_closed_client),
        TEST(half_request_and_gone),
        TEST(said_nothing),
        TEST(said_nothing_and_nobody_minds),
        TEST(closed_with_reset),
        TEST(closed_without_answer),
        TEST(bad_request),
        TEST(drain_ends_by_itself),
        TEST(early_answer_to_a_body),
        TEST(head_too_large),
        TEST(uri_too_large),
        TEST(body_does_not_count),
        TEST(pipelined_large_head),
        TEST(nothing_comes),
        TEST(half_a_request),
        TEST(idle_for_too_long),
        TEST(half_a_second_request),
        TEST(nothing_but_empty_lines),
        TEST(no_deadline_during_a_stream),
        TEST(new_settings),
        TEST(slow_client),
        TEST(client_gone_while_writing),
        TEST(chunked_answer),
        TEST(interim_answer),
        TEST(tunnel),
        TEST(refused_tunnel),
    };

    return cmocka_run_group_tests(tests, make_loop, free_loop);
}
