/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From accept to mux: tcp-request connection rules, handshakes (PROXY header, TLS), tcp-request
 * session rules.
 *
 * For:     session.c.
 * Owns:    what a session needs only meanwhile: a timer, memory for rules, a hold on the snapshot.
 * Thread:  owner.
 *
 * Most connections have no rules and no handshake: they pass through without any of this.
 */
#include "private.h"

#include <string.h>

#include "weir/net/handshake.h"
#include "weir/net/transport.h"
#include "weir/tls/tls.h"

struct session_start {
    struct session *session;
    const struct proxy_conf *frontend; /* of session->snapshot, which the session holds */
    struct timer timer;
    struct arena arena;
    struct variables variables;
    struct rule_cursor cursor;
};

static struct pool start_pool = POOL("session_start", sizeof(struct session_start));

void
session_start_free(struct session *session)
{
    struct session_start *start = session->start;

    if (start == NULL)
        return;
    timer_stop(&start->timer);
    arena_give(&start->arena);
    session->start = NULL;
    pool_give(&start_pool, start);
}

/* --- rules --------------------------------------------------------------- */

static void
count_refusal(const struct session *session, enum eval_place place)
{
    struct proxy_row *row = proxy_front_row(session->frontend);

    if (place == PLACE_FE_CONNECTION) {
        counter_add(&row->denied_connections, 1);
        if (session->listener != NULL)
            listener_connection_refused(session->listener);
    } else {
        counter_add(&row->denied_sessions, 1);
        if (session->listener != NULL)
            counter_add(&listener_row(session->listener)->denied_sessions, 1);
    }
}

static struct eval
make_eval(struct session_start *start, enum eval_place place)
{
    struct session *session = start->session;

    return (struct eval){ .snapshot = session->snapshot,
                          .session = session,
                          .frontend = start->frontend,
                          .backend = start->frontend,
                          .proxy = start->frontend,
                          .client = session->client,
                          .arena = &start->arena,
                          .variables = &start->variables,
                          .session_tracks = &session->tracks,
                          .explain = session->explain,
                          .place = place,
                          .final = 1,
                          .now_us = session->client->loop->wall_us };
}

void
session_start_format(struct session *session, const struct log_format *format,
                     struct format_out *out)
{
    struct eval eval = make_eval(session->start, PLACE_FE_LOG);

    log_format_run(format, &eval, out);
}

/* False: the session has been closed. */
static bool
run_rules(struct session_start *start, const struct ruleset *set, enum eval_place place)
{
    struct session *session = start->session;
    struct eval eval = make_eval(start, place);
    const struct rule *decided;

    if (set->count == 0)
        return true;
    if (__builtin_expect(eval.explain != NULL, 0))
        explain_set(eval.explain,
                    place == PLACE_FE_CONNECTION ? "tcp-request connection" : "tcp-request session",
                    start->frontend->name);
    start->cursor.at = 0;
    switch (ruleset_run(set, &start->cursor, &eval, &decided)) {
    case VERDICT_CONTINUE:
    case VERDICT_STOP:
    case VERDICT_STOP_ALL:
    case VERDICT_WAIT: /* nothing can be waited for here */
        return true;
    case VERDICT_DROP:
        count_refusal(session, place);
        session_close(session, false);
        return false;
    case VERDICT_REPLY:
    case VERDICT_REJECT:
    case VERDICT_FAILED:
    case VERDICT_LATE:
    case VERDICT_CLOSE:
    case VERDICT_SWITCH:
    case VERDICT_SERVICE:
        break;
    }
    count_refusal(session, place);
    session_close(session, true);
    return false;
}

/* --- handshakes ---------------------------------------------------------- */

static void
go_on(struct session_start *start)
{
    struct session *session = start->session;
    const struct proxy_conf *frontend = start->frontend;
    struct snapshot *snapshot = session->snapshot;

    if (!run_rules(start, &frontend->tcp_session, PLACE_FE_SESSION))
        return;
    session_start_free(session);
    if ((session->flags & SESSION_STOPPING) != 0) {
        session_begin(session, frontend); /* keeps the snapshot: its frontend has gone meanwhile */
        return;
    }
    session->snapshot = NULL;
    session->conf = NULL;
    session_begin(session, frontend);
    snapshot_drop(snapshot);
}

static void
fail(struct session_start *start)
{
    struct session *session = start->session;
    struct connection *client = session->client;

    if (client->err >= CONN_ERR_TLS_EMPTY && client->err <= CONN_ERR_TLS_FATAL)
        counter_add(&proxy_front_row(session->frontend)->tls_failed, 1);
    log_line_session(session, start->frontend,
                     connection_error_text((enum connection_error)client->err), NULL);
    session_close(session, true);
}

static void
on_established(struct connection *conn)
{
    struct session *session = conn->owner_data;

    MUST_BE(session, SESSION_MAGIC);
    if (conn->err == CONN_ERR_NONE)
        go_on(session->start);
    else
        fail(session->start);
}

static const struct connection_owner handshake_owner = { .on_established = on_established };

static void
on_late(struct timer *timer)
{
    struct session_start *start = LIST_ITEM(timer, struct session_start, timer);

    connection_set_error(start->session->client, start->session->client->handshake != NULL
                                                     ? CONN_ERR_PROXY_TIMEOUT
                                                     : CONN_ERR_TLS_TIMEOUT);
    fail(start);
}

static void
begin_handshakes(struct session_start *start)
{
    struct session *session = start->session;
    struct connection *client = session->client;
    const struct proxy_timeouts *timeouts = &start->frontend->timeouts;
    int64_t ms = timeouts->client_hs_ms != 0 ? timeouts->client_hs_ms : timeouts->client_ms;

    if (ms != 0)
        timer_set(client->loop, &start->timer, (client->loop->now_us + 999) / 1000 + ms);
    connection_set_owner(client, &handshake_owner, session);
    handshake_start(client);
}

/* --- begin --------------------------------------------------------------- */

static struct session_start *
start_new(struct session *session, const struct proxy_conf *frontend)
{
    struct session_start *start = pool_take(&start_pool);

    if (start == NULL)
        return NULL;
    memset(start, 0, sizeof(*start));
    start->session = session;
    start->frontend = frontend;
    start->variables.scopes[SCOPE_SESS] = &session->variables;
    timer_init(&start->timer, on_late);
    session->start = start;
    session_hold(session, frontend);
    return start;
}

static bool
needs_start(const struct proxy_conf *frontend, const struct connection *client)
{
    return frontend->tcp_connection.count != 0 || frontend->tcp_session.count != 0 ||
           client->handshake != NULL || client->transport->handshake != NULL;
}

void
session_start(struct session *session, const struct proxy_conf *frontend)
{
    const struct bind_conf *bind = grace_read(session->listener->conf);
    struct connection *client = session->client;
    struct session_start *start;

    if (session->explain == NULL &&
        !(bind_add_handshakes(bind, client) && tls_bind_start(bind, client))) {
        session_close(session, true);
        return;
    }
    if (!needs_start(frontend, client)) {
        session_begin(session, frontend);
        return;
    }
    start = start_new(session, frontend);
    if (start == NULL) {
        session_close(session, true);
        return;
    }
    if (!run_rules(start, &frontend->tcp_connection, PLACE_FE_CONNECTION))
        return;
    if (client->handshake == NULL && client->transport->handshake == NULL)
        go_on(start);
    else
        begin_handshakes(start);
}
