/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keywords of persistence: cookie, dynamic-cookie-key, force-persist, ignore-persist, persist,
 * and the words of server lines.
 *
 * Thread: builder.
 */
#include <string.h>

#include "weir/config/snapshot.h"
#include "weir/expr/sample.h"

#include "cookie.h"
#include "private.h"

static struct slot cookie_slot = SLOT("cookie", SLOT_PROXY, struct cookie_conf);
REGISTER_SLOT(cookie_slot);

const struct cookie_conf *
cookie_conf_of(const struct proxy_conf *backend)
{
    return slot_of_const(backend->slots, &cookie_slot);
}

const char *
persistence_cookie_name(const struct proxy_conf *backend)
{
    return cookie_conf_of(backend)->name;
}

/* --- cookie -------------------------------------------------------------------------------- */

static bool
add_domain(struct parse *parse, struct cookie_conf *conf)
{
    const char *word = parse_word(parse, "a domain");

    if (word == NULL)
        return false;
    if (strchr(word, ';') != NULL || word[0] == '\0')
        return parse_alert(parse, "'%s' is no domain", word);
    if (strchr(word + 1, '.') == NULL &&
        !parse_warn(parse, "browsers may drop cookies of the domain '%s': it has no dot inside",
                    word))
        return false;
    conf->domains = arena_printf(parse->arena, "%s; domain=%s",
                                 conf->domains == NULL ? "" : conf->domains, word);
    return true;
}

static bool
add_attribute(struct parse *parse, struct cookie_conf *conf)
{
    const char *word = parse_word(parse, "an attribute");

    if (word == NULL)
        return false;
    for (const char *at = word; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == ';' || *at == 0x7f)
            return parse_alert(parse, "an attribute has no ';' and no control characters");
    }
    conf->attributes = arena_printf(parse->arena, "%s; %s",
                                    conf->attributes == NULL ? "" : conf->attributes, word);
    return true;
}

static const struct {
    const char *word;
    unsigned bit;
} option_words[] = {
    { "rewrite", COOKIE_REWRITE },   { "insert", COOKIE_INSERT },
    { "prefix", COOKIE_PREFIX },     { "indirect", COOKIE_INDIRECT },
    { "nocache", COOKIE_NOCACHE },   { "postonly", COOKIE_POSTONLY },
    { "preserve", COOKIE_PRESERVE }, { "httponly", COOKIE_HTTPONLY },
    { "secure", COOKIE_SECURE },     { "dynamic", COOKIE_DYNAMIC },
};

static bool
unknown_word(struct parse *parse, const char *word)
{
    static const char *const words[] = { "rewrite", "insert",  "prefix",  "indirect", "nocache",
                                         "postonly", "preserve", "httponly", "secure", "dynamic",
                                         "domain",  "maxidle", "maxlife", "attr",     NULL };

    return parse_alert(parse, "'cookie' does not know '%s'%s", word,
                       parse_suggest(parse, word, words));
}

static bool
parse_cookie_word(struct parse *parse, struct cookie_conf *conf, const char *word)
{
    if (strcmp(word, "domain") == 0)
        return add_domain(parse, conf);
    if (strcmp(word, "attr") == 0)
        return add_attribute(parse, conf);
    if (strcmp(word, "maxidle") == 0)
        return parse_time(parse, "a time", "s", &conf->maxidle_ms);
    if (strcmp(word, "maxlife") == 0)
        return parse_time(parse, "a time", "s", &conf->maxlife_ms);
    for (size_t i = 0; i < COUNT(option_words); i++) {
        if (strcmp(word, option_words[i].word) == 0) {
            conf->options |= option_words[i].bit;
            return true;
        }
    }
    return unknown_word(parse, word);
}

static bool
check_cookie(struct parse *parse, const struct cookie_conf *conf)
{
    unsigned ways = conf->options & (COOKIE_REWRITE | COOKIE_INSERT | COOKIE_PREFIX);

    if ((ways & (ways - 1)) != 0)
        return parse_alert(parse, "only one of 'rewrite', 'insert' and 'prefix' can be meant");
    if ((conf->options & COOKIE_PRESERVE) != 0 &&
        (conf->options & (COOKIE_INSERT | COOKIE_INDIRECT)) == 0)
        return parse_alert(parse, "'preserve' needs 'insert' or 'indirect'");
    if ((conf->maxidle_ms != 0 || conf->maxlife_ms != 0) && (conf->options & COOKIE_INSERT) == 0)
        return parse_warn(parse, "'maxidle' and 'maxlife' do nothing without 'insert'");
    return true;
}

static bool
parse_cookie(struct parse *parse)
{
    struct cookie_conf *conf = keyword_slot(parse, &cookie_slot);
    const char *name = parse_word(parse, "the name of a cookie");
    const char *word;

    if (name == NULL)
        return false;
    conf->name = name;
    conf->options = 0;
    conf->domains = conf->attributes = NULL;
    conf->maxidle_ms = conf->maxlife_ms = 0;
    while ((word = words_next(parse->words)) != NULL) {
        if (!parse_cookie_word(parse, conf, word))
            return false;
    }
    return check_cookie(parse, conf);
}

