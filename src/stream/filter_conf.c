/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter, filter-sequence: which filters the streams of a proxy have, and in which order.
 *
 * For:     filter.c, and the rooms that register kinds of filters.
 * Thread:  builder.
 */
#include <string.h>

#include "weir/config/keyword.h"

#include "filters.h"

static struct slot chain_slot = SLOT("filters", SLOT_PROXY, struct filter_chain);
REGISTER_SLOT(chain_slot);

const struct filter_chain *
filter_chain_of(const struct proxy_conf *proxy)
{
    return slot_of_const(proxy->slots, &chain_slot);
}

const struct filter_conf *
filter_conf_first(const struct proxy_conf *proxy)
{
    return filter_chain_of(proxy)->first;
}

struct filter_conf *
filter_conf_add(struct parse *parse, struct proxy_conf *proxy)
{
    struct filter_chain *chain = slot_of(proxy->slots, &chain_slot);
    struct filter_conf *conf = ARENA_NEW(parse->arena, struct filter_conf);

    conf->proxy = proxy;
    if (chain->last == NULL)
        chain->first = conf;
    else
        chain->last->next = conf;
    chain->last = conf;
    return conf;
}

/* --- filter ---------------------------------------------------------------- */

static const struct filter_kind *
find_kind(const char *word)
{
    FOR_EACH_REGISTERED (filter_kind, kind, list) {
        if (kind->is_prefix ? strncmp(word, kind->name, strlen(kind->name)) == 0
                            : strcmp(word, kind->name) == 0)
            return kind;
    }
    return NULL;
}

static bool
is_known_elsewhere(const char *word)
{
    static const char *const names[] = { "cache", "fcgi-app", "spoe", "lua." };

    for (size_t i = 0; i < COUNT(names); i++) {
        if (strncmp(word, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static bool
unknown_kind(struct parse *parse, const char *word)
{
    const char *names[64];
    size_t count = 0;

    FOR_EACH_REGISTERED (filter_kind, kind, list) {
        if (count < COUNT(names) - 1)
            names[count++] = kind->name;
    }
    names[count] = NULL;
    if (is_known_elsewhere(word))
        return parse_not_yet(parse, arena_printf(parse->arena, "filter %s", word));
    return parse_alert(parse, "unknown filter '%s'%s", word, parse_suggest(parse, word, names));
}

static bool
parse_filter(struct parse *parse)
{
    struct proxy_conf *proxy = parse->object;
    const char *word = parse_word(parse, "the kind of a filter");
    const struct filter_kind *kind;
    struct filter_conf *conf;

    if (word == NULL)
        return false;
    kind = find_kind(word);
    if (kind == NULL)
        return unknown_kind(parse, word);
    if (kind->is_http_only && proxy->mode != MODE_HTTP)
        return parse_alert(parse, "the filter '%s' needs 'mode http' above it", word);
    conf = filter_conf_add(parse, proxy);
    conf->kind = kind;
    conf->name = arena_copy(parse->arena, word);
    conf->pos = parse_pos(parse);
    return kind->parse(parse, conf) && parse_end(parse);
}

/* --- filter-sequence --------------------------------------------------------- */

static bool
parse_sequence(struct parse *parse)
{
    static const char *const directions[] = { "request", "response", NULL };
    struct filter_chain *chain = slot_of(((struct proxy_conf *)parse->object)->slots, &chain_slot);
    const char *names;
    int dir;

    if (!parse_choice(parse, "a direction", directions, &dir))
        return false;
    if (chain->sequence[dir] != NULL)
        return parse_alert(parse, "there is a filter-sequence for the %s already", directions[dir]);
    names = parse_word(parse, "names of filters");
    if (names == NULL)
        return false;
    chain->sequence[dir] = arena_copy(parse->arena, names);
    chain->sequence_pos[dir] = parse_pos(parse);
    return true;
}

/* The next line of this name: lines of the same name are taken in turn. */
static const struct filter_conf *
find_unused(const struct filter_chain *chain, const struct filter_conf **used, size_t count,
            struct str name)
{
    for (const struct filter_conf *conf = chain->first; conf != NULL; conf = conf->next) {
        bool is_used = false;

        for (size_t i = 0; i < count; i++)
            is_used = is_used || used[i] == conf;
        if (!is_used && conf->name != NULL && str_eq(str_from(conf->name), name))
            return conf;
    }
    return NULL;
}

static bool
resolve_sequence(struct parse *parse, struct filter_chain *chain, int dir)
{
    struct str rest = str_from(chain->sequence[dir]);
    const struct filter_conf **order;
    size_t count = 0, max = 1;

    for (const struct filter_conf *conf = chain->first; conf != NULL; conf = conf->next)
        max++;
    order = arena_take(parse->arena, max * sizeof(struct filter_conf *));
    if (order == NULL)
        return false;
    while (rest.ptr != NULL) {
        struct str name = str_split(&rest, ',');
        const struct filter_conf *conf = find_unused(chain, order, count, name);

        if (conf == NULL)
            return parse_alert_at(parse, chain->sequence_pos[dir],
                                  "'filter-sequence' names '%.*s', but there is no (other) such "
                                  "filter in this section",
                                  (int)name.len, name.ptr);
        order[count++] = conf;
    }
    order[count] = NULL;
    chain->order[dir] = order;
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (proxy, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct filter_chain *chain = slot_of(proxy->slots, &chain_slot);

        for (int dir = 0; dir < DIRECTIONS; dir++) {
            if (chain->sequence[dir] != NULL)
                fine = resolve_sequence(parse, chain, dir) && fine;
        }
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_LUA, on_resolve, "filter-sequence" },
};
REGISTER(config_hook, hooks);

#define IN_LIVE (IN_FRONTEND | IN_LISTEN | IN_BACKEND)

static const struct keyword keywords[] = {
    { "filter", IN_LIVE, .args = "<kind> [<arg>...]", .parse = parse_filter,
      .help = "Let a filter see, hold back or change what passes." },
    { "filter-sequence", IN_LIVE, .args = "request|response <name>[,<name>...]",
      .parse = parse_sequence,
      .help = "The order of the filters in one direction; those that are not named do not run." },
};
REGISTER(keyword, keywords);
