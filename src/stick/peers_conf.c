/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers section as written.
 *
 * For:     peers.c.
 * Owns:    nothing; all lies in the snapshot.
 * Thread:  builder; TLS of peers is released on control.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/config/environment.h"
#include "weir/tls/tls.h"
#include "peers.h"

#define UPDATES_AT_ONCE 200 /* as HAProxy */
#define SHARDS_MAX      1024

struct peers_globals {
    struct list sections;
    int64_t updates_at_once;
};

static void
init_globals(void *slot)
{
    struct peers_globals *globals = slot;

    list_init(&globals->sections);
    globals->updates_at_once = UPDATES_AT_ONCE;
}

static struct slot globals_slot = { .name = "peers",
                                    .owner = SLOT_GLOBAL,
                                    .size = sizeof(struct peers_globals),
                                    .init = init_globals };
REGISTER_SLOT(globals_slot);

struct list *
peers_list(const struct snapshot *snapshot)
{
    return &((struct peers_globals *)snapshot_slot(snapshot, &globals_slot))->sections;
}

int64_t
peers_updates_at_once(const struct snapshot *snapshot)
{
    return ((struct peers_globals *)snapshot_slot(snapshot, &globals_slot))->updates_at_once;
}

struct peers_conf *
peers_conf_find(const struct snapshot *snapshot, struct str name)
{
    LIST_FOR_EACH (conf, peers_list(snapshot), struct peers_conf, link) {
        if (str_eq(str_from(conf->name), name))
            return conf;
    }
    return NULL;
}

/* --- the section ------------------------------------------------------------------------------- */

static bool
open_section(struct parse *parse)
{
    const char *name = parse_word(parse, "a name for the peers");
    struct peers_conf *conf = ARENA_NEW(parse->arena, struct peers_conf);
    const struct peers_conf *same;

    if (name == NULL)
        return false;
    same = peers_conf_find(parse->snapshot, str_from(name));
    if (same != NULL)
        return parse_alert(parse, "peers '%s' stand already at %s:%d", name, same->pos.file,
                           same->pos.line);
    conf->name = name;
    conf->pos = parse_pos(parse);
    list_init(&conf->peers);
    list_init(&conf->binds);
    list_add_last(peers_list(parse->snapshot), &conf->link);
    parse->object = conf;
    return parse_end(parse);
}

static bool
close_section(struct parse *parse)
{
    const struct peers_conf *conf = parse->object;

    if (conf == NULL || conf->is_disabled)
        return true;
    if (conf->local == NULL)
        return parse_warn_at(parse, conf->pos,
                             "nobody in peers '%s' is called '%s', as this host (see 'localpeer'): "
                             "nothing is shared",
                             conf->name,
                             environment_find(parse->snapshot, "HAPROXY_LOCALPEER"));
    if (list_is_empty(&conf->binds))
        return parse_alert_at(parse, conf->pos,
                              "peers '%s': the local peer '%s' has no address: say it on its line, "
                              "or on a line 'bind'",
                              conf->name, conf->local->name);
    return true;
}

static const struct section sections[] = {
    { "peers", IN_PEERS, open_section, close_section,
      .help = "Hosts that share stick-tables, and tables that are shared." },
};
REGISTER(section, sections);

/* --- bind, default-bind -------------------------------------------------------------------------- */

/* The address, then the defaults, then the line's own words: the last one counts. */
static bool
read_bind(struct parse *parse, struct peers_conf *conf, const struct word *addr,
          const struct word *own, unsigned own_count)
{
    unsigned count = 1 + conf->bind_defaults.count + own_count;
    struct words words = *parse->words;
    struct parse line = *parse;

    words.items = arena_take(parse->arena, count * sizeof(*words.items));
    words.items[0] = *addr;
    for (unsigned i = 0; i < conf->bind_defaults.count; i++)
        words.items[1 + i] = conf->bind_defaults.items[i];
    for (unsigned i = 0; i < own_count; i++)
        words.items[1 + conf->bind_defaults.count + i] = own[i];
    words.count = count;
    words.at = 0;
    line.words = &words;
    return bind_parse(&line, &conf->binds, conf);
}

static bool
parse_bind(struct parse *parse)
{
    struct peers_conf *conf = parse->object;
    struct words *words = parse->words;
    unsigned at = words->at;

    if (parse_address_word(parse, "an address and a port") == NULL)
        return false;
    if (conf->has_bind_line)
        return parse_alert(parse, "peers '%s' have a bind line already", conf->name);
    if (!list_is_empty(&conf->binds))
        return parse_alert(parse, "the local peer '%s' has its address on its own line",
                           conf->local->name);
    conf->has_bind_line = true;
    if (!read_bind(parse, conf, &words->items[at], words->items + at + 1, words->count - at - 1))
        return false;
    words->at = words->count;
    return true;
}

