/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each guid is there once over all proxies and servers.
 *
 * For:     tools that find objects again by it, whatever their names are by then.
 * Owns:    nothing.
 * Thread:  builder, CONFIG_CHECK.
 */
#include "weir/base/hashmap.h"
#include "private.h"

/* Whose it is. */
struct holder {
    const char *name;
    struct source_pos pos;
};

static bool
take(struct parse *parse, struct hashmap *holders, const char *guid, const char *name,
     struct source_pos pos)
{
    struct holder *holder = ARENA_NEW(parse->arena, struct holder);
    const struct holder *before;

    *holder = (struct holder){ name, pos };
    before = hashmap_set(holders, str_from(guid), holder);
    if (before == NULL)
        return true;
    return parse_alert_at(parse, pos, "guid '%s' is that of '%s' at %s:%d already", guid,
                          before->name, before->pos.file, before->pos.line);
}

static bool
on_check(struct parse *parse)
{
    struct hashmap holders = HASHMAP_INIT;
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (conf->guid != NULL)
            fine = take(parse, &holders, conf->guid, conf->name, conf->pos) && fine;
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            if (srv->guid != NULL)
                fine = take(parse, &holders, srv->guid, srv->name, srv->pos) && fine;
        }
    }
    hashmap_fini(&holders);
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_SERVER, on_check, "server: guids" },
};
REGISTER(config_hook, hooks);
