/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring sections.
 *
 * Owns:    nothing; all lies in the snapshot, but for the holds on live rings.
 * Thread:  builder; control adopts.
 */
#include <string.h>

#include "weir/config/keyword.h"
#include "private.h"

#define SIZE_DEFAULT   16384
#define SIZE_MIN       1024
#define SIZE_MAX_      (1u << 30)
#define MAXLEN_DEFAULT 1024
#define MAXLEN_MIN     32

struct ring_globals {
    struct list rings; /* struct ring_conf */
};

static void
init_globals(void *slot)
{
    list_init(&((struct ring_globals *)slot)->rings);
}

static struct slot globals_slot = {
    .name = "ring",
    .owner = SLOT_GLOBAL,
    .size = sizeof(struct ring_globals),
    .init = init_globals,
};
REGISTER_SLOT(globals_slot);

struct list *
rings_list(const struct snapshot *snapshot)
{
    return &((struct ring_globals *)snapshot_slot(snapshot, &globals_slot))->rings;
}

struct ring_conf *
ring_conf_find(const struct snapshot *snapshot, const char *name)
{
    LIST_FOR_EACH (conf, rings_list(snapshot), struct ring_conf, link) {
        if (strcmp(conf->name, name) == 0)
            return conf;
    }
    return NULL;
}

/* --- the section ------------------------------------------------------------------------ */

static struct ring_conf *
new_ring(struct parse *parse, const char *name)
{
    struct ring_conf *conf = ARENA_NEW(parse->arena, struct ring_conf);

    conf->name = conf->description = name;
    conf->pos = parse_pos(parse);
    conf->size_bytes = SIZE_DEFAULT;
    conf->max_len = MAXLEN_DEFAULT;
    list_init(&conf->servers);
    list_add_last(rings_list(parse->snapshot), &conf->link);
    return conf;
}

static void
add_server(struct parse *parse, struct ring_conf *conf, const char *name, const struct addr *addr,
           bool counts_octets)
{
    struct ring_server_conf *server = ARENA_NEW(parse->arena, struct ring_server_conf);

    server->name = name;
    server->addr = *addr;
    server->counts_octets = counts_octets;
    server->max_reuse = -1;
    list_add_last(&conf->servers, &server->link);
}

struct ring_conf *
ring_conf_implicit(struct parse *parse, const char *word, const struct addr *addr,
                   bool counts_octets)
{
    struct ring_conf *conf = ring_conf_find(parse->snapshot, word);

    if (conf != NULL)
        return conf;
    conf = new_ring(parse, word);
    conf->is_implicit = true;
    conf->description = arena_printf(parse->arena, "made for the log line at %s:%d", conf->pos.file,
                                     conf->pos.line);
    conf->size_bytes = 65536;
    conf->max_len = LOG_LEN_MAX;
    add_server(parse, conf, word, addr, counts_octets);
    return conf;
}

static bool
open_ring(struct parse *parse)
{
    const char *name = parse_word(parse, "a name for the ring");
    const struct ring_conf *same;

    if (name == NULL)
        return false;
    same = ring_conf_find(parse->snapshot, name);
    if (same != NULL)
        return parse_alert(parse, "ring '%s' stands already at %s:%d", name, same->pos.file,
                           same->pos.line);
    parse->object = new_ring(parse, name);
    return parse_end(parse);
}

static bool
close_ring(struct parse *parse)
{
    struct ring_conf *conf = parse->object;

    if (conf != NULL && (uint64_t)conf->max_len + 16 > conf->size_bytes) {
        conf->max_len = (int64_t)conf->size_bytes - 16;
        return parse_warn_at(parse, conf->pos,
                             "ring '%s': lines may not be longer than the ring; 'maxlen' is %lld",
                             conf->name, (long long)conf->max_len);
    }
    return true;
}

static const struct section sections[] = {
    { "ring", IN_RING, open_ring, close_ring,
      .help = "Log lines in memory, for people to look at and for servers that are told over TCP." },
};
REGISTER(section, sections);

/* --- its lines ------------------------------------------------------------------------------ */

static bool
parse_description(struct parse *parse)
{
    ((struct ring_conf *)parse->object)->description = words_rest(parse);
    return true;
}

static bool
parse_format(struct parse *parse)
{
    struct ring_conf *conf = parse->object;
    int index;

    if (!parse_choice(parse, "a log format", log_header_names, &index))
        return false;
    conf->format = HEADER_RFC3164 + index;
    conf->has_format = true;
    return parse_end(parse);
}