/* They are tried at once, so that mistakes are told where they stand. */
static bool
parse_default_bind(struct parse *parse)
{
    struct peers_conf *conf = parse->object;
    struct words *words = parse->words;
    unsigned count = conf->bind_defaults.count + words->count - words->at;
    struct word *all = arena_take(parse->arena, (count + 1) * sizeof(*all));

    if (words_at_end(words))
        return parse_alert(parse, "'default-bind' expects options of bind lines");
    for (unsigned i = 0; i < conf->bind_defaults.count; i++)
        all[i] = conf->bind_defaults.items[i];
    for (unsigned i = conf->bind_defaults.count; i < count; i++)
        all[i] = words->items[words->at++];
    conf->bind_defaults.items = all;
    conf->bind_defaults.count = count;
    return true;
}

/* --- peer, server, default-server -------------------------------------------------------------------- */

/* Words of server lines that are about how a peer is reached. */
static const char *const transport_words[] = {
    "alpn", "ca-file", "cc", "ciphers", "ciphersuites", "client-sigalgs", "crl-file", "crt", "curves",
    "force-tlsv12", "force-tlsv13", "interface", "namespace", "no-send-proxy", "no-send-proxy-v2",
    "no-ssl", "no-ssl-reuse", "no-sslv3", "no-tfo", "no-tls-tickets", "no-tlsv10", "no-tlsv11",
    "no-tlsv12", "no-tlsv13", "no-verifyhost", "send-proxy", "send-proxy-v2", "sigalgs", "socks4",
    "source", "ssl", "ssl-max-ver", "ssl-min-ver", "ssl-reuse", "tcp-ut", "tfo", "tls-tickets",
    "verify", "verifyhost", NULL
};

static bool
is_transport(const char *word)
{
    for (unsigned i = 0; transport_words[i] != NULL; i++) {
        if (strcmp(word, transport_words[i]) == 0)
            return true;
    }
    return false;
}

/* `peer`: NULL on default-server lines. */
static bool
read_options(struct parse *parse, struct server_conf *server, struct peer_conf *peer)
{
    struct parse line = *parse;
    const char *word;

    line.object = server;
    line.place = IN_SERVER;
    while ((word = words_peek(parse->words)) != NULL) {
        if (peer != NULL && words_accept(parse->words, "shard")) {
            if (!parse_int(parse, "a shard", 0, SHARDS_MAX, &peer->shard))
                return false;
            continue;
        }
        if (!is_transport(word)) {
            words_next(parse->words);
            return parse_alert(parse, "'%s' is not for peers: only 'shard' and what is about connections and TLS is",
                               word);
        }
        line.negated = false;
        if (!keyword_run(&line))
            return false;
    }
    return true;
}

static bool
parse_default_server(struct parse *parse)
{
    struct peers_conf *conf = parse->object;
    struct server_conf *defaults = server_conf_new_lone(parse, conf->defaults);

    conf->defaults = defaults;
    return read_options(parse, defaults, NULL);
}

static bool
read_addr(struct parse *parse, struct peer_conf *peer)
{
    const char *word = parse_address_word(parse, "the address of the peer");
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (word == NULL)
        return false;
    if (!addr_parse(word, ADDR_ALLOW_NAME | ADDR_REQUIRE_PORT, &spec, &err))
        return parse_alert(parse, "peer '%s': %s", peer->name, err.text);
    if (spec.needs_lookup && !addr_resolve(spec.host_name, AF_UNSPEC, &spec.addr, &err))
        return parse_alert(parse, "peer '%s': %s", peer->name, err.text);
    peer->addr_text = word;
    peer->addr = spec.addr;
    peer->addr.port = addr_is_ip(&spec.addr) ? (uint16_t)spec.port_low : 0;
    peer->server->dial.mptcp = spec.is_mptcp;
    return true;
}

/* The local one listens where it stands. */
static bool
read_local(struct parse *parse, struct peers_conf *conf, struct peer_conf *peer)
{
    struct words *words = parse->words;
    unsigned at = words->at;

    if (conf->local != NULL)
        return parse_alert(parse, "peer '%s' stands at %s:%d already", peer->name,
                           conf->local->pos.file, conf->local->pos.line);
    conf->local = peer;
    if (at == words->count || strcmp(words->items[at].text, "shard") == 0 ||
        is_transport(words->items[at].text))
        return true;
    if (!read_addr(parse, peer))
        return false;
    if (conf->has_bind_line)
        return parse_alert(parse, "the local peer '%s' has its address on the bind line already",
                           peer->name);
    return read_bind(parse, conf, &words->items[at], NULL, 0);
}

