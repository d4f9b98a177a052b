/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server and default-server lines, and the words on them. (Words of checks, TLS and cookies stand
 * in their own rooms.)
 *
 * Thread: builder.
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/hashmap.h"
#include "weir/net/net_conf.h"
#include "weir/proxy/id_set.h"
#include "weir/tls/tls.h"
#include "private.h"

/* The default-server of a proxy, inherited from its defaults section. */
struct server_defaults {
    struct server_conf *conf; /* NULL: built-in */
    bool is_own;              /* made by this section: may be written */
};

static void
inherit_defaults(void *to, const void *from, struct arena *arena)
{
    (void)from;
    (void)arena;
    ((struct server_defaults *)to)->is_own = false;
}

static struct slot defaults_slot = {
    .name = "default-server",
    .owner = SLOT_PROXY,
    .size = sizeof(struct server_defaults),
    .inherit = inherit_defaults,
};
REGISTER_SLOT(defaults_slot);

static struct server_conf *
new_conf(struct parse *parse)
{
    struct server_conf *srv = ARENA_NEW(parse->arena, struct server_conf);

    srv->magic = SERVER_CONF_MAGIC;
    srv->weight = 1;
    srv->pool_max_conn = -1;
    srv->pool_purge_delay_ms = 5000;
    srv->max_reuse = -1;
    dial_conf_init(&srv->dial);
    srv->slots = slots_new(SLOT_SERVER, parse->arena);
    list_init(&srv->link);
    return srv;
}

static struct server_conf *
copy_conf(struct parse *parse, const struct server_conf *from)
{
    struct server_conf *srv = ARENA_NEW(parse->arena, struct server_conf);

    *srv = *from;
    srv->slots = slots_inherit(SLOT_SERVER, from->slots, parse->arena);
    list_init(&srv->link);
    return srv;
}

struct server_conf *
server_defaults_of(struct parse *parse, struct proxy_conf *conf)
{
    struct server_defaults *defaults = slot_of(conf->slots, &defaults_slot);

    if (!defaults->is_own) {
        defaults->conf =
            defaults->conf == NULL ? new_conf(parse) : copy_conf(parse, defaults->conf);
        defaults->is_own = true;
    }
    return defaults->conf;
}

/* --- lines --------------------------------------------------------------------------------- */

/* The remaining words are options of `srv`. */
static bool
parse_options(struct parse *parse, struct server_conf *srv)
{
    struct parse line = *parse;
    bool fine = true;

    line.object = srv;
    line.outer = parse->object;
    line.place = IN_SERVER;
    while (!words_at_end(line.words)) {
        if (!keyword_run(&line)) {
            fine = false;
            break; /* what follows may be its arguments */
        }
    }
    return fine;
}

static bool
check_name(struct parse *parse, const struct proxy_conf *conf, const char *name)
{
    size_t good =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-");

    if (name[good] != '\0')
        return parse_alert(parse, "character '%c' is not permitted in server name '%s'", name[good],
                           name);
    if (conf->server_count > 64)
        return true; /* large backends: found by hash in CONFIG_CHECK */
    LIST_FOR_EACH (other, &conf->servers, struct server_conf, link) {
        if (strcmp(other->name, name) == 0)
            return parse_alert(parse, "server '%s' stands at %s:%d already", name, other->pos.file,
                               other->pos.line);
    }
    return true;
}

