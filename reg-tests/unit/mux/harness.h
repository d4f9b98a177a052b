/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection over a socket pair, a mux on one end, the test on the other, and an owner that
 * writes down what it is told. Included by the tests of the muxes.
 */
#pragma once

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/http/reply.h"
#include "weir/loop/loop.h"
#include "weir/mux/mux.h"

struct side {
    struct loop *loop;
    struct mux_conn *mc; /* NULL once it is gone */
    struct endpoint *ep; /* the stream's, NULL between streams */
    struct mux_settings settings;
    const struct mux_settings *next_settings; /* on_settings */
    int peer;                                 /* the test's end */
    int streams, events, idle, gone;
    void (*on_stream)(struct side *side);
    void (*on_event)(struct side *side);
};

static void
side_on_event(struct endpoint *ep)
{
    struct side *side = ep->owner_data;

    assert_ptr_equal(ep, side->ep);
    side->events++;
    if (side->on_event != NULL)
        side->on_event(side);
}

static const struct endpoint_owner side_endpoint_owner = { .on_event = side_on_event };

static void
side_attach(struct side *side, struct endpoint *ep)
{
    side->ep = ep;
    ep->owner = &side_endpoint_owner;
    ep->owner_data = side;
}

static void
side_on_stream(struct mux_conn *mc, struct endpoint *ep)
{
    struct side *side = mc->owner_data;

    assert_null(side->ep);
    assert_ptr_equal(mc, side->mc);
    side->streams++;
    side_attach(side, ep);
    if (side->on_stream != NULL)
        side->on_stream(side);
}

static void
side_on_idle(struct mux_conn *mc)
{
    struct side *side = mc->owner_data;

    side->idle++;
}

static void
side_on_gone(struct mux_conn *mc)
{
    struct side *side = mc->owner_data;

    assert_null(side->ep);
    side->gone++;
    side->mc = NULL;
}

static const struct mux_settings *
side_on_settings(struct mux_conn *mc)
{
    struct side *side = mc->owner_data;

    return side->next_settings;
}

static const struct mux_owner side_owner = {
    .on_stream = side_on_stream,
    .on_idle = side_on_idle,
    .on_gone = side_on_gone,
    .on_settings = side_on_settings,
};

/* `side->settings` and the callbacks may be set before. */
static inline void
side_start(struct side *side, struct loop *loop, const struct mux *mux, enum mux_side which)
{
    struct connection *conn;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    conn = connection_new(loop, fds[0], which == MUX_FRONT ? CONN_INCOMING : 0);
    assert_non_null(conn);
    side->loop = loop;
    side->peer = fds[1];
    side->mc = mux->start(conn, which, &side->settings, &side_owner, side);
    assert_non_null(side->mc);
    connection_start(conn);
}

static inline void
side_fini(struct side *side)
{
    if (side->ep != NULL) {
        endpoint_close(side->ep, EP_CLOSE_RESET);
        side->ep = NULL;
    }
    if (side->mc != NULL)
        mux_conn_close(side->mc);
    if (side->peer != -1)
        close(side->peer);
    side->peer = -1;
}

static inline void
side_close(struct side *side, enum endpoint_close how)
{
    struct endpoint *ep = side->ep;

    side->ep = NULL;
    endpoint_close(ep, how);
}

/* Events until nothing happens any more. */
static inline void
run(struct loop *loop)
{
    for (int i = 0; i < 8; i++)
        ev_run(loop->ev, EVRUN_NOWAIT);
}

static inline void
run_for_ms(struct loop *loop, int ms)
{
    loop_update_clock(loop);
    for (int64_t end = loop->now_ms + ms; loop->now_ms < end; loop_update_clock(loop)) {
        ev_run(loop->ev, EVRUN_NOWAIT);
        usleep(1000);
    }
    run(loop);
}

/* --- the test's end ------------------------------------------------------- */

static inline void
peer_send(struct side *side, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(side->peer, text, len, MSG_NOSIGNAL);

        assert_true(sent > 0 || errno == EAGAIN);
        if (sent > 0) {
            text += sent;
            len -= (size_t)sent;
        }
        ev_run(side->loop->ev, EVRUN_NOWAIT);
    }
    run(side->loop);
}

static inline void
peer_say(struct side *side, const char *text)
{
    peer_send(side, text, strlen(text));
}

/* Reads what is there: *len bytes. True: the other side has closed. */
static inline bool
peer_read(struct side *side, char *to, size_t size, size_t *len)
{
    *len = 0;
    for (;;) {
        ssize_t got;

        run(side->loop);
        got = *len < size ? recv(side->peer, to + *len, size - *len, 0) : -2;
        if (got <= 0)
            return got == 0 || (got == -1 && errno != EAGAIN);
        *len += (size_t)got;
    }
}

static inline void
peer_expect(struct side *side, const char *expected, bool is_closed)
{
    static char text[200000];
    size_t len;
    bool closed = peer_read(side, text, sizeof(text) - 1, &len);

    text[len] = '\0';
    assert_string_equal(text, expected);
    assert_int_equal(closed, is_closed);
}

/* --- the stream's end ----------------------------------------------------- */

static inline void
send_bytes(struct endpoint *ep, const char *text, size_t len)
{
    struct chain data = { 0 };

    assert_true(chain_add_copy(&data, text, len));
    assert_true(endpoint_send_body(ep, &data));
    assert_true(chain_is_empty(&data));
}

static inline void
send_text(struct endpoint *ep, const char *text)
{
    send_bytes(ep, text, strlen(text));
}

static inline void
expect_in(struct endpoint *ep, const char *expected)
{
    char text[4096];
    size_t len = chain_peek(&ep->in, 0, text, sizeof(text) - 1);

    text[len] = '\0';
    assert_string_equal(text, expected);
    chain_clear(&ep->in);
    endpoint_consumed(ep);
}

static inline bool
has(const struct side *side, unsigned flags)
{
    return (side->ep->flags & flags) == flags;
}

/* A response of our own; the body of `text`. */
static inline struct message *
make_response(int status, const char *text)
{
    struct reply reply = { .status = status, .version_minor = 1, .reason = STR("Fine") };
    struct message *msg;

    reply.body = str_from(text);
    msg = reply_to_message(&reply);
    assert_non_null(msg);
    return msg;
}

static inline void
answer(struct side *side, int status, const char *text)
{
    struct message *msg = make_response(status, text);

    assert_true(endpoint_send_head(side->ep, msg));
    send_text(side->ep, text);
    assert_true(endpoint_send_end(side->ep));
    endpoint_flush(side->ep, false);
    message_give(msg);
}

/* Takes the request, answers "ok", and ends: a stream that needs no event. */
static inline void
answer_at_once(struct side *side)
{
    message_give(endpoint_take_message(side->ep));
    answer(side, 200, "ok");
    side_close(side, EP_CLOSE_DONE);
}

#define OK_HEAD  "HTTP/1.1 200 Fine\r\ncontent-length: 2\r\n"
#define OK_KEEP  OK_HEAD "\r\nok"
#define OK_CLOSE OK_HEAD "connection: close\r\n\r\nok"
