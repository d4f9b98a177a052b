/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 on one connection: its life, what comes and goes, its deadlines.
 *
 * For:     sessions (front) and server connections (back).
 * Owns:    the connection, nghttp2's session, the streams, what is queued.
 * Callers: session and stream through struct mux; connection events; one timer.
 * Thread:  owner.
 *
 * A turn: bytes go to nghttp2, which tells h2_session.c; then owners of streams with news are
 * called one after the other; then everything that they queued is written at once. Owners may close
 * streams, and on the server's side even this connection, from inside: while `busy`, nothing is
 * freed.
 */
#include "h2_conn.h"

#include "weir/base/pool.h"

static struct pool h2_pool = POOL("h2_conn", sizeof(struct h2_conn));

/* See h2_session.c: above this, what comes is not read either. */
#define STOP_READING (8 * buffer_default_size())

static void settle(struct h2_conn *h2);

/* --- the end -------------------------------------------------------------- */

static void
free_now(struct h2_conn *h2)
{
    mux_count_pause(&h2->mux);
    timer_stop(&h2->timer);
    timer_stop(&h2->ping);
    deferred_cancel(&h2->work);
    LIST_FOR_EACH_SAFE (s, &h2->streams, struct h2_stream, link) {
        h2_stream_free(s);
    }
    nghttp2_session_del(h2->ng);
    chain_clear(&h2->out);
    intake_clear(&h2->intake);
    connection_close(h2->mux.conn);
    h2->mux.magic = 0;
    pool_give(&h2_pool, h2);
}

static void
h2_free(struct mux_conn *mc)
{
    struct h2_conn *h2 = h2_of_mux(mc);

    if (h2->busy == 0) {
        free_now(h2);
        return;
    }
    mux_count_pause(mc);
    h2->flags |= H2_DEAD;
    mc->owner = NULL;
}

static void
gone(struct h2_conn *h2)
{
    mux_count_pause(&h2->mux);
    if (h2->mux.owner != NULL && h2->mux.owner->on_gone != NULL)
        h2->mux.owner->on_gone(&h2->mux);
    free_now(h2);
}

/* --- deadlines ------------------------------------------------------------ */

static int64_t
head_ms(const struct mux_settings *settings)
{
    return settings->http_request_ms != 0 ? settings->http_request_ms : settings->client_ms;
}

static void
set_deadline(struct h2_conn *h2, int64_t from_us, int64_t ms)
{
    timer_set(h2_loop(h2), &h2->timer, ms <= 0 ? TIMER_NEVER : (from_us + 999) / 1000 + ms);
}

/* Until the next request, whatever frames come meanwhile; without such a time, until the client was silent too long. */
static void
set_idle_deadline(struct h2_conn *h2, int64_t now_us)
{
    const struct mux_settings *settings = &h2->own;
    int64_t ms = h2->mux.served > 0 ? settings->keep_alive_ms : 0;

    if (ms == 0)
        ms = settings->http_request_ms;
    set_deadline(h2, ms != 0 ? h2->idle_since_us : now_us, ms != 0 ? ms : settings->client_ms);
}

/* Streams have their own deadlines. The connection has one while a head is unfinished, while it is
 * idle, and while last bytes do not leave. */
static void
choose_deadline(struct h2_conn *h2)
{
    const struct mux_settings *settings = &h2->own;
    int64_t now_us = h2_loop(h2)->now_us;

    if (h2_is_back(h2))
        return;
    if (h2->mux.streams > 0)
        h2->idle_since_us = 0;
    else if (h2->idle_since_us == 0)
        h2->idle_since_us = now_us;
    if (h2->head_since_us != 0)
        set_deadline(h2, h2->head_since_us, head_ms(settings));
    else if (h2->mux.streams > 0)
        timer_set(h2_loop(h2), &h2->timer, TIMER_NEVER);
    else if (h2->leaving > 0 || !chain_is_empty(&h2->out) || (h2->flags & H2_GOAWAY) != 0)
        set_deadline(h2, now_us, settings->client_ms);
    else
        set_idle_deadline(h2, now_us);
}

static void
on_timer(struct timer *timer)
{
    struct h2_conn *h2 = LIST_ITEM(timer, struct h2_conn, timer);

    if (h2->mux.streams > 0 && h2->head_since_us == 0)
        return;
    if ((h2->flags & H2_GOAWAY) != 0 || h2->leaving > 0 || !chain_is_empty(&h2->out)) {
        h2->flags |= H2_LEFT; /* it does not even read */
        if (h2->mux.streams == 0) {
            gone(h2);
            return;
        }
    }
    nghttp2_session_terminate_session(h2->ng, NGHTTP2_NO_ERROR);
    h2->head_since_us = 0;
    h2->flags |= H2_STOPPING | H2_GOAWAY;
    h2_later(h2);
}

