/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes pass through: one connection, one stream, no messages.
 *
 * For:     mode tcp, both sides; half-close is kept.
 * Owns:    the connection, its one endpoint, what is queued.
 * Callers: session and stream through struct mux and struct endpoint; connection events.
 * Thread:  owner.
 *
 * What is received goes to the stream as slices of the buffers it was received in. An idle
 * connection owns no buffer.
 */
#include "intake.h"
#include "outlet.h"
#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/loop.h"

enum tcp_flag {
    TCP_BACK = 1 << 0,
    TCP_OFFER = 1 << 1,   /* front: the owner has not heard of the connection yet */
    TCP_SHUT = 1 << 2,    /* finish our side once everything is written */
    TCP_GONE = 1 << 3,    /* at the end of this turn */
    TCP_CLOSING = 1 << 4, /* no stream any more */
};

struct tcp_conn {
    struct mux_conn mux; /* first */
    struct endpoint ep;
    struct deferred work;
    struct chain out;
    struct intake intake;
    unsigned flags; /* enum tcp_flag */
};

static struct pool tcp_pool = POOL("tcp_conn", sizeof(struct tcp_conn));

static inline struct tcp_conn *
tcp_of_mux(struct mux_conn *mc)
{
    MUST_BE(mc, MUX_CONN_MAGIC);
    return (struct tcp_conn *)mc;
}

static inline struct tcp_conn *
tcp_of_endpoint(struct endpoint *ep)
{
    return (struct tcp_conn *)ep->mux_conn;
}

static void
tcp_tell(struct tcp_conn *tcp)
{
    if (tcp->ep.owner != NULL)
        tcp->ep.owner->on_event(&tcp->ep);
}

/* --- the end -------------------------------------------------------------- */

static void
tcp_free(struct tcp_conn *tcp)
{
    deferred_cancel(&tcp->work);
    chain_clear(&tcp->ep.in);
    chain_clear(&tcp->out);
    intake_clear(&tcp->intake);
    connection_close(tcp->mux.conn);
    tcp->mux.magic = 0;
    pool_give(&tcp_pool, tcp);
}

static void
tcp_gone(struct tcp_conn *tcp)
{
    if (tcp->mux.owner != NULL && tcp->mux.owner->on_gone != NULL)
        tcp->mux.owner->on_gone(&tcp->mux);
    tcp_free(tcp);
}

static void
tcp_mux_free(struct mux_conn *mc)
{
    tcp_free(tcp_of_mux(mc));
}

static void
tcp_gone_later(struct tcp_conn *tcp)
{
    tcp->flags |= TCP_GONE;
    loop_defer(tcp->mux.conn->loop, &tcp->work);
}

static void
run_later(struct deferred *work)
{
    struct tcp_conn *tcp = LIST_ITEM(work, struct tcp_conn, work);

    if ((tcp->flags & TCP_GONE) != 0) {
        tcp_gone(tcp);
    } else if ((tcp->flags & TCP_OFFER) != 0) {
        tcp->flags &= ~(unsigned)TCP_OFFER;
        tcp->mux.streams = tcp->mux.served = 1;
        connection_resume_reading(tcp->mux.conn);
        tcp->mux.owner->on_stream(&tcp->mux, &tcp->ep);
    } else {
        tcp_tell(tcp);
    }
}

/* --- receiving ------------------------------------------------------------ */

static void
tcp_break(struct tcp_conn *tcp, enum endpoint_error error)
{
    tcp->ep.flags |= EP_IN_BROKEN | EP_OUT_BROKEN;
    tcp->ep.error = (uint8_t)error;
}

static void
on_readable(struct connection *conn)
{
    struct tcp_conn *tcp = conn->owner_data;
    struct endpoint *ep = &tcp->ep;
    size_t got;
    enum io io;

    if (__builtin_expect((tcp->flags & (TCP_CLOSING | TCP_OFFER)) != 0 ||
                             (ep->flags & EP_RAW_IN) != 0 || ep->in.bytes >= buffer_default_size(),
                         0)) {
        if ((ep->flags & EP_RAW_IN) != 0)
            tcp_tell(tcp);
        else
            connection_stop_reading(conn);
        return;
    }
    io = intake_read_to(&tcp->intake, conn, UINT64_MAX, &ep->in, &got);
    intake_release(&tcp->intake);
    ep->bytes_in += got;
    if (io == IO_WAIT)
        return;
    if (io == IO_CLOSED)
        ep->flags |= EP_IN_ENDED;
    else if (io == IO_FAILED)
        tcp_break(tcp, EP_ERR_RESET);
    else if (ep->began_us == 0)
        ep->began_us = conn->loop->now_us;
    tcp_tell(tcp);
}

