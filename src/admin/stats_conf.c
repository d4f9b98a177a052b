/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "stats ..." lines of proxies: where the page is, who may see it, who may change something.
 *
 * For:     stats_page.c.
 * Owns:    a slot of the proxy; the rule that watches for the page's URI.
 * Thread:  builder.
 */
#include <string.h>

#include "weir/base/entropy.h"
#include "weir/config/keyword.h"
#include "weir/expr/condition.h"
#include "page.h"
#include "stats_rule.h"

#define URI_DEFAULT   "/haproxy?stats" /* what files and tools rely on */
#define REALM_DEFAULT "HAProxy Statistics"

static void
init(void *slot)
{
    struct stats_conf *conf = slot;

    conf->uri = URI_DEFAULT;
    conf->realm = REALM_DEFAULT;
}

static struct slot stats_slot = {
    .name = "stats page", .owner = SLOT_PROXY, .size = sizeof(struct stats_conf), .init = init
};
REGISTER_SLOT(stats_slot);

const struct stats_conf *
stats_conf_of(const struct proxy_conf *conf)
{
    return slot_of_const(conf->slots, &stats_slot);
}

/* Each of these lines asks for the page. */
static struct stats_conf *
conf_of(struct parse *parse)
{
    struct stats_conf *conf = keyword_slot(parse, &stats_slot);

    conf->is_on = true;
    return conf;
}

static bool
parse_enable(struct parse *parse)
{
    (void)conf_of(parse);
    return true;
}

static bool
parse_text(struct parse *parse, const char *what, const char **to)
{
    const char *word = parse_word(parse, what);

    if (word != NULL)
        *to = arena_copy(parse->arena, word);
    return word != NULL;
}

static bool
parse_uri(struct parse *parse)
{
    struct stats_conf *conf = conf_of(parse);

    if (!parse_text(parse, "a path, such as /stats", &conf->uri))
        return false;
    return conf->uri[0] == '/' || parse_alert(parse, "'stats uri' begins with '/'");
}

static bool
parse_realm(struct parse *parse)
{
    return parse_text(parse, "the name that browsers show beside the question for a password",
                      &conf_of(parse)->realm);
}

static bool
parse_auth(struct parse *parse)
{
    struct stats_conf *conf = conf_of(parse);
    const char *word = parse_word(parse, "<user>:<password>");
    struct stats_user *user;
    struct str rest = str_from(word);

    if (word == NULL)
        return false;
    user = ARENA_NEW(parse->arena, struct stats_user);
    rest = str_from(arena_copy(parse->arena, word));
    user->user = str_split(&rest, ':');
    if (rest.ptr == NULL || user->user.len == 0)
        return parse_alert(parse, "'stats auth' expects <user>:<password>");
    user->password = rest;
    user->next = conf->users;
    conf->users = user;
    return true;
}

static bool
parse_refresh(struct parse *parse)
{
    return parse_time(parse, "a duration", "s", &conf_of(parse)->refresh_ms);
}

static bool
parse_scope(struct parse *parse)
{
    struct stats_conf *conf = conf_of(parse);
    struct stats_scope *scope = ARENA_NEW(parse->arena, struct stats_scope);

    if (!parse_text(parse, "the name of a proxy, or '.'", &scope->name))
        return false;
    scope->next = conf->scopes;
    conf->scopes = scope;
    return true;
}

static bool
parse_admin(struct parse *parse)
{
    struct proxy_conf *proxy = parse->object;
    struct stats_conf *conf = conf_of(parse);
    unsigned place = (proxy->sides & SIDE_FRONT) != 0 ? PLACE_FE_REQUEST : PLACE_BE_REQUEST;
    struct condition *condition = NULL;

    if (words_peek(parse->words) == NULL)
        return parse_alert(parse, "'stats admin' expects a condition: if or unless; 'if TRUE' is for everybody");
    if (!condition_parse_optional(parse, proxy->acls, place, &condition))
        return false;
    conf->admin = condition;
    return true;
}

