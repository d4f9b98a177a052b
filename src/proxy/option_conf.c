/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option keywords of proxies, and words of the same kind: http-reuse, retry-on, source.
 *
 * Thread: builder. Options of a feature stand in the feature's own file.
 */
#include <string.h>

#include "weir/net/dial.h"
#include "private.h"

/* --- connection modes: the last one written counts, "no" undoes its own ------------------- */

static bool
parse_http_mode(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    int mode = strstr(parse->keyword, "server-close") != NULL ? HTTP_SERVER_CLOSE
               : strstr(parse->keyword, "httpclose") != NULL  ? HTTP_CLOSE
                                                              : HTTP_KEEP_ALIVE;

    if (!parse->negated)
        conf->http_conn_mode = mode;
    else if (conf->http_conn_mode == mode)
        conf->http_conn_mode = HTTP_KEEP_ALIVE;
    return parse_end(parse);
}

static bool
parse_abortonclose(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->option.abortonclose = !parse->negated;
    conf->option.abortonclose_set = true;
    return parse_end(parse);
}

static bool
parse_redispatch(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->option.redispatch = !parse->negated;
    conf->redispatch_interval = parse->negated ? 0 : -1; /* -1: at the last retry */
    if (!parse->negated && !words_at_end(parse->words))
        return parse_int(parse, "an interval", INT32_MIN, INT32_MAX, &conf->redispatch_interval) &&
               parse_end(parse);
    return parse_end(parse);
}

static bool
parse_tcpka(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->option.clitcpka = conf->option.srvtcpka = !parse->negated;
    return parse_end(parse);
}

/* Each line makes its own: the one of a defaults section stays as it is. */
static struct dial_conf *
make_source(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->source = ARENA_NEW(parse->arena, struct dial_conf);
    dial_conf_init(conf->source);
    return conf->source;
}

static const struct dial_place dial_places[] = { { IN_BACK, make_source } };
REGISTER(dial_place, dial_places);

/* --- http-reuse, retry-on -------------------------------------------------------------------- */

static bool
parse_http_reuse(struct parse *parse)
{
    static const char *const names[] = { "never", "safe", "aggressive", "always", NULL };
    struct proxy_conf *conf = parse->object;

    return parse_choice(parse, "never, safe, aggressive or always", names, &conf->http_reuse) &&
           parse_end(parse);
}

static const struct {
    const char *name;
    unsigned bits;
} retry_words[] = {
    { "none", 0 },
    { "conn-failure", RETRY_CONN_FAILURE },
    { "empty-response", RETRY_EMPTY_RESPONSE },
    { "junk-response", RETRY_JUNK_RESPONSE },
    { "response-timeout", RETRY_RESPONSE_TIMEOUT },
    { "0rtt-rejected", RETRY_0RTT_REJECTED },
    { "401", RETRY_401 },
    { "403", RETRY_403 },
    { "404", RETRY_404 },
    { "408", RETRY_408 },
    { "421", RETRY_421 },
    { "425", RETRY_425 },
    { "429", RETRY_429 },
    { "500", RETRY_500 },
    { "501", RETRY_501 },
    { "502", RETRY_502 },
    { "503", RETRY_503 },
    { "504", RETRY_504 },
    { "all-retryable-errors", RETRY_CONN_FAILURE | RETRY_EMPTY_RESPONSE | RETRY_JUNK_RESPONSE |
                                  RETRY_RESPONSE_TIMEOUT | RETRY_0RTT_REJECTED | RETRY_500 |
                                  RETRY_502 | RETRY_503 | RETRY_504 },
};

static bool
add_retry_word(struct parse *parse, const char *word, unsigned *bits)
{
    const char *names[COUNT(retry_words) + 1] = { NULL };

    for (size_t i = 0; i < COUNT(retry_words); i++) {
        names[i] = retry_words[i].name;
        if (strcmp(retry_words[i].name, word) == 0) {
            *bits |= retry_words[i].bits;
            return true;
        }
    }
    return parse_alert(parse, "'retry-on' does not know '%s'%s", word,
                       parse_suggest(parse, word, names));
}

static bool
parse_retry_on(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    const char *word = parse_word(parse, "what to retry");
    unsigned bits = 0;

    for (; word != NULL; word = words_next(parse->words)) {
        if (strcmp(word, "none") == 0 && (bits != 0 || !words_at_end(parse->words)))
            return parse_alert(parse, "'none' stands alone");
        if (!add_retry_word(parse, word, &bits))
            return false;
        conf->retry_on = bits;
    }
    return parse->words->at > 1;
}

#define OPTION(name_, place_, member_, flags_, help_)                                              \
    {                                                                                              \
        "option " name_, place_, .flags = KEYWORD_NO | (flags_),                                   \
                                 SET_FLAG(struct proxy_conf, option.member_), .help = help_        \
    }

#define KEEPALIVE_COUNT(name_, place_, member_)                                                    \
    {                                                                                              \
        name_, place_, .args = "<count>", SET_INT(struct proxy_conf, member_, 0, 127),             \
                       .help = "Keep-alive probes without an answer that end a connection."        \
    }
#define KEEPALIVE_TIME(name_, place_, member_, help_)                                              \
    {                                                                                              \
        name_, place_, .args = "<time>", SET_TIME_S(struct proxy_conf, member_), .help = help_     \
    }

