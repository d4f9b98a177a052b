/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a proxy once all is read: contradictions are errors, what surely was not meant
 * is a warning. And the settings that muxes read, computed once.
 *
 * Thread: builder.
 */
#include <string.h>

#include "weir/proxy/id_set.h"
#include "private.h"

static const char *
kind_of(const struct proxy_conf *conf)
{
    return !proxy_conf_is_back(conf)   ? "frontend"
           : proxy_conf_is_front(conf) ? "listen"
                                       : "backend";
}

static void
warn_timeouts(struct parse *parse, const struct proxy_conf *conf)
{
    bool client = proxy_conf_is_front(conf) && conf->timeouts.client_ms == 0;
    bool connect = proxy_conf_is_back(conf) && conf->timeouts.connect_ms == 0;
    bool server = proxy_conf_is_back(conf) && conf->timeouts.server_ms == 0;

    if (!client && (list_is_empty(&conf->servers) || (!connect && !server)))
        return;
    parse_warn_at(parse, conf->pos,
                  "missing timeouts for %s '%s': %s%s%s; without them, connections of peers that "
                  "vanished stay for ever",
                  kind_of(conf), conf->name, client ? "'timeout client' " : "",
                  connect ? "'timeout connect' " : "", server ? "'timeout server'" : "");
}

/* Has it a rule that makes HTTP of TCP? */
static bool
can_switch(const struct proxy_conf *conf)
{
    for (unsigned i = 0; i < conf->tcp_request.count; i++) {
        const struct action *action = conf->tcp_request.rules[i].action;

        if (action->kind != NULL && strcmp(action->kind->name, "switch-mode") == 0)
            return true;
    }
    return false;
}

static void
warn_http_in_tcp(struct parse *parse, const struct proxy_conf *conf)
{
    static const char text[] = "%s '%s': '%s' needs 'mode http'; ignored";

    if (conf->mode == MODE_HTTP || can_switch(conf))
        return;
    if (conf->http_request.count + conf->redirects.count > 0)
        parse_warn_at(parse, conf->pos, text, kind_of(conf), conf->name, "http-request");
    if (conf->http_response.count > 0)
        parse_warn_at(parse, conf->pos, text, kind_of(conf), conf->name, "http-response");
}

static void
warn_front(struct parse *parse, struct proxy_conf *conf)
{
    if (list_is_empty(&conf->binds))
        parse_warn_at(parse, conf->pos, "%s '%s' has no 'bind' directive: nobody can connect to it",
                      kind_of(conf), conf->name);
    if (conf->mode != MODE_HTTP &&
        (conf->log_flavour == LOG_HTTP || conf->log_flavour == LOG_HTTPS ||
         conf->log_flavour == LOG_CLF || conf->log_flavour == LOG_JSON)) {
        parse_warn_at(parse, conf->pos,
                      "'option httplog' needs 'mode http'; %s '%s' logs as 'option "
                      "tcplog'",
                      kind_of(conf), conf->name);
        conf->log_flavour = conf->log_flavour == LOG_CLF    ? LOG_TCP_CLF
                            : conf->log_flavour == LOG_JSON ? LOG_TCP_JSON
                                                            : LOG_TCP;
    }
}

/* --- muxes ------------------------------------------------------------------------------------ */

static void
compute_muxes(struct proxy_conf *conf, const struct snapshot *snapshot)
{
    conf->front_mux = (struct mux_settings){
        .http_request_ms = conf->timeouts.http_request_ms,
        .keep_alive_ms = conf->timeouts.http_keep_alive_ms,
        .client_ms = conf->timeouts.client_ms,
        .unsafe_request = conf->option.unsafe_request,
        .unsafe_response = conf->option.unsafe_response,
        .ignore_probes = conf->option.http_ignore_probes,
        .no_h2 = conf->option.disable_h2_upgrade,
        .case_adjust = conf->option.case_adjust_client,
        .close_after = conf->http_conn_mode == HTTP_CLOSE && proxy_conf_is_front(conf),
    };
    conf->back_mux = (struct mux_settings){
        .unsafe_request = conf->option.unsafe_request,
        .unsafe_response = conf->option.unsafe_response,
        .case_adjust = conf->option.case_adjust_server,
        .pretend_keepalive = conf->option.http_pretend_keepalive,
    };
    mux_settings_fill(&conf->front_mux, snapshot);
    mux_settings_fill(&conf->back_mux, snapshot);
}

static void
fill_defaults(struct proxy_conf *conf)
{
    if (!conf->option.abortonclose_set)
        conf->option.abortonclose = conf->mode == MODE_HTTP;
    if (conf->timeouts.queue_ms == 0)
        conf->timeouts.queue_ms = conf->timeouts.connect_ms;
    if (conf->timeouts.tarpit_ms == 0)
        conf->timeouts.tarpit_ms = conf->timeouts.connect_ms;
}

static void
fill_binds(struct proxy_conf *conf)
{
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        bind->keepalive = conf->option.clitcpka;
        bind->keepalive_count = conf->client_keepalive.count;
        bind->keepalive_idle_s = proxy_whole_seconds(conf->client_keepalive.idle_ms);
        bind->keepalive_interval_s = proxy_whole_seconds(conf->client_keepalive.interval_ms);
    }
}

bool
proxy_check_conf(struct parse *parse, struct proxy_conf *conf)
{
    fill_defaults(conf);
    compute_muxes(conf, parse->snapshot);
    fill_binds(conf);
    if (conf->disabled)
        return true;
    warn_timeouts(parse, conf);
    warn_http_in_tcp(parse, conf);
    if (proxy_conf_is_front(conf))
        warn_front(parse, conf);
    return true;
}

/* --- numbers -------------------------------------------------------------------------------- */

/* Two sections with one number: reported at the later one. */
static bool
check_own_id(struct parse *parse, const struct proxy_conf *conf)
{
    LIST_FOR_EACH (other, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (other == conf)
            return true;
        if (other->has_own_id && other->id == conf->id)
            return parse_alert_at(parse, conf->pos, "id %lld is that of '%s' at %s:%d already",
                                  (long long)conf->id, other->name, other->pos.file,
                                  other->pos.line);
    }
    return true;
}

/* Those that the amended snapshot has as well keep their numbers. */
static void
keep_ids(struct parse *parse, struct id_set *written)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        const struct proxy_conf *before =
            proxy_conf_find(parse->snapshot->base, str_from(conf->name), conf->sides);

        if (conf->has_own_id || before == NULL || before->sides != conf->sides)
            continue;
        conf->id = before->id;
        id_set_add(written, conf->id);
    }
}

bool
proxy_number_all(struct parse *parse)
{
    struct id_set written = { 0 };
    int64_t next = 2;
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (!conf->has_own_id)
            continue;
        id_set_add(&written, conf->id);
        fine = check_own_id(parse, conf) && fine;
    }
    if (parse->snapshot->base != NULL)
        keep_ids(parse, &written);
    id_set_sort(&written);
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (conf->has_own_id)
            next++;
        else if (conf->id == 0)
            conf->id = id_set_next(&written, &next);
    }
    id_set_fini(&written);
    return fine;
}
