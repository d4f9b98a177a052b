/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream of an HTTP/2 connection: the endpoint that the stream of weir talks to.
 *
 * For:     streams, through endpoint.c; h2_session.c, when frames come.
 * Owns:    what was received and not taken, what was queued and not framed.
 * Thread:  owner.
 *
 * It lives until both have let go of it: its owner (endpoint_close) and nghttp2 (both sides ended,
 * or a reset). Bytes are framed by endpoint_flush() and written once for all streams at the end of
 * the turn.
 */
#include "h2_conn.h"

#include "outlet.h"
#include "weir/base/pool.h"

static struct pool stream_pool = POOL("h2_stream", sizeof(struct h2_stream));

/* --- life ----------------------------------------------------------------- */

struct h2_stream *
h2_stream_new(struct h2_conn *h2, int32_t id, unsigned ep_flags)
{
    struct h2_stream *s = pool_take(&stream_pool);

    if (s == NULL)
        return NULL;
    *s = (struct h2_stream){ .id = id };
    endpoint_init(&s->ep, h2->mux.mux, &h2->mux);
    s->ep.flags = ep_flags | EP_OUT_FLUSHED;
    list_init(&s->told);
    list_add_last(&h2->streams, &s->link);
    return s;
}

void
h2_stream_free(struct h2_stream *s)
{
    if (s->held > 0)
        nghttp2_session_consume_connection(h2_of_stream(s)->ng, s->held);
    list_remove(&s->link);
    list_remove(&s->told);
    message_give(s->head);
    message_give(s->later);
    message_give(s->tail);
    message_give(s->ep.message);
    chain_clear(&s->ep.in);
    chain_clear(&s->out);
    chain_clear(&s->early);
    pool_give(&stream_pool, s);
}

void
h2_stream_tell(struct h2_stream *s)
{
    struct h2_conn *h2 = h2_of_stream(s);

    if (!list_is_linked(&s->told))
        list_add_last(&h2->told, &s->told);
    if (h2->busy == 0)
        h2_later(h2);
}

void
h2_stream_break(struct h2_stream *s, enum endpoint_error error, int status, const char *text)
{
    struct endpoint *ep = &s->ep;

    if ((ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) == 0) {
        ep->flags |= EP_IN_BROKEN;
        ep->error = (uint8_t)error;
        ep->error_status = (uint16_t)status;
        ep->error_text = text;
    }
    s->receiving = NULL;
    h2_stream_tell(s);
}

void
h2_stream_in_ended(struct h2_stream *s)
{
    s->ep.flags |= EP_IN_ENDED;
    s->receiving = NULL;
    if ((s->flags & H2S_DETACHED) == 0)
        h2_stream_tell(s);
}

/* Why a server's stream was reset: what it never looked at may be sent again. */
static enum endpoint_error
back_error(uint32_t code)
{
    return code == NGHTTP2_REFUSED_STREAM ? EP_ERR_EMPTY : EP_ERR_RESET;
}

void
h2_stream_closed(struct h2_stream *s, uint32_t code)
{
    struct h2_conn *h2 = h2_of_stream(s);
    bool is_back = h2_is_back(h2);

    s->flags |= H2S_CLOSED;
    if ((s->flags & H2S_DETACHED) != 0) {
        h2->leaving--;
        h2_stream_free(s);
        return;
    }
    if ((s->flags & H2S_FRESH) != 0 && (s->ep.flags & EP_IN_ENDED) == 0 && code != 0) {
        h2_stream_free(s); /* nobody has heard of it */
        return;
    }
    if (code == NGHTTP2_NO_ERROR && (s->flags & H2S_END_SENT) != 0 &&
        (s->flags & H2S_IN_END) != 0)
        return;
    chain_clear(&s->out);
    s->ep.flags |= EP_OUT_BROKEN | EP_OUT_FLUSHED;
    s->ep.flags &= ~(unsigned)EP_OUT_FULL;
    if (!is_back)
        s->ep.flags |= EP_PEER_GONE;
    h2_stream_break(s, is_back ? back_error(code) : EP_ERR_RESET, is_back ? 502 : 400,
                    "the peer has reset the stream");
}

/* --- out ------------------------------------------------------------------ */

static bool
has_no_body(const struct message *msg)
{
    if ((msg->flags & MESSAGE_TUNNEL) != 0)
        return false;
    return (msg->flags & MESSAGE_NO_BODY_EXPECTED) != 0 || msg->body == BODY_NONE ||
           (msg->body == BODY_LENGTH && msg->body_length == 0);
}

static nghttp2_data_provider
provider(struct h2_stream *s)
{
    return (nghttp2_data_provider){ .source = { .ptr = s }, .read_callback = h2_read_data };
}

