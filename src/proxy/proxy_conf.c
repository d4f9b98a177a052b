/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections frontend, backend, listen and defaults, and their plainest keywords.
 *
 * Thread: builder.
 */
#include <string.h>

#include "private.h"

/* --- names ---------------------------------------------------------------------------- */

static bool
check_name(struct parse *parse, const char *name)
{
    size_t good =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-");

    if (name[good] == '\0')
        return true;
    return parse_alert(parse,
                       "character '%c' is not permitted in the name '%s'; letters, digits, "
                       "'_', '-', '.' and ':' are",
                       name[good], name);
}

static const char *
side_name(unsigned sides)
{
    return (sides & (SIDE_FRONT | SIDE_BACK)) == (SIDE_FRONT | SIDE_BACK) ? "listen"
           : (sides & SIDE_FRONT)                                         ? "frontend"
                                                                          : "backend";
}

/* The same name on the same side is an error; on the other side a warning, because it is very
 * common. */
static bool
register_name(struct parse *parse, struct proxy_conf *conf)
{
    struct proxy_room *room = proxy_room_of(parse->snapshot);
    static const unsigned sides[] = { SIDE_FRONT, SIDE_BACK };
    bool is_warned = false;

    for (int i = 0; i < 2; i++) {
        struct proxy_conf *same = hashmap_find(&room->by_side[i], str_from(conf->name));

        if (same == NULL || same == conf)
            continue;
        if (conf->sides & sides[i])
            return parse_alert(parse, "%s '%s' has the name of %s '%s' at %s:%d",
                               side_name(conf->sides), conf->name, side_name(same->sides),
                               same->name, same->pos.file, same->pos.line);
        if (!is_warned)
            parse_warn(parse,
                       "%s '%s' has the name of %s '%s' at %s:%d; other names are easier to "
                       "tell apart in logs",
                       side_name(conf->sides), conf->name, side_name(same->sides), same->name,
                       same->pos.file, same->pos.line);
        is_warned = true;
    }
    for (int i = 0; i < 2; i++) {
        if (conf->sides & sides[i])
            hashmap_set(&room->by_side[i], str_from(conf->name), conf);
    }
    return true;
}

/* --- sections ---------------------------------------------------------------------------- */

static bool
open_proxy(struct parse *parse, unsigned sides)
{
    struct proxy_room *room = proxy_room_of(parse->snapshot);
    const char *name = parse_word(parse, "a name");
    struct proxy_conf *from, *conf;

    if (name == NULL || !check_name(parse, name) || !defaults_choose(parse, &from))
        return false;
    if (!words_at_end(parse->words))
        return parse_alert_next(parse,
                                "'%s' stands behind the section's name; an address belongs on a "
                                "'bind' line",
                                words_peek(parse->words));
    if (!defaults_lend_rules(parse, from, sides))
        return false;
    conf = from != NULL ? defaults_inherit(parse, from) : defaults_new_conf(parse);
    conf->name = name;
    conf->pos = parse_pos(parse);
    conf->sides = sides;
    conf->acls = acl_scope_new(parse, from != NULL && from->name != NULL ? from->acls : NULL);
    parse->object = conf;
    if (!register_name(parse, conf))
        return false;
    list_add_last(&room->proxies, &conf->link);
    return true;
}

static bool
open_frontend(struct parse *parse)
{
    return open_proxy(parse, SIDE_FRONT);
}

static bool
open_backend(struct parse *parse)
{
    return open_proxy(parse, SIDE_BACK);
}

static bool
open_listen(struct parse *parse)
{
    return open_proxy(parse, SIDE_FRONT | SIDE_BACK);
}

/* An unnamed defaults section begins with built-in defaults; "from" lets a named one begin with
 * another. */
static bool
open_defaults(struct parse *parse)
{
    struct proxy_room *room = proxy_room_of(parse->snapshot);
    struct proxy_conf *from = NULL, *conf;
    const char *word = words_peek(parse->words), *name = NULL;

    if (word != NULL && strcmp(word, "from") != 0)
        name = words_next(parse->words);
    if (name != NULL && !check_name(parse, name))
        return false;
    if (words_peek(parse->words) != NULL && !defaults_choose(parse, &from))
        return false;
    if (!parse_end(parse) || !defaults_lend_rules(parse, from, SIDE_DEFAULTS))
        return false;
    conf = from != NULL ? defaults_inherit(parse, from) : defaults_new_conf(parse);
    conf->name = name;
    conf->pos = parse_pos(parse);
    conf->sides = SIDE_DEFAULTS;
    conf->acls = acl_scope_new(parse, from != NULL ? from->acls : NULL);
    if (name != NULL)
        hashmap_set(&room->defaults, str_from(name), conf);
    /* HAProxy: the last defaults section, named or not, serves those that name none. */
    room->unnamed_defaults = conf;
    parse->object = conf;
    return true;
}

static void *
slots_of_proxy(void *object)
{
    return ((struct proxy_conf *)object)->slots;
}

