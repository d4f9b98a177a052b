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

/* Lists of a section in the order in which they are evaluated. */
enum rank {
    RANK_CONNECTION,
    RANK_SESSION,
    RANK_CONTENT,
    RANK_HTTP_REQUEST,
    RANK_REDIRECT,
    RANK_USE_BACKEND,
    RANK_USE_SERVER,
    RANKS,
};

static unsigned
own_count(const struct ruleset *set)
{
    return set->count - set->inherited;
}

static unsigned
count_of(const struct proxy_conf *conf, enum rank rank)
{
    switch (rank) {
    case RANK_CONNECTION:
        return own_count(&conf->tcp_connection);
    case RANK_SESSION:
        return own_count(&conf->tcp_session);
    case RANK_CONTENT:
        return own_count(&conf->tcp_request);
    case RANK_HTTP_REQUEST:
        return own_count(&conf->http_request);
    case RANK_REDIRECT:
        return own_count(&conf->redirects);
    case RANK_USE_BACKEND:
        return conf->switch_count;
    case RANK_USE_SERVER:
        return conf->server_rule_count;
    case RANKS:
        break;
    }
    return 0;
}

/* These are evaluated before lines that stand above: said, because it surprises. */
static void
warn_order(struct parse *parse, enum rank own)
{
    static const char *const names[RANKS] = {
        "'tcp-request connection'", "'tcp-request session'", "'tcp-request content'",
        "'http-request'",           "'redirect'",            "'use_backend'",
        "'use-server'",
    };
    const struct proxy_conf *conf = parse->object;

    for (int rank = (int)own + 1; rank < RANKS; rank++) {
        if (count_of(conf, (enum rank)rank) == 0)
            continue;
        parse_warn(parse, "a %s rule placed after %s %s rule will still be processed before.",
                   names[own], rank == RANK_HTTP_REQUEST ? "an" : "a", names[rank]);
        return;
    }
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
        warn_order(parse, RANK_CONNECTION);
        return add_rule(parse, &conf->tcp_connection, HOOK_TCP_CONNECTION);
    }
    if (words_accept(parse->words, "session")) {
        if (conf->sides == SIDE_BACK)
            return parse_alert(parse, "'tcp-request session' needs a frontend; in a backend use "
                                      "'tcp-request content'");
        warn_order(parse, RANK_SESSION);
        return add_rule(parse, &conf->tcp_session, HOOK_TCP_SESSION);
    }
    if (!words_accept(parse->words, "content"))
        return parse_alert_next(parse,
                                "'tcp-request' expects 'connection', 'session', 'content' or "
                                "'inspect-delay'");
    warn_order(parse, RANK_CONTENT);
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
    if (own_count(&conf->http_response) > 0)
        parse_warn(parse, "a 'tcp-response content' rule placed after an 'http-response' rule will "
                          "still be processed before.");
    return add_rule(parse, &conf->tcp_response, HOOK_TCP_RESPONSE);
}

static bool
parse_http_request(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    warn_order(parse, RANK_HTTP_REQUEST);
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

/* "redirect ..." is read like "http-request redirect ...": the word before the parser's place is the
 * action. But all of these come after all http-request rules. */
static bool
parse_redirect(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    parse->words->at--;
    warn_order(parse, RANK_REDIRECT);
    return add_rule(parse, &conf->redirects, HOOK_HTTP_REQUEST);
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
      .help = "Redirections, looked at when all http-request rules have let a request pass." },
};
REGISTER(keyword, keywords);
