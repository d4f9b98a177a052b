/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange from its first byte to its log line: made, woken, ended.
 *
 * For:     a session makes a stream for each endpoint that its mux offers.
 * Owns:    the messages, the rules' memory, the body kept for a replay, the slot of a server.
 * Callers: session, the muxes through stream_endpoint_owner, deadline.c.
 * Thread:  owner.
 *
 * stream_end() is the only way out. Messages outlive the endpoints, which may still look at them;
 * the session outlives the call: the mux tells it later that its connection is gone.
 */
#include "weir/stream/stream.h"

#include <string.h>

#include "weir/loop/thread.h"

#include "weir/stick/track.h"
#include "weir/stream/errand.h"

#include "filters.h"
#include "private.h"

static struct pool stream_pool = POOL("stream", sizeof(struct stream));

static void
on_event(struct endpoint *ep)
{
    struct stream *s = ep->owner_data;

    bool is_metered = meter_begin(s);

    MUST_BE(s, STREAM_MAGIC);
    if (!forward_bytes(s, ep))
        stream_run(s);
    if (is_metered)
        meter_end(s);
}

const struct endpoint_owner stream_endpoint_owner = { .on_event = on_event,
                                                      .on_moved = server_side_moved };

/* --- made ---------------------------------------------------------------- */

static void
init_eval(struct stream *s, const struct proxy_conf *frontend)
{
    struct eval *eval = &s->eval;

    eval->snapshot = s->snapshot;
    eval->session = s->session;
    eval->stream = s;
    eval->frontend = eval->backend = eval->proxy = frontend;
    eval->client = s->session->client;
    eval->front = s->front;
    eval->arena = &s->arena;
    eval->final = 1; /* only tcp content rules wait for more: step_tcp.c */
    eval->variables = &s->variables;
    eval->session_tracks = &s->session->tracks;
    eval->stream_tracks = &s->tracks;
    eval->explain = s->session->explain;
    s->variables.scopes[SCOPE_SESS] = &s->session->variables;
    s->variables.scopes[SCOPE_TXN] = &s->txn;
    s->variables.scopes[SCOPE_REQ] = &s->req;
    s->variables.scopes[SCOPE_RES] = &s->res;
}

static void
init_times(struct stream *s, const struct loop *loop)
{
    const struct session *session = s->session;
    int64_t now_us = loop->now_us;
    int64_t began_us = s->front->began_us;

    s->times.accepted = s->times.ready = session->idle_since_us;
    s->times.accepted_wall = loop->wall_us - (now_us - session->idle_since_us);
    if (session->requests <= 1) {
        s->times.accepted -= (int64_t)session->handshake_ms * 1000;
        s->times.accepted_wall = session->accepted_us;
    }
    s->times.request_began = began_us;
    s->times.request_wall =
        began_us == 0 ? s->times.accepted_wall : loop->wall_us - (now_us - began_us);
    s->front_active_ms = s->back_active_ms = loop->now_ms;
}

/* A call: what compilers put in its place for a size that they know is slower. */
static __attribute__((noinline)) void
zero(void *to, size_t size)
{
    memset(to, 0, size);
}

struct stream *
stream_new(struct session *session, struct endpoint *front, const struct proxy_conf *frontend,
           struct snapshot *snapshot)
{
    struct stream *s = pool_take(&stream_pool);
    const struct loop *loop = session->client->loop;

    if (s == NULL)
        return NULL;
    zero(s, sizeof(*s));
    s->magic = STREAM_MAGIC;
    s->session = session;
    s->snapshot = snapshot;
    snapshot_hold(snapshot);
    s->front = front;
    s->end_cause = END_NORMAL;
    s->end_phase = PHASE_NONE;
    s->log_level = session->log_level;
    s->id = session_thread.next_id;
    session_thread.next_id += thread_traffic_count();
    s->front_timeouts = s->back_timeouts = &frontend->timeouts;
    s->front_row = proxy_front_row(frontend->live);
    s->step_expires_ms = TIMER_NEVER;
    timer_init(&s->timer, deadline_fired);
    init_eval(s, frontend);
    init_times(s, loop);
    list_add_last(&session_thread.streams, &s->link);
    front->owner = &stream_endpoint_owner;
    front->owner_data = s;
    return s;
}

