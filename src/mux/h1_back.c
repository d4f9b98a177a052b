/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of HTTP/1: one request at a time, its response, and the connection kept for the
 * next one.
 *
 * For:     streams, the idle pools of servers.
 * Callers: h1_mux.c.
 * Thread:  owner.
 *
 * A connection may be used again when both messages went through whole and nothing else came. What
 * a server sends unasked, on an idle connection or before it was asked, is never taken for an
 * answer: that would poison the next client.
 */
#include "h1_conn.h"

/* --- an exchange ---------------------------------------------------------- */

struct endpoint *
h1_back_open(struct mux_conn *mc)
{
    struct h1_conn *h1 = h1_of_mux(mc);
    struct connection *conn = mc->conn;
    unsigned ready = (conn->flags & CONN_ESTABLISHED) != 0 ? EP_CONNECTED : 0;

    if (mc->streams > 0 || (h1->flags & H1_CLOSE) != 0 ||
        (conn->flags & (CONN_READ_CLOSED | CONN_WRITE_CLOSED | CONN_FAILED)) != 0)
        return NULL;
    h1_exchange_init(h1, EP_BACK | ready);
    h1->ep.began_us = 0;
    h1->in = H1_IN_HEAD;
    h1->flags &= (uint16_t)~H1_TOLD;
    h1->scanned = 0;
    if (mc->max_requests > 0 && mc->served >= mc->max_requests)
        h1->flags |= H1_CLOSE;
    return &h1->ep;
}

void
h1_back_established(struct connection *conn)
{
    struct h1_conn *h1 = conn->owner_data;

    if (conn->err != CONN_ERR_NONE) {
        h1_break(h1, EP_ERR_CONNECT, 503, "cannot connect to the server");
        h1->ep.flags |= EP_OUT_BROKEN;
    } else {
        h1->ep.flags |= EP_CONNECTED;
        if (!chain_is_empty(&h1->out))
            h1_flush(&h1->ep, false);
    }
    if (h1->mux.streams > 0)
        h1_tell(h1);
    else if ((h1->flags & H1_CLOSE) != 0)
        h1_gone(h1);
}

/* --- responses ------------------------------------------------------------ */

static void
offer_response(struct h1_conn *h1, struct message *msg, size_t head_len)
{
    msg->head = buffer_hold(h1->intake.buf);
    intake_use(&h1->intake, head_len);
    h1->ep.bytes_in += head_len;
    h1->ep.message = msg;
    h1->ep.flags |= EP_HEAD;
    h1->scanned = 0;
    if ((msg->flags & MESSAGE_TUNNEL) != 0) {
        h1->ep.flags &= ~(unsigned)EP_OUT_ENDED;
        h1->out_state = H1_OUT_RAW;
        h1_begin_tunnel_in(h1);
        return;
    }
    if (msg->status < 200) {
        intake_release(&h1->intake);
        return; /* interim: another head follows once this one is taken */
    }
    if ((msg->flags & MESSAGE_CLOSE) != 0)
        h1->flags |= H1_CLOSE;
    h1->receiving = msg;
    h1_body_init(&h1->body,
                 (msg->flags & MESSAGE_NO_BODY_EXPECTED) != 0 ? BODY_NONE
                                                              : (enum body_kind)msg->body,
                 msg->body_length, h1->mux.settings->unsafe_response);
    h1->in = H1_IN_BODY;
    h1_read_unused(h1);
}

static void
head_is_unfinished(struct h1_conn *h1)
{
    bool is_uri;

    h1->scanned = (uint32_t)intake_len(&h1->intake);
    if (h1->scanned >= h1_max_head(h1))
        h1_break(h1, EP_ERR_TOO_LARGE, 502, h1_too_large_text(h1, &is_uri));
}

static void
parse_response(struct h1_conn *h1)
{
    struct h1_limits limits = h1_limits(h1);
    struct message *msg = message_take();
    struct h1_error err;
    enum parse_result result;
    size_t head_len;
    bool is_uri;

    if (msg == NULL) {
        h1_break(h1, EP_ERR_RESET, 500, "out of memory");
        return;
    }
    result = h1_parse_answer(intake_bytes(&h1->intake), intake_len(&h1->intake), &limits, h1->asked,
                             msg, &head_len, &err);
    if (result == PARSE_DONE && head_len <= h1_max_head(h1)) {
        offer_response(h1, msg, head_len);
        return;
    }
    message_give(msg);
    if (result == PARSE_MORE)
        head_is_unfinished(h1);
    else if (result == PARSE_DONE)
        h1_break(h1, EP_ERR_TOO_LARGE, 502, h1_too_large_text(h1, &is_uri));
    else {
        h1_show_bad(h1, intake_bytes(&h1->intake), intake_len(&h1->intake), &err);
        h1_break(h1, EP_ERR_BAD, err.status == 500 ? 500 : 502, err.text);
    }
}