/* --- out ------------------------------------------------------------------ */

void
h2_serialise(struct h2_conn *h2)
{
    const uint8_t *bytes;
    ssize_t len;

    while (h2->out.bytes < STOP_READING && (len = nghttp2_session_mem_send(h2->ng, &bytes)) != 0) {
        if (len < 0 || !chain_add_copy(&h2->out, (const char *)bytes, (size_t)len)) {
            h2->flags |= H2_LEFT;
            return;
        }
    }
}

static void
write_out(struct h2_conn *h2)
{
    struct connection *conn = h2->mux.conn;
    enum io io;

    if ((conn->flags & CONN_ESTABLISHED) == 0 || (h2->flags & H2_LEFT) != 0)
        return;
    do {
        h2_serialise(h2);
        if (chain_is_empty(&h2->out))
            return;
        io = connection_write_chain(conn, &h2->out, false);
    } while (io == IO_OK && nghttp2_session_want_write(h2->ng) != 0 &&
             (h2->flags & H2_LEFT) == 0);
    if (io == IO_CLOSED || io == IO_FAILED) {
        chain_clear(&h2->out);
        h2->flags |= H2_LEFT;
    }
}

/* --- streams with news ---------------------------------------------------- */

static void
refresh_settings(struct h2_conn *h2)
{
    const struct mux_owner *owner = h2->mux.owner;
    const struct mux_settings *settings;

    if (owner == NULL || owner->on_settings == NULL)
        return;
    settings = owner->on_settings(&h2->mux);
    if (settings != NULL)
        h2->own = *settings;
}

static void
offer(struct h2_conn *h2, struct h2_stream *s)
{
    s->flags &= ~(uint32_t)H2S_FRESH;
    if ((h2->flags & H2_DEAD) != 0 || h2->mux.owner == NULL) {
        h2_stream_free(s);
        return;
    }
    h2->mux.streams++;
    h2->mux.served++;
    if (h2->conf.total_streams > 0 && h2->mux.served >= h2->conf.total_streams)
        h2->flags |= H2_STOPPING;
    refresh_settings(h2);
    h2->mux.owner->on_stream(&h2->mux, &s->ep);
}

static void
tell_all(struct h2_conn *h2)
{
    while (!list_is_empty(&h2->told) && (h2->flags & H2_DEAD) == 0) {
        struct h2_stream *s = LIST_FIRST(&h2->told, struct h2_stream, told);

        list_remove(&s->told);
        if ((s->flags & H2S_FRESH) != 0)
            offer(h2, s);
        else if (s->ep.owner != NULL)
            s->ep.owner->on_event(&s->ep);
    }
}

/* The connection is at its end: every stream hears of it. */
static void
break_streams(struct h2_conn *h2, enum endpoint_error error, const char *text)
{
    LIST_FOR_EACH_SAFE (s, &h2->streams, struct h2_stream, link) {
        s->flags |= H2S_CLOSED;
        if ((s->flags & H2S_DETACHED) != 0) {
            h2->leaving--;
            h2_stream_free(s);
            continue;
        }
        if ((s->flags & H2S_FRESH) != 0) {
            if (s->head != NULL)
                h2_stream_free(s);
            continue;
        }
        chain_clear(&s->out);
        s->ep.flags |= EP_OUT_BROKEN | EP_OUT_FLUSHED | (h2_is_back(h2) ? 0 : EP_PEER_GONE);
        s->ep.flags &= ~(unsigned)EP_OUT_FULL;
        h2_stream_break(s, error, h2_is_back(h2) ? 502 : 400, text);
    }
}

/* --- the end of a turn ---------------------------------------------------- */

void
h2_later(struct h2_conn *h2)
{
    loop_defer(h2_loop(h2), &h2->work);
}

static void
announce_end(struct h2_conn *h2)
{
    if ((h2->flags & (H2_STOPPING | H2_GOAWAY | H2_BACK)) != H2_STOPPING)
        return;
    h2->flags |= H2_GOAWAY;
    nghttp2_submit_goaway(h2->ng, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(h2->ng), NGHTTP2_NO_ERROR, NULL,
                          0);
}

