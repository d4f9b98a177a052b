/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to servers: taken from those that are kept, or dialled; given back, or closed.
 *
 * For:     step_server.c, retry.c, forward.c.
 * Owns:    nothing: a connection belongs to a stream's endpoint, to the idle pool of its server, or
 * to a session. Thread:  owner.
 *
 * Which requests may use a kept connection (http-reuse)? It may turn out to be dead when it is
 * used. Who may find that out without harm: a request that can be sent again unseen, whatever the
 * mode, because weir does so; a later request of a client connection, because the client expects
 * that kept connections die ("safe"); every request in mode "always".
 */
#include <string.h>

#include "weir/net/client_addr.h"
#include "weir/net/proxy_protocol.h"
#include "weir/server/idle_pool.h"
#include "weir/tls/tls.h"

#include "private.h"

/* The stream whose endpoint is being closed: on_idle() comes from inside. */
static _Thread_local struct stream *closing;

/* Kept connections must not look at settings of a snapshot that may go. */
static const struct mux_settings idle_settings;

/* --- kept by a session: http-reuse never --------------------------------- */

static void
on_kept_gone(struct mux_conn *mc)
{
    struct session *session = mc->owner_data;

    MUST_BE(session, SESSION_MAGIC);
    session->kept = NULL;
    session->kept_server = NULL;
}

static const struct mux_owner kept_owner = { .on_gone = on_kept_gone };

static void
keep_in_session(struct session *session, struct mux_conn *mc, struct server *srv)
{
    server_side_drop_kept(session);
    mc->owner = &kept_owner;
    mc->owner_data = session;
    session->kept = mc;
    session->kept_server = srv;
}

void
server_side_drop_kept(struct session *session)
{
    struct mux_conn *mc = session->kept;

    if (mc == NULL)
        return;
    session->kept = NULL;
    session->kept_server = NULL;
    mc->owner = NULL;
    mux_conn_close(mc);
}

static struct mux_conn *
take_kept(struct session *session, const struct server *srv, uint64_t key)
{
    struct mux_conn *mc = session->kept;

    if (mc == NULL)
        return NULL;
    if (session->kept_server != srv || mc->key != key) {
        server_side_drop_kept(session);
        return NULL;
    }
    mc->owner = &server_side_owner;
    mc->owner_data = session->kept_server;
    session->kept = NULL;
    session->kept_server = NULL;
    return mc;
}

/* --- kept by a server ---------------------------------------------------- */

/* Nobody else may use a connection that speaks for this client. */
static bool
is_private(const struct stream *s)
{
    return s->eval.backend->http_reuse == REUSE_NEVER || (s->flags & STREAM_PRIVATE) != 0 ||
           (s->session->flags & SESSION_IS_PRIVATE) != 0;
}

static bool
may_share(const struct stream *s)
{
    return !is_private(s) && (s->flags & STREAM_SINGLE_USE) == 0;
}

static bool
is_strict(const struct server *srv)
{
    const struct server_conf *conf = grace_read(srv->conf);

    return conf != NULL && conf->strict_maxconn;
}

static void
on_idle(struct mux_conn *mc)
{
    struct server *srv = mc->owner_data;
    const struct stream *s = closing;

    mc->settings = &idle_settings;
    if (s != NULL &&
        ((s->flags & STREAM_SINGLE_USE) != 0 || (is_private(s) && is_strict(srv)))) {
        idle_pool_forget(srv, mc);
        mux_conn_close(mc);
    } else if (s != NULL && is_private(s)) {
        idle_pool_forget(srv, mc);
        keep_in_session(s->session, mc, srv);
    } else {
        mux_count_resume(mc, proxy_back_row(srv->backend)->muxes);
        idle_pool_give(srv, mc);
    }
}

static void
on_gone(struct mux_conn *mc)
{
    idle_pool_forget(mc->owner_data, mc);
}

static void
on_bad(struct mux_conn *mc, struct endpoint *ep, struct str bytes, size_t at, const char *text)
{
    (void)mc;
    if (ep->owner != NULL && ep->owner_data != NULL)
        bad_message_note_response(ep->owner_data, bytes, at, text);
}

const struct mux_owner server_side_owner = { .on_idle = on_idle,
                                             .on_gone = on_gone,
                                             .on_bad = on_bad };

bool
request_can_be_replayed(const struct stream *s)
{
    if (s->request == NULL || (s->flags & STREAM_BODY_LOST) != 0)
        return false;
    if (s->request->body != BODY_NONE &&
        ((s->front->flags & EP_IN_ENDED) == 0 ||
         s->front->in.bytes + s->replay.bytes > buffer_default_size()))
        return false;
    return method_is_idempotent((enum http_method)s->request->method);
}

