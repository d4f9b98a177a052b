/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers' connections whose protocol is not known before the TLS handshake: ALPN decides between
 * HTTP/2 and HTTP/1.
 *
 * For:     the server side of streams, with `alpn h2,http/1.1` on a server line.
 * Owns:    the connection, until its real mux takes it; what the stream has queued meanwhile.
 * Callers: stream through struct mux and struct endpoint; one event of the connection.
 * Thread:  owner.
 *
 * One stream at a time. When the handshake is done the real mux starts, the stream's endpoint is
 * opened there and is told (endpoint_owner.on_moved) where it is now, and what was queued is sent.
 * When it fails, this mux says so itself. The message of endpoint_send_head() must live until then.
 */
#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/loop.h"
#include "weir/mux/mux.h"
#include "weir/tls/tls.h"

struct alpn_conn {
    struct mux_conn mux; /* first */
    struct endpoint ep;
    struct deferred work;
    struct chain out;
    struct message *sending; /* borrows */
    bool is_failed;
};

static struct pool alpn_pool = POOL("alpn_conn", sizeof(struct alpn_conn));

static struct alpn_conn *
of_endpoint(const struct endpoint *ep)
{
    return (struct alpn_conn *)ep->mux_conn;
}

static void
free_struct(struct alpn_conn *ac)
{
    deferred_cancel(&ac->work);
    chain_clear(&ac->out);
    ac->mux.magic = 0;
    pool_give(&alpn_pool, ac);
}

static void
alpn_free(struct mux_conn *mc)
{
    connection_close(mc->conn);
    free_struct((struct alpn_conn *)mc);
}

static void
gone(struct deferred *work)
{
    struct alpn_conn *ac = LIST_ITEM(work, struct alpn_conn, work);

    if (ac->mux.owner != NULL && ac->mux.owner->on_gone != NULL)
        ac->mux.owner->on_gone(&ac->mux);
    alpn_free(&ac->mux);
}

/* --- the handshake is over -------------------------------------------------- */

static void
fail(struct alpn_conn *ac)
{
    struct endpoint *ep = &ac->ep;

    ac->is_failed = true;
    ep->flags |= EP_IN_BROKEN | EP_OUT_BROKEN;
    ep->error = EP_ERR_CONNECT;
    ep->error_status = 503;
    ep->error_text = "cannot connect to the server";
    if (ep->owner != NULL)
        ep->owner->on_event(ep);
}

/* What was queued goes the real way. False: out of memory. */
static bool
replay(struct alpn_conn *ac, struct endpoint *to)
{
    bool has_ended = (ac->ep.flags & EP_OUT_ENDED) != 0;

    if (ac->sending == NULL)
        return true;
    if (!endpoint_send_head(to, ac->sending) ||
        (!chain_is_empty(&ac->out) && !endpoint_send_body(to, &ac->out)) ||
        (has_ended && !endpoint_send_end(to)))
        return false;
    endpoint_flush(to, false);
    return true;
}

/* The real mux over the same connection; NULL: out of memory. */
static struct mux_conn *
start_real(const struct alpn_conn *ac)
{
    const struct mux_conn *mc = &ac->mux;
    const struct mux *mux = str_eq(tls_alpn(mc->conn), STR("h2")) ? &h2_mux : &h1_mux;
    struct mux_conn *real = mux->start(mc->conn, MUX_BACK, mc->settings, mc->owner, mc->owner_data);

    if (real == NULL)
        return NULL;
    mux_count_begin(real, mc->counts);
    real->key = mc->key;
    real->max_requests = mc->max_requests;
    real->idle_ping_ms = mc->idle_ping_ms;
    return real;
}

static void
move(struct alpn_conn *ac)
{
    struct endpoint *ep = &ac->ep, *to = NULL;
    struct mux_conn *real = ep->owner == NULL ? NULL : start_real(ac);

    if (real != NULL)
        to = real->mux->open(real);
    if (to == NULL) {
        fail(ac);
        return;
    }
    to->owner = ep->owner;
    to->owner_data = ep->owner_data;
    ep->owner->on_moved(ep, to);
    if (!replay(ac, to)) {
        to->flags |= EP_IN_BROKEN | EP_OUT_BROKEN;
        to->error = EP_ERR_RESET;
    }
    free_struct(ac);
    to->owner->on_event(to);
}

static void
on_established(struct connection *conn)
{
    struct alpn_conn *ac = conn->owner_data;

    if (conn->err == CONN_ERR_NONE)
        move(ac);
    else
        fail(ac);
}

static const struct connection_owner events = { .on_established = on_established };

/* --- as the stream sees it -------------------------------------------------- */

static bool
send_head(struct endpoint *ep, struct message *msg)
{
    of_endpoint(ep)->sending = msg;
    ep->flags &= ~(unsigned)EP_OUT_FLUSHED;
    return true;
}

static bool
send_body(struct endpoint *ep, struct chain *data)
{
    struct alpn_conn *ac = of_endpoint(ep);

    chain_move(&ac->out, data);
    if (ac->out.bytes >= buffer_default_size())
        ep->flags |= EP_OUT_FULL;
    return true;
}

static bool
send_end(struct endpoint *ep)
{
    ep->flags |= EP_OUT_ENDED;
    return true;
}

static void
flush(struct endpoint *ep, bool more)
{
    (void)ep;
    (void)more;
}

static void
consumed(struct endpoint *ep)
{
    (void)ep;
}

static void
close_endpoint(struct endpoint *ep, enum endpoint_close how)
{
    struct alpn_conn *ac = of_endpoint(ep);

    if (how == EP_CLOSE_RESET)
        ac->mux.conn->flags |= CONN_LINGER_RESET;
    ep->owner = NULL;
    ep->owner_data = NULL;
    ac->mux.streams = 0;
    loop_defer(ac->mux.conn->loop, &ac->work);
}

/* --- life ------------------------------------------------------------------- */

static struct mux_conn *
start(struct connection *conn, enum mux_side side, const struct mux_settings *settings,
      const struct mux_owner *owner, void *owner_data)
{
    struct alpn_conn *ac = pool_take(&alpn_pool);

    MUST(side == MUX_BACK);
    if (ac == NULL)
        return NULL;
    *ac = (struct alpn_conn){
        .mux = { .magic = MUX_CONN_MAGIC,
                 .mux = &alpn_mux,
                 .conn = conn,
                 .owner = owner,
                 .owner_data = owner_data,
                 .settings = settings },
    };
    list_init(&ac->mux.idle_link);
    endpoint_init(&ac->ep, &alpn_mux, &ac->mux);
    deferred_init(&ac->work, gone);
    connection_set_owner(conn, &events, ac);
    return &ac->mux;
}

static struct endpoint *
open_endpoint(struct mux_conn *mc)
{
    struct alpn_conn *ac = (struct alpn_conn *)mc;

    if (mc->streams > 0 || ac->is_failed)
        return NULL;
    mc->streams = mc->served = 1;
    ac->ep.flags = EP_BACK | EP_OUT_FLUSHED;
    return &ac->ep;
}

static void
stop(struct mux_conn *mc)
{
    (void)mc; /* its stream ends it */
}

const struct mux alpn_mux = {
    .name = "alpn",
    .is_http = true,
    .start = start,
    .open = open_endpoint,
    .stop = stop,
    .free = alpn_free,
    .send_head = send_head,
    .send_body = send_body,
    .send_end = send_end,
    .flush = flush,
    .consumed = consumed,
    .close = close_endpoint,
};
