/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of HTTP/1: requests one after the other, keep-alive, pipelining, deadlines.
 *
 * For:     sessions.
 * Callers: h1_mux.c.
 * Thread:  owner.
 *
 * The next request is read only after the stream of the one before has ended; what a client sends
 * ahead stays in one buffer, then in its socket. One lazy timer: it waits for the end of a head,
 * for the next request, for the last bytes to leave.
 *
 * A request that cannot be read becomes a stream too (EP_IN_BROKEN), because somebody must count,
 * log and answer it. Then the connection is closed, but not at once: unread bytes would make the
 * kernel send a reset, which can overtake our answer. So we finish our side and throw away what
 * comes, for a short while (H1_IN_DRAIN).
 */
#include "h1_conn.h"

#include <string.h>

#define DRAIN_MS 1000

/* --- deadlines ------------------------------------------------------------ */

/* Rounded up, so that nothing is late before its time. */
static int64_t
after_ms(int64_t from_us, int64_t ms)
{
    return (from_us + 999) / 1000 + ms;
}

static void
set_deadline(struct h1_conn *h1, int64_t ms)
{
    timer_set(h1_loop(h1), &h1->timer, ms <= 0 ? TIMER_NEVER : after_ms(h1_loop(h1)->now_us, ms));
}

static int64_t
head_ms(const struct mux_settings *settings)
{
    return settings->http_request_ms != 0 ? settings->http_request_ms : settings->client_ms;
}

static int64_t
idle_ms(const struct mux_settings *settings)
{
    return settings->keep_alive_ms != 0 ? settings->keep_alive_ms : head_ms(settings);
}

void
h1_front_start(struct h1_conn *h1)
{
    set_deadline(h1, head_ms(h1->mux.settings));
}

/* --- requests that cannot be read ----------------------------------------- */

/* The owner hears of it, so that it is counted and answered. */
static void
offer_broken(struct h1_conn *h1, enum endpoint_error error, int status, const char *text)
{
    size_t len = intake_len(&h1->intake);

    timer_set(h1_loop(h1), &h1->timer, TIMER_NEVER);
    h1_exchange_init(h1, EP_CONNECTED);
    h1->flags &= (uint16_t) ~(H1_FOR_1_0 | H1_EXPECTS);
    h1->ep.bytes_in = len;
    h1_break(h1, error, status, text);
    intake_clear(&h1->intake);
    h1->mux.owner->on_stream(&h1->mux, &h1->ep);
}

/* The client has gone, or failed, before a whole head. */
static void
head_ends(struct h1_conn *h1, enum endpoint_error error)
{
    bool is_silent =
        h1->in == H1_IN_IDLE && (h1->mux.served > 0 || h1->mux.settings->ignore_probes);

    if (is_silent) {
        h1_gone(h1);
        return;
    }
    offer_broken(h1, error, 400,
                 error == EP_ERR_CLOSED ? "closed before the end of a request"
                                        : "the connection was reset");
}

static void
head_too_large(struct h1_conn *h1)
{
    bool is_uri;
    const char *text = h1_too_large_text(h1, &is_uri);

    offer_broken(h1, EP_ERR_TOO_LARGE, is_uri ? 414 : 431, text);
}

/* --- requests ------------------------------------------------------------- */

static void
note_client(struct h1_conn *h1, const struct message *msg)
{
    unsigned flags = h1->flags & ~(unsigned)(H1_FOR_1_0 | H1_EXPECTS);

    if (msg->version_major == 0 || (msg->version_major == 1 && msg->version_minor == 0))
        flags |= H1_FOR_1_0;
    if ((msg->flags & MESSAGE_CLOSE) != 0)
        flags |= H1_CLOSE;
    if ((msg->flags & MESSAGE_EXPECT_CONTINUE) != 0 && (flags & H1_FOR_1_0) == 0 &&
        (msg->body == BODY_CHUNKED || msg->body_length > 0))
        flags |= H1_EXPECTS;
    h1->flags = (uint16_t)flags;
}

/* What follows the head of a CONNECT belongs to the tunnel, if it comes to one: it is no body and
 * no request. */
static void
begin_request_body(struct h1_conn *h1, const struct message *msg)
{
    h1_body_init(&h1->body, (enum body_kind)msg->body, msg->body_length,
                 h1->mux.settings->unsafe_request);
    h1->in = H1_IN_BODY;
    if (msg->method == METHOD_CONNECT)
        h1->flags |= H1_CLOSE;
    if (intake_len(&h1->intake) > 0 && msg->body != BODY_NONE)
        h1->flags &= (uint16_t)~H1_EXPECTS;
    h1_read_unused(h1);
    if ((h1->mux.conn->flags & CONN_READ_CLOSED) == 0)
        return;
    if (h1->in == H1_IN_BODY) /* it closed its side while the request before was answered */
        h1_break(h1, EP_ERR_CLOSED, 400, "closed in the middle of a body");
    else
        h1->ep.flags |= EP_PEER_GONE;
}

