/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults sections, named and unnamed, and what a section inherits from them.
 *
 * Thread: builder.
 *
 * A conf is copied whole; what belongs to one section alone (identity, binds, servers) begins anew,
 * and rule sets are cut to their length, so that the first rule added makes a copy and the
 * defaults' own set is never written.
 */
#include <string.h>

#include "private.h"

static void
close_set(struct ruleset *set)
{
    set->cap = set->inherited = set->count;
}

static void
start_anew(struct proxy_conf *conf)
{
    conf->name = NULL;
    conf->id = 0;
    conf->guid = NULL;
    conf->live = NULL;
    list_init(&conf->link);
    list_init(&conf->binds);
    list_init(&conf->servers);
    conf->server_count = 0;
    conf->switches = NULL;
    conf->switch_count = 0;
    conf->server_rules = NULL;
    conf->server_rule_count = 0;
    close_set(&conf->tcp_connection);
    close_set(&conf->tcp_session);
    close_set(&conf->tcp_request);
    close_set(&conf->tcp_response);
    close_set(&conf->http_request);
    close_set(&conf->http_response);
    close_set(&conf->http_after_response);
    close_set(&conf->redirects);
    conf->heir_sides = 0;
}

struct proxy_conf *
defaults_new_conf(struct parse *parse)
{
    struct proxy_conf *conf = ARENA_NEW(parse->arena, struct proxy_conf);

    conf->magic = PROXY_CONF_MAGIC;
    conf->mode = MODE_TCP;
    conf->retries = 3;
    conf->retry_on = RETRY_CONN_ONLY;
    conf->http_reuse = REUSE_SAFE;
    conf->redispatch_interval = 0;
    conf->max_keep_alive_queue = -1;
    conf->slots = slots_new(SLOT_PROXY, parse->arena);
    start_anew(conf);
    return conf;
}

struct proxy_conf *
defaults_inherit(struct parse *parse, const struct proxy_conf *from)
{
    struct proxy_conf *conf = ARENA_NEW(parse->arena, struct proxy_conf);

    *conf = *from;
    conf->slots = slots_inherit(SLOT_PROXY, from->slots, parse->arena);
    conf->disabled = from->disabled;
    start_anew(conf);
    return conf;
}

/* --- rules of defaults sections ---------------------------------------------- */

static bool
has_rules(const struct proxy_conf *conf)
{
    const struct ruleset *sets[] = { &conf->tcp_connection, &conf->tcp_session,
                                     &conf->tcp_request,    &conf->tcp_response,
                                     &conf->http_request,   &conf->http_response,
                                     &conf->http_after_response };

    for (size_t i = 0; i < COUNT(sets); i++) {
        if (sets[i]->count > 0)
            return true;
    }
    return false;
}

/* Rules run on one side: of whom would those be that a listen inherits? */
bool
defaults_lend_rules(struct parse *parse, struct proxy_conf *from, unsigned sides)
{
    const char *name = from == NULL || from->name == NULL ? "" : from->name;

    if (from == NULL || !has_rules(from))
        return true;
    if ((sides & SIDE_DEFAULTS) != 0)
        return parse_alert(parse, "a defaults section cannot inherit from defaults section '%s', "
                                  "which has rules", name);
    if (sides == (SIDE_FRONT | SIDE_BACK))
        return parse_alert(parse, "a listen section cannot inherit from defaults section '%s', "
                                  "which has rules: use a frontend and a backend", name);
    from->heir_sides |= sides;
    if (from->heir_sides == (SIDE_FRONT | SIDE_BACK))
        return parse_alert(parse, "defaults section '%s' has rules, so that not both frontends and "
                                  "backends can inherit from it: write one for each", name);
    return true;
}

bool
defaults_choose(struct parse *parse, struct proxy_conf **out)
{
    struct proxy_room *room = proxy_room_of(parse->snapshot);
    const char *name;

    *out = room->unnamed_defaults;
    if (!words_accept(parse->words, "from"))
        return true;
    name = parse_word(parse, "the name of a defaults section");
    if (name == NULL)
        return false;
    *out = hashmap_find(&room->defaults, str_from(name));
    if (*out != NULL)
        return true;
    return parse_alert(parse, "there is no defaults section '%s' before this line", name);
}
