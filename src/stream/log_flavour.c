/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual log formats that are not written by hand in log_line.c: compiled once, as if the user
 * had written them in a log-format line.
 *
 * For:     option httpslog, option httplog clf, option tcplog clf, option httplog json, option
 * tcplog json. Thread:  builder.
 */
#include "private.h"

#include "weir/expr/log_format.h"

static const char http_clf[] =
    "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac "
    "%fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";
static const char tcp_clf[] =
    "%{+Q}o %{-Q}ci - - [%T] \"TCP \" 000 %B \"\" \"\" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- "
    "%ac %fc %bc %sc %rc %sq %bq \"\" \"\" ";

static const char https[] =
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq "
    "%hr %hs %{+Q}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/"
    "%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc";

/* The fields are a promise: doc/configuration/log.md. What may be long stands last. */
#define JSON_ENDS                                                                                  \
    "%(client_ip)ci %(client_port)cp %(frontend)f %(frontend_ip)fi %(frontend_port)fp "            \
    "%(backend)b %(server)s %(rule)RL %(unique_id)ID %(tls_version)sslv %(tls_cipher)sslc "
#define JSON_COUNTS                                                                                \
    "%(process_connections)ac %(frontend_connections)fc %(backend_connections)bc "                 \
    "%(server_connections)sc %(retries)rc %(server_queue)sq %(backend_queue)bq "
static const char http_json[] =
    "%{+json}o %(date)ISO %(mode)[str(http)] " JSON_ENDS
    "%(status)ST %(termination)tsc %(bytes_from_server)B %(bytes_from_client)U %(handshake_ms)Th "
    "%(idle_ms)Ti %(request_ms)TR %(queue_ms)Tw %(connect_ms)Tc %(response_ms)Tr %(data_ms)Td "
    "%(active_ms)Ta %(total_ms)Tt " JSON_COUNTS
    "%(method)HM %(version)HV %(request_cookie)CC %(response_cookie)CS %(request_headers)hrl "
    "%(response_headers)hsl %(uri)HU";
static const char tcp_json[] =
    "%{+json}o %(date)ISO %(mode)[str(tcp)] " JSON_ENDS
    "%(termination)ts %(bytes_from_server)B %(bytes_from_client)U %(handshake_ms)Th %(queue_ms)Tw "
    "%(connect_ms)Tc %(total_ms)Tt " JSON_COUNTS;

static const char *
format_text(const struct proxy_conf *conf)
{
    switch ((enum log_flavour)conf->log_flavour) {
    case LOG_CLF:
        return conf->mode == MODE_HTTP ? http_clf : tcp_clf;
    case LOG_TCP_CLF:
        return tcp_clf;
    case LOG_HTTPS:
        return https;
    case LOG_JSON:
        return http_json;
    case LOG_TCP_JSON:
        return tcp_json;
    case LOG_DEFAULT:
    case LOG_TCP:
    case LOG_HTTP:
    case LOG_CUSTOM:
        break;
    }
    return NULL;
}

/* In fields of JSON what is not there is null. */
static unsigned
extra_flags(const struct proxy_conf *conf)
{
    return conf->log_flavour == LOG_JSON || conf->log_flavour == LOG_TCP_JSON ? FORMAT_NULL : 0;
}

/* A format of the user's own. */
static bool
check_custom(struct parse *parse, const struct proxy_conf *conf)
{
    const char *alias = NULL;

    if (conf->mode != MODE_HTTP && conf->log_format != NULL)
        alias = log_format_http_alias(conf->log_format);
    return alias == NULL ||
           parse_alert_at(parse, conf->log_format_pos,
                          "'log-format' of '%s': '%%%s' needs 'mode http'", conf->name, alias);
}

static bool
compile_flavours(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        const char *text = proxy_conf_is_front(conf) ? format_text(conf) : NULL;

        if (proxy_conf_is_front(conf) && conf->log_flavour == LOG_CUSTOM)
            fine = check_custom(parse, conf) && fine;
        if (text == NULL)
            continue;
        parse->object = conf;
        conf->log_format = log_format_parse(parse, text, PLACE_FE_LOG,
                                            FORMAT_IS_LOG | FORMAT_MANDATORY | extra_flags(conf));
        fine = fine && conf->log_format != NULL;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_STREAM, compile_flavours, "stream: usual log formats" },
};
REGISTER(config_hook, hooks);
