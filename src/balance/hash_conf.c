/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keywords of hashing: hash-type and its kin, and what follows balance uri, hdr(), ...
 *
 * Thread: builder.
 */
#include "weir/expr/sample.h"
#include "hash.h"

#include <string.h>

#include "weir/config/snapshot.h"
#include "hash_parse.h"
#include "private.h"

struct hash_server { /* slot of server_conf */
    int node;        /* enum hash_node */
};

static struct slot hash_slot = SLOT("hash", SLOT_PROXY, struct hash_conf);
REGISTER_SLOT(hash_slot);
static struct slot server_slot = SLOT("hash-key", SLOT_SERVER, struct hash_server);
REGISTER_SLOT(server_slot);

const struct hash_conf *
hash_conf_of(const struct proxy_conf *backend)
{
    return slot_of_const(backend->slots, &hash_slot);
}

enum hash_node
hash_node_of(const struct server_conf *srv)
{
    return (enum hash_node)((const struct hash_server *)slot_of_const(srv->slots, &server_slot))
        ->node;
}

/* --- hash-type ------------------------------------------------------------------------------- */

static bool
parse_hash_type(struct parse *parse)
{
    static const char *const methods[] = { "map-based", "consistent", NULL };
    static const char *const functions[] = { "sdbm", "djb2", "wt6", "crc32", "none", NULL };
    struct hash_conf *conf = keyword_slot(parse, &hash_slot);
    int at;

    if (!parse_choice(parse, "'map-based' or 'consistent'", methods, &at))
        return false;
    conf->is_consistent = at == 1;
    conf->function = HASH_SDBM;
    conf->has_function = conf->has_avalanche = false;
    if (words_at_end(parse->words))
        return true;
    if (!parse_choice(parse, "a hash function", functions, &conf->function))
        return false;
    conf->has_function = true;
    conf->has_avalanche = words_accept(parse->words, "avalanche");
    return parse_end(parse);
}

static bool
parse_factor(struct parse *parse)
{
    struct hash_conf *conf = keyword_slot(parse, &hash_slot);

    if (!parse_int(parse, "a percentage", 0, INT32_MAX, &conf->balance_factor))
        return false;
    if (conf->balance_factor != 0 && conf->balance_factor <= 100)
        return parse_alert(parse, "the factor must be 0 or greater than 100");
    return parse_end(parse);
}

static bool
parse_affinity(struct parse *parse)
{
    static const char *const names[] = { "always", "maxconn", "maxqueue", NULL };
    struct hash_conf *conf = keyword_slot(parse, &hash_slot);

    return parse_choice(parse, "'always', 'maxconn' or 'maxqueue'", names, &conf->affinity) &&
           parse_end(parse);
}

static bool
parse_hash_key(struct parse *parse)
{
    static const char *const names[] = { "id", "id32", "addr", "addr-port", "guid", NULL };
    struct hash_server *srv = keyword_slot(parse, &server_slot);

    return parse_choice(parse, "'id', 'id32', 'addr', 'addr-port' or 'guid'", names, &srv->node);
}

static const struct keyword keywords[] = {
    { "hash-type", IN_BACK, .args = "map-based|consistent [<function>] [avalanche]",
      .slot = &hash_slot, .parse = parse_hash_type,
      .help = "How balance uri, hdr() and the like come from a hash to a server." },
    { "hash-balance-factor", IN_BACK, .args = "<percent>", .slot = &hash_slot,
      .parse = parse_factor,
      .help = "With hash-type consistent: most load of a server, of what each has on average; "
              "others take the rest." },
    { "hash-preserve-affinity", IN_BACK, .args = "always|maxconn|maxqueue", .slot = &hash_slot,
      .parse = parse_affinity,
      .help = "Whether a full server is waited for (always), or passed over when it has no slot "
              "(maxconn) or no place in its line (maxqueue)." },
    { "hash-key", IN_SERVER, .args = "id|id32|addr|addr-port|guid", .slot = &server_slot,
      .parse = parse_hash_key,
      .help = "What places this server on the circle of hash-type consistent." },
};
REGISTER(keyword, keywords);

