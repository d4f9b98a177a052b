/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use_backend, default_backend, use-server: read, and their names resolved.
 *
 * Thread: builder. (use-server names are resolved by room server, which knows servers.)
 */
#include <string.h>

#include "private.h"

static struct log_format *
parse_dynamic_name(struct parse *parse, const char *name, unsigned place)
{
    return strchr(name, '%') == NULL ? NULL : log_format_parse(parse, name, place, 0);
}

static void *
grow(struct parse *parse, void *items, unsigned count, size_t size)
{
    char *grown = arena_zero(parse->arena, (count + 1) * size);

    if (count > 0)
        memcpy(grown, items, count * size);
    return grown;
}

/* The line as written. */
static const char *
line_text(struct parse *parse)
{
    const char *text = parse->words->items[0].text;

    for (unsigned i = 1; i < parse->words->count; i++)
        text = arena_printf(parse->arena, "%s %s", text, parse->words->items[i].text);
    return text;
}

static bool
parse_use_backend(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    const char *name = parse_word(parse, "the name of a backend");
    struct switch_rule rule = { .name = name, .pos = parse_pos(parse), .text = line_text(parse) };
    struct condition *condition;

    if (name == NULL)
        return false;
    rule.dynamic = parse_dynamic_name(parse, name, PLACE_SWITCH);
    if (rule.dynamic == NULL && strchr(name, '%') != NULL)
        return false;
    if (!condition_parse_optional(parse, conf->acls, PLACE_SWITCH, &condition))
        return false;
    rule.condition = condition;
    if (!parse_end(parse))
        return false;
    conf->switches = grow(parse, conf->switches, conf->switch_count, sizeof(rule));
    conf->switches[conf->switch_count++] = rule;
    return true;
}

static bool
parse_default_backend(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->default_backend_pos = parse_pos(parse);
    conf->default_backend_name = parse_word(parse, "the name of a backend");
    return conf->default_backend_name != NULL && parse_end(parse);
}

static bool
parse_use_server(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    const char *name = parse_word(parse, "the name of a server");
    struct server_rule rule = { .name = name, .pos = parse_pos(parse), .text = line_text(parse) };
    struct condition *condition;

    if (name == NULL)
        return false;
    rule.dynamic = parse_dynamic_name(parse, name, PLACE_BE_SERVER);
    if (rule.dynamic == NULL && strchr(name, '%') != NULL)
        return false;
    if (!condition_parse_optional(parse, conf->acls, PLACE_BE_SERVER, &condition))
        return false;
    rule.condition = condition;
    if (!parse_end(parse))
        return false;
    conf->server_rules = grow(parse, conf->server_rules, conf->server_rule_count, sizeof(rule));
    conf->server_rules[conf->server_rule_count++] = rule;
    return true;
}

/* --- names become pointers --------------------------------------------------------------- */

static const char *
suggest_backend(struct parse *parse, const char *name)
{
    const char *names[1024];
    size_t count = 0;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (proxy_conf_is_back(conf) && count < COUNT(names) - 1)
            names[count++] = conf->name;
    }
    names[count] = NULL;
    return parse_suggest(parse, name, names);
}

static bool
find_backend(struct parse *parse, struct source_pos pos, const struct proxy_conf *from,
             const char *keyword, const char *name, struct proxy_conf **out)
{
    *out = proxy_conf_find(parse->snapshot, str_from(name), SIDE_BACK);
    if (*out == NULL)
        return parse_alert_at(parse, pos, "'%s' of '%s' names backend '%s', which does not exist%s",
                              keyword, from->name, name, suggest_backend(parse, name));
    if ((*out)->mode != from->mode && (from->mode != MODE_TCP || (*out)->mode != MODE_HTTP))
        return parse_alert_at(parse, pos,
                              "'%s' of '%s' (mode %s) names backend '%s', whose mode is %s",
                              keyword, from->name, from->mode == MODE_HTTP ? "http" : "tcp", name,
                              (*out)->mode == MODE_HTTP  ? "http"
                              : (*out)->mode == MODE_LOG ? "log"
                                                         : "tcp");
    return true;
}

static bool
resolve_proxy(struct parse *parse, struct proxy_conf *conf)
{
    bool fine = true;

    for (unsigned i = 0; i < conf->switch_count; i++) {
        struct switch_rule *rule = &conf->switches[i];

        if (rule->dynamic == NULL)
            fine =
                find_backend(parse, rule->pos, conf, "use_backend", rule->name, &rule->backend) &&
                fine;
    }
    if (proxy_conf_is_front(conf) && conf->default_backend_name != NULL)
        fine = find_backend(parse, conf->default_backend_pos, conf, "default_backend", conf->default_backend_name,
                            &conf->default_backend) &&
               fine;
    return fine;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link)
        fine = resolve_proxy(parse, conf) && fine;
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_PROXY, on_resolve, "proxy: routing" },
};
REGISTER(config_hook, hooks);

static const struct keyword keywords[] = {
    { "use_backend", IN_FRONTEND | IN_LISTEN, .args = "<name> [condition]",
      .parse = parse_use_backend,
      .help = "The backend for what the condition matches; the first match counts." },
    { "default_backend", IN_FRONT, .args = "<name>", .parse = parse_default_backend,
      .help = "The backend when no use_backend rule matches." },
    { "use-server", IN_LISTEN | IN_BACKEND, .args = "<name> [condition]", .parse = parse_use_server,
      .help = "The server for what the condition matches, when it is usable." },
};
REGISTER(keyword, keywords);