static void
read_head(struct h1_conn *h1)
{
    if (h1->out_state == H1_OUT_IDLE) {
        h1_break(h1, EP_ERR_EMPTY, 502, "the server spoke before it was asked");
        return;
    }
    if ((h1->flags & H1_TOLD) == 0) {
        h1->flags |= H1_TOLD;
        h1->ep.began_us = h1_loop(h1)->now_us;
    }
    if (h1->scanned > 0 &&
        !h1_has_head_end(intake_bytes(&h1->intake), intake_len(&h1->intake), h1->scanned))
        head_is_unfinished(h1);
    else
        parse_response(h1);
}

/* Unused bytes behind an interim response. */
void
h1_back_unused(struct h1_conn *h1)
{
    unsigned before = h1->ep.flags;

    if (h1->in == H1_IN_HEAD && (before & EP_HEAD) == 0 && intake_len(&h1->intake) > 0)
        read_head(h1);
    if (h1->ep.flags != before || (h1->todo & H1_TODO_EVENT) != 0)
        h1_tell(h1);
}

/* --- the socket is readable ----------------------------------------------- */

/* Closed or broken before the head of a response. */
static void
head_ends(struct h1_conn *h1, enum endpoint_error error)
{
    if ((h1->flags & H1_TOLD) == 0 && error == EP_ERR_CLOSED)
        h1_break(h1, EP_ERR_EMPTY, 502, "the server closed without an answer");
    else
        h1_break(h1, error, 502,
                 error == EP_ERR_CLOSED ? "the server closed in the middle of a head"
                                        : "the server reset the connection");
    if (error == EP_ERR_RESET)
        h1->ep.flags |= EP_OUT_BROKEN;
}

static void
readable_for_head(struct h1_conn *h1)
{
    unsigned before = h1->ep.flags;
    size_t got;

    if ((before & EP_HEAD) != 0) { /* an interim response that nobody has taken yet */
        connection_stop_reading(h1->mux.conn);
        return;
    }
    switch (intake_read(&h1->intake, h1->mux.conn, &got)) {
    case IO_OK:
        read_head(h1);
        break;
    case IO_WAIT:
        break;
    case IO_CLOSED:
        head_ends(h1, EP_ERR_CLOSED);
        break;
    case IO_FAILED:
        head_ends(h1, EP_ERR_RESET);
        break;
    }
    if (h1->ep.flags != before)
        h1_tell(h1);
}

/* Nobody asked: whatever comes, the end or bytes, is the end of the connection. */
static void
readable_while_idle(struct h1_conn *h1)
{
    char byte;
    size_t got;

    if (connection_read(h1->mux.conn, &byte, 1, &got) != IO_WAIT)
        h1_gone(h1);
}

void
h1_back_readable(struct h1_conn *h1)
{
    switch ((enum h1_in)h1->in) {
    case H1_IN_IDLE:
        readable_while_idle(h1);
        break;
    case H1_IN_HEAD:
        readable_for_head(h1);
        break;
    case H1_IN_BODY:
    case H1_IN_TUNNEL:
        if (h1_read_body(h1))
            h1_tell(h1);
        break;
    case H1_IN_DONE: /* the end of the connection, most likely: it is looked at when the stream has
                        ended */
        h1->flags |= H1_CLOSE;
        connection_stop_reading(h1->mux.conn);
        break;
    case H1_IN_BROKEN:
    case H1_IN_DRAIN:
        connection_stop_reading(h1->mux.conn);
        break;
    }
}

/* --- the stream has ended ------------------------------------------------- */

void
h1_back_settle(struct h1_conn *h1)
{
    const unsigned closed = CONN_READ_CLOSED | CONN_WRITE_CLOSED | CONN_FAILED;

    if ((h1->flags & (H1_CLOSE | H1_STOPPING)) != 0 || !chain_is_empty(&h1->out) ||
        intake_len(&h1->intake) > 0 || (h1->mux.conn->flags & closed) != 0) {
        h1_later(h1, H1_TODO_GONE);
        return;
    }
    intake_clear(&h1->intake);
    h1->in = H1_IN_IDLE;
    h1->mux.conn->flags |= CONN_IDLE_USED;
    h1->mux.owner->on_idle(&h1->mux);
}