static void
tcp_consumed(struct endpoint *ep)
{
    struct connection *conn = ep->mux_conn->conn;

    if (ep->in.bytes < buffer_default_size())
        connection_resume_reading(conn);
}

/* --- sending -------------------------------------------------------------- */

static void
write_out(struct tcp_conn *tcp, bool more)
{
    outlet_write(&tcp->ep, tcp->mux.conn, &tcp->out, more);
    if ((tcp->ep.flags & EP_OUT_FLUSHED) == 0 || (tcp->flags & TCP_SHUT) == 0)
        return;
    tcp->flags &= ~(unsigned)TCP_SHUT;
    connection_shut_write(tcp->mux.conn);
}

static void
on_writable(struct connection *conn)
{
    struct tcp_conn *tcp = conn->owner_data;
    unsigned before = tcp->ep.flags;

    if ((before & EP_RAW_OUT) == 0)
        write_out(tcp, false);
    if ((before & EP_RAW_OUT) != 0 ||
        ((before ^ tcp->ep.flags) & (EP_OUT_FULL | EP_OUT_BROKEN | EP_OUT_FLUSHED)) != 0)
        tcp_tell(tcp);
}

static bool
tcp_send_head(struct endpoint *ep, struct message *msg)
{
    (void)ep;
    (void)msg;
    return true; /* nothing to say in front of the bytes */
}

static bool
tcp_send_body(struct endpoint *ep, struct chain *data)
{
    struct tcp_conn *tcp = tcp_of_endpoint(ep);

    if (chain_is_empty(data))
        return true;
    if ((ep->flags & EP_OUT_BROKEN) != 0) {
        chain_clear(data);
        return true;
    }
    if (!outlet_add(&tcp->out, data))
        return false;
    outlet_note(ep, &tcp->out);
    return true;
}

static bool
tcp_send_end(struct endpoint *ep)
{
    struct tcp_conn *tcp = tcp_of_endpoint(ep);

    if ((ep->flags & EP_OUT_ENDED) != 0)
        return true;
    tcp->flags |= TCP_SHUT;
    ep->flags |= EP_OUT_ENDED;
    return true;
}

static void
tcp_flush(struct endpoint *ep, bool more)
{
    struct tcp_conn *tcp = tcp_of_endpoint(ep);

    if ((ep->flags & EP_OUT_BROKEN) != 0)
        return;
    write_out(tcp, more);
    if ((ep->flags & EP_OUT_BROKEN) != 0)
        loop_defer(tcp->mux.conn->loop, &tcp->work);
}

/* --- past the mux ------------------------------------------------------------- */

static uint64_t
tcp_raw_in(const struct endpoint *ep)
{
    const unsigned ended = EP_IN_ENDED | EP_IN_BROKEN;

    return chain_is_empty(&ep->in) && (ep->flags & ended) == 0 ? UINT64_MAX : 0;
}

static uint64_t
tcp_raw_out(const struct endpoint *ep)
{
    const struct tcp_conn *tcp = (const struct tcp_conn *)ep->mux_conn;
    const unsigned ended = EP_OUT_ENDED | EP_OUT_BROKEN;

    return chain_is_empty(&tcp->out) && (ep->flags & ended) == 0 ? UINT64_MAX : 0;
}

static void
tcp_raw_received(struct endpoint *ep, size_t count, enum io io)
{
    ep->bytes_in += count;
    if (io == IO_CLOSED)
        ep->flags |= EP_IN_ENDED;
    else if (io == IO_FAILED)
        tcp_break(tcp_of_endpoint(ep), EP_ERR_RESET);
}

static void
tcp_raw_sent(struct endpoint *ep, size_t count, enum io io)
{
    ep->bytes_out += count;
    if (io == IO_CLOSED || io == IO_FAILED)
        ep->flags |= EP_OUT_BROKEN | EP_OUT_FLUSHED;
}

