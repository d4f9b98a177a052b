/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers that come and go at run time: what "add server" and "del server" say, while the next
 * snapshot is built.
 *
 * For:     room main, whose commands make amendments of it.
 * Thread:  builder.
 *
 * The words are read by the same parsers as those of a server line. Such a server begins in
 * maintenance and its checks begin paused; that is decided when it is adopted.
 */
#include <string.h>

#include "weir/base/hashmap.h"

#include "weir/server/dynamic.h"
#include "private.h"

/* What makes no sense for a server that comes later. */
static const char *const refused[] = { "init-addr", "namespace", "redir", "resolvers", "socks4",
                                       "resolve-net", "resolve-opts", "resolve-prefer" };

bool
server_word_is_dynamic(const char *name)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (strcmp(refused[i], name) == 0)
            return false;
    }
    return true;
}

static struct server_conf *
find_conf(const struct proxy_conf *conf, struct str name)
{
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (str_eq(str_from(srv->name), name))
            return srv;
    }
    return NULL;
}

/* "be:[<backend>]": the default-server there; "srv:[<backend>/]<name>": another server. */
static bool
find_origin(struct parse *parse, const char *word, const struct server_conf **origin)
{
    struct proxy_conf *conf = parse->object;
    struct str rest = str_from(word), backend;
    bool is_server = str_starts(rest, STR("srv:"));

    if (strcmp(word, "none") == 0)
        return true;
    if (!is_server && !str_starts(rest, STR("be:")))
        return parse_alert(parse, "invalid '%s' value for 'from' keyword.", word);
    rest = str_slice(rest, is_server ? 4 : 3, rest.len);
    backend = is_server && str_find_char(rest, '/') < 0 ? STR("") : rest;
    if (is_server && backend.len > 0)
        backend = str_split(&rest, '/');
    if (backend.len > 0)
        conf = proxy_conf_find(parse->snapshot, backend, SIDE_BACK);
    if (conf == NULL)
        return parse_alert(parse, "from: unknown backend '%.*s'.", STR_ARG(backend));
    if (!is_server) {
        *origin = server_defaults_of(parse, conf);
        return true;
    }
    *origin = find_conf(conf, rest);
    if (*origin == NULL)
        return parse_alert(parse, "from: unknown server '%.*s' in backend '%s'.", STR_ARG(rest),
                           conf->name);
    return true;
}

static bool
check_words(struct parse *parse)
{
    const struct words *words = parse->words;

    for (unsigned i = words->at; i < words->count; i++) {
        if (!server_word_is_dynamic(words->items[i].text))
            return parse_alert(parse, "'%s' option is not accepted for dynamic server",
                               words->items[i].text);
    }
    return true;
}

/* The number that was asked for may be one that another server was given. */
static bool
check_id(struct parse *parse)
{
    const struct proxy_conf *conf = parse->object;
    const struct server_conf *now = LIST_ITEM(conf->servers.prev, struct server_conf, link);
    const struct proxy_conf *before =
        parse->snapshot->base == NULL || !now->has_own_id
            ? NULL
            : proxy_conf_find(parse->snapshot->base, str_from(conf->name), SIDE_BACK);

    if (before == NULL)
        return true;
    LIST_FOR_EACH (srv, &before->servers, struct server_conf, link) {
        if (srv->id == now->id && strcmp(srv->name, now->name) != 0 &&
            find_conf(conf, str_from(srv->name)) != NULL)
            return parse_alert(parse, "'id' : custom id %lld already used at %s:%d ('server %s').",
                               (long long)now->id, srv->pos.file, srv->pos.line, srv->name);
    }
    return true;
}

/* "server <name> <address> [from <origin>] [options]" */
bool
server_conf_add_dynamic(struct parse *parse)
{
    const struct server_conf *origin = NULL;
    struct words *words = parse->words;

    parse->keyword = "server";
    words->at = 1;
    if (words->count > 3 && strcmp(words->items[3].text, "from") == 0) {
        if (words->count < 5)
            return parse_alert(parse, "'from' expects none, be:[<backend>] or srv:[<backend>/]<name>");
        if (!find_origin(parse, words->items[4].text, &origin))
            return false;
        memmove(&words->items[3], &words->items[5], (words->count - 5) * sizeof(*words->items));
        words->count -= 2;
    }
    return check_words(parse) && server_conf_read(parse, origin, true) && check_id(parse);
}

/* "server <name>": it leaves what the section has. */
bool
server_conf_remove(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    struct server_conf *srv = find_conf(conf, str_from(parse->words->items[1].text));

    if (srv == NULL)
        return true; /* the files do not say it any more */
    list_remove(&srv->link);
    conf->server_count--;
    return true;
}

/* A name cannot go and come back in one amendment, so a line of the same name and place says the
 * same. */
void
server_conf_find_same(const struct parse *parse, const struct proxy_conf *conf,
                      struct hashmap *same)
{
    const struct proxy_conf *before =
        proxy_conf_find(parse->snapshot->base, str_from(conf->name), SIDE_BACK);

    if (before == NULL || !proxy_conf_is_back(conf))
        return;
    LIST_FOR_EACH (srv, &before->servers, struct server_conf, link)
        hashmap_set(same, str_from(srv->name), srv);
}

/* --- numbers that stay ------------------------------------------------------------------- */

void
server_conf_keep_ids(const struct parse *parse, struct proxy_conf *conf, struct id_set *written)
{
    const struct proxy_conf *before = proxy_conf_find(parse->snapshot->base, str_from(conf->name),
                                                      SIDE_BACK);
    struct hashmap ids = HASHMAP_INIT;

    if (before == NULL)
        return;
    LIST_FOR_EACH (srv, &before->servers, struct server_conf, link) {
        if (!srv->has_own_id)
            hashmap_set(&ids, str_from(srv->name), srv);
    }
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        const struct server_conf *same =
            srv->has_own_id ? NULL : hashmap_find(&ids, str_from(srv->name));

        if (same == NULL)
            continue;
        srv->id = same->id;
        id_set_add(written, srv->id);
    }
    hashmap_fini(&ids);
}