static bool
parse_addr(struct parse *parse, struct server_conf *srv)
{
    const char *word = parse_address_word(parse, "an address");
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (word == NULL)
        return false;
    if (!addr_parse(word, ADDR_ALLOW_NAME | ADDR_ALLOW_PORT_OFFSET | ADDR_ALLOW_FD | ADDR_ALLOW_DATAGRAM, &spec, &err))
        return parse_alert(parse, "server '%s': %s", srv->name, err.text);
    srv->addr_text = word;
    srv->is_datagram = spec.is_datagram;
    srv->addr = spec.addr;
    srv->port_is_offset = spec.port_is_offset || !spec.port_is_given;
    srv->port_offset = spec.port_is_offset ? spec.port_low : 0;
    if (spec.addr.family == ADDR_UNIX || spec.addr.family == ADDR_ABSTRACT ||
        spec.addr.family == ADDR_ABSTRACT_SHORT)
        srv->port_is_offset = false;
    if (spec.needs_lookup)
        srv->host_name = arena_copy_str(parse->arena, spec.host_name);
    if (srv->host_name != NULL && srv->host_name[0] == '_')
        srv->port_is_offset = false; /* the port stands in the SRV record */
    srv->dial.mptcp = spec.is_mptcp;
    return true;
}

static void
add_to_backend(struct server_conf *srv)
{
    srv->has_own_id = srv->id != 0;
    srv->backend->server_count++;
    list_add_last(&srv->backend->servers, &srv->link);
}

bool
server_conf_read(struct parse *parse, const struct server_conf *origin, bool is_dynamic)
{
    struct proxy_conf *conf = parse->object;
    const char *name = parse_word(parse, "a name");
    struct server_conf *srv;

    if (name == NULL || !check_name(parse, conf, name))
        return false;
    srv = origin == NULL ? new_conf(parse) : copy_conf(parse, origin);
    if (is_dynamic) {
        srv->is_dynamic = true;
        srv->id = 0;
        srv->guid = NULL;
        srv->init_addr = "last,libc,none";
    }
    srv->name = name;
    srv->pos = parse_pos(parse);
    srv->backend = conf;
    if (!parse_addr(parse, srv) || !parse_options(parse, srv))
        return false;
    add_to_backend(srv);
    return true;
}

/* --- templates: one line, many servers ------------------------------------------------------ */

#define TEMPLATE_MAX 65536

/* "3" or "2-5" */
static bool
parse_range(struct parse *parse, int64_t *low, int64_t *high)
{
    const char *word = parse_word(parse, "a number or range of servers");
    int used = 0;
    long long from, to;

    if (word == NULL)
        return false;
    if (sscanf(word, "%lld-%lld%n", &from, &to, &used) != 2 || word[used] != '\0') {
        if (sscanf(word, "%lld%n", &to, &used) != 1 || word[used] != '\0')
            return parse_alert(parse, "'%s' is neither a number nor a range like 1-8", word);
        from = 1;
    }
    if (from < 0 || to < from || to - from >= TEMPLATE_MAX)
        return parse_alert(parse, "'%s' does not make between 1 and %d servers", word, TEMPLATE_MAX);
    *low = from;
    *high = to;
    return true;
}

static bool
name_from_template(struct parse *parse, struct server_conf *srv, const char *prefix, int64_t number,
                   int64_t first)
{
    srv->name = arena_printf(parse->arena, "%s%lld", prefix, (long long)number);
    if (srv->guid != NULL)
        srv->guid = arena_printf(parse->arena, "%s-%lld", srv->guid, (long long)number);
    if (srv->id != 0)
        srv->id += number - first;
    return check_name(parse, srv->backend, srv->name);
}

static bool
parse_server_template(struct parse *parse)
{
    struct proxy_conf *conf = parse->object;
    const struct server_defaults *defaults = slot_of(conf->slots, &defaults_slot);
    const char *prefix = parse_word(parse, "the beginning of the names");
    struct server_conf *model;
    int64_t low = 0, high = 0;

    if (prefix == NULL || !parse_range(parse, &low, &high))
        return false;
    model = defaults->conf == NULL ? new_conf(parse) : copy_conf(parse, defaults->conf);
    model->name = prefix;
    model->pos = parse_pos(parse);
    model->backend = conf;
    if (!parse_addr(parse, model) || !parse_options(parse, model))
        return false;
    for (int64_t i = low; i <= high; i++) {
        struct server_conf *srv = copy_conf(parse, model);

        if (!name_from_template(parse, srv, prefix, i, low))
            return false;
        add_to_backend(srv);
    }
    return true;
}