/* --- life ----------------------------------------------------------------- */

static void
on_established(struct connection *conn)
{
    struct tcp_conn *tcp = conn->owner_data;

    if (conn->err != CONN_ERR_NONE) {
        tcp_break(tcp, EP_ERR_CONNECT);
    } else {
        tcp->ep.flags |= EP_CONNECTED;
        write_out(tcp, false);
    }
    if (tcp->mux.streams > 0)
        tcp_tell(tcp);
    else if (conn->err != CONN_ERR_NONE)
        tcp_gone(tcp);
}

static const struct connection_owner front_events = {
    .on_readable = on_readable,
    .on_writable = on_writable,
};

static const struct connection_owner back_events = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_established = on_established,
};

static struct mux_conn *
tcp_start(struct connection *conn, enum mux_side side, const struct mux_settings *settings,
          const struct mux_owner *owner, void *owner_data)
{
    struct tcp_conn *tcp = pool_take(&tcp_pool);

    if (tcp == NULL)
        return NULL;
    *tcp = (struct tcp_conn){
        .mux = { .magic = MUX_CONN_MAGIC,
                 .mux = &tcp_mux,
                 .conn = conn,
                 .owner = owner,
                 .owner_data = owner_data,
                 .settings = settings },
        .flags = side == MUX_BACK ? TCP_BACK : TCP_OFFER,
    };
    list_init(&tcp->mux.idle_link);
    endpoint_init(&tcp->ep, &tcp_mux, &tcp->mux);
    tcp->ep.flags = EP_OUT_FLUSHED | (side == MUX_BACK ? EP_BACK : EP_CONNECTED);
    deferred_init(&tcp->work, run_later);
    connection_set_owner(conn, side == MUX_BACK ? &back_events : &front_events, tcp);
    /* The owner wants to know its mux before it hears of the stream. */
    if (side == MUX_FRONT)
        loop_defer(conn->loop, &tcp->work);
    return &tcp->mux;
}

static struct endpoint *
tcp_open(struct mux_conn *mc)
{
    struct tcp_conn *tcp = tcp_of_mux(mc);

    if (mc->served > 0)
        return NULL;
    mc->streams = mc->served = 1;
    if ((mc->conn->flags & CONN_ESTABLISHED) != 0)
        tcp->ep.flags |= EP_CONNECTED;
    return &tcp->ep;
}

static void
tcp_stop(struct mux_conn *mc)
{
    struct tcp_conn *tcp = tcp_of_mux(mc);

    if (mc->streams == 0)
        tcp_gone_later(tcp);
}

/* What the socket does not take at once is lost: a stream that ends well has waited for
 * EP_OUT_FLUSHED. */
static void
tcp_close(struct endpoint *ep, enum endpoint_close how)
{
    struct tcp_conn *tcp = tcp_of_endpoint(ep);

    ep->owner = NULL;
    ep->owner_data = NULL;
    tcp->mux.streams = 0;
    tcp->flags |= TCP_CLOSING;
    chain_clear(&ep->in);
    if (how == EP_CLOSE_RESET) {
        tcp->mux.conn->flags |= CONN_LINGER_RESET;
        chain_clear(&tcp->out);
    } else if (!chain_is_empty(&tcp->out)) {
        write_out(tcp, false);
    }
    tcp_gone_later(tcp);
}

void
tcp_mux_detach(struct mux_conn *mc)
{
    struct tcp_conn *tcp = tcp_of_mux(mc);

    connection_resume_reading(mc->conn);
    mc->conn = NULL;
    tcp_free(tcp);
}

const struct mux tcp_mux = {
    .name = "none",
    .raw_in = tcp_raw_in,
    .raw_out = tcp_raw_out,
    .raw_received = tcp_raw_received,
    .raw_sent = tcp_raw_sent,
    .start = tcp_start,
    .open = tcp_open,
    .stop = tcp_stop,
    .free = tcp_mux_free,
    .send_head = tcp_send_head,
    .send_body = tcp_send_body,
    .send_end = tcp_send_end,
    .flush = tcp_flush,
    .consumed = tcp_consumed,
    .close = tcp_close,
};

static const struct mux_ref muxes[] = { { &tcp_mux } };
REGISTER(mux_ref, muxes);
