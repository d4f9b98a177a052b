/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads, bodies and tunnels on their way out.
 *
 * For:     streams, on both sides.
 * Callers: the stream through endpoint.c; events of the connection.
 * Thread:  owner.
 *
 * Everything is queued in one chain and written once, by endpoint_flush(). Body bytes move from the
 * other side's chain into this one (outlet.c).
 */
#include "h1_conn.h"

#include "outlet.h"

/* --- heads ---------------------------------------------------------------- */

static unsigned
write_options(const struct h1_conn *h1, const struct message *msg)
{
    const struct mux_settings *settings = h1->mux.settings;
    unsigned options = 0;

    if (h1_is_back(h1))
        return settings->pretend_keepalive ? H1_WRITE_HIDE_CLOSE : 0;
    if ((h1->flags & (H1_CLOSE | H1_STOPPING | H1_EXPECTS)) != 0 || settings->close_after)
        options |= H1_WRITE_CLOSE;
    /* We answer ourselves and nobody will read the rest of the request. */
    if ((msg->flags & MESSAGE_LOCAL) != 0 && h1->in != H1_IN_DONE)
        options |= H1_WRITE_CLOSE;
    if ((h1->flags & H1_FOR_1_0) != 0)
        options |= H1_WRITE_FOR_1_0;
    return options;
}

static void
begin_body(struct h1_conn *h1, const struct h1_written *written)
{
    static const uint8_t states[] = {
        [BODY_NONE] = H1_OUT_NONE,
        [BODY_LENGTH] = H1_OUT_COUNTED,
        [BODY_CHUNKED] = H1_OUT_CHUNKED,
        [BODY_CLOSE] = H1_OUT_RAW,
    };

    h1->out_state = states[written->framing];
    h1->out_left = written->framing == BODY_LENGTH ? written->length : 0;
    if (written->closes)
        h1->flags |= H1_CLOSE;
}

/* A response that makes a tunnel of the client's connection. */
static void
begin_tunnel(struct h1_conn *h1)
{
    h1->out_state = H1_OUT_RAW;
    h1->ep.flags &= ~(unsigned)EP_OUT_ENDED;
    h1_begin_tunnel_in(h1);
    if (!chain_is_empty(&h1->ep.in) || (h1->ep.flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0)
        h1_later(h1, H1_TODO_EVENT);
    if (h1->ep.in.bytes < buffer_default_size())
        connection_resume_reading(h1->mux.conn);
}

static void
note_request(struct h1_conn *h1, const struct message *msg)
{
    h1->asked = (struct h1_asked){
        .method = msg->method,
        .upgrade = (msg->flags & MESSAGE_UPGRADE) != 0,
        .websocket = (msg->flags & MESSAGE_WEBSOCKET) != 0,
    };
}

bool
h1_send_head(struct endpoint *ep, struct message *msg)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);
    const struct mux_settings *settings = h1->mux.settings;
    bool is_interim = (msg->flags & MESSAGE_IS_RESPONSE) != 0 && msg->status < 200 &&
                      (msg->flags & MESSAGE_TUNNEL) == 0;
    struct h1_written written;

    if (!h1_write_head(&h1->out, msg, write_options(h1, msg),
                       settings->case_adjust ? settings->case_map : NULL, &written))
        return false;
    ep->flags &= ~(unsigned)EP_OUT_FLUSHED;
    if (is_interim) {
        if (msg->status == 100)
            h1->flags &= (uint16_t)~H1_EXPECTS;
        return true;
    }
    h1->sending = msg;
    begin_body(h1, &written);
    if (h1_is_back(h1))
        note_request(h1, msg);
    else if ((msg->flags & MESSAGE_TUNNEL) != 0)
        begin_tunnel(h1);
    return true;
}

/* --- bodies --------------------------------------------------------------- */

static bool
queue_chunk(struct h1_conn *h1, struct chain *data)
{
    char head[H1_CHUNK_HEAD_MAX];

    return chain_add_copy(&h1->out, head, h1_format_chunk_head(head, data->bytes)) &&
           outlet_add(&h1->out, data) && chain_add_copy(&h1->out, "\r\n", 2);
}

/* Never more than was promised: the rest would be taken for another message. */
static bool
queue_counted(struct h1_conn *h1, struct chain *data)
{
    struct chain part;

    if (data->bytes <= h1->out_left) {
        h1->out_left -= data->bytes;
        return outlet_add(&h1->out, data);
    }
    chain_init(&part);
    if (h1->out_left > 0 && !chain_move_some(&part, data, (size_t)h1->out_left))
        return false;
    chain_clear(data);
    h1->out_left = 0;
    h1->flags |= H1_CLOSE;
    return outlet_add(&h1->out, &part);
}