struct server_conf *
server_conf_new_lone(struct parse *parse, const struct server_conf *origin)
{
    return origin == NULL ? new_conf(parse) : copy_conf(parse, origin);
}

static bool
parse_server(struct parse *parse)
{
    const struct proxy_conf *conf = parse->object;
    const struct server_defaults *defaults = slot_of(conf->slots, &defaults_slot);

    return server_conf_read(parse, defaults->conf, false);
}

static bool
parse_default_server(struct parse *parse)
{
    return parse_options(parse, server_defaults_of(parse, parse->object));
}

/* --- words on the lines --------------------------------------------------------------------- */

static bool
parse_disabled(struct parse *parse)
{
    ((struct server_conf *)parse->object)->disabled = strcmp(parse->keyword, "disabled") == 0;
    return true;
}

static bool
parse_not_backup(struct parse *parse)
{
    ((struct server_conf *)parse->object)->backup = false;
    return true;
}

static bool
parse_proto(struct parse *parse)
{
    struct server_conf *srv = parse->object;
    const char *name = parse_word(parse, "a protocol");

    if (name == NULL)
        return false;
    if (mux_find(str_from(name)) == NULL)
        return strcmp(name, "h2") == 0 ? parse_not_yet(parse, "proto h2")
                                       : parse_alert(parse, "unknown protocol '%s'", name);
    srv->proto = name;
    return true;
}

static bool
parse_on_marked_down(struct parse *parse)
{
    static const char *const names[] = { "shutdown-sessions", NULL };
    struct server_conf *srv = parse->object;
    int at;

    if (!parse_choice(parse, "'shutdown-sessions'", names, &at))
        return false;
    srv->on_marked_down = 1;
    return true;
}

static struct dial_conf *
dial_of(struct parse *parse)
{
    return &((struct server_conf *)parse->object)->dial;
}

static void *
slots_of_server(void *object)
{
    return ((struct server_conf *)object)->slots;
}

static const struct dial_place dial_places[] = { { IN_SERVER, dial_of } };
REGISTER(dial_place, dial_places);

static const struct place_slots server_place_slots[] = { { IN_SERVER, slots_of_server } };
REGISTER(place_slots, server_place_slots);

#define INT_WORD(name_, member_, low_, high_, help_)                                               \
    {                                                                                              \
        name_, IN_SERVER, .args = "<count>", SET_INT(struct server_conf, member_, low_, high_),    \
                          .help = help_                                                            \
    }

static const char *const ws_names[] = { "auto", "h1", "h2", NULL };

