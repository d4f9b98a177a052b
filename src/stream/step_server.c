/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a server: choose one, wait in line for it, get a connection to it.
 *
 * For:     steps.c.
 * Thread:  owner.
 *
 *     PICK ──slot──> CONNECT ──established──> RESPONSE
 *      │               ▲  │ failed: retry.c
 *      │line           │  ├──> PAUSE ──1 s──> CONNECT      same server
 *      ▼               │  └──> PICK                        another one
 *     QUEUE ──granted──┘
 *       └──let go (its server went down)──> PICK
 */
#include "weir/balance/balance.h"
#include "weir/balance/pick.h"

#include "private.h"

/* --- pick ---------------------------------------------------------------- */

/* Does our own snapshot name it? */
static bool
is_ours(const struct stream *s, const struct server *srv)
{
    LIST_FOR_EACH (conf, &s->eval.backend->servers, struct server_conf, link) {
        if (conf->live == srv)
            return true;
    }
    return false;
}

/* Servers that a later configuration brought may go with it before this stream ends: hold that one
 * too. False: it has gone already. */
static bool
hold_server(struct stream *s, const struct server *srv)
{
    const struct server_conf *conf = grace_read(srv->conf);
    struct snapshot *snapshot = conf == NULL ? NULL : conf->backend->snapshot;

    if (__builtin_expect(snapshot == s->snapshot || snapshot == s->server_snapshot, 1) &&
        snapshot != NULL)
        return true;
    if (is_ours(s, srv))
        return true;
    if (snapshot == NULL)
        return false;
    if (s->server_snapshot != NULL)
        snapshot_drop(s->server_snapshot);
    s->server_snapshot = snapshot;
    snapshot_hold(snapshot);
    return true;
}

/* A slot of this server is ours. */
static enum step_result
has_picked(struct stream *s, struct server *srv)
{
    const char *prefix;

    if (!hold_server(s, srv)) {
        server_slot_give(srv);
        return stream_go(s, STEP_PICK);
    }
    if (s->avoid != NULL && srv != s->avoid)
        s->flags |= STREAM_REDISPATCHED;
    s->avoid = NULL;
    s->eval.server = srv;
    s->flags |= STREAM_HAS_SLOT;
    s->times.picked = stream_loop(s)->now_us;
    stream_count_picked(s);
    if (__builtin_expect((prefix = persistence_redir(srv, &s->eval)) != NULL, 0))
        return reply_redir(s, prefix);
    return stream_go(s, STEP_CONNECT);
}

static void
on_granted(struct queue_entry *entry)
{
    struct stream *s = LIST_ITEM(entry, struct stream, queue_entry);

    MUST_BE(s, STREAM_MAGIC);
    s->flags |= STREAM_GRANTED;
    stream_run(s);
}

static bool
is_queue_of(const struct queue *queue, const struct server *srv)
{
    return srv != NULL && queue == &srv->queue;
}

/* A server that goes down lets those go who need not have this very one. */
static bool
may_move(const struct proxy_conf *backend)
{
    return backend->option.redispatch && !backend->option.persist;
}

static bool
enter_queue(struct stream *s, const struct pick *pick)
{
    bool is_server_queue = is_queue_of(pick->queue, pick->server);
    const struct server_conf *conf = pick->server == NULL ? NULL : grace_read(pick->server->conf);
    uint32_t max = is_server_queue && conf != NULL ? (uint32_t)conf->maxqueue : 0;

    if (is_server_queue)
        s->eval.server = pick->server;
    s->queue_entry.on_granted = on_granted;
    s->queue_entry.may_move = may_move(s->eval.backend);
    if (!queue_enter(pick->queue, &s->queue_entry, max))
        return false;
    if (is_server_queue)
        s->queue_server_position += s->queue_entry.position + 1;
    else
        s->queue_backend_position += s->queue_entry.position + 1;
    return true;
}

static int64_t
queue_ms(const struct stream *s)
{
    return s->back_timeouts->queue_ms != 0 ? s->back_timeouts->queue_ms
                                           : s->back_timeouts->connect_ms;
}

/* May one wait for it, rather than take another one (max-keep-alive-queue)? */
static bool
may_wait_for(const struct proxy_conf *backend, const struct server *srv)
{
    return backend->max_keep_alive_queue < 0 ||
           __atomic_load_n(&srv->queue.length, __ATOMIC_RELAXED) < backend->max_keep_alive_queue;
}

/* The server of the client's last request, if there is a reason to stay with it. PICK_NONE: there
 * is none. */
static enum pick_result
pick_last(struct stream *s, struct pick *pick)
{
    struct session *session = s->session;
    struct server *srv = session->last_server;
    const struct proxy_conf *backend = s->eval.backend;
    bool must = (session->flags & (SESSION_PREFERS_SERVER | SESSION_IS_PRIVATE)) != 0;

    session->flags &= ~(uint32_t)SESSION_PREFERS_SERVER;
    if (!must && (!backend->option.prefer_last_server || balance_of(backend)->balancer->is_bound))
        return PICK_NONE;
    if (s->avoid != NULL || srv->backend != backend->live || !server_is_usable(srv))
        return PICK_NONE;
    pick->server = srv;
    if (server_slot_take(srv, backend))
        return PICK_SERVER;
    if (!must && !may_wait_for(backend, srv))
        return PICK_NONE;
    pick->queue = &srv->queue;
    return PICK_QUEUE;
}