/* A response that makes a tunnel of the stream. */
static void
begin_tunnel(struct h2_stream *s)
{
    s->ep.flags |= EP_TUNNEL;
    s->ep.flags &= ~(unsigned)(EP_OUT_ENDED | EP_PEER_GONE);
    if ((s->flags & H2S_IN_END) == 0)
        s->ep.flags &= ~(unsigned)EP_IN_ENDED;
    chain_move(&s->ep.in, &s->early);
    if (!chain_is_empty(&s->ep.in) || (s->ep.flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0)
        h2_stream_tell(s);
}

static bool
send_response(struct h2_conn *h2, struct h2_stream *s, struct message *msg)
{
    nghttp2_data_provider body = provider(s);
    bool is_interim = msg->status < 200 && (msg->flags & MESSAGE_TUNNEL) == 0;
    bool is_bodiless = has_no_body(msg);
    size_t count;
    nghttp2_nv *fields = h2_write_response(s, msg, &count);

    if (fields == NULL)
        return false;
    if (is_interim)
        return nghttp2_submit_headers(h2->ng, NGHTTP2_FLAG_NONE, s->id, NULL, fields, count,
                                      NULL) == 0;
    if (nghttp2_submit_response(h2->ng, s->id, fields, count, is_bodiless ? NULL : &body) != 0)
        return false;
    s->flags |= is_bodiless ? H2S_ANSWERED | H2S_BODILESS : H2S_ANSWERED;
    if ((msg->flags & MESSAGE_TUNNEL) != 0)
        begin_tunnel(s);
    return true;
}

/* Extended CONNECT needs a server that says so: the request waits for its SETTINGS. */
static bool
may_ask_websocket(struct h2_conn *h2, struct h2_stream *s, const struct message *msg)
{
    if ((h2->flags & H2_SETTLED) == 0) {
        s->flags |= H2S_HELD;
        return false;
    }
    s->flags &= ~(uint32_t)H2S_HELD;
    if (nghttp2_session_get_remote_settings(h2->ng, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1) {
        h2_tunnel_ask(s, msg);
        return true;
    }
    h2_stream_break(s, EP_ERR_BAD, 502, "the server does not know WebSocket over HTTP/2 (RFC 8441)");
    return false;
}

static bool
send_request(struct h2_conn *h2, struct h2_stream *s, struct message *msg)
{
    nghttp2_data_provider body = provider(s);
    bool is_bodiless = has_no_body(msg) && msg->method != METHOD_CONNECT &&
                       (msg->flags & MESSAGE_WEBSOCKET) == 0;
    nghttp2_nv *fields;
    size_t count;
    int32_t id;

    if ((msg->flags & MESSAGE_WEBSOCKET) != 0 && !may_ask_websocket(h2, s, msg))
        return true;
    fields = h2_write_request(s, msg, &count);
    if (fields == NULL)
        return false;
    id = nghttp2_submit_request(h2->ng, NULL, fields, count, is_bodiless ? NULL : &body, s);
    if (id < 0)
        return false;
    s->id = id;
    if (is_bodiless)
        s->flags |= H2S_BODILESS;
    if (msg->method == METHOD_HEAD)
        s->flags |= H2S_HEAD;
    if (msg->method == METHOD_CONNECT)
        s->flags |= H2S_CONNECT;
    if ((msg->flags & MESSAGE_WEBSOCKET) != 0)
        s->flags |= H2S_CONNECT | H2S_EXTENDED;
    return true;
}

void
h2_stream_settled(struct h2_stream *s)
{
    struct h2_conn *h2 = h2_of_stream(s);

    if (s->sending == NULL || !send_request(h2, s, s->sending))
        h2_stream_break(s, EP_ERR_RESET, 500, "out of memory");
}

bool
h2_send_head(struct endpoint *ep, struct message *msg)
{
    struct h2_stream *s = (struct h2_stream *)ep;
    struct h2_conn *h2 = h2_of_stream(s);

    if ((s->flags & H2S_CLOSED) != 0 || (ep->flags & EP_OUT_BROKEN) != 0)
        return true;
    ep->flags &= ~(unsigned)EP_OUT_FLUSHED;
    s->sending = msg;
    return h2_is_back(h2) ? send_request(h2, s, msg) : send_response(h2, s, msg);
}

bool
h2_send_body(struct endpoint *ep, struct chain *data)
{
    struct h2_stream *s = (struct h2_stream *)ep;

    if (chain_is_empty(data))
        return true;
    if ((ep->flags & (EP_OUT_BROKEN | EP_OUT_ENDED)) != 0 || (s->flags & H2S_BODILESS) != 0) {
        chain_clear(data);
        return true;
    }
    if (!outlet_add(&s->out, data))
        return false;
    outlet_note(ep, &s->out);
    if ((s->flags & H2S_ASLEEP) != 0) {
        s->flags &= ~(uint32_t)H2S_ASLEEP;
        nghttp2_session_resume_data(h2_of_stream(s)->ng, s->id);
    }
    return true;
}

/* Queued by h2_read_data() behind the last byte; copied, because the message may go before. */
static bool
keep_trailers(struct h2_stream *s, const struct message *msg)
{
    if (msg == NULL || msg->trailer_count == 0)
        return true;
    s->tail = message_take();
    if (s->tail == NULL)
        return false;
    for (uint32_t i = 0; i < msg->trailer_count; i++) {
        const struct field *field = &msg->trailers[i];

        if (field->name_len != 0 &&
            !message_add_trailer(s->tail, field_name_str(field), field_value(field)))
            return false;
    }
    return true;
}

/* The request that asks for a tunnel ends, its stream does not. */
static bool
is_before_tunnel(const struct h2_stream *s)
{
    return (s->ep.flags & (EP_BACK | EP_TUNNEL)) == EP_BACK &&
           (s->flags & (H2S_CONNECT | H2S_HELD)) != 0;
}

bool
h2_send_end(struct endpoint *ep)
{
    struct h2_stream *s = (struct h2_stream *)ep;

    if ((ep->flags & EP_OUT_ENDED) != 0)
        return true;
    ep->flags |= EP_OUT_ENDED;
    if ((ep->flags & EP_OUT_BROKEN) != 0 || (s->flags & H2S_CLOSED) != 0)
        return true;
    if (is_before_tunnel(s))
        return true;
    s->flags |= H2S_END;
    if ((s->flags & H2S_BODILESS) != 0)
        return true;
    if (!keep_trailers(s, s->sending))
        return false;
    s->sending = NULL;
    ep->flags &= ~(unsigned)EP_OUT_FLUSHED;
    if ((s->flags & H2S_ASLEEP) != 0) {
        s->flags &= ~(uint32_t)H2S_ASLEEP;
        nghttp2_session_resume_data(h2_of_stream(s)->ng, s->id);
    }
    return true;
}

void
h2_want_body(struct endpoint *ep)
{
    struct h2_stream *s = (struct h2_stream *)ep;
    static const nghttp2_nv field = { (uint8_t *)":status", (uint8_t *)"100", 7, 3, 0 };

    if ((s->flags & (H2S_EXPECTS | H2S_ANSWERED | H2S_CLOSED)) != H2S_EXPECTS)
        return;
    s->flags &= ~(uint32_t)H2S_EXPECTS;
    nghttp2_submit_headers(h2_of_stream(s)->ng, NGHTTP2_FLAG_NONE, s->id, NULL, &field, 1, NULL);
    h2_flush(ep, false);
}

void
h2_stream_drained(struct h2_stream *s)
{
    unsigned before = s->ep.flags;

    if (s->out.bytes < buffer_default_size() / 2)
        s->ep.flags &= ~(unsigned)EP_OUT_FULL;
    if (chain_is_empty(&s->out) && ((s->flags & H2S_END) == 0 || (s->flags & H2S_END_SENT) != 0))
        s->ep.flags |= EP_OUT_FLUSHED;
    if (s->ep.flags != before && (s->flags & (H2S_DETACHED | H2S_FRESH)) == 0 &&
        h2_of_stream(s)->flushing != s)
        h2_stream_tell(s);
}

void
h2_flush(struct endpoint *ep, bool more)
{
    struct h2_stream *s = (struct h2_stream *)ep;
    struct h2_conn *h2 = h2_of_stream(s);

    (void)more;
    if ((ep->flags & EP_OUT_BROKEN) != 0)
        return;
    h2->flushing = s;
    h2_serialise(h2);
    h2->flushing = NULL;
    if ((ep->flags & EP_OUT_FLUSHED) == 0)
        h2_stream_drained(s);
    if (h2->busy == 0)
        h2_later(h2);
}

/* --- in ------------------------------------------------------------------- */

/* The peer may send as much again as was taken. */
static void
give_window(struct h2_stream *s)
{
    struct h2_conn *h2 = h2_of_stream(s);
    uint32_t taken;

    if (s->held > s->ep.in.bytes + s->early.bytes) {
        taken = s->held - (uint32_t)(s->ep.in.bytes + s->early.bytes);
        s->held -= taken;
        nghttp2_session_consume_connection(h2->ng, taken);
        if (h2->busy == 0)
            h2_later(h2);
    }
    if (s->ep.in.bytes >= s->unread)
        return;
    taken = s->unread - (uint32_t)s->ep.in.bytes;
    if ((s->ep.flags & EP_IN_ENDED) != 0 || (s->flags & H2S_CLOSED) != 0) {
        s->unread -= taken;
        return;
    }
    if (taken < h2->window / 4 && s->ep.in.bytes > 0)
        return;
    s->unread -= taken;
    nghttp2_session_consume_stream(h2->ng, s->id, taken);
    if (h2->busy == 0)
        h2_later(h2);
}

void
h2_consumed(struct endpoint *ep)
{
    struct h2_stream *s = (struct h2_stream *)ep;

    if (s->later != NULL && ep->message == NULL) {
        ep->message = s->later;
        s->later = NULL;
        ep->flags |= EP_HEAD;
        h2_stream_tell(s);
    }
    if (s->unread > 0)
        give_window(s);
}

/* --- given back ----------------------------------------------------------- */

static void
reset(struct h2_conn *h2, struct h2_stream *s, uint32_t code)
{
    if (s->id > 0)
        nghttp2_submit_rst_stream(h2->ng, NGHTTP2_FLAG_NONE, s->id, code);
}

/* The answer is out, the request is not in. A reset (RFC 9113 8.1) makes some clients, curl for one, forget the answer; a
 * request that fits into the window will end by itself, and what comes of it is dropped. */
void
h2_stream_end_early(struct h2_conn *h2, struct h2_stream *s)
{
    if ((s->flags & H2S_SHORT) == 0)
        reset(h2, s, NGHTTP2_NO_ERROR);
}

/* What is left to be said on a stream that nobody looks at any more. Its bytes stay: nghttp2 may be in
 * the middle of a frame of them. */
static void
leave(struct h2_conn *h2, struct h2_stream *s, enum endpoint_close how)
{
    bool has_head = h2_is_back(h2) ? s->id > 0 : (s->flags & H2S_ANSWERED) != 0;
    uint32_t code = h2_is_back(h2) ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR;

    if (how == EP_CLOSE_RESET || !has_head) {
        reset(h2, s, s->status == 0 ? code : NGHTTP2_PROTOCOL_ERROR);
    } else if ((s->flags & H2S_END) == 0 && !chain_is_empty(&s->out) && !h2_is_back(h2)) {
        s->flags |= H2S_ABORT;
        if ((s->flags & H2S_ASLEEP) != 0)
            nghttp2_session_resume_data(h2->ng, s->id);
    } else if ((s->flags & H2S_END) == 0) {
        reset(h2, s, code);
    } else if (h2_is_back(h2)) {
        if ((s->flags & (H2S_IN_END | H2S_END_SENT)) != (H2S_IN_END | H2S_END_SENT))
            reset(h2, s, code);
    } else if ((s->flags & (H2S_END_SENT | H2S_IN_END)) == H2S_END_SENT) {
        h2_stream_end_early(h2, s);
    }
}

void
h2_close(struct endpoint *ep, enum endpoint_close how)
{
    struct h2_stream *s = (struct h2_stream *)ep;
    struct h2_conn *h2 = h2_of_stream(s);
    bool is_back = h2_is_back(h2);

    ep->owner = NULL;
    ep->owner_data = NULL;
    list_remove(&s->told);
    message_give(ep->message);
    message_give(s->later);
    ep->message = s->later = NULL;
    s->receiving = s->sending = NULL;
    chain_clear(&ep->in);
    h2->mux.streams--;
    if ((s->flags & H2S_CLOSED) != 0 || s->id == 0) {
        h2_stream_free(s);
    } else {
        s->flags |= H2S_DETACHED;
        h2->leaving++;
        leave(h2, s, how);
    }
    h2_later(h2);
    if (is_back && h2->mux.streams == 0 && h2_has_room(h2))
        h2->mux.owner->on_idle(&h2->mux);
}

/* --- servers -------------------------------------------------------------- */

bool
h2_has_room(const struct h2_conn *h2)
{
    const struct connection *conn = h2->mux.conn;
    uint32_t most = nghttp2_session_get_remote_settings(h2->ng,
                                                        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

    if ((h2->flags & (H2_STOPPING | H2_LEFT | H2_GONE | H2_DEAD)) != 0 ||
        (conn->flags & (CONN_READ_CLOSED | CONN_WRITE_CLOSED | CONN_FAILED)) != 0)
        return false;
    if (h2->mux.max_requests > 0 && h2->mux.served >= h2->mux.max_requests)
        return false;
    if (most > h2->most)
        most = h2->most;
    return h2->mux.streams < most && nghttp2_session_check_request_allowed(h2->ng) != 0;
}

struct endpoint *
h2_back_open(struct mux_conn *mc)
{
    struct h2_conn *h2 = h2_of_mux(mc);
    unsigned ready = (mc->conn->flags & CONN_ESTABLISHED) != 0 ? EP_CONNECTED : 0;
    struct h2_stream *s;

    if (!h2_has_room(h2))
        return NULL;
    s = h2_stream_new(h2, 0, EP_BACK | ready);
    if (s == NULL)
        return NULL;
    mc->streams++;
    mc->served++;
    return &s->ep;
}