void
stream_set_backend(struct stream *s, const struct proxy_conf *backend)
{
    struct proxy *live = backend->live;
    uint64_t current = __atomic_add_fetch(&live->back_current, 1, __ATOMIC_RELAXED);

    if (current > __atomic_load_n(&live->back_max, __ATOMIC_RELAXED))
        __atomic_store_n(&live->back_max, current, __ATOMIC_RELAXED);
    s->flags |= STREAM_IN_BACKEND;
    s->eval.backend = backend;
    if (backend != s->eval.frontend) /* a listen keeps what its rules have set */
        s->back_timeouts = &backend->timeouts;
    s->may_splice = splicing_is_possible(s);
    if (backend != s->eval.frontend && filter_conf_first(backend) != NULL)
        filters_attach(s, backend);
    if (s->filters != NULL && s->filters->wanting[TO_SERVER] + s->filters->wanting[TO_CLIENT] > 0)
        s->may_splice = false;
    if ((s->flags & STREAM_RETRIES_SET) == 0 || backend != s->eval.frontend)
        s->retries_left = (uint16_t)backend->retries;
    stream_count_backend(s);
}

void
stream_begin(struct stream *s)
{
    struct endpoint *front = s->front;

    if ((front->flags & EP_HEAD) != 0 || front->mux->is_http)
        s->flags |= STREAM_HTTP;
    if (__builtin_expect(filter_conf_first(s->eval.frontend) != NULL, 0))
        filters_attach(s, s->eval.frontend);
    if ((front->flags & EP_HEAD) != 0) {
        s->request = s->eval.request = endpoint_take_message(front);
        stream_count_request(s);
        explaining_look(s);
        log_line_step(s, ORIGIN_ACCEPT);
        if (s->eval.frontend->log_flavour == LOG_DEFAULT && s->eval.frontend->logs != NULL)
            log_line_connect(s);
        stream_run(s);
    } else if (front->mux->is_http) {
        stream_count_request(s);
        stream_go_on(s, reply_bad_request(s));
    } else {
        log_line_step(s, ORIGIN_ACCEPT);
        if (s->eval.frontend->log_flavour == LOG_DEFAULT)
            log_line_connect(s);
        stream_run(s);
    }
}

/* --- woken --------------------------------------------------------------- */

void
stream_wake(struct stream *s)
{
    stream_run(s);
}

void
stream_for_each(void (*fn)(struct stream *s, void *arg), void *arg)
{
    LIST_FOR_EACH_SAFE (s, &session_thread.streams, struct stream, link) {
        fn(s, arg);
    }
}

/* --- ended --------------------------------------------------------------- */

enum step_result
stream_end_as(struct stream *s, enum end_cause cause, enum end_phase phase)
{
    if (s->end_cause == END_NORMAL)
        s->end_cause = (uint8_t)cause;
    if (s->end_phase == PHASE_NONE)
        s->end_phase = (uint8_t)phase;
    return STEP_END;
}

enum step_result
stream_end_here(struct stream *s, enum end_cause cause)
{
    return stream_end_as(s, cause, stream_step(s)->phase);
}

void
stream_kill(struct stream *s, enum end_cause cause)
{
    s->flags |= STREAM_KILLED;
    stream_end_here(s, cause);
    stream_end(s);
}

static void
leave_backend(struct stream *s)
{
    if ((s->flags & STREAM_IN_BACKEND) == 0)
        return;
    __atomic_sub_fetch(&s->eval.backend->live->back_current, 1, __ATOMIC_RELAXED);
    s->flags &= ~STREAM_IN_BACKEND;
}