static bool
parse_size_line(struct parse *parse)
{
    struct ring_conf *conf = parse->object;

    if (!parse_size(parse, "a number of bytes", &conf->size_bytes))
        return false;
    if (conf->size_bytes < SIZE_MIN || conf->size_bytes > SIZE_MAX_)
        return parse_alert(parse, "the size of a ring is between %d and %u bytes", SIZE_MIN,
                           SIZE_MAX_);
    return parse_end(parse);
}

static bool
parse_server_options(struct parse *parse, struct ring_server_conf *server)
{
    static const char *const protocols[] = { "legacy", "octet-count", NULL };
    int at;

    while (!words_at_end(parse->words)) {
        if (words_accept(parse->words, "log-proto")) {
            if (!parse_choice(parse, "legacy or octet-count", protocols, &at))
                return false;
            server->counts_octets = at == 1;
        } else if (words_accept(parse->words, "max-reuse")) {
            if (!parse_int(parse, "a count", -1, INT32_MAX, &server->max_reuse))
                return false;
        } else {
            words_next(parse->words);
            return parse_not_yet(parse, "this word on a server line of a ring");
        }
    }
    return true;
}

static bool
parse_server(struct parse *parse)
{
    struct ring_conf *conf = parse->object;
    const char *name = parse_word(parse, "a name");
    struct error err = ERROR_INIT;
    struct addr_spec spec;
    const char *word;

    if (name == NULL)
        return false;
    word = parse_address_word(parse, "the address of the server");
    if (word == NULL)
        return false;
    if (!addr_parse(word, ADDR_ALLOW_NAME | ADDR_REQUIRE_PORT, &spec, &err))
        return parse_alert(parse, "server '%s': %s", name, err.text);
    if (spec.needs_lookup && !addr_resolve(spec.host_name, AF_UNSPEC, &spec.addr, &err))
        return parse_alert(parse, "server '%s': %s", name, err.text);
    if (spec.needs_lookup)
        spec.addr.port = (uint16_t)spec.port_low;
    add_server(parse, conf, name, &spec.addr, false);
    return parse_server_options(
        parse, LIST_ITEM(conf->servers.prev, struct ring_server_conf, link));
}

static const struct keyword keywords[] = {
    { "description", IN_RING, .args = "<text>", .parse = parse_description,
      .help = "What 'show events' says of the ring." },
    { "format", IN_RING, .args = "<format>", .parse = parse_format,
      .help = "How its lines begin, whatever the log lines say: raw, short, timed, iso, local, "
              "rfc3164, rfc5424, priority." },
    { "maxlen", IN_RING, .args = "<bytes>",
      SET_INT(struct ring_conf, max_len, MAXLEN_MIN, LOG_LEN_MAX),
      .help = "Longer lines are cut." },
    { "size", IN_RING, .args = "<bytes>", .parse = parse_size_line,
      .help = "How many bytes of the newest lines are kept." },
    { "server", IN_RING, .args = "<name> <address>:<port> [log-proto legacy|octet-count] "
                                 "[max-reuse <count>]",
      .parse = parse_server, .help = "Is sent all lines, over TCP." },
    { "timeout connect", IN_RING, .args = "<time>", SET_TIME_MS(struct ring_conf, connect_ms),
      .help = "How long servers of the ring have to accept a connection." },
    { "timeout server", IN_RING, .args = "<time>", SET_TIME_MS(struct ring_conf, server_ms),
      .help = "How long they may take no bytes while lines wait." },
};
REGISTER(keyword, keywords);

/* --- live -------------------------------------------------------------------------------------- */

static bool
on_adopt(struct parse *parse)
{
    LIST_FOR_EACH (conf, rings_list(parse->snapshot), struct ring_conf, link)
        conf->live = ring_adopt(conf);
    return true;
}

static bool
on_publish(struct parse *parse)
{
    LIST_FOR_EACH (conf, rings_list(parse->snapshot), struct ring_conf, link)
        ring_resize(conf->live, conf->size_bytes);
    return true;
}

/* After the log lines (log_conf.c), which write into them. */
static bool
on_release(struct parse *parse)
{
    if (rings_list(parse->snapshot)->next == NULL)
        return true;
    LIST_FOR_EACH (conf, rings_list(parse->snapshot), struct ring_conf, link) {
        ring_drop(conf->live);
        conf->live = NULL;
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_TELEMETRY, on_adopt, "rings" },
    { CONFIG_PUBLISH, ORDER_TELEMETRY, on_publish, "rings" },
    { CONFIG_RELEASE, ORDER_TELEMETRY + 1, on_release, "rings" },
};
REGISTER(config_hook, hooks);
