/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that add rules: acl, tcp-request, tcp-response, http-request, http-response,
 * http-after-response, redirect.
 *
 * Thread: builder.
 */
#include <string.h>

#include "private.h"

/* Where the rules of a hook run, by side of the section. */
static unsigned
places_of(enum hook hook, unsigned sides)
{
    static const unsigned front[HOOKS] = {
        [HOOK_TCP_CONNECTION] = PLACE_FE_CONNECTION,    [HOOK_TCP_SESSION] = PLACE_FE_SESSION,
        [HOOK_TCP_REQUEST] = PLACE_FE_CONTENT,          [HOOK_HTTP_REQUEST] = PLACE_FE_REQUEST,
        [HOOK_TCP_RESPONSE] = PLACE_FE_RES_CONTENT,     [HOOK_HTTP_RESPONSE] = PLACE_FE_RESPONSE,
        [HOOK_HTTP_AFTER_RESPONSE] = PLACE_FE_RESPONSE,
    };
    static const unsigned back[HOOKS] = {
        [HOOK_TCP_CONNECTION] = PLACE_FE_CONNECTION,    [HOOK_TCP_SESSION] = PLACE_FE_SESSION,
        [HOOK_TCP_REQUEST] = PLACE_BE_CONTENT,          [HOOK_HTTP_REQUEST] = PLACE_BE_REQUEST,
        [HOOK_TCP_RESPONSE] = PLACE_BE_RES_CONTENT,     [HOOK_HTTP_RESPONSE] = PLACE_BE_RESPONSE,
        [HOOK_HTTP_AFTER_RESPONSE] = PLACE_BE_RESPONSE,
    };

    return sides & SIDE_FRONT ? front[hook] : back[hook];
}

static bool
add_rule(struct parse *parse, struct ruleset *set, enum hook hook)
{
    struct proxy_conf *conf = parse->object;

    if ((conf->sides & SIDE_DEFAULTS) && conf->name == NULL)
        return parse_alert(parse, "rules are not permitted in a defaults section without a name");
    return ruleset_parse_rule(parse, set, hook, places_of(hook, conf->sides), conf->acls);
}

/* HAProxy evaluates these before the lines that stand above: said, because it surprises. */
static void
warn_order(struct parse *parse, bool is_late, const char *earlier)
{
    if (is_late)
        parse_warn(parse, "a '%s' rule placed after a '%s' rule will still be processed before",
                   parse->keyword, earlier);
}

static bool
parse_acl(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    if ((conf->sides & SIDE_DEFAULTS) && conf->name == NULL)
        return parse_alert(parse, "acl is not permitted in a defaults section without a name");
    return acl_parse(parse, conf->acls);
}

static bool
parse_tcp_request(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    if (words_accept(parse->words, "inspect-delay"))
        return parse_time(parse, "a time", "ms", &conf->inspect_delay_ms) && parse_end(parse);
    if (words_accept(parse->words, "connection")) {
        if (conf->sides == SIDE_BACK)
            return parse_alert(parse, "'tcp-request connection' needs a frontend; in a backend use "
                                      "'tcp-request content'");
        warn_order(parse, conf->tcp_session.count > 0, "tcp-request session");
        warn_order(parse, conf->tcp_request.count > 0, "tcp-request content");
        return add_rule(parse, &conf->tcp_connection, HOOK_TCP_CONNECTION);
    }
    if (words_accept(parse->words, "session")) {
        if (conf->sides == SIDE_BACK)
            return parse_alert(parse, "'tcp-request session' needs a frontend; in a backend use "
                                      "'tcp-request content'");
        warn_order(parse, conf->tcp_request.count > 0, "tcp-request content");
        return add_rule(parse, &conf->tcp_session, HOOK_TCP_SESSION);
    }
    if (!words_accept(parse->words, "content"))
        return parse_alert_next(parse,
                                "'tcp-request' expects 'connection', 'session', 'content' or "
                                "'inspect-delay'");
    warn_order(parse, conf->http_request.count > 0, "http-request");
    warn_order(parse, conf->switch_count > 0, "use_backend");
    return add_rule(parse, &conf->tcp_request, HOOK_TCP_REQUEST);
}

static bool
parse_tcp_response(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    if (words_accept(parse->words, "inspect-delay"))
        return parse_time(parse, "a time", "ms", &conf->inspect_delay_response_ms) &&
               parse_end(parse);
    if (!words_accept(parse->words, "content"))
        return parse_alert_next(parse, "'tcp-response' expects 'content' or 'inspect-delay'");
    return add_rule(parse, &conf->tcp_response, HOOK_TCP_RESPONSE);
}

static bool
parse_http_request(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    warn_order(parse, conf->switch_count > 0, "use_backend");
    return add_rule(parse, &conf->http_request, HOOK_HTTP_REQUEST);
}

static bool
parse_http_response(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return add_rule(parse, &conf->http_response, HOOK_HTTP_RESPONSE);
}

static bool
parse_http_after_response(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return add_rule(parse, &conf->http_after_response, HOOK_HTTP_AFTER_RESPONSE);
}

/* "redirect ..." is "http-request redirect ...": the word before the parser's place is read as the
 * action. */
static bool
parse_redirect(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    parse->words->at--;
    warn_order(parse, conf->switch_count > 0, "use_backend");
    return add_rule(parse, &conf->http_request, HOOK_HTTP_REQUEST);
}

static const struct keyword keywords[] = {
    { "acl", IN_PROXY, .args = "<name> <criterion> [flags] [values]", .parse = parse_acl,
      .help = "A named condition; several lines of one name are alternatives." },
    { "tcp-request", IN_PROXY,
      .args = "connection|session|content <action> [condition] | inspect-delay <time>",
      .parse = parse_tcp_request, .help = "Rules on connections, sessions and their first bytes." },
    { "tcp-response", IN_BACK, .args = "content <action> [condition] | inspect-delay <time>",
      .parse = parse_tcp_response, .help = "Rules on the first bytes of a server." },
    { "http-request", IN_PROXY, .args = "<action> [condition]", .parse = parse_http_request,
      .help = "Rules on each request." },
    { "http-response", IN_PROXY, .args = "<action> [condition]", .parse = parse_http_response,
      .help = "Rules on each response of a server." },
    { "http-after-response", IN_PROXY, .args = "<action> [condition]",
      .parse = parse_http_after_response, .help = "Rules on each response, weir's own included." },
    { "redirect", IN_FRONTEND | IN_LISTEN | IN_BACKEND,
      .args = "location|prefix|scheme <to> [options] [condition]", .parse = parse_redirect,
      .help = "Short for 'http-request redirect'." },
};
REGISTER(keyword, keywords);