static struct mux_conn *
take_idle(struct stream *s, uint64_t key)
{
    const struct proxy_conf *backend = s->eval.backend;
    struct server *srv = s->eval.server;
    struct mux_conn *mc;

    if (!stream_is_http(s) || (s->flags & STREAM_NO_REUSE) != 0)
        return NULL;
    mc = take_kept(s->session, srv, key);
    if (mc != NULL || backend->http_reuse == REUSE_NEVER)
        return mc;
    if (may_share(s))
        mc = idle_pool_join(srv, key);
    if (mc != NULL)
        return mc;
    if (backend->http_reuse == REUSE_ALWAYS || s->session->requests > 1 ||
        request_can_be_replayed(s))
        return idle_pool_take(srv, IDLE_ANY, key);
    return backend->http_reuse == REUSE_AGGRESSIVE ? idle_pool_take(srv, IDLE_SAFE, key) : NULL;
}

/* --- dialled ------------------------------------------------------------- */

static bool
addr_is_any(const struct addr *addr)
{
    static const struct in6_addr any6 = IN6ADDR_ANY_INIT;

    if (addr->family == ADDR_IPV4)
        return addr->ip4.s_addr == INADDR_ANY;
    return addr->family == ADDR_IPV6 && memcmp(&addr->ip6, &any6, sizeof(any6)) == 0;
}

/* Where to: the server's address; a port relative to the one that the client asked for; the
 * client's own destination. */
static void
target_addr(const struct stream *s, const struct server_conf *conf, struct addr *to)
{
    const struct addr *asked;

    server_addr(s->eval.server, to);
    if (!conf->port_is_offset && to->port != 0 && !addr_is_any(to))
        return;
    if (!addr_is_ip(to))
        return;
    asked = client_dst(&s->eval);
    if (conf->port_is_offset)
        to->port = (uint16_t)(asked->port + conf->port_offset);
    else if (to->port == 0)
        to->port = asked->port;
    if (addr_is_any(to) && addr_is_ip(asked)) {
        uint16_t port = to->port;

        *to = *asked;
        to->port = port;
    }
}

/* The nth item of all comma-separated values of a field; n < 0: from the end. */
static struct str
find_item(const struct message *msg, struct str name, int n)
{
    struct str found = STR_NONE, last[8] = { STR_NONE };
    int count = 0;

    for (int at = message_find_field_name(msg, name, 0); at >= 0;
         at = message_find_field_name(msg, name, (uint32_t)at + 1)) {
        struct str rest = field_value(&msg->fields[at]);

        while (rest.ptr != NULL) {
            last[count % 8] = str_trim(str_split(&rest, ','));
            count++;
            if (n > 0 && count == n)
                return last[(count - 1) % 8];
        }
    }
    if (n < 0 && -n <= count && -n <= 8)
        found = last[(count + n) % 8];
    return found;
}

/* With usesrc hdr_ip(name,occurrence): the address that stands there. */
static struct addr
address_in_header(const struct stream *s, const struct dial_conf *dial)
{
    struct addr addr = { .family = ADDR_NONE };
    struct str value;

    if (dial->usesrc == USESRC_HEADER && s->request != NULL) {
        value = find_item(s->request, str_from(dial->usesrc_header), dial->usesrc_occurrence);
        (void)addr_parse_host(value, &addr);
    }
    return addr;
}

/* Does the connection say to the server who the client is, or where it wanted to go? */
static void
note_privacy(struct stream *s, const struct server_conf *conf)
{
    const struct dial_conf *dial = &conf->dial;

    if (dial->send_proxy || dial->send_proxy_v2 || dial->usesrc == USESRC_CLIENT ||
        dial->usesrc == USESRC_CLIENTIP || conf->port_is_offset || conf->addr.port == 0)
        s->flags |= STREAM_PRIVATE;
    if (dial->usesrc == USESRC_HEADER)
        s->flags |= STREAM_SINGLE_USE;
}

static struct mux_conn *
dial(struct stream *s, const struct server_conf *conf, const struct mux *mux,
     struct tls_dial *tls, enum connection_error *err)
{
    struct dial_request request = { .client = s->session->client,
                                    .client_src = s->eval.client_src,
                                    .client_dst = s->eval.client_dst,
                                    .marks = s->server_marks };
    struct proxy_tlv tlvs[SERVER_TLVS_MAX];
    struct connection *conn;
    struct mux_conn *mc;

