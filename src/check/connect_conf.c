/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step "connect" of checks, and the protocols of their connections.
 *
 * Thread: builder.
 */
#include <string.h>

#include "weir/expr/sample.h"
#include "weir/tls/tls.h"
#include "steps.h"

static bool
parse_connect_port(struct parse *parse, struct step_connect *connect)
{
    const char *word = words_peek(parse->words);

    if (word != NULL && word[strspn(word, "0123456789")] == '\0')
        return parse_int(parse, "a port", 1, 65535, &connect->port);
    connect->where = sample_parse(parse, PLACE_CHECK);
    return connect->where != NULL;
}

static bool
parse_connect_addr(struct parse *parse, struct step_connect *connect)
{
    const char *word = parse_address_word(parse, "an address");
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (word == NULL)
        return false;
    if (!addr_parse(word, 0, &spec, &err))
        return parse_alert(parse, "'addr': %s", err.text);
    connect->addr = spec.addr;
    return true;
}

/* One word with what belongs to it. */
static bool
parse_connect_word(struct parse *parse, struct check_step *step, const char *word)
{
    struct step_connect *connect = &step->connect;

    if (strcmp(word, "port") == 0)
        return parse_connect_port(parse, connect);
    if (strcmp(word, "addr") == 0)
        return parse_connect_addr(parse, connect);
    if (strcmp(word, "alpn") == 0)
        return tls_parse_alpn(parse, &connect->alpn);
    if (strcmp(word, "comment") == 0)
        return step_parse_comment(parse, step);
    if (strcmp(word, "sni") == 0) {
        connect->server_name = parse_word(parse, "the name of a server");
        return connect->server_name != NULL;
    }
    if (strcmp(word, "proto") == 0) {
        connect->mux = check_parse_proto(parse);
        return connect->mux != NULL;
    }
    return parse_alert(parse, "'connect' of a check does not know '%s'; known are default, port, "
                              "addr, send-proxy, via-socks4, ssl, sni, alpn, proto, linger and "
                              "comment",
                       word);
}

bool
step_parse_connect(struct parse *parse, struct check_step *step)
{
    struct step_connect *connect = &step->connect;
    const char *word;

    while ((word = words_next(parse->words)) != NULL) {
        if (strcmp(word, "default") == 0)
            connect->is_default = true;
        else if (strcmp(word, "send-proxy") == 0)
            connect->send_proxy = true;
        else if (strcmp(word, "linger") == 0)
            connect->linger = true;
        else if (strcmp(word, "via-socks4") == 0)
            connect->via_socks4 = true;
        else if (strcmp(word, "ssl") == 0)
            connect->is_ssl = true;
        else if (!parse_connect_word(parse, step, word))
            return false;
    }
    return true;
}

/* --- what it needs, and what does not fit ------------------------------------------------------ */

/* Servers are prepared for TLS if a step says so. */
static void
prepare_servers(struct proxy_conf *conf)
{
    const struct check_method *method = check_method_of(conf);
    const struct check_step *step = method->first;

    while (step != NULL && !(step->kind == STEP_CONNECT && step->connect.is_ssl))
        step = step->next;
    if (step == NULL)
        return;
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (check_conf_of(srv)->is_on)
            tls_server_want_context(srv->slots);
    }
}

static bool
on_resolve(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf))
            prepare_servers(conf);
    }
    return true;
}

static bool
fits(const struct check_method *method, const struct mux *mux)
{
    return mux == NULL || mux->is_http == method->is_http;
}

static const char *
kind_of(const struct check_method *method)
{
    return method->is_http ? "HTTP" : "TCP";
}

bool
method_connects_fit(struct parse *parse, const struct check_method *method, struct source_pos pos,
                    const char *name)
{
    bool fine = true;

    for (const struct check_step *step = method->first; step != NULL; step = step->next) {
        if (step->kind == STEP_CONNECT && !fits(method, step->connect.mux))
            fine = parse_alert_at(parse, pos,
                                  "'%s': step %u connects with proto %s, but its checks speak %s",
                                  name, step->number, step->connect.mux->name, kind_of(method));
    }
    return fine;
}

static bool
check_backend(struct parse *parse, const struct proxy_conf *conf)
{
    const struct check_method *method = check_method_of(conf);
    bool fine = method_connects_fit(parse, method, conf->pos, conf->name);

    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        const struct check_conf *check = check_conf_of(srv);

        method = check_method_of_server(srv);
        if (check->is_on && !fits(method, check->mux))
            fine = parse_alert_at(parse, srv->pos, "'check-proto %s': checks of '%s' speak %s",
                                  check->mux->name, conf->name, kind_of(method));
        if (srv->init_state != INIT_NONE && track_target_name(srv) != NULL)
            fine = parse_alert_at(parse, srv->pos, "'init-state' does not go with 'track'");
        else if (server_begins_down(srv) && !check->is_on)
            fine = parse_alert_at(parse, srv->pos,
                                  "'init-state': server '%s' has no 'check' that could bring it up",
                                  srv->name);
        if (check->is_on && check->via_socks4 && srv->dial.socks4.family == ADDR_NONE)
            fine = parse_alert_at(parse, srv->pos, "'check-via-socks4' needs 'socks4'");
    }
    return fine;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf))
            fine = check_backend(parse, conf) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_CHECK, on_resolve, "check: servers that are checked over TLS" },
    { CONFIG_CHECK, ORDER_CHECK, on_check, "check: what does not fit" },
};
REGISTER(config_hook, hooks);
