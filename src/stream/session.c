/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection's life.
 *
 * For:     listeners of frontends hand over what they accepted.
 * Owns:    the connection until the mux has it, then the mux.
 * Thread:  owner.
 *
 *     on_accept ──> connection rules, handshakes, session rules (session_start.c) ──>
 * session_begin: mux │ limits                    │ refused │ ▼                           ▼ ▼ closed
 * session_close              on_stream ──> stream ──> session_stream_ended ▲ │ └──── next request
 * ─────┤ ▼ on_gone: session_free    stopping: mux stops
 */
#include "weir/stream/session.h"

#include <string.h>

#include "weir/proxy/admission.h"

#include "weir/stick/track.h"

#include "weir/tls/tls.h"
#include "private.h"

static struct pool session_pool = POOL("session", sizeof(struct session));

/* --- accepted ------------------------------------------------------------ */

/* The frontend that the listener's bind line stands in, by the configuration of this moment. */
static struct proxy *
frontend_of(const struct listener *ln)
{
    const struct bind_conf *bind = grace_read(ln->conf);

    return ((const struct proxy_conf *)bind->owner_conf)->live;
}

static bool
may_accept(struct listener *ln)
{
    return proxy_may_accept(frontend_of(ln));
}

static struct session *
session_new(struct listener *ln, struct connection *conn)
{
    struct session *session = pool_take(&session_pool);
    const struct loop *loop = conn->loop;

    if (session == NULL)
        return NULL;
    memset(session, 0, sizeof(*session));
    session->magic = SESSION_MAGIC;
    session->frontend = frontend_of(ln);
    session->listener = ln;
    session->client = conn;
    session->accepted_us = loop->wall_us;
    session->idle_since_us = loop->now_us;
    session->log_level = -1;
    session->log_origin = 0;
    session->explain = session_thread.explain;
    list_add_last(&session_thread.sessions, &session->link);
    session_thread.session_count++;
    return session;
}

/* What a listener accepts while it stops belongs to a frontend that is gone: it is served as that
 * was. */
static const struct proxy_conf *
conf_of_new(struct session *session)
{
    const struct proxy_conf *frontend = session_conf(session);
    const struct bind_conf *bind = grace_read(session->listener->conf);

    if (frontend != NULL || bind == NULL)
        return frontend;
    session->flags |= SESSION_STOPPING;
    session_hold(session, bind->owner_conf);
    return bind->owner_conf;
}

static void
on_accept(struct listener *ln, struct connection *conn)
{
    struct session *session = session_new(ln, conn);
    const struct proxy_conf *frontend;

    if (session == NULL) {
        listener_connection_ended(ln);
        connection_close(conn);
        return;
    }
    frontend = conf_of_new(session);
    if (frontend == NULL || !proxy_session_begin(session->frontend, frontend)) {
        listener_connection_refused(ln);
        session_close(session, false);
        return;
    }
    session->flags |= SESSION_COUNTED;
    stream_count_connection(session);
    session_start(session, frontend);
}

const struct listener_owner session_listener_owner = { .may_accept = may_accept,
                                                       .on_accept = on_accept };

void
session_hold(struct session *session, const struct proxy_conf *frontend)
{
    if (session->snapshot != NULL)
        return;
    session->conf = frontend;
    session->snapshot = frontend->snapshot;
    snapshot_hold(session->snapshot);
}

/* --- gone ---------------------------------------------------------------- */

void
session_free(struct session *session)
{
    struct snapshot *snapshot = session->snapshot;

    MUST_BE(session, SESSION_MAGIC);
    server_side_drop_kept(session);
    session_start_free(session);
    upgrade_forget(session);
    if (session->variables.first != NULL)
        variable_set_clear(&session->variables);
    if (session->tracks != NULL)
        stick_tracks_free(session->tracks);
    if (session->listener != NULL)
        listener_connection_ended(session->listener);
    if ((session->flags & SESSION_COUNTED) != 0)
        proxy_session_end(session->frontend);
    list_remove(&session->link);
    session_thread.session_count--;
    session->magic = 0;
    if (session->explain != NULL)
        session->explain->on_end(session->explain);
    pool_give(&session_pool, session);
    if (snapshot != NULL)
        snapshot_drop(snapshot);
}

void
session_close(struct session *session, bool with_reset)
{
    MUST(session->mux == NULL);
    if (with_reset)
        session->client->flags |= CONN_LINGER_RESET;
    connection_close(session->client);
    session_free(session);
}