static bool
parse_rule(struct parse *parse)
{
    struct proxy_conf *proxy = parse->object;
    unsigned place = (proxy->sides & SIDE_FRONT) != 0 ? PLACE_FE_REQUEST : PLACE_BE_REQUEST;
    const char *word = words_peek(parse->words);

    if (word == NULL || (strcmp(word, "allow") != 0 && strcmp(word, "deny") != 0 &&
                         strcmp(word, "auth") != 0))
        return parse_alert_next(parse, "'stats http-request' expects allow, deny or auth");
    return ruleset_parse_rule(parse, &conf_of(parse)->rules, HOOK_HTTP_REQUEST, place, proxy->acls);
}

static bool
parse_version(struct parse *parse)
{
    conf_of(parse)->show_version = strcmp(parse->keyword, "stats show-version") == 0;
    return true;
}

static bool
parse_legends(struct parse *parse)
{
    return conf_of(parse)->show_legends = true;
}

static bool
parse_modules(struct parse *parse)
{
    return conf_of(parse)->show_modules = true;
}

static bool
parse_node(struct parse *parse)
{
    struct stats_conf *conf = conf_of(parse);

    conf->show_node = true;
    return words_peek(parse->words) == NULL || parse_text(parse, "a name", &conf->node);
}

/* The rest of the line. */
static bool
parse_desc(struct parse *parse)
{
    struct stats_conf *conf = conf_of(parse);
    const char *word;

    conf->show_desc = true;
    while ((word = words_next(parse->words)) != NULL)
        conf->desc = conf->desc == NULL ? arena_copy(parse->arena, word)
                                        : arena_printf(parse->arena, "%s %s", conf->desc, word);
    return true;
}

#define PAGE_SECTIONS IN_PROXY

static const struct keyword keywords[] = {
    { "stats admin", IN_FRONTEND | IN_LISTEN | IN_BACKEND, .args = "if|unless <condition>",
      .parse = parse_admin, .help = "Who may change states of servers on the page." },
    { "stats auth", PAGE_SECTIONS, .args = "<user>:<password>", .parse = parse_auth,
      .help = "Somebody who may see the page; several lines for several people." },
    { "stats enable", PAGE_SECTIONS, .parse = parse_enable,
      .help = "A statistics page, at /haproxy?stats unless 'stats uri' says otherwise." },
    { "stats hide-version", PAGE_SECTIONS, .parse = parse_version,
      .help = "The page does not tell the version; so it is unless 'stats show-version' is said." },
    { "stats http-request", IN_LISTEN | IN_BACKEND | IN_FRONTEND,
      .args = "allow|deny|auth [realm <text>] [if|unless <condition>]", .parse = parse_rule,
      .help = "A rule about who may see the page; the first one that matches counts." },
    { "stats realm", PAGE_SECTIONS, .args = "<text>", .parse = parse_realm,
      .help = "What browsers show beside the question for a password." },
    { "stats refresh", PAGE_SECTIONS, .args = "<time>", .parse = parse_refresh,
      .help = "Browsers load the page again after this time." },
    { "stats scope", PAGE_SECTIONS, .args = "<proxy>|.", .parse = parse_scope,
      .help = "Show this proxy; without such a line all are shown. '.': the page's own." },
    { "stats show-desc", PAGE_SECTIONS, .args = "[<text>]", .parse = parse_desc,
      .help = "Show a description: this one, or that of the global section." },
    { "stats show-legends", PAGE_SECTIONS, .parse = parse_legends,
      .help = "Show addresses, algorithms and identifiers." },
    { "stats show-modules", PAGE_SECTIONS, .parse = parse_modules,
      .help = "Show the counters of protocols too." },
    { "stats show-node", PAGE_SECTIONS, .args = "[<name>]", .parse = parse_node,
      .help = "Show the node's name: this one, or that of the global section." },
    { "stats show-version", PAGE_SECTIONS, .parse = parse_version,
      .help = "The page tells the version." },
    { "stats uri", PAGE_SECTIONS, .args = "<path>", .parse = parse_uri,
      .help = "Where the page is: all targets that begin so." },
};
REGISTER(keyword, keywords);

/* --- after the text is read ----------------------------------------------------------------- */

static bool
on_resolve(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (stats_conf_of(conf)->is_on && conf->mode == MODE_HTTP &&
            (conf->sides & SIDE_DEFAULTS) == 0)
            stats_rule_add(parse, conf);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_ADMIN, on_resolve, "admin: statistics pages" },
};
REGISTER(config_hook, hooks);