static bool
is_over(const struct h2_conn *h2)
{
    if (h2->mux.streams > 0)
        return false;
    if ((h2->flags & (H2_LEFT | H2_GONE)) != 0)
        return true;
    if (!chain_is_empty(&h2->out) || h2->leaving > 0 || (h2->flags & H2_MORE) != 0)
        return false;
    if ((h2->flags & H2_STOPPING) != 0)
        return true;
    return nghttp2_session_want_read(h2->ng) == 0 && nghttp2_session_want_write(h2->ng) == 0;
}

/* News, then bytes, then the question whether this is the end. The last thing of each turn. */
static void
settle(struct h2_conn *h2)
{
    h2->busy = 1;
    do {
        tell_all(h2);
        announce_end(h2);
        write_out(h2);
        if ((h2->flags & H2_LEFT) != 0)
            break_streams(h2, EP_ERR_RESET, "the connection was closed or reset");
        else if (nghttp2_session_want_read(h2->ng) == 0 && chain_is_empty(&h2->out))
            break_streams(h2, EP_ERR_RESET, "the peer broke the rules of HTTP/2");
    } while (!list_is_empty(&h2->told) && (h2->flags & H2_DEAD) == 0);
    h2->busy = 0;
    if ((h2->flags & H2_DEAD) != 0) {
        free_now(h2);
        return;
    }
    if (is_over(h2)) {
        gone(h2);
        return;
    }
    if ((h2->mux.conn->flags & CONN_READ_STOPPED) != 0 && h2->out.bytes < STOP_READING / 2)
        connection_resume_reading(h2->mux.conn);
    choose_deadline(h2);
    h2_ping_choose(h2);
}

static void feed(struct h2_conn *h2);

static void
run_later(struct deferred *work)
{
    struct h2_conn *h2 = LIST_ITEM(work, struct h2_conn, work);

    if ((h2->flags & H2_MORE) != 0) {
        h2->busy = 1;
        feed(h2);
    }
    settle(h2);
}

