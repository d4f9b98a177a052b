/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bind line: its addresses and its options become bind_confs.
 *
 * For:     proxies, runtime sockets: whoever listens.
 * Owns:    nothing; all lives in the snapshot's arena.
 * Callers: proxy (bind), admin (stats socket).
 * Thread:  builder; bind_add_handshakes() on the owner's.
 *
 * Options are read once, into the first bind_conf; the other addresses and ports of the line get
 * copies. What an option keeps in a slot is shared by them.
 */
#include "weir/net/bind.h"

#include <string.h>

#include "weir/cli/command.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/net/handshake.h"
#include "weir/net/netscaler.h"
#include "weir/net/proxy_protocol.h"
#include "private.h"

#define ADDRESS_FORMS (ADDR_ALLOW_PORT_RANGE | ADDR_REQUIRE_PORT | ADDR_ALLOW_NAME | ADDR_ALLOW_FD)

static struct bind_conf *
new_bind(struct parse *parse, void *owner_conf)
{
    struct bind_conf *bind = ARENA_NEW(parse->arena, struct bind_conf);
    const struct unix_bind *defaults = net_conf_unix_bind(parse->snapshot);

    list_init(&bind->link);
    bind->pos = parse_pos(parse);
    bind->snapshot = parse->snapshot;
    bind->namespace_fd = -1;
    bind->mode = defaults->mode;
    bind->uid = defaults->uid;
    bind->gid = defaults->gid;
    bind->level = LEVEL_OPERATOR;
    bind->slots = slots_new(SLOT_BIND, parse->arena);
    bind->owner_conf = owner_conf;
    return bind;
}

/* --- options ------------------------------------------------------------------------------ */

static bool
parse_options(struct parse *parse, struct bind_conf *bind)
{
    struct parse line = *parse;
    bool fine = true;

    line.object = bind;
    line.outer = parse->object;
    line.place = IN_BIND;
    while (fine && !words_at_end(line.words)) {
        line.negated = false;
        fine = keyword_run(&line);
    }
    return fine;
}

/* --- addresses ------------------------------------------------------------------------------ */

/* One address of the list, as its own word. */
static bool
parse_addr(struct parse *parse, struct str word, struct addr_spec *spec)
{
    const char *prefix = net_conf_unix_bind(parse->snapshot)->prefix;
    const char *text = arena_copy_str(parse->arena, word);
    struct error err = ERROR_INIT;

    if (!addr_parse(text, ADDRESS_FORMS, spec, &err))
        return parse_alert(parse, "'%s': %s", parse->keyword, err.text);
    if (spec->needs_lookup && !addr_resolve(spec->host_name, AF_UNSPEC, &spec->addr, &err))
        return parse_alert(parse, "'%s': %s", parse->keyword, err.text);
    if (prefix != NULL && spec->addr.family == ADDR_UNIX)
        spec->addr.path = arena_printf(parse->arena, "%s%s", prefix, spec->addr.path);
    return true;
}

static void
add_bind(struct parse *parse, struct list *binds, const struct bind_conf *options,
         const struct addr_spec *spec, int port)
{
    struct bind_conf *bind = ARENA_NEW(parse->arena, struct bind_conf);

    *bind = *options;
    list_init(&bind->link);
    bind->addr = spec->addr;
    bind->mptcp = spec->is_mptcp;
    if (addr_is_ip(&bind->addr))
        bind->addr.port = (uint16_t)port;
    list_add_last(binds, &bind->link);
}

static bool
add_address(struct parse *parse, struct list *binds, struct bind_conf *options, struct str word)
{
    struct addr_spec spec;
    int high;

    if (!parse_addr(parse, word, &spec))
        return false;
    options->addr_text = arena_copy_str(parse->arena, word);
    high = addr_is_ip(&spec.addr) ? spec.port_high : spec.port_low;
    for (int port = spec.port_low; port <= high; port++)
        add_bind(parse, binds, options, &spec, port);
    return true;
}

bool
bind_parse(struct parse *parse, struct list *binds, void *owner_conf)
{
    const char *word =
        parse_address_word(parse, "an address, such as ':80', '192.0.2.1:80' or '/path'");
    unsigned addresses_at = parse->words->at;
    struct str rest = str_from(word);
    struct bind_conf *options;
    unsigned end_at;
    bool fine = true;

    if (word == NULL)
        return false;
    options = new_bind(parse, owner_conf);
    if (!parse_options(parse, options))
        return false;
    /* The caret belongs under the addresses again. */
    end_at = parse->words->at;
    parse->words->at = addresses_at;
    while (fine && rest.ptr != NULL)
        fine = add_address(parse, binds, options, str_split(&rest, ','));
    parse->words->at = end_at;
    return fine;
}

/* --- connections --------------------------------------------------------------------------- */

bool
bind_add_handshakes(const struct bind_conf *conf, struct connection *conn)
{
    if (conf->accept_proxy && !handshake_add(conn, proxy_header_receive, NULL))
        return false;
    return !conf->accept_cip || netscaler_header_expect(conn, (uint32_t)conf->cip_magic);
}
