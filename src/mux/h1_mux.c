/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 on one connection: its life, and what both sides share.
 *
 * For:     sessions (front) and server connections (back).
 * Owns:    the connection, its one endpoint, what was received and not used, what is queued.
 * Callers: session and stream through struct mux and struct endpoint; connection events; one timer.
 * Thread:  owner.
 *
 * Events come from the socket, the timer, or the end of the turn (h1_later). Calls of the stream
 * only change state: whatever would call the stream or free the connection is left for the end of
 * the turn. The one exception is on_idle() of the back side, which is the last thing that
 * endpoint_close() does.
 */
#include "h1_conn.h"
#include "h2_front.h"

#include <stdio.h>

#include <sys/ioctl.h>

#include "weir/base/pool.h"

static struct pool h1_pool = POOL("h1_conn", sizeof(struct h1_conn));

/* --- the end -------------------------------------------------------------- */

static void
h1_free(struct h1_conn *h1)
{
    mux_count_pause(&h1->mux);
    timer_stop(&h1->timer);
    deferred_cancel(&h1->work);
    message_give(h1->ep.message);
    chain_clear(&h1->ep.in);
    chain_clear(&h1->out);
    intake_clear(&h1->intake);
    connection_close(h1->mux.conn);
    h1->mux.magic = 0;
    pool_give(&h1_pool, h1);
}

void
h1_gone(struct h1_conn *h1)
{
    mux_count_pause(&h1->mux);
    if (h1->mux.owner != NULL && h1->mux.owner->on_gone != NULL)
        h1->mux.owner->on_gone(&h1->mux);
    h1_free(h1);
}

static void
h1_mux_free(struct mux_conn *mc)
{
    h1_free(h1_of_mux(mc));
}

/* --- the end of a turn ---------------------------------------------------- */

void
h1_later(struct h1_conn *h1, enum h1_todo todo)
{
    h1->todo |= (uint8_t)todo;
    loop_defer(h1_loop(h1), &h1->work);
}

static void
run_later(struct deferred *work)
{
    struct h1_conn *h1 = LIST_ITEM(work, struct h1_conn, work);
    unsigned todo = h1->todo;

    h1->todo = 0;
    /* A request may have come in the same turn, after the connection was told to stop: it is served
     * first, and closes the connection. */
    if ((todo & H1_TODO_GONE) != 0 && h1->mux.streams == 0) {
        h1_gone(h1);
        return;
    }
    if ((todo & H1_TODO_READ) != 0) {
        h1->todo |= todo & H1_TODO_EVENT;
        if (h1_is_back(h1))
            h1_back_unused(h1);
        else
            h1_front_unused(h1);
        return;
    }
    h1_tell(h1);
}

void
h1_tell(struct h1_conn *h1)
{
    h1->todo &= (uint8_t)~H1_TODO_EVENT;
    if (h1->ep.owner != NULL)
        h1->ep.owner->on_event(&h1->ep);
}

/* --- an exchange ---------------------------------------------------------- */

void
h1_exchange_init(struct h1_conn *h1, unsigned ep_flags)
{
    struct endpoint *ep = &h1->ep;

    ep->flags = ep_flags | EP_OUT_FLUSHED;
    ep->error = EP_ERR_NONE;
    ep->error_status = 0;
    ep->error_text = NULL;
    ep->bytes_in = ep->bytes_out = 0;
    h1->out_state = H1_OUT_IDLE;
    h1->mux.streams = 1;
    h1->mux.served++;
}

void
h1_exchange_fini(struct h1_conn *h1)
{
    struct endpoint *ep = &h1->ep;

    ep->owner = NULL;
    ep->owner_data = NULL;
    message_give(ep->message);
    ep->message = NULL;
    if (ep->in.first != NULL)
        chain_clear(&ep->in);
    h1->receiving = h1->sending = NULL;
    h1->mux.streams = 0;
    h1->todo &= (uint8_t)~H1_TODO_EVENT;
}

