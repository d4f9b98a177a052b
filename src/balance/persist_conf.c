/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of persistence: cookie, option persist, force-persist, ignore-persist, dynamic-cookie-key.
 *
 * For:     persist_cookie.c.
 * Owns:    a slot of the proxy.
 * Thread:  builder.
 */
#include <arpa/inet.h>
#include <string.h>

#include "weir/base/hash.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/expr/condition.h"
#include "weir/server/server.h"
#include "persist.h"

static void
init(void *slot)
{
    ((struct persist_conf *)slot)->attributes = "";
}

static struct slot persist_slot = {
    .name = "persistence", .owner = SLOT_PROXY, .size = sizeof(struct persist_conf), .init = init
};
REGISTER_SLOT(persist_slot);

const struct persist_conf *
persist_conf_of(const struct proxy_conf *backend)
{
    return slot_of_const(backend->slots, &persist_slot);
}

/* --- cookie NAME ... --------------------------------------------------------------------------- */

static bool
parse_limit(struct parse *parse, int64_t *seconds)
{
    int64_t ms;

    if (!parse_time(parse, "a duration", "s", &ms))
        return false;
    if (ms < 1000)
        return parse_alert(parse, "a cookie lives for seconds, not less");
    *seconds = ms / 1000;
    return true;
}

static bool
is_attribute(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == ';' || *text == 127)
            return false;
    }
    return true;
}

static bool
parse_attribute(struct parse *parse, const char **to, const char *prefix, const char *what)
{
    const char *word = parse_word(parse, what);

    if (word == NULL)
        return false;
    if (!is_attribute(word))
        return parse_alert(parse, "an attribute of a cookie has no ';' and no control characters");
    *to = arena_printf(parse->arena, "%s; %s%s", *to, prefix, word);
    return true;
}

static bool
set_mode(struct parse *parse, struct persist_conf *conf, enum cookie_mode mode)
{
    if (conf->mode != COOKIE_NONE && conf->mode != (int)mode)
        return parse_alert(parse, "a cookie is rewritten, inserted or prefixed: one of them");
    conf->mode = (int)mode;
    return true;
}

static bool
parse_cookie_word(struct parse *parse, struct persist_conf *conf, const char *word)
{
    static const struct {
        const char *word;
        size_t flag;
    } flags[] = {
        { "indirect", offsetof(struct persist_conf, indirect) },
        { "nocache", offsetof(struct persist_conf, nocache) },
        { "postonly", offsetof(struct persist_conf, postonly) },
        { "preserve", offsetof(struct persist_conf, preserve) },
        { "dynamic", offsetof(struct persist_conf, dynamic) },
        { "httponly", offsetof(struct persist_conf, httponly) },
        { "secure", offsetof(struct persist_conf, secure) },
    };

    for (size_t i = 0; i < COUNT(flags); i++) {
        if (strcmp(word, flags[i].word) == 0)
            return *(bool *)((char *)conf + flags[i].flag) = true;
    }
    if (strcmp(word, "rewrite") == 0)
        return set_mode(parse, conf, COOKIE_REWRITE);
    if (strcmp(word, "insert") == 0)
        return set_mode(parse, conf, COOKIE_INSERT);
    if (strcmp(word, "prefix") == 0)
        return set_mode(parse, conf, COOKIE_PREFIX);
    if (strcmp(word, "domain") == 0)
        return parse_attribute(parse, &conf->domains, "domain=", "a domain");
    if (strcmp(word, "attr") == 0)
        return parse_attribute(parse, &conf->extras, "", "an attribute, such as SameSite=Lax");
    if (strcmp(word, "maxidle") == 0)
        return parse_limit(parse, &conf->max_idle_s);
    if (strcmp(word, "maxlife") == 0)
        return parse_limit(parse, &conf->max_life_s);
    return parse_alert(parse,
                       "unknown word '%s'; known are rewrite, insert, prefix, indirect, nocache, "
                       "postonly, preserve, httponly, secure, domain, maxidle, maxlife, dynamic, attr",
                       word);
}

static bool
parse_cookie(struct parse *parse)
{
    struct persist_conf *conf = keyword_slot(parse, &persist_slot);
    const char *name = parse_word(parse, "the name of a cookie"), *word;

    if (name == NULL)
        return false;
    conf->mode = COOKIE_NONE;
    conf->indirect = conf->nocache = conf->postonly = conf->preserve = conf->dynamic = false;
    conf->httponly = conf->secure = false;
    conf->domains = conf->extras = "";
    conf->max_idle_s = conf->max_life_s = 0;
    conf->name = str_from(arena_copy(parse->arena, name));
    while ((word = words_next(parse->words)) != NULL) {
        if (!parse_cookie_word(parse, conf, word))
            return false;
    }
    if (conf->mode == COOKIE_NONE)
        conf->mode = COOKIE_REWRITE;
    conf->attributes = arena_printf(parse->arena, "%s%s%s%s", conf->domains,
                                    conf->httponly ? "; HttpOnly" : "",
                                    conf->secure ? "; Secure" : "", conf->extras);
    if (conf->postonly && conf->mode != COOKIE_INSERT)
        return parse_alert(parse, "'postonly' goes with 'insert'");
    return true;
}

