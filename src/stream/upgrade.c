/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From TCP to HTTP: a connection whose first bytes turn out to be a request gets an HTTP mux.
 *
 * For:     the action switch-mode, and TCP frontends that choose an HTTP backend.
 * Owns:    what the TCP stream leaves to the HTTP stream that goes on in its place.
 * Thread:  owner.
 *
 * The TCP stream ends without a word. What it has received is read again as HTTP; the first request
 * continues where it stood: its content rules are not run again, its txn variables are kept.
 */
#include "private.h"

struct session_upgrade {
    enum step_id step;
    const struct proxy *backend; /* chosen already; NULL: not yet. Only compared */
    struct variable_set txn;
    int8_t log_level;
};

static struct pool upgrade_pool = POOL("session upgrade", sizeof(struct session_upgrade));

enum step_result
upgrade_begin(struct stream *s, enum step_id step, const struct proxy_conf *backend)
{
    struct session_upgrade *upgrade;

    if (chain_is_empty(&s->front->in) || s->front->in.bytes > buffer_default_size())
        return stream_end_here(s, chain_is_empty(&s->front->in) ? END_CLIENT_ABORT : END_RESOURCE);
    upgrade = pool_take(&upgrade_pool);
    if (upgrade == NULL)
        return stream_end_here(s, END_RESOURCE);
    *upgrade = (struct session_upgrade){ .step = step,
                                         .backend = backend == NULL ? NULL : backend->live,
                                         .txn = s->txn,
                                         .log_level = s->log_level };
    s->txn = (struct variable_set){ 0 };
    s->session->upgrade = upgrade;
    return STEP_END;
}

/* --- the TCP stream goes ------------------------------------------------- */

static const struct proxy_conf *
settings_from(struct session *session, const struct stream *s)
{
    const struct proxy_conf *frontend = session_conf(session);

    if (frontend != NULL)
        return frontend;
    session_hold(session, s->eval.frontend);
    return s->eval.frontend;
}

bool
upgrade_connection(struct stream *s)
{
    struct session *session = s->session;
    const struct proxy_conf *frontend = settings_from(session, s);
    struct endpoint *front = s->front;
    struct chain bytes;
    struct mux_conn *mc;

    mc = h1_mux.start(session->client, MUX_FRONT, &frontend->front_mux, &session_mux_owner,
                      session);
    if (mc == NULL)
        return false;
    chain_init(&bytes);
    chain_move(&bytes, &front->in);
    front->owner = NULL;
    front->owner_data = NULL;
    mux_count_begin(mc, session->mux->counts);
    tcp_mux_detach(session->mux);
    session->mux = mc;
    session->requests--;
    h1_mux_begin_with(mc, &bytes);
    chain_clear(&bytes);
    return true;
}

/* --- the HTTP stream comes ----------------------------------------------- */

static const struct proxy_conf *
find_backend(const struct stream *s, const struct proxy *live)
{
    LIST_FOR_EACH (conf, proxy_list(s->snapshot), struct proxy_conf, link) {
        if (conf->live == live && proxy_conf_is_back(conf))
            return conf;
    }
    return NULL;
}

void
upgrade_continue(struct stream *s)
{
    struct session_upgrade *upgrade = s->session->upgrade;

    if (upgrade == NULL)
        return;
    s->step = (uint8_t)upgrade->step;
    s->txn = upgrade->txn;
    s->log_level = upgrade->log_level;
    if (upgrade->backend != NULL)
        s->upgraded_to = find_backend(s, upgrade->backend);
    upgrade->txn = (struct variable_set){ 0 };
    upgrade_forget(s->session);
}

void
upgrade_forget(struct session *session)
{
    struct session_upgrade *upgrade = session->upgrade;

    if (upgrade == NULL)
        return;
    session->upgrade = NULL;
    if (upgrade->txn.first != NULL)
        variable_set_clear(&upgrade->txn);
    pool_give(&upgrade_pool, upgrade);
}

/* --- switch-mode --------------------------------------------------------- */

static enum verdict
run_switch_mode(const struct action *action, struct eval *eval)
{
    (void)action;
    return stream_is_http(eval->stream) ? VERDICT_STOP : VERDICT_SWITCH;
}

static bool
parse_switch_mode(struct parse *parse, struct action *action)
{
    const struct proxy_conf *conf = parse->object;
    const char *name;

    action->run = run_switch_mode;
    if (conf->sides == SIDE_BACK)
        return parse_alert(parse, "'switch-mode' needs a frontend or a listen: backend '%s' gets "
                                  "streams whose mode is known",
                           conf->name);
    if (!words_accept(parse->words, "http"))
        return parse_alert_next(parse, "'switch-mode' expects 'http'");
    if (!words_accept(parse->words, "proto"))
        return true;
    name = parse_word(parse, "the name of a protocol");
    if (name == NULL)
        return false;
    if (str_eq(str_from(name), STR("h1")))
        return true;
    if (str_eq(str_from(name), STR("h2")))
        return parse_not_yet(parse, "switch-mode http proto h2");
    return parse_alert(parse, "'%s' is no protocol to switch to; use h1", name);
}

static const struct action_kind kinds[] = {
    { "switch-mode", ON(HOOK_TCP_REQUEST), .is_final = true, .args = "http [proto <name>]",
      .parse = parse_switch_mode, .help = "What comes is HTTP: go on with the http-request rules." },
};
REGISTER(action_kind, kinds);