static const struct keyword keywords[] = {
    { "server", IN_LISTEN | IN_BACKEND, .args = "<name> <address>[:<port>] [options]",
      .parse = parse_server, .help = "A server of this backend." },
    { "server-template", IN_LISTEN | IN_BACKEND,
      .args = "<prefix> <count>|<low>-<high> <name>[:<port>] [options]",
      .parse = parse_server_template,
      .help = "Many servers by one line; with resolvers, each takes one of the name's addresses or "
              "SRV records." },
    { "default-server", IN_BACK, .args = "[options]", .parse = parse_default_server,
      .help = "Options that the server lines below begin with." },
    INT_WORD("weight", weight, 0, 256, "Share of the traffic, relative to the other servers'."),
    INT_WORD("maxconn", maxconn, 0, INT32_MAX, "Most streams at once; more wait in the queue."),
    INT_WORD("minconn", minconn, 0, INT32_MAX,
             "Limit at low load of the backend; it grows to maxconn at fullconn."),
    INT_WORD("maxqueue", maxqueue, 0, INT32_MAX, "Most streams that wait for this very server."),
    INT_WORD("id", id, 1, INT32_MAX, "Number in statistics."),
    INT_WORD("pool-max-conn", pool_max_conn, -1, INT32_MAX,
             "Most idle connections to keep; -1: no limit."),
    INT_WORD("max-reuse", max_reuse, -1, INT32_MAX,
             "How often a connection is used again; -1: no limit."),
    { "pool-purge-delay", IN_SERVER, .args = "<time>",
      SET_TIME_MS(struct server_conf, pool_purge_delay_ms),
      .help = "How often half of the idle connections that nobody needed are closed." },
    { "slowstart", IN_SERVER, .args = "<time>", SET_TIME_MS(struct server_conf, slowstart_ms),
      .help = "How long the weight takes to grow after the server came up." },
    { "backup", IN_SERVER, SET_FLAG(struct server_conf, backup),
      .help = "Used only when no other server is usable." },
    { "no-backup", IN_SERVER, .parse = parse_not_backup, .help = "Undoes an inherited 'backup'." },
    { "disabled", IN_SERVER, .parse = parse_disabled, .help = "Begins in maintenance." },
    { "enabled", IN_SERVER, .parse = parse_disabled, .help = "Undoes an inherited 'disabled'." },
    { "init-addr", IN_SERVER, .args = "<method>[,<method>...]",
      SET_TEXT(struct server_conf, init_addr),
      .help = "How the address is found at start: last, libc, none, or an address." },
    { "proto", IN_SERVER, .args = "<name>", .parse = parse_proto,
      .help = "Protocol towards the server, whatever the mode." },
    { "ws", IN_SERVER, .args = "{ auto | h1 | h2 }", SET_CHOICE(struct server_conf, ws, ws_names),
      .help = "What is spoken for WebSockets; auto: HTTP/1.1 where ALPN offers it." },
    { "guid", IN_SERVER, .args = "<text>", SET_TEXT(struct server_conf, guid),
      .help = "An identifier that is unique over all proxies and servers." },
    { "on-marked-down", IN_SERVER, .args = "shutdown-sessions", .parse = parse_on_marked_down,
      .help = "End the server's sessions when it goes down." },
};
REGISTER(keyword, keywords);

/* --- after the text is read ----------------------------------------------------------------------
 */

static struct server_conf *
find_written(const struct proxy_conf *conf, const char *name)
{
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (strcmp(srv->name, name) == 0)
            return srv;
    }
    return NULL;
}

static bool
resolve_rules(struct parse *parse, struct proxy_conf *conf)
{
    bool fine = true;

    for (unsigned i = 0; i < conf->server_rule_count; i++) {
        struct server_rule *rule = &conf->server_rules[i];

        if (rule->dynamic != NULL)
            continue;
        rule->server = find_written(conf, rule->name);
        if (rule->server == NULL)
            fine = parse_alert_at(parse, rule->pos,
                                  "'use-server' names server '%s', which '%s' has not", rule->name,
                                  conf->name);
    }
    return fine;
}

/* What the backend says and the line does not. */
static void
fill_source(struct dial_conf *dial, const struct dial_conf *backend)
{
    if (backend == NULL || dial->source.family != ADDR_NONE || dial->usesrc != USESRC_NONE)
        return;
    dial->source = backend->source;
    dial->source_port_low = backend->source_port_low;
    dial->source_port_high = backend->source_port_high;
    dial->usesrc = backend->usesrc;
    dial->usesrc_header = backend->usesrc_header;
    dial->usesrc_occurrence = backend->usesrc_occurrence;
    dial->usesrc_addr = backend->usesrc_addr;
    if (dial->interface == NULL)
        dial->interface = backend->interface;
}