/* --- balance ... ------------------------------------------------------------------------------ */

static struct hash_key *
new_key(struct parse *parse, struct balance_conf *conf, enum hash_kind kind)
{
    struct hash_key *key = ARENA_NEW(parse->arena, struct hash_key);

    key->kind = kind;
    conf->data = key;
    return key;
}

static bool
needs_http(struct parse *parse, const char *what)
{
    const struct proxy_conf *proxy = parse->object;

    if (proxy->mode == MODE_HTTP || parse->place == IN_DEFAULTS)
        return true;
    return parse_warn(parse, "'balance %s' needs 'mode http': requests are taken in turn", what);
}

static bool
compile(struct parse *parse, struct hash_key *key, const char *text)
{
    const char *end;

    key->sample = sample_parse_text(parse, text, &end, PLACE_BE_SERVER);
    return key->sample != NULL;
}

bool
hash_parse_source(struct parse *parse, struct balance_conf *conf)
{
    (void)new_key(parse, conf, HASH_SOURCE);
    return true;
}

bool
hash_parse_uri(struct parse *parse, struct balance_conf *conf)
{
    struct hash_key *key = new_key(parse, conf, HASH_URI);

    while (!words_at_end(parse->words)) {
        if (words_accept(parse->words, "len")) {
            if (!parse_int(parse, "a length", 1, INT32_MAX, &key->len))
                return false;
        } else if (words_accept(parse->words, "depth")) {
            if (!parse_int(parse, "a depth", 1, INT32_MAX, &key->depth))
                return false;
        } else if (words_accept(parse->words, "whole")) {
            key->is_whole = true;
        } else if (words_accept(parse->words, "path-only")) {
            key->is_path_only = true;
        } else {
            return parse_alert_next(parse, "'balance uri' knows 'len', 'depth', 'whole' and "
                                           "'path-only'");
        }
    }
    return needs_http(parse, "uri");
}

bool
hash_parse_param(struct parse *parse, struct balance_conf *conf)
{
    struct hash_key *key = new_key(parse, conf, HASH_PARAM);

    key->name = parse_word(parse, "the name of a parameter");
    if (key->name == NULL)
        return false;
    if (words_accept(parse->words, "check_post")) {
        key->checks_post = true;
        ((struct proxy_conf *)parse->object)->option.http_buffer_request = true;
        (void)words_next(parse->words); /* a size, of no use any more */
        if (!compile(parse, key, arena_printf(parse->arena, "req.body_param(%s)", key->name)))
            return false;
    }
    return needs_http(parse, "url_param");
}

bool
hash_parse_header(struct parse *parse, struct balance_conf *conf)
{
    struct hash_key *key = new_key(parse, conf, HASH_HEADER);
    const char *name = balance_inside(parse);

    if (name == NULL)
        return false;
    if (name[0] == '\0')
        return parse_alert(parse, "'balance hdr' needs the name of a field: hdr(host)");
    key->is_domain_only = words_accept(parse->words, "use_domain_only");
    return compile(parse, key, arena_printf(parse->arena, "req.hdr(%s,1)", name)) &&
           needs_http(parse, "hdr");
}

bool
hash_parse_rdp(struct parse *parse, struct balance_conf *conf)
{
    struct hash_key *key = new_key(parse, conf, HASH_RDP);
    const char *name = balance_inside(parse);

    if (name == NULL)
        return false;
    return compile(parse, key, arena_printf(parse->arena, "req.rdp_cookie(%s)",
                                            name[0] == '\0' ? "mstshash" : name));
}

bool
hash_parse_expr(struct parse *parse, struct balance_conf *conf)
{
    struct hash_key *key = new_key(parse, conf, HASH_EXPR);

    if (words_at_end(parse->words))
        return parse_alert_next(parse, "'balance hash' needs an expression");
    key->sample = sample_parse(parse, PLACE_BE_SERVER);
    return key->sample != NULL;
}