/* --- the others ---------------------------------------------------------------------------------- */

static bool
parse_server_cookie(struct parse *parse)
{
    struct server_conf *srv = parse->object;
    const char *word = parse_word(parse, "the value of a cookie");

    if (word == NULL)
        return false;
    srv->cookie = arena_copy(parse->arena, word);
    return true;
}

static bool
parse_rule(struct parse *parse)
{
    struct proxy_conf *proxy = parse->object;
    struct persist_conf *conf = keyword_slot(parse, &persist_slot);
    struct persist_rule *rule = ARENA_NEW(parse->arena, struct persist_rule), **end = &conf->rules;
    struct condition *condition = NULL;

    if (words_peek(parse->words) == NULL)
        return parse_alert(parse, "'%s' expects a condition: if or unless", parse->keyword);
    if (!condition_parse_optional(parse, proxy->acls, PLACE_BE_REQUEST, &condition))
        return false;
    rule->condition = condition;
    rule->is_force = strcmp(parse->keyword, "force-persist") == 0;
    while (*end != NULL)
        end = &(*end)->next;
    *end = rule;
    return true;
}

static bool
parse_dynamic_key(struct parse *parse)
{
    struct persist_conf *conf = keyword_slot(parse, &persist_slot);
    const char *word = parse_word(parse, "a key");

    if (word == NULL)
        return false;
    conf->dynamic_key = arena_copy(parse->arena, word);
    return true;
}

static const struct keyword keywords[] = {
    { "cookie", IN_BACK,
      .args = "<name> [rewrite|insert|prefix] [indirect] [nocache] [postonly] [preserve] [httponly] "
              "[secure] [domain <domain>]... [maxidle <time>] [maxlife <time>] [dynamic] [attr <text>]...",
      .flags = KEYWORD_HTTP_ONLY, .parse = parse_cookie,
      .help = "Clients stay with their server by this cookie." },
    { "cookie", IN_SERVER, .args = "<value>", .parse = parse_server_cookie,
      .help = "What the backend's cookie says for this server." },
    { "dynamic-cookie-key", IN_BACK, .args = "<key>", .parse = parse_dynamic_key,
      .help = "Makes values of 'cookie ... dynamic' from the server's address and this key." },
    { "force-persist", IN_LISTEN | IN_BACKEND, .args = "if|unless <condition>",
      .parse = parse_rule, .help = "The cookie's server is used even if it is down." },
    { "ignore-persist", IN_LISTEN | IN_BACKEND, .args = "if|unless <condition>",
      .parse = parse_rule, .help = "The cookie does not choose the server." },
    { "option persist", IN_BACK, .flags = KEYWORD_NO,
      SET_FLAG(struct proxy_conf, option.persist),
      .help = "The cookie's server is used even if it is down; with redispatch until that fails." },
};
REGISTER(keyword, keywords);

/* --- after the text is read ----------------------------------------------------------------------- */

/* Key, address and port, hashed: HAProxy's value, so that both can stand side by side. */
static const char *
dynamic_value(struct parse *parse, const struct persist_conf *conf, const struct server_conf *srv)
{
    const struct addr *addr = &srv->addr;
    const char *ip = addr->family == ADDR_IPV6 ? (const char *)&addr->ip6 : (const char *)&addr->ip4;
    size_t len = addr->family == ADDR_IPV6 ? sizeof(addr->ip6) : sizeof(addr->ip4);
    size_t key_len = strlen(conf->dynamic_key);
    char *bytes = arena_zero(parse->arena, key_len + len + sizeof(uint32_t));
    uint32_t port = htonl(addr->port);

    memcpy(bytes, conf->dynamic_key, key_len);
    memcpy(bytes + key_len, ip, len);
    memcpy(bytes + key_len + len, &port, sizeof(port));
    return arena_printf(parse->arena, "%016llx",
                        (unsigned long long)hash_xxh64(str_of(bytes, key_len + len + sizeof(port)), 0));
}

static bool
check_servers(struct parse *parse, const struct proxy_conf *proxy, const struct persist_conf *conf)
{
    LIST_FOR_EACH (srv, &proxy->servers, struct server_conf, link) {
        if (conf->dynamic && conf->dynamic_key != NULL && srv->cookie == NULL &&
            addr_is_ip(&srv->addr))
            srv->cookie = dynamic_value(parse, conf, srv);
    }
    return true;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        const struct persist_conf *conf = persist_conf_of(proxy);

        if (conf->mode == COOKIE_NONE || !proxy_conf_is_back(proxy))
            continue;
        if (conf->dynamic && conf->dynamic_key == NULL)
            fine = parse_alert_at(parse, proxy->pos,
                                  "'cookie ... dynamic' of '%s' needs a 'dynamic-cookie-key'",
                                  proxy->name);
        fine = check_servers(parse, proxy, conf) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_BALANCE, on_check, "balance: cookies" },
};
REGISTER(config_hook, hooks);