void
h1_break(struct h1_conn *h1, enum endpoint_error error, int status, const char *text)
{
    h1->flags |= H1_CLOSE;
    h1->in = H1_IN_BROKEN;
    h1->receiving = NULL;
    h1->ep.flags |= EP_IN_BROKEN;
    h1->ep.error = (uint8_t)error;
    h1->ep.error_status = (uint16_t)status;
    h1->ep.error_text = text;
}

void
h1_show_bad(struct h1_conn *h1, const char *bytes, size_t len, const struct h1_error *err)
{
    if (h1->mux.owner->on_bad != NULL && err->status != 500)
        h1->mux.owner->on_bad(&h1->mux, &h1->ep, str_of(bytes, len), err->offset, err->text);
}

static void
h1_close(struct endpoint *ep, enum endpoint_close how)
{
    struct h1_conn *h1 = h1_of_endpoint(ep);
    bool is_whole = h1->in == H1_IN_DONE && h1->out_state == H1_OUT_DONE;

    if (how == EP_CLOSE_RESET) {
        h1->mux.conn->flags |= CONN_LINGER_RESET;
        chain_clear(&h1->out);
    }
    if (how != EP_CLOSE_DONE || !is_whole)
        h1->flags |= H1_CLOSE;
    h1_exchange_fini(h1);
    if (how == EP_CLOSE_RESET)
        h1_later(h1, H1_TODO_GONE);
    else if (h1_is_back(h1))
        h1_back_settle(h1);
    else
        h1_front_settle(h1);
}

/* --- another protocol ----------------------------------------------------- */

bool
h1_become_h2(struct h1_conn *h1)
{
    const struct mux_owner *owner = h1->mux.owner;
    struct connection *conn = h1->mux.conn;
    struct mux_conn *other;

    if (owner == NULL || owner->on_replaced == NULL)
        return false;
    other = h2_mux.start(conn, MUX_FRONT, h1->mux.settings, owner, h1->mux.owner_data);
    if (other == NULL)
        return false;
    mux_count_begin(other, h1->mux.counts);
    other->idle_ping_ms = h1->mux.idle_ping_ms;
    h2_mux_begin_with(other, &h1->intake);
    owner->on_replaced(&h1->mux, other);
    h1->mux.conn = NULL;
    h1_free(h1);
    return true;
}

/* --- limits --------------------------------------------------------------- */

#define MAX_FIELDS_DEFAULT 101

struct h1_limits
h1_limits(const struct h1_conn *h1)
{
    const struct mux_settings *settings = h1->mux.settings;

    return (struct h1_limits){
        .max_fields = settings->max_fields == 0 ? MAX_FIELDS_DEFAULT : settings->max_fields,
        .accept_unsafe = h1_is_back(h1) ? settings->unsafe_response : settings->unsafe_request,
        .any_payload = settings->any_payload,
        .keep_insecure = settings->keep_insecure,
    };
}

/* A head must fit in one buffer whatever was asked for. */
uint32_t
h1_max_head(const struct h1_conn *h1)
{
    uint32_t most = (uint32_t)buffer_default_size();
    uint32_t asked = h1->mux.settings->max_head;

    return asked == 0 || asked > most ? most : asked;
}

const char *
h1_too_large_text(struct h1_conn *h1, bool *is_uri)
{
    static _Thread_local char text[160];
    const char *bytes = intake_bytes(&h1->intake);
    size_t len = intake_len(&h1->intake);
    struct str name;

    while (len > 0 && (*bytes == '\r' || *bytes == '\n')) {
        bytes++;
        len--;
    }
    *is_uri = memchr(bytes, '\n', len) == NULL;
    if (*is_uri)
        return "the first line is too long (tune.bufsize)";
    name = h1_longest_field(bytes, len);
    if (name.len == 0)
        return "the header fields are too large (tune.bufsize)";
    snprintf(text, sizeof(text),
             "the header fields are too large (tune.bufsize), the largest is '%.*s'",
             (int)(name.len < 64 ? name.len : 64), name.ptr);
    return text;
}