void
h2_glitch(struct h2_conn *h2)
{
    const struct h2_side *side = h2_is_back(h2) ? &h2->conf.back : &h2->conf.front;
    uint32_t count = ++h2->glitches;

    if (side->glitches == 0 || loop_usage(h2_loop(h2)) < h2->conf.kill_usage)
        return;
    if (count >= side->glitches && (h2->flags & H2_GOAWAY) == 0) {
        h2->flags |= H2_STOPPING | H2_GOAWAY;
        nghttp2_session_terminate_session(h2->ng, NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (count >= side->glitches * 3 / 4)
        h2->flags |= H2_STOPPING;
}

/* --- in ------------------------------------------------------------------- */

/* What belongs to this turn. The rest comes when others had theirs. */
static size_t
turn_of(struct h2_conn *h2, size_t len)
{
    struct h2_turn_limit limit = { h2->conf.front.frames_at_once, h2->conf.resets_at_once };
    size_t taken;

    if (h2_is_back(h2))
        limit = (struct h2_turn_limit){ h2->conf.back.frames_at_once, 0 };
    if (__builtin_expect(limit.frames == 0 && limit.resets == 0, 1))
        return len;
    taken = h2_turn_take(&h2->turn, intake_bytes(&h2->intake), len, limit);
    h2->flags &= (uint16_t)~H2_MORE;
    if (taken < len) {
        h2->flags |= H2_MORE;
        h2_later(h2);
    }
    return taken;
}

/* What is there goes to nghttp2. */
static void
feed(struct h2_conn *h2)
{
    size_t len = intake_len(&h2->intake);
    ssize_t used;

    if (len == 0)
        return;
    len = turn_of(h2, len);
    used = nghttp2_session_mem_recv(h2->ng, (const uint8_t *)intake_bytes(&h2->intake), len);
    if (used < 0) {
        h2->glitches++;
        if (used == NGHTTP2_ERR_FLOODED)
            nghttp2_session_terminate_session(h2->ng, NGHTTP2_ENHANCE_YOUR_CALM);
        else if (used == NGHTTP2_ERR_BAD_CLIENT_MAGIC || nghttp2_is_fatal((int)used))
            h2->flags |= H2_LEFT;
    }
    intake_use(&h2->intake, len);
    intake_release(&h2->intake);
}

/* A client that has finished its side may still want the answers to what it asked. */
static void
read_end(struct h2_conn *h2)
{
    if (h2_is_back(h2)) {
        h2->flags |= H2_LEFT;
        return;
    }
    h2->flags |= H2_STOPPING;
    LIST_FOR_EACH_SAFE (s, &h2->streams, struct h2_stream, link) {
        if ((s->flags & H2S_DETACHED) != 0)
            continue;
        if (s->head != NULL) {
            nghttp2_session_set_stream_user_data(h2->ng, s->id, NULL);
            h2_stream_free(s); /* half a head */
            continue;
        }
        s->ep.flags |= EP_PEER_GONE;
        h2_stream_break(s, EP_ERR_CLOSED, 400, "closed in the middle of a body");
    }
}

static void
on_readable(struct connection *conn)
{
    struct h2_conn *h2 = conn->owner_data;
    size_t got;

    if (h2->out.bytes >= STOP_READING) {
        connection_stop_reading(conn);
        return;
    }
    h2->busy = 1;
    switch (intake_read(&h2->intake, conn, &got)) {
    case IO_OK:
        feed(h2);
        break;
    case IO_WAIT:
        break;
    case IO_CLOSED:
        while ((h2->flags & H2_MORE) != 0)
            feed(h2);
        read_end(h2);
        break;
    case IO_FAILED:
        h2->flags |= H2_LEFT;
        break;
    }
    settle(h2);
}

static void
on_writable(struct connection *conn)
{
    settle(conn->owner_data);
}

static void
on_established(struct connection *conn)
{
    struct h2_conn *h2 = conn->owner_data;

    if (conn->err != CONN_ERR_NONE) {
        h2->flags |= H2_LEFT;
        break_streams(h2, EP_ERR_CONNECT, "cannot connect to the server");
    } else {
        LIST_FOR_EACH (s, &h2->streams, struct h2_stream, link) {
            s->ep.flags |= EP_CONNECTED;
            h2_stream_tell(s);
        }
    }
    settle(h2);
}

static const struct connection_owner events = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_established = on_established,
};

/* --- the beginning -------------------------------------------------------- */

static struct mux_conn *
h2_start(struct connection *conn, enum mux_side side, const struct mux_settings *settings,
         const struct mux_owner *owner, void *owner_data)
{
    struct h2_conn *h2 = pool_take(&h2_pool);

    if (h2 == NULL)
        return NULL;
    *h2 = (struct h2_conn){
        .mux = { .magic = MUX_CONN_MAGIC,
                 .mux = &h2_mux,
                 .conn = conn,
                 .owner = owner,
                 .owner_data = owner_data,
                 .settings = settings },
        .own = *settings,
        .flags = side == MUX_BACK ? H2_BACK : 0,
    };
    if (settings->h2 != NULL)
        h2->conf = *settings->h2;
    else
        h2_conf_init(&h2->conf);
    list_init(&h2->mux.idle_link);
    list_init(&h2->streams);
    list_init(&h2->told);
    timer_init(&h2->timer, on_timer);
    h2_ping_init(h2);
    deferred_init(&h2->work, run_later);
    if (!h2_is_back(h2))
        h2_turn_begin_client(&h2->turn);
    if (!h2_session_start(h2)) {
        nghttp2_session_del(h2->ng);
        pool_give(&h2_pool, h2);
        return NULL;
    }
    connection_set_owner(conn, &events, h2);
    h2_later(h2);
    return &h2->mux;
}

void
h2_mux_begin_with(struct mux_conn *mc, struct intake *bytes)
{
    struct h2_conn *h2 = h2_of_mux(mc);

    h2->intake = *bytes;
    *bytes = (struct intake){ .buf = NULL };
    feed(h2);
    h2_later(h2);
}

static void
h2_stop(struct mux_conn *mc)
{
    struct h2_conn *h2 = h2_of_mux(mc);

    h2->flags |= H2_STOPPING;
    h2_later(h2);
}

static bool
h2_mux_has_room(const struct mux_conn *mc)
{
    return h2_has_room((const struct h2_conn *)mc);
}

static void
h2_facts(const struct mux_conn *mc, const struct endpoint *ep, struct mux_facts *facts)
{
    const struct h2_conn *h2 = (const struct h2_conn *)mc;

    *facts = (struct mux_facts){
        .most_streams = h2->most,
        .glitches = h2->glitches,
        .stream_id = ep == NULL ? 0 : ((const struct h2_stream *)ep)->id,
    };
}

const struct mux h2_mux = {
    .name = "h2",
    .is_http = true,
    .has_many = true,
    .start = h2_start,
    .open = h2_back_open,
    .has_room = h2_mux_has_room,
    .stop = h2_stop,
    .free = h2_free,
    .facts = h2_facts,
    .send_head = h2_send_head,
    .send_body = h2_send_body,
    .send_end = h2_send_end,
    .flush = h2_flush,
    .consumed = h2_consumed,
    .want_body = h2_want_body,
    .close = h2_close,
};

static const struct mux_ref muxes[] = { { &h2_mux } };
REGISTER(mux_ref, muxes);