static const struct keyword keywords[] = {
    { "option http-keep-alive", IN_PROXY, .flags = KEYWORD_NO, .parse = parse_http_mode,
      .help = "Keep connections of both sides open between requests: the default." },
    { "option http-server-close", IN_PROXY, .flags = KEYWORD_NO, .parse = parse_http_mode,
      .help = "Close the server's connection after each response." },
    { "option httpclose", IN_PROXY, .flags = KEYWORD_NO, .parse = parse_http_mode,
      .help = "Close after each response: the client's side in a frontend, the server's in a "
              "backend." },
    { "option abortonclose", IN_BACK, .flags = KEYWORD_NO, .parse = parse_abortonclose,
      .help = "Give a request up when its client has gone; on by default in HTTP mode." },
    { "max-keep-alive-queue", IN_BACK, .args = "<count>",
      SET_INT(struct proxy_conf, max_keep_alive_queue, -1, INT32_MAX),
      .help = "Later requests of a client wait for the server of the one before only behind fewer "
              "streams than these; -1: behind any number." },
    { "option redispatch", IN_BACK, .flags = KEYWORD_NO, .args = "[<interval>]",
      .parse = parse_redispatch, .help = "Let a retry go to another server." },
    { "option tcpka", IN_PROXY, .flags = KEYWORD_NO, .parse = parse_tcpka,
      .help = "TCP keep-alive on both sides." },
    OPTION("allbackups", IN_BACK, allbackups, 0,
           "Use all backup servers together, not only the first."),
    OPTION("clitcpka", IN_FRONT, clitcpka, 0, "TCP keep-alive towards clients."),
    OPTION("srvtcpka", IN_BACK, srvtcpka, 0, "TCP keep-alive towards servers."),
    OPTION("dontlog-normal", IN_FRONT, dontlog_normal, 0, "Log only what went wrong."),
    OPTION("dontlognull", IN_FRONT, dontlognull, 0, "Do not log connections without a byte."),
    OPTION("disable-h2-upgrade", IN_FRONT, disable_h2_upgrade, 0,
           "A clear connection that begins as HTTP/2 is refused."),
    OPTION("http-buffer-request", IN_PROXY, http_buffer_request, 0,
           "Wait for the body (or a buffer full of it) before a server is chosen."),
    OPTION("http-ignore-probes", IN_FRONT, http_ignore_probes, 0,
           "Say nothing to and about connections that close or time out before a request."),
    OPTION("http-no-delay", IN_PROXY, http_no_delay, 0, "Accepted: data is always sent at once."),
    OPTION("http-pretend-keepalive", IN_BACK, http_pretend_keepalive, 0,
           "Hide from the server that its connection will be closed."),
    OPTION("independent-streams", IN_PROXY, independent_streams, 0,
           "Accepted: each side's timeout already counts its own silence."),
    OPTION("log-health-checks", IN_BACK, log_health_checks, 0,
           "Log each change of a check's result."),
    OPTION("log-separate-errors", IN_FRONT, log_separate_errors, 0,
           "Log what went wrong at level err."),
    OPTION("logasap", IN_FRONT, logasap, 0, "Log when the response begins, not when it ends."),
    OPTION("nolinger", IN_PROXY, nolinger, 0, "Reset connections instead of closing them."),
    OPTION("prefer-last-server", IN_BACK, prefer_last_server, 0,
           "Later requests of a client connection go to the server of the one before, if the "
           "algorithm leaves a choice."),
    OPTION("socket-stats", IN_FRONT, socket_stats, 0, "Statistics for each listener."),
    OPTION("accept-unsafe-violations-in-http-request", IN_FRONT, unsafe_request, 0,
           "Let some malformed requests through."),
    OPTION("accept-unsafe-violations-in-http-response", IN_BACK, unsafe_response, 0,
           "Let some malformed responses through."),
    OPTION("accept-invalid-http-request", IN_FRONT, unsafe_request, KEYWORD_HIDDEN,
           "Old name of accept-unsafe-violations-in-http-request."),
    OPTION("accept-invalid-http-response", IN_BACK, unsafe_response, KEYWORD_HIDDEN,
           "Old name of accept-unsafe-violations-in-http-response."),
    OPTION("http-drop-request-trailers", IN_BACK, drop_request_trailers, 0,
           "Do not pass on trailers of requests."),
    OPTION("http-drop-response-trailers", IN_FRONT, drop_response_trailers, 0,
           "Do not pass on trailers of responses."),
    OPTION("h1-case-adjust-bogus-client", IN_FRONT, case_adjust_client, 0,
           "Adjust the case of header names for clients (h1-case-adjust)."),
    OPTION("h1-case-adjust-bogus-server", IN_BACK, case_adjust_server, 0,
           "Adjust the case of header names for servers (h1-case-adjust)."),
    KEEPALIVE_COUNT("clitcpka-cnt", IN_FRONT, client_keepalive.count),
    KEEPALIVE_TIME("clitcpka-idle", IN_FRONT, client_keepalive.idle_ms,
                   "Silence before the first probe of a client."),
    KEEPALIVE_TIME("clitcpka-intvl", IN_FRONT, client_keepalive.interval_ms,
                   "Time between two probes of a client."),
    KEEPALIVE_COUNT("srvtcpka-cnt", IN_BACK, server_keepalive.count),
    KEEPALIVE_TIME("srvtcpka-idle", IN_BACK, server_keepalive.idle_ms,
                   "Silence before the first probe of a server."),
    KEEPALIVE_TIME("srvtcpka-intvl", IN_BACK, server_keepalive.interval_ms,
                   "Time between two probes of a server."),
    { "http-reuse", IN_BACK, .args = "<never|safe|aggressive|always>", .parse = parse_http_reuse,
      .help = "When a request may use another client's idle server connection." },
    { "retry-on", IN_BACK, .args = "<word>...", .parse = parse_retry_on,
      .help = "What is tried again, beside refused connections." },
};
REGISTER(keyword, keywords);