/* --- the beginning -------------------------------------------------------- */

static void
on_readable(struct connection *conn)
{
    struct h1_conn *h1 = conn->owner_data;

    if (h1_is_back(h1))
        h1_back_readable(h1);
    else
        h1_front_readable(h1);
}

static const struct connection_owner front_events = {
    .on_readable = on_readable,
    .on_writable = h1_on_writable,
};

static const struct connection_owner back_events = {
    .on_readable = on_readable,
    .on_writable = h1_on_writable,
    .on_established = h1_back_established,
};

static void
on_timer(struct timer *timer)
{
    h1_front_timeout(LIST_ITEM(timer, struct h1_conn, timer));
}

static struct mux_conn *
h1_start(struct connection *conn, enum mux_side side, const struct mux_settings *settings,
         const struct mux_owner *owner, void *owner_data)
{
    struct h1_conn *h1 = pool_take(&h1_pool);

    if (h1 == NULL)
        return NULL;
    *h1 = (struct h1_conn){
        .mux = { .magic = MUX_CONN_MAGIC,
                 .mux = &h1_mux,
                 .conn = conn,
                 .owner = owner,
                 .owner_data = owner_data,
                 .settings = settings },
        .flags = side == MUX_BACK ? H1_BACK : 0,
    };
    list_init(&h1->mux.idle_link);
    endpoint_init(&h1->ep, &h1_mux, &h1->mux);
    timer_init(&h1->timer, on_timer);
    deferred_init(&h1->work, run_later);
    connection_set_owner(conn, side == MUX_BACK ? &back_events : &front_events, h1);
    if (side == MUX_FRONT)
        h1_front_start(h1);
    return &h1->mux;
}

void
h1_mux_begin_with(struct mux_conn *mc, const struct chain *bytes)
{
    struct h1_conn *h1 = h1_of_mux(mc);
    struct buffer *buf = buffer_take();

    if (buf == NULL) {
        h1_later(h1, H1_TODO_GONE);
        return;
    }
    buf->end = (uint32_t)chain_peek(bytes, 0, buf->data, buffer_room(buf));
    h1->intake.buf = buf;
    h1->intake.start = 0;
    h1_later(h1, H1_TODO_READ);
}

/* A client that has just come, or whose next request is in the kernel already, is answered once more. */
static bool
expects_answer(const struct h1_conn *h1)
{
    int bytes = 0;

    if (h1_is_back(h1))
        return false;
    return h1->mux.served == 0 || (ioctl(h1->mux.conn->fd, FIONREAD, &bytes) == 0 && bytes > 0);
}

static void
h1_stop(struct mux_conn *mc)
{
    struct h1_conn *h1 = h1_of_mux(mc);

    h1->flags |= H1_STOPPING | H1_CLOSE;
    if (mc->streams == 0 && !expects_answer(h1) && h1->in == H1_IN_IDLE && (h1->flags & H1_LEAVING) == 0)
        h1_later(h1, H1_TODO_GONE);
}

const struct mux h1_mux = {
    .name = "h1",
    .is_http = true,
    .start = h1_start,
    .open = h1_back_open,
    .stop = h1_stop,
    .free = h1_mux_free,
    .send_head = h1_send_head,
    .send_body = h1_send_body,
    .send_end = h1_send_end,
    .flush = h1_flush,
    .consumed = h1_consumed,
    .want_body = h1_want_body,
    .raw_in = h1_raw_in,
    .raw_out = h1_raw_out,
    .raw_received = h1_raw_received,
    .raw_sent = h1_raw_sent,
    .close = h1_close,
};

static const struct mux_ref muxes[] = { { &h1_mux } };
REGISTER(mux_ref, muxes);