static bool
parse_key(struct parse *parse)
{
    struct cookie_conf *conf = keyword_slot(parse, &cookie_slot);

    conf->key = parse_word(parse, "a key");
    return conf->key != NULL && parse_end(parse);
}

/* --- rules --------------------------------------------------------------------------------- */

static bool
parse_rule(struct parse *parse)
{
    struct proxy_conf *proxy = parse->object;
    struct cookie_conf *conf = keyword_slot(parse, &cookie_slot);
    struct persist_rule *rules =
        ARENA_ARRAY(parse->arena, struct persist_rule, conf->rule_count + 1);
    struct persist_rule *rule = &rules[conf->rule_count];
    const char *next = words_peek(parse->words);
    struct condition *condition;

    if (next == NULL || (strcmp(next, "if") != 0 && strcmp(next, "unless") != 0))
        return parse_alert_next(parse, "'%s' needs 'if' or 'unless' and a condition",
                                parse->keyword);
    if (!condition_parse_optional(parse, proxy->acls, PLACE_BE_SERVER, &condition))
        return false;
    if (conf->rule_count > 0)
        memcpy(rules, conf->rules, conf->rule_count * sizeof(*rules));
    *rule = (struct persist_rule){ .condition = condition,
                                   .is_force = strcmp(parse->keyword, "force-persist") == 0,
                                   .text = arena_printf(parse->arena, "%s %s", parse->keyword,
                                                        condition_text(condition)),
                                   .pos = parse_pos(parse) };
    conf->rules = rules;
    conf->rule_count++;
    return parse_end(parse);
}

static bool
parse_rdp(struct parse *parse)
{
    struct cookie_conf *conf = keyword_slot(parse, &cookie_slot);
    const char *word = words_next(parse->words), *end;
    const char *inside = strchr(word, '(');

    if (!str_eq(str_from(word), STR("rdp-cookie")) && inside == NULL)
        return parse_alert(parse, "'persist' knows 'rdp-cookie' and 'rdp-cookie(<name>)'");
    conf->rdp = sample_parse_text(
        parse, arena_printf(parse->arena, "req.rdp_cookie%s", inside == NULL ? "(msts)" : inside),
        &end, PLACE_BE_SERVER);
    return conf->rdp != NULL && parse_end(parse);
}

static bool
on_check(struct parse *parse)
{
    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        const struct cookie_conf *conf = cookie_conf_of(proxy);

        if (proxy_conf_is_back(proxy) && (conf->options & COOKIE_DYNAMIC) != 0 && conf->key == NULL)
            (void)parse_warn_at(parse, proxy->pos,
                                "'cookie ... dynamic' of '%s' needs a 'dynamic-cookie-key', here or "
                                "at run time",
                                proxy->name);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_BALANCE, on_check, "balance: cookies" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "cookie", IN_BACK, .args = "<name> [rewrite|insert|prefix] [options]",
      .flags = KEYWORD_HTTP_ONLY, .slot = &cookie_slot, .parse = parse_cookie,
      .help = "Clients carry the name of their server in this cookie and come back to it." },
    { "dynamic-cookie-key", IN_BACK, .args = "<text>", .slot = &cookie_slot, .parse = parse_key,
      .help = "The secret of cookies that are made of the servers' addresses (cookie ... dynamic)." },
    { "force-persist", IN_LISTEN | IN_BACKEND, .args = "if|unless <condition>",
      .slot = &cookie_slot, .parse = parse_rule,
      .help = "These requests reach the server that their cookie names, even when it is down." },
    { "ignore-persist", IN_LISTEN | IN_BACKEND, .args = "if|unless <condition>",
      .slot = &cookie_slot, .parse = parse_rule,
      .help = "The cookies of these requests are not looked at: they are balanced." },
    { "persist rdp-cookie", IN_BACK, .args = "[(<name>)]", .flags = KEYWORD_PREFIX,
      .slot = &cookie_slot, .parse = parse_rdp,
      .help = "Remote desktop clients reach the server whose address their cookie holds." },
    { "option persist", IN_BACK, .flags = KEYWORD_NO, SET_FLAG(struct proxy_conf, option.persist),
      .help = "Clients stay with the server of their cookie, even when it is down." },
    { "cookie", IN_SERVER, .args = "<value>", SET_TEXT(struct server_conf, cookie),
      .help = "What stands for this server in the backend's cookie." },
    { "redir", IN_SERVER, .args = "<prefix>", SET_TEXT(struct server_conf, redir),
      .help = "GET and HEAD requests are sent to this prefix instead of to the server." },
};
REGISTER(keyword, keywords);