    *err = CONN_ERR_NO_SOCKET;
    if (conf == NULL)
        return NULL; /* taken out of the configuration a moment ago */
    if (conf->strict_maxconn)
        idle_pool_make_room(s->eval.server);
    request.conf = &conf->dial;
    request.usesrc = address_in_header(s, &conf->dial);
    if ((conf->dial.proxy_v2_options & PROXY_V2_UNIQUE_ID) != 0)
        request.unique_id = stream_unique_id(s);
    request.tlvs = tlvs;
    request.tlv_count = server_proxy_tlvs(conf, &s->eval, tlvs);
    target_addr(s, conf, &request.to);
    tls_dial_apply(tls, &request);
    conn = connector_dial(stream_loop(s), &request, NULL, NULL, err);
    if (conn == NULL)
        return NULL;
    mc = mux->start(conn, MUX_BACK, &s->eval.backend->back_mux, &server_side_owner,
                    s->eval.server);
    if (mc == NULL) {
        connection_close(conn);
        return NULL;
    }
    mc->key = tls->key;
    mc->idle_ping_ms = mux_server_idle_ping_ms(conf->slots);
    return mc;
}

/* --- open, close --------------------------------------------------------- */

bool
server_side_open(struct stream *s, enum connection_error *err)
{
    const struct server_conf *conf = grace_read(s->eval.server->conf);
    struct tls_dial tls = { .key = 0 };
    const struct mux *mux = NULL;
    struct mux_conn *mc;
    struct str name;
    bool is_reused;

    if (conf != NULL) {
        tls_dial_for_stream(&tls, conf->slots, &s->eval);
        if (s->request != NULL)
            tls_dial_guess_name(&tls, message_host(s->request));
        if (server_connection_name(conf, &s->eval, &name))
            tls_dial_set_pool_name(&tls, name);
        mux = server_protocol(s, conf, &tls);
        if (early_data_may_go(s))
            tls_dial_allow_early(&tls);
    }
    mc = take_idle(s, tls.key);
    is_reused = mc != NULL;
    if (conf != NULL)
        note_privacy(s, conf);
    if (mc == NULL)
        mc = dial(s, conf, mux, &tls, err);
    stream_count_attempt(s, is_reused);
    if (mc == NULL)
        return false;
    if (is_reused)
        mux_count_resume(mc, s->back_row->muxes);
    else
        mux_count_begin(mc, s->back_row->muxes);
    mc->settings = &s->eval.backend->back_mux;
    if (conf != NULL)
        mc->max_requests = conf->mux.max_requests & 0x7fffffffu;
    s->back = mc->mux->open(mc);
    if (s->back == NULL) {
        *err = CONN_ERR_NO_SOCKET;
        if (mc->streams == 0)
            mux_conn_close(mc);
        return false;
    }
    s->flags = is_reused ? s->flags | STREAM_REUSED : s->flags & ~STREAM_REUSED;
    if (mc->mux->has_many && may_share(s))
        idle_pool_share(s->eval.server, mc);
    s->back->owner = &stream_endpoint_owner;
    s->back->owner_data = s;
    s->back_moved = 0;
    mux_count_stream(mc->mux, s->back_row->muxes);
    s->eval.back = s->back;
    s->eval.server_conn = mc->conn;
    return true;
}

void
server_side_moved(struct endpoint *from, struct endpoint *to)
{
    struct stream *s = from->owner_data;
    struct mux_conn *mc = to->mux_conn;

    MUST_BE(s, STREAM_MAGIC);
    s->back = s->eval.back = to;
    mux_count_stream(mc->mux, s->back_row->muxes);
    if (mc->mux->has_many && may_share(s))
        idle_pool_share(s->eval.server, mc);
}

void
server_side_close(struct stream *s, enum endpoint_close how)
{
    struct endpoint *back = s->back;

    if (back == NULL)
        return;
    if (__builtin_expect((back->flags & EP_LOCAL) != 0, 0)) {
        serve_end(s);
        return;
    }
    if (s->splicing != NULL)
        splicing_end(s);
    s->server_bytes_in += back->bytes_in;
    s->server_bytes_out += back->bytes_out;
    mux_count_stream_end(back, s->back_row->muxes);
    /* What lingers may outlive its server. */
    if (back->mux_conn->streams <= 1)
        mux_count_pause(back->mux_conn);
    stream_keep_addrs(s);
    s->back = NULL;
    s->eval.back = NULL;
    s->eval.server_conn = NULL;
    back->owner = NULL;
    back->owner_data = NULL;
    if ((s->flags & STREAM_SINGLE_USE) != 0 && how == EP_CLOSE_DONE)
        how = EP_CLOSE_ABORT;
    if (s->eval.backend->option.prefer_last_server ||
        (s->session->flags & (SESSION_PREFERS_SERVER | SESSION_IS_PRIVATE)) != 0)
        s->session->last_server = s->eval.server;
    if (how != EP_CLOSE_DONE && s->eval.backend->option.nolinger)
        how = EP_CLOSE_RESET;
    closing = s;
    endpoint_close(back, how);
    closing = NULL;
}

void
server_side_leave(struct stream *s)
{
    if ((s->flags & STREAM_HAS_SLOT) == 0)
        return;
    s->flags &= ~STREAM_HAS_SLOT;
    server_slot_give(s->eval.server);
}