bool
h1_send_body(struct endpoint *ep, struct chain *data)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);
    bool fine = true;

    if (chain_is_empty(data))
        return true;
    if ((ep->flags & EP_OUT_BROKEN) != 0) {
        chain_clear(data);
        return true;
    }
    switch ((enum h1_out)h1->out_state) {
    case H1_OUT_COUNTED:
        fine = queue_counted(h1, data);
        break;
    case H1_OUT_CHUNKED:
        fine = queue_chunk(h1, data);
        break;
    case H1_OUT_RAW:
        fine = outlet_add(&h1->out, data);
        break;
    case H1_OUT_IDLE:
    case H1_OUT_NONE:
    case H1_OUT_DONE:
        chain_clear(data);
        return true;
    }
    outlet_note(ep, &h1->out);
    return fine;
}

bool
h1_send_end(struct endpoint *ep)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);

    if ((ep->flags & EP_OUT_ENDED) != 0)
        return true;
    if ((ep->flags & EP_OUT_BROKEN) == 0 && h1->out_state == H1_OUT_CHUNKED) {
        if (!h1_write_last_chunk(&h1->out, h1->sending))
            return false;
        ep->flags &= ~(unsigned)EP_OUT_FLUSHED;
    }
    if (h1->out_state == H1_OUT_COUNTED && h1->out_left > 0)
        h1->flags |= H1_CLOSE; /* cut short: the peer sees it by the end of the connection */
    if ((ep->flags & EP_TUNNEL) != 0)
        h1->flags |= H1_SHUT;
    h1->sending = NULL;
    h1->out_state = H1_OUT_DONE;
    ep->flags |= EP_OUT_ENDED;
    return true;
}

void
h1_want_body(struct endpoint *ep)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);

    if ((h1->flags & H1_EXPECTS) == 0 || h1->out_state != H1_OUT_IDLE)
        return;
    if (!chain_add_static(&h1->out, "HTTP/1.1 100 Continue\r\n\r\n", 25))
        return;
    h1->flags &= (uint16_t)~H1_EXPECTS;
    h1_flush(ep, false);
}

/* --- past the mux --------------------------------------------------------------- */

uint64_t
h1_raw_out(const struct endpoint *ep)
{
    const struct h1_conn *h1 = (const struct h1_conn *)ep->mux_conn;

    if (!chain_is_empty(&h1->out) || (ep->flags & (EP_OUT_ENDED | EP_OUT_BROKEN)) != 0)
        return 0;
    if (h1->out_state == H1_OUT_RAW)
        return UINT64_MAX;
    return h1->out_state == H1_OUT_COUNTED ? h1->out_left : 0;
}

void
h1_raw_sent(struct endpoint *ep, size_t count, enum io io)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);

    ep->bytes_out += count;
    if (h1->out_state == H1_OUT_COUNTED)
        h1->out_left -= count;
    if (io == IO_CLOSED || io == IO_FAILED) {
        h1->flags |= H1_CLOSE;
        ep->flags |= EP_OUT_BROKEN | EP_OUT_FLUSHED;
    }
}

/* --- writing -------------------------------------------------------------- */

/* Everything is written, or never will be. */
static void
after_writing(struct h1_conn *h1)
{
    if ((h1->ep.flags & EP_OUT_BROKEN) != 0)
        h1->flags |= H1_CLOSE;
    if ((h1->flags & H1_SHUT) == 0)
        return;
    h1->flags &= (uint16_t)~H1_SHUT;
    connection_shut_write(h1->mux.conn);
}

/* These are the last bytes, and the connection ends within this turn: they leave together with the
 * end of our side, which spares the client an event. */
static bool
close_follows(const struct h1_conn *h1)
{
    return (h1->flags & (H1_CLOSE | H1_BACK)) == H1_CLOSE && h1->in == H1_IN_DONE &&
           (h1->ep.flags & EP_OUT_ENDED) != 0;
}

static void
write_out(struct h1_conn *h1, bool more)
{
    outlet_write(&h1->ep, h1->mux.conn, &h1->out, more || close_follows(h1));
    if ((h1->ep.flags & EP_OUT_FLUSHED) != 0)
        after_writing(h1);
}

void
h1_flush(struct endpoint *ep, bool more)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);

    if ((ep->flags & EP_OUT_BROKEN) != 0)
        return;
    write_out(h1, more);
    if ((ep->flags & EP_OUT_BROKEN) != 0)
        h1_later(h1, H1_TODO_EVENT);
}

void
h1_on_writable(struct connection *conn)
{
    struct h1_conn *h1 = conn->owner_data;
    unsigned before = h1->ep.flags;

    if ((before & EP_RAW_OUT) != 0) {
        h1_tell(h1);
        return;
    }
    write_out(h1, false);
    if ((h1->flags & H1_LEAVING) != 0) {
        if (chain_is_empty(&h1->out))
            h1_front_settle(h1);
        return;
    }
    if (((before ^ h1->ep.flags) & (EP_OUT_FULL | EP_OUT_BROKEN | EP_OUT_FLUSHED)) != 0)
        h1_tell(h1);
}