static void
offer_request(struct h1_conn *h1, struct message *msg, size_t head_len)
{
    timer_set(h1_loop(h1), &h1->timer, TIMER_NEVER);
    msg->head = buffer_hold(h1->intake.buf);
    intake_use(&h1->intake, head_len);
    h1_exchange_init(h1, EP_CONNECTED | EP_HEAD);
    h1->ep.message = h1->receiving = msg;
    h1->ep.bytes_in = head_len;
    note_client(h1, msg);
    begin_request_body(h1, msg);
    h1->mux.owner->on_stream(&h1->mux, &h1->ep);
}

/* More is to come, until the deadline that the first byte has set. */
static void
head_is_unfinished(struct h1_conn *h1)
{
    size_t len = intake_len(&h1->intake);
    int64_t ms = head_ms(h1->mux.settings);

    if (len >= h1_max_head(h1)) {
        head_too_large(h1);
        return;
    }
    if ((h1->mux.conn->flags & CONN_READ_CLOSED) != 0) {
        head_ends(h1, EP_ERR_CLOSED);
        return;
    }
    h1->scanned = (uint32_t)len;
    if (h1->mux.served > 0)
        timer_set(h1_loop(h1), &h1->timer, ms <= 0 ? TIMER_NEVER : after_ms(h1->ep.began_us, ms));
}

/* Empty lines before a request are thrown away at once: they would be looked at again with each
 * byte that follows. */
static void
skip_empty_lines(struct h1_conn *h1)
{
    struct intake *in = &h1->intake;

    while (intake_len(in) > 0) {
        const char *bytes = intake_bytes(in);

        if (bytes[0] == '\n')
            intake_use(in, 1);
        else if (bytes[0] == '\r' && intake_len(in) >= 2 && bytes[1] == '\n')
            intake_use(in, 2);
        else
            return;
    }
    intake_release(in);
}

static inline bool
begins_with_empty_line(const struct h1_conn *h1)
{
    return *intake_bytes(&h1->intake) == '\r' || *intake_bytes(&h1->intake) == '\n';
}

static void
parse_request(struct h1_conn *h1)
{
    char *bytes = intake_bytes(&h1->intake);
    size_t len = intake_len(&h1->intake), head_len;
    struct h1_limits limits = h1_limits(h1);
    struct message *msg = message_take();
    struct h1_error err;
    enum parse_result result;

    if (msg == NULL) {
        offer_broken(h1, EP_ERR_RESET, 500, "out of memory");
        return;
    }
    result = h1_parse_request(bytes, len, &limits, msg, &head_len, &err);
    if (result == PARSE_DONE && head_len <= h1_max_head(h1)) {
        offer_request(h1, msg, head_len);
        return;
    }
    message_give(msg);
    if (result == PARSE_MORE)
        head_is_unfinished(h1);
    else if (result == PARSE_DONE)
        head_too_large(h1);
    else {
        h1_show_bad(h1, bytes, len, &err);
        offer_broken(h1, EP_ERR_BAD, err.status, err.text);
    }
}

static void
refresh_settings(struct h1_conn *h1)
{
    const struct mux_settings *settings;

    if (h1->mux.served == 0 || h1->mux.owner->on_settings == NULL)
        return;
    settings = h1->mux.owner->on_settings(&h1->mux);
    if (settings != NULL)
        h1->mux.settings = settings;
}

/* The client speaks HTTP/2 without having asked whether we do (RFC 9113 3.3). */
static bool
is_preface(const struct h1_conn *h1)
{
    static const char line[] = "PRI * HTTP/2.0\r\n";
    const size_t len = sizeof(line) - 1;

    return intake_len(&h1->intake) >= len && memcmp(intake_bytes(&h1->intake), line, len) == 0 &&
           !h1->mux.settings->no_h2;
}

static void
read_head(struct h1_conn *h1)
{
    if (h1->in == H1_IN_IDLE) {
        h1->in = H1_IN_HEAD;
        h1->scanned = 0;
        h1->ep.began_us = h1_loop(h1)->now_us;
        refresh_settings(h1);
    }
    if (__builtin_expect(begins_with_empty_line(h1), 0))
        skip_empty_lines(h1);
    if (intake_len(&h1->intake) == 0) {
        head_is_unfinished(h1);
        return;
    }
    if (h1->mux.served == 0 && *intake_bytes(&h1->intake) == 'P' && is_preface(h1) &&
        h1_become_h2(h1))
        return;
    if (h1->scanned > 0 &&
        !h1_has_head_end(intake_bytes(&h1->intake), intake_len(&h1->intake), h1->scanned)) {
        head_is_unfinished(h1);
        return;
    }
    parse_request(h1);
}