/* --- its mux ------------------------------------------------------------- */

static uint32_t
idle_ping_ms(const struct session *session)
{
    const struct bind_conf *bind = session->listener == NULL ? NULL : grace_read(session->listener->conf);

    return bind == NULL ? 0 : mux_bind_idle_ping_ms(bind->slots);
}

void
session_begin(struct session *session, const struct proxy_conf *frontend)
{
    struct connection *client = session->client;
    const struct mux *mux = session_choose_mux(session, frontend);
    struct loop *loop = client->loop;
    struct proxy_row *row;

    session->handshake_ms = (uint32_t)((loop->now_us - session->idle_since_us) / 1000);
    session->idle_since_us = loop->now_us;
    stream_count_session(session);
    session->mux = mux->start(client, MUX_FRONT, &frontend->front_mux, &session_mux_owner, session);
    if (session->mux == NULL) {
        session_close(session, true);
        return;
    }
    session->mux->idle_ping_ms = idle_ping_ms(session);
    row = proxy_front_row(session->frontend);
    mux_count_begin(session->mux, row->muxes);
    if (tls_of(client) != NULL) {
        counter_add(&row->tls_sessions, 1);
        counter_add(&row->tls_resumed, tls_is_resumed(client));
    }
    connection_start(client);
}

void
session_frontend_gone(struct session *session)
{
    session->flags |= SESSION_STOPPING;
    if (session->mux != NULL && session->mux->streams == 0)
        session_stop(session);
    /* The others: session_stream_ended(), or the end of their handshakes. */
}

void
session_stop(struct session *session)
{
    session->flags |= SESSION_STOPPING;
    if (session->mux != NULL)
        session->mux->mux->stop(session->mux);
}

/* A stream that may be refused for lack of memory, or because nobody serves it any more. */
static void
refuse_stream(struct session *session, struct endpoint *ep)
{
    session->flags |= SESSION_STOPPING;
    endpoint_close(ep, EP_CLOSE_RESET);
}

static void
on_stream(struct mux_conn *mc, struct endpoint *ep)
{
    struct session *session = mc->owner_data;
    const struct proxy_conf *frontend;
    struct stream *s;

    MUST_BE(session, SESSION_MAGIC);
    frontend = session_conf(session);
    if (frontend == NULL) {
        refuse_stream(session, ep);
        return;
    }
    session->requests++;
    s = stream_new(session, ep, frontend, frontend->snapshot);
    if (s == NULL) {
        refuse_stream(session, ep);
        return;
    }
    mux_count_stream(mc->mux, s->front_row->muxes);
    upgrade_continue(s);
    stream_begin(s);
}

static void
on_gone(struct mux_conn *mc)
{
    stream_count_glitches(mc->owner_data);
    session_free(mc->owner_data);
}

static void
on_replaced(struct mux_conn *mc, struct mux_conn *other)
{
    struct session *session = mc->owner_data;

    session->mux = other;
    if ((session->flags & SESSION_STOPPING) != 0)
        session_stop(session);
}

static const struct mux_settings *
on_settings(struct mux_conn *mc)
{
    const struct proxy_conf *frontend = session_conf(mc->owner_data);

    return frontend == NULL ? NULL : &frontend->front_mux;
}

static void
on_bad(struct mux_conn *mc, struct endpoint *ep, struct str bytes, size_t at, const char *text)
{
    (void)ep; /* no stream has begun */
    bad_message_note_request(mc->owner_data, bytes, at, text);
}

const struct mux_owner session_mux_owner = { .on_stream = on_stream,
                                             .on_gone = on_gone,
                                             .on_replaced = on_replaced,
                                             .on_settings = on_settings,
                                             .on_bad = on_bad };

void
session_stream_ended(struct session *session, struct stream *s)
{
    const struct proxy_conf *frontend;

    session->idle_since_us = stream_loop(s)->now_us;
    if (s->snapshot == session_thread.snapshot)
        return;
    /* A new configuration came while the stream ran. */
    frontend = session_conf(session);
    if (frontend == NULL)
        session_hold(session, s->eval.frontend);
    else
        session->mux->settings = &frontend->front_mux;
    if ((session->flags & SESSION_STOPPING) != 0)
        session_stop(session);
}

void
session_kill(struct session *session)
{
    bool has_streams;

    if (session->mux == NULL) {
        session_close(session, true);
        return;
    }
    has_streams = session->mux->streams != 0;
    session_stop(session); /* an idle one is gone afterwards */
    if (has_streams)
        stream_kill_session(session);
}