static bool
parse_peer(struct parse *parse)
{
    struct peers_conf *conf = parse->object;
    struct peer_conf *peer = ARENA_NEW(parse->arena, struct peer_conf);
    const char *local = environment_find(parse->snapshot, "HAPROXY_LOCALPEER");

    peer->name = parse_word(parse, "the name of a peer");
    if (peer->name == NULL)
        return false;
    LIST_FOR_EACH (other, &conf->peers, struct peer_conf, link) {
        if (strcmp(other->name, peer->name) == 0)
            return parse_alert(parse, "peer '%s' stands at %s:%d already", peer->name,
                               other->pos.file, other->pos.line);
    }
    peer->pos = parse_pos(parse);
    peer->server = server_conf_new_lone(parse, conf->defaults);
    peer->is_local = local != NULL && strcmp(peer->name, local) == 0;
    list_init(&peer->link);
    if (!(peer->is_local ? read_local(parse, conf, peer) : read_addr(parse, peer)) ||
        !read_options(parse, peer->server, peer))
        return false;
    list_add_last(&conf->peers, &peer->link);
    return true;
}

/* --- the rest ------------------------------------------------------------------------------------------- */

static bool
parse_disabled(struct parse *parse)
{
    ((struct peers_conf *)parse->object)->is_disabled = strcmp(parse->keyword, "disabled") == 0;
    return parse_end(parse);
}

static bool
parse_log(struct parse *parse)
{
    return log_targets_parse(parse, &((struct peers_conf *)parse->object)->logs);
}

static bool
parse_shards(struct parse *parse)
{
    return parse_int(parse, "how many shards", 1, SHARDS_MAX,
                     &((struct peers_conf *)parse->object)->shards) &&
           parse_end(parse);
}

static bool
parse_table(struct parse *parse)
{
    return stick_table_parse_shared(parse, parse->object);
}

#define PEER_ARGS "<name> [<address>:<port>] [shard <shard>] [<option>]*"
static const struct keyword keywords[] = {
    { "bind", IN_PEERS, .args = "<address>[,...] [<option>]*", .parse = parse_bind,
      .help = "Where the local peer is reached." },
    { "default-bind", IN_PEERS, .args = "<option>...", .parse = parse_default_bind,
      .help = "Options that the local peer listens with." },
    { "peer", IN_PEERS, .args = PEER_ARGS, .parse = parse_peer,
      .help = "A host that shares; the one with our own name says where we listen." },
    { "server", IN_PEERS, .args = PEER_ARGS, .parse = parse_peer,
      .help = "The same as 'peer'; the local one has its address on a bind line." },
    { "default-server", IN_PEERS, .args = "<option>...", .parse = parse_default_server,
      .help = "Options that the lines of peers below begin with." },
    { "disabled", IN_PEERS, .parse = parse_disabled, .help = "Nothing is shared." },
    { "enabled", IN_PEERS, .parse = parse_disabled, .help = "Undoes 'disabled'." },
    { "log", IN_PEERS, .args = "<target> [<option>]* <facility> [<level> [<minimum>]]",
      .parse = parse_log, .help = "Where it is told that peers come and go." },
    { "shards", IN_PEERS, .args = "<count>", .parse = parse_shards,
      .help = "Keys fall into so many parts; a peer with 'shard' gets one of them." },
    { "table", IN_PEERS,
      .args = "<name> type <type> [len <length>] size <entries> [<option>]*", .parse = parse_table,
      .help = "A table that is shared, called section/name by rules." },
    { "tune.peers.max-updates-at-once", IN_GLOBAL, .args = "<count>", .slot = &globals_slot,
      SET_INT(struct peers_globals, updates_at_once, 1, INT32_MAX),
      .help = "Entries that are told to a peer before others have their turn." },
};
REGISTER(keyword, keywords);

/* --- after the text is read ------------------------------------------------------------------------------ */

static bool
check_shards(struct parse *parse, const struct peers_conf *conf)
{
    LIST_FOR_EACH (peer, &conf->peers, struct peer_conf, link) {
        if (peer->shard == 0)
            continue;
        if (peer->is_local)
            (void)parse_warn_at(parse, peer->pos, "'shard' of the local peer has no effect");
        else if (peer->shard > conf->shards)
            (void)parse_warn_at(parse, peer->pos,
                                "peer '%s': there is no shard %lld: 'shards' says %lld; it gets all",
                                peer->name, (long long)peer->shard, (long long)conf->shards);
        else
            continue;
        peer->shard = 0;
    }
    return true;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, peers_list(parse->snapshot), struct peers_conf, link) {
        fine = check_shards(parse, conf) && fine;
        LIST_FOR_EACH (peer, &conf->peers, struct peer_conf, link) {
            fine = tls_server_prepare(parse, peer->pos, peer->server->slots) && fine;
        }
    }
    return fine;
}

static bool
on_release(struct parse *parse)
{
    LIST_FOR_EACH (conf, peers_list(parse->snapshot), struct peers_conf, link) {
        LIST_FOR_EACH (peer, &conf->peers, struct peer_conf, link)
            tls_server_release(peer->server->slots);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_STICK, on_check, "stick: peers" },
    { CONFIG_RELEASE, ORDER_STICK, on_release, "stick: TLS of peers" },
};
REGISTER(config_hook, hooks);