static void
fill_from_backend(const struct parse *parse, struct server_conf *srv)
{
    const struct proxy_conf *backend = srv->backend;
    const struct net_conf *net = net_conf_of(parse->snapshot);

    srv->mux = backend->back_mux;
    srv->dial.rcvbuf = (int64_t)net->rcvbuf_server;
    srv->dial.sndbuf = (int64_t)net->sndbuf_server;
    srv->mux.max_requests = srv->max_reuse < 0 ? 0 : (uint32_t)srv->max_reuse + 1;
    srv->dial.keepalive = backend->option.srvtcpka;
    srv->dial.keepalive_count = backend->server_keepalive.count;
    srv->dial.keepalive_idle_s = proxy_whole_seconds(backend->server_keepalive.idle_ms);
    srv->dial.keepalive_interval_s = proxy_whole_seconds(backend->server_keepalive.interval_ms);
    fill_source(&srv->dial, backend->source);
}

static bool
check_own_id(struct parse *parse, const struct proxy_conf *conf, const struct server_conf *srv)
{
    LIST_FOR_EACH (other, &conf->servers, struct server_conf, link) {
        if (other == srv)
            return true;
        if (other->has_own_id && other->id == srv->id)
            return parse_alert_at(
                parse, srv->pos, "id %lld is that of server '%s' at %s:%d already",
                (long long)srv->id, other->name, other->pos.file, other->pos.line);
    }
    return true;
}

/* A number for each server that has none; HAProxy counts in the same way. */
static bool
number_servers(struct parse *parse, struct proxy_conf *conf)
{
    struct id_set written = { 0 };
    int64_t next = 1;
    bool fine = true;

    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (!srv->has_own_id)
            continue;
        id_set_add(&written, srv->id);
        fine = check_own_id(parse, conf, srv) && fine;
    }
    if (parse->snapshot->base != NULL)
        server_conf_keep_ids(parse, conf, &written);
    id_set_sort(&written);
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (srv->has_own_id)
            next++;
        else if (srv->id == 0)
            srv->id = id_set_next(&written, &next);
    }
    id_set_fini(&written);
    return fine;
}

static bool
check_backend(struct parse *parse, struct proxy_conf *conf)
{
    struct hashmap names = HASHMAP_INIT;
    bool fine = number_servers(parse, conf);

    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        const struct server_conf *same = hashmap_set(&names, str_from(srv->name), srv);

        if (same != NULL)
            fine = parse_alert_at(parse, srv->pos, "server '%s' stands at %s:%d already", srv->name,
                                  same->pos.file, same->pos.line);
        if (srv->minconn > srv->maxconn && srv->maxconn > 0)
            srv->maxconn = srv->minconn;
        fill_from_backend(parse, srv);
    }
    hashmap_fini(&names);
    return fine;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        fine = resolve_rules(parse, conf) && fine;
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            if (srv->host_name != NULL)
                fine = server_conf_resolve_addr(parse, srv) && fine;
        }
    }
    return fine;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link)
        fine = check_backend(parse, conf) && fine;
    return fine;
}

/* What each line says of TLS; the one that is released had perhaps never been prepared. */
static bool
prepare_tls(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        struct hashmap same = HASHMAP_INIT;

        if (parse->snapshot->base != NULL)
            server_conf_find_same(parse, conf, &same);
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
            const struct server_conf *before = hashmap_find(&same, str_from(srv->name));

            if (before != NULL)
                tls_server_prepare_as(parse, srv->slots, before->slots);
            else
                fine = tls_server_prepare(parse, srv->pos, srv->slots) && fine;
        }
        hashmap_fini(&same);
    }
    return fine;
}

static bool
release_tls(struct parse *parse)
{
    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link)
            tls_server_release(srv->slots);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_SERVER, prepare_tls, "server: TLS" },
    { CONFIG_RELEASE, ORDER_SERVER, release_tls, "server: TLS" },
    { CONFIG_RESOLVE, ORDER_SERVER, on_resolve, "server: names and addresses" },
    { CONFIG_CHECK, ORDER_SERVER, on_check, "server: check" },
};
REGISTER(config_hook, hooks);