static enum pick_result
pick_any(struct stream *s, struct pick *pick)
{
    if (s->session->last_server != NULL && s->persistence.server == NULL) {
        enum pick_result result = pick_last(s, pick);

        if (result != PICK_NONE)
            return result;
    }
    return pick_server(s->eval.backend, &s->eval, s->avoid, &s->persistence, pick);
}

enum step_result
step_pick(struct stream *s)
{
    struct pick pick = { .server = NULL };

    s->eval.place = PLACE_BE_SERVER;
    s->eval.proxy = s->eval.backend;
    if (s->times.queued == 0)
        s->times.queued = stream_loop(s)->now_us;
    if (!s->persistence.is_read)
        persistence_read(&s->persistence, s->eval.backend, &s->eval);
    switch (pick_any(s, &pick)) {
    case PICK_SERVER:
        if (pick.is_bound)
            s->flags |= STREAM_IS_BOUND;
        return has_picked(s, pick.server);
    case PICK_QUEUE:
        if (pick.is_bound)
            s->flags |= STREAM_IS_BOUND;
        if (is_queue_of(pick.queue, pick.server) && !hold_server(s, pick.server))
            return stream_go(s, STEP_PICK);
        if (enter_queue(s, &pick)) {
            deadline_in(s, queue_ms(s));
            return stream_go(s, STEP_QUEUE);
        }
        break;
    case PICK_NONE:
        break;
    }
    stream_count_connect_error(s);
    return reply_error(s, 503, s->first_failure == 0 ? END_SERVER_ABORT : s->first_failure,
                       PHASE_CONNECT);
}

/* --- queue --------------------------------------------------------------- */

enum step_result
step_queue(struct stream *s)
{
    struct server *srv = s->queue_entry.granted;

    if ((s->flags & STREAM_GRANTED) == 0)
        return STEP_WAIT;
    s->flags &= ~STREAM_GRANTED;
    s->queue_entry.granted = NULL;
    deadline_none(s);
    if (srv != NULL)
        return has_picked(s, srv);
    s->avoid = s->eval.server; /* it went down */
    s->eval.server = NULL;
    return stream_go(s, STEP_PICK);
}

enum step_result
queue_expired(struct stream *s)
{
    queue_leave(&s->queue_entry);
    s->times.picked = stream_loop(s)->now_us;
    stream_count_connect_error(s);
    return reply_error(s, 503, END_SERVER_TIMEOUT, PHASE_QUEUE);
}

/* --- connect ------------------------------------------------------------- */

/* We lack something, or the server does. */
static enum end_cause
cause_of(enum connection_error err)
{
    static const enum connection_error ours[] = { CONN_ERR_NO_SOCKET,   CONN_ERR_NO_SOCKET_SYSTEM,
                                                  CONN_ERR_NO_MEMORY,   CONN_ERR_PORT_RANGE,
                                                  CONN_ERR_CANNOT_BIND, CONN_ERR_NO_PORTS,
                                                  CONN_ERR_ADDR_IN_USE };

    for (size_t i = 0; i < COUNT(ours); i++) {
        if (err == ours[i])
            return END_RESOURCE;
    }
    return END_SERVER_ABORT;
}

static enum step_result
is_connected(struct stream *s)
{
    struct loop *loop = stream_loop(s);

    deadline_none(s);
    s->times.connected = loop->now_us;
    stream_observe_connect(s, true);
    s->back_active_ms = loop->now_ms;
    if (!stream_is_http(s)) /* nothing else can be seen of it */
        balance_note(s->eval.backend, s->eval.server, s->times.connected - s->times.picked);
    return STEP_NEXT;
}

static enum step_result
begin_connect(struct stream *s)
{
    enum connection_error err = CONN_ERR_NONE;

    if (!server_side_open(s, &err))
        return retry_or_fail(s, RETRY_CONN_FAILURE, cause_of(err), 503);
    if ((s->back->flags & EP_CONNECTED) != 0)
        return is_connected(s);
    deadline_in(s, s->back_timeouts->connect_ms);
    return STEP_WAIT;
}

enum step_result
step_connect(struct stream *s)
{
    if (is_offline(s))
        return stream_end_as(s, END_LOCAL, PHASE_CONNECT);
    if (s->back == NULL)
        return begin_connect(s);
    if ((s->back->flags & (EP_IN_BROKEN | EP_OUT_BROKEN)) != 0 && s->back->error == EP_ERR_CONNECT)
        return retry_or_fail(s, RETRY_CONN_FAILURE, cause_of(s->eval.server_conn->err), 503);
    if ((s->back->flags & EP_CONNECTED) != 0)
        return is_connected(s);
    return STEP_WAIT;
}

enum step_result
connect_expired(struct stream *s)
{
    return retry_or_fail(s, RETRY_CONN_FAILURE, END_SERVER_TIMEOUT, 503);
}

/* --- pause --------------------------------------------------------------- */

enum step_result
step_pause(struct stream *s)
{
    (void)s;
    return STEP_WAIT;
}

/* With a slot: the same server again. Without: whichever is chosen now. */
enum step_result
pause_expired(struct stream *s)
{
    return stream_go(s, (s->flags & STREAM_HAS_SLOT) != 0 ? STEP_CONNECT : STEP_PICK);
}