void
h1_front_unused(struct h1_conn *h1)
{
    if (h1->in == H1_IN_IDLE && intake_len(&h1->intake) > 0)
        read_head(h1);
    else if ((h1->todo & H1_TODO_EVENT) != 0)
        h1_tell(h1);
}

/* --- the socket is readable ----------------------------------------------- */

static void
readable_for_head(struct h1_conn *h1)
{
    size_t got;

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
}

/* While the answer is on its way: the next request, or the end of the client. */
static void
readable_ahead(struct h1_conn *h1)
{
    size_t got = 0;

    if (intake_len(&h1->intake) > 0) {
        connection_stop_reading(h1->mux.conn);
        return;
    }
    switch (intake_read(&h1->intake, h1->mux.conn, &got)) {
    case IO_OK:
    case IO_WAIT:
        return;
    case IO_CLOSED:
        h1->ep.flags |= EP_PEER_GONE;
        break;
    case IO_FAILED:
        h1->flags |= H1_CLOSE;
        h1->ep.flags |= EP_PEER_GONE | EP_OUT_BROKEN;
        break;
    }
    h1_tell(h1);
}

static void
readable_for_nobody(struct h1_conn *h1)
{
    size_t got;
    enum io io = intake_read(&h1->intake, h1->mux.conn, &got);

    intake_clear(&h1->intake);
    if (io == IO_CLOSED || io == IO_FAILED)
        h1_gone(h1);
}

void
h1_front_readable(struct h1_conn *h1)
{
    switch ((enum h1_in)h1->in) {
    case H1_IN_IDLE:
    case H1_IN_HEAD:
        readable_for_head(h1);
        break;
    case H1_IN_BODY:
    case H1_IN_TUNNEL:
        if (h1->mux.streams == 0)
            connection_stop_reading(h1->mux.conn);
        else if (h1_read_body(h1))
            h1_tell(h1);
        break;
    case H1_IN_DONE:
        if (h1->mux.streams == 0)
            connection_stop_reading(h1->mux.conn);
        else
            readable_ahead(h1);
        break;
    case H1_IN_BROKEN:
        connection_stop_reading(h1->mux.conn);
        break;
    case H1_IN_DRAIN:
        readable_for_nobody(h1);
        break;
    }
}

/* --- the stream has ended ------------------------------------------------- */

static void
begin_idle(struct h1_conn *h1)
{
    h1->in = H1_IN_IDLE;
    h1->ep.began_us = 0;
    intake_release(&h1->intake);
    set_deadline(h1, idle_ms(h1->mux.settings));
    connection_resume_reading(h1->mux.conn);
    if (intake_len(&h1->intake) > 0)
        h1_later(h1, H1_TODO_READ);
    else if ((h1->mux.conn->flags & CONN_READ_CLOSED) != 0)
        h1_later(h1, H1_TODO_GONE);
}

static void
begin_drain(struct h1_conn *h1)
{
    h1->in = H1_IN_DRAIN;
    intake_clear(&h1->intake);
    connection_shut_write(h1->mux.conn);
    connection_resume_reading(h1->mux.conn);
    set_deadline(h1, DRAIN_MS);
}

/* Has the client sent, or will it send, what nobody reads, while it should read our answer? */
static bool
must_drain(const struct h1_conn *h1)
{
    const unsigned closed = CONN_READ_CLOSED | CONN_WRITE_CLOSED | CONN_FAILED;

    return (h1->in == H1_IN_BODY || h1->in == H1_IN_BROKEN) && h1->ep.bytes_out > 0 &&
           h1->ep.error != EP_ERR_TIMEOUT && (h1->mux.conn->flags & closed) == 0;
}

void
h1_front_settle(struct h1_conn *h1)
{
    if (!chain_is_empty(&h1->out) && (h1->flags & H1_LEAVING) == 0)
        h1_flush(&h1->ep, false);
    if (!chain_is_empty(&h1->out)) {
        h1->flags |= H1_LEAVING;
        set_deadline(h1, h1->mux.settings->client_ms);
        return;
    }
    h1->flags &= (uint16_t)~H1_LEAVING;
    if ((h1->flags & H1_CLOSE) == 0)
        begin_idle(h1);
    else if (must_drain(h1))
        begin_drain(h1);
    else
        h1_later(h1, H1_TODO_GONE);
}

/* --- the timer
 * ------------------------------------------------------------------------------------------------
 */

void
h1_front_timeout(struct h1_conn *h1)
{
    if (h1->mux.streams > 0 || (h1->todo & H1_TODO_GONE) != 0)
        return;
    if ((h1->flags & H1_LEAVING) != 0 || h1->in == H1_IN_DRAIN) {
        h1_gone(h1);
        return;
    }
    if (h1->in == H1_IN_IDLE && (h1->mux.served > 0 || h1->mux.settings->ignore_probes)) {
        h1_gone(h1);
        return;
    }
    offer_broken(h1, EP_ERR_TIMEOUT, 408, "no whole request in time (timeout http-request)");
}