/* --- keywords ------------------------------------------------------------------------------ */

static bool
parse_mode(struct parse *parse)
{
    static const char *const names[] = { "tcp", "http", "log", "health", "spop", "haterm", NULL };
    struct proxy_conf *conf = parse->object;
    int mode;

    if (!parse_choice(parse, "'tcp' or 'http'", names, &mode))
        return false;
    if (mode == 3)
        return parse_alert(parse,
                           "'mode health' is gone: use 'http-request return' or 'monitor-uri'");
    if (mode == 2) {
        conf->mode = MODE_LOG;
        return parse_end(parse);
    }
    if (mode > 1)
        return parse_not_yet(parse, arena_printf(parse->arena, "mode %s", names[mode]));
    conf->mode = mode == 0 ? MODE_TCP : MODE_HTTP;
    return parse_end(parse);
}

static bool
parse_id(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    int64_t id;

    if (!parse_int(parse, "a number from 1", 1, INT32_MAX, &id))
        return false;
    conf->has_own_id = true;
    conf->id = id; /* clashes are found when all are known: proxy_number_all() */
    return parse_end(parse);
}

static bool
parse_disabled(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->disabled = strcmp(parse->keyword, "disabled") == 0;
    return parse_end(parse);
}

static bool
parse_unpublished(struct parse *parse)
{
    ((struct proxy_conf *)parse->object)->starts_unpublished = true;
    return parse_end(parse);
}

static bool
parse_description(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    conf->description = words_rest(parse);
    return *conf->description != '\0' || parse_alert_next(parse, "'description' expects a text");
}

static bool
parse_guid(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    const char *guid = parse_word(parse, "an identifier");

    if (guid == NULL)
        return false;
    if (strlen(guid) > 127 ||
        guid[strspn(guid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-")] !=
            '\0')
        return parse_alert(parse, "a guid has at most 127 letters, digits and '.:-_'");
    conf->guid = guid;
    return parse_end(parse);
}

static bool
parse_rate_limit(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;

    return parse_int(parse, "a number of sessions per second", 0, INT32_MAX,
                     &conf->rate_limit_sessions) &&
           parse_end(parse);
}

static const struct section sections[] = {
    { "defaults", IN_DEFAULTS, open_defaults, NULL,
      "Settings that the sections after it begin with." },
    { "frontend", IN_FRONTEND, open_frontend, NULL,
      "Where clients connect, and rules for what they send." },
    { "backend", IN_BACKEND, open_backend, NULL, "Servers, and how one of them is chosen." },
    { "listen", IN_LISTEN, open_listen, NULL, "A frontend and a backend in one." },
};
REGISTER(section, sections);

static const struct place_slots proxy_place_slots[] = { { IN_PROXY, slots_of_proxy } };
REGISTER(place_slots, proxy_place_slots);

static const struct keyword keywords[] = {
    { "mode", IN_PROXY, .args = "<tcp|http|log>", .parse = parse_mode,
      .help = "What is relayed: bytes, or HTTP messages; log: lines of 'log backend@<name>'." },
    { "id", IN_FRONTEND | IN_LISTEN | IN_BACKEND, .args = "<number>", .parse = parse_id,
      .help = "Number in statistics; automatic from 2." },
    { "guid", IN_FRONTEND | IN_LISTEN | IN_BACKEND, .args = "<text>", .parse = parse_guid,
      .help = "An identifier that is unique over all proxies and servers." },
    { "description", IN_FRONTEND | IN_LISTEN | IN_BACKEND, .args = "<text>",
      .parse = parse_description, .help = "A text about this section for statistics." },
    { "be-unpublished", IN_LISTEN | IN_BACKEND, .parse = parse_unpublished,
      .help = "No rule sends requests there before 'publish backend'; checks run." },
    { "disabled", IN_PROXY, .parse = parse_disabled,
      .help = "The section is checked and then does nothing." },
    { "enabled", IN_PROXY, .parse = parse_disabled, .help = "Undoes an inherited 'disabled'." },
    { "maxconn", IN_FRONT, .args = "<count>", SET_INT(struct proxy_conf, maxconn, 0, INT32_MAX),
      .help = "Most connections of this frontend; more wait in the system's queue." },
    { "fullconn", IN_BACK, .args = "<count>", SET_INT(struct proxy_conf, fullconn, 1, INT32_MAX),
      .help = "Load of the backend at which servers with minconn reach their maxconn." },
    { "backlog", IN_FRONT, .args = "<count>", SET_INT(struct proxy_conf, backlog, 1, INT32_MAX),
      .help = "Length of the system's queue of new connections." },
    { "rate-limit sessions", IN_FRONT, .args = "<count>", .parse = parse_rate_limit,
      .help = "Most new sessions per second; more wait in the system's queue." },
    { "retries", IN_BACK, .args = "<count>", SET_INT(struct proxy_conf, retries, 0, 255),
      .help = "How often a failed connection is tried again." },
};
REGISTER(keyword, keywords);