static void
kill_if_of(struct stream *s, void *arg)
{
    if (s->session == arg)
        stream_kill(s, END_KILLED);
}

void
stream_kill_session(struct session *session)
{
    stream_for_each(kill_if_of, session);
}

/* The client's connection can be kept only when nobody is in the middle of something. */
static enum endpoint_close
front_close_way(const struct stream *s)
{
    unsigned flags = s->front->flags;
    bool is_whole = (flags & (EP_IN_ENDED | EP_OUT_ENDED)) == (EP_IN_ENDED | EP_OUT_ENDED) &&
                    (flags & (EP_IN_BROKEN | EP_OUT_BROKEN)) == 0;

    if (is_whole && (s->flags & (STREAM_MUST_CLOSE | STREAM_KILLED)) == 0)
        return EP_CLOSE_DONE;
    if (s->eval.frontend->option.nolinger || (s->flags & STREAM_RESET_CLIENT) != 0)
        return EP_CLOSE_RESET;
    return EP_CLOSE_ABORT;
}

static void
free_stream(struct stream *s)
{
    struct snapshot *snapshot = s->snapshot;

    meter_forget(s);
    if (__builtin_expect(s->filters != NULL, 0))
        filters_detach(s);
    if (__builtin_expect(s->guest != NULL, 0))
        s->guest->leave(s->guest, s);
    if (s->server_snapshot != NULL)
        snapshot_drop(s->server_snapshot);
    message_give(s->request);
    message_give(s->response);
    message_give(s->hint);
    if (s->txn.first != NULL)
        variable_set_clear(&s->txn);
    if (s->req.first != NULL)
        variable_set_clear(&s->req);
    if (s->res.first != NULL)
        variable_set_clear(&s->res);
    chain_clear(&s->replay);
    if (s->errand != NULL)
        errand_abandon(s);
    if (s->tracks != NULL)
        stick_tracks_free(s->tracks);
    arena_give(&s->arena);
    list_remove(&s->link);
    s->magic = 0;
    pool_give(&stream_pool, s);
    snapshot_drop(snapshot);
}

static void
count_tracked_bytes(const struct stream *s)
{
    stick_count_bytes(s->session->tracks, s->bytes_in, s->bytes_out);
    stick_count_bytes(s->tracks, s->bytes_in, s->bytes_out);
}

void
stream_end(struct stream *s)
{
    struct session *session = s->session;
    struct endpoint *front = s->front;
    enum endpoint_close how = front_close_way(s);

    MUST_BE(s, STREAM_MAGIC);
    timer_stop(&s->timer);
    if (__builtin_expect(session->upgrade != NULL, 0)) {
        if (upgrade_connection(s)) {
            free_stream(s);
            return;
        }
        upgrade_forget(session);
    }
    s->times.ended = stream_loop(s)->now_us;
    if (s->splicing != NULL)
        splicing_end(s);
    queue_leave(&s->queue_entry);
    server_side_close(s, EP_CLOSE_ABORT);
    server_side_leave(s);
    s->bytes_in = front->bytes_in;
    s->bytes_out = front->bytes_out;
    mux_count_stream_end(front, s->front_row->muxes);
    stream_count_end(s);
    if (__builtin_expect(stream_is_tracked(s), 0))
        count_tracked_bytes(s);
    leave_backend(s);
    if (s->eval.frontend->logs != NULL && !is_offline(s))
        log_line_stream(s);
    if (__builtin_expect(s->eval.explain != NULL, 0))
        explaining_end(s);
    if (__builtin_expect(s->filters != NULL, 0))
        filters_detach(s); /* while all that they may look at is there */
    front->owner = NULL;
    front->owner_data = NULL;
    session_stream_ended(session, s);
    endpoint_close(front, how);
    free_stream(s);
}
