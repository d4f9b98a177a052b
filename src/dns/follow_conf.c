/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of server lines about names: resolvers, resolve-prefer, resolve-net, resolve-opts.
 *
 * Thread: builder.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/config/keyword.h"
#include "follow.h"

#define NETS_MAX 64

static struct slot follow_slot = SLOT("follow", SLOT_SERVER, struct follow_conf);
REGISTER_SLOT(follow_slot);

const struct follow_conf *
follow_conf_of(const struct server_conf *conf)
{
    return slot_of_const(conf->slots, &follow_slot);
}

static struct follow_conf *
slot_in(struct parse *parse)
{
    return slot_of(((struct server_conf *)parse->object)->slots, &follow_slot);
}

static bool
parse_resolvers(struct parse *parse)
{
    struct follow_conf *follow = slot_in(parse);

    follow->resolvers = parse_word(parse, "the name of a resolvers section");
    follow->pos = parse_pos(parse);
    return follow->resolvers != NULL;
}

static bool
parse_prefer(struct parse *parse)
{
    static const char *const names[] = { "ipv6", "ipv4", NULL };
    int at;

    if (!parse_choice(parse, "ipv4 or ipv6", names, &at))
        return false;
    slot_in(parse)->prefers_ipv4 = at == 1;
    return true;
}

/* "10.0.0.0/8" */
static bool
parse_net(struct parse *parse, struct str word, struct follow_net *net)
{
    struct str bits = word, host = str_split(&bits, '/');
    unsigned most;
    char *end;

    if (!addr_parse_host(host, &net->addr))
        return parse_alert(parse, "'%.*s' is no network", STR_ARG(word));
    most = net->addr.family == ADDR_IPV4 ? 32 : 128;
    net->bits = most;
    if (bits.ptr == NULL)
        return true;
    net->bits = (unsigned)strtoul(bits.ptr, &end, 10);
    if (bits.len == 0 || end != bits.ptr + bits.len || net->bits > most)
        return parse_alert(parse, "'%.*s' has no good prefix length (0 to %u)", STR_ARG(word), most);
    return true;
}

static bool
parse_nets(struct parse *parse)
{
    struct follow_conf *follow = slot_in(parse);
    struct str rest = str_from(parse_word(parse, "networks"));
    struct follow_net *nets = ARENA_ARRAY(parse->arena, struct follow_net, NETS_MAX);

    if (rest.ptr == NULL)
        return false;
    follow->nets = nets;
    follow->net_count = 0;
    while (rest.ptr != NULL) {
        if (follow->net_count == NETS_MAX)
            return parse_alert(parse, "more than %d networks", NETS_MAX);
        if (!parse_net(parse, str_split(&rest, ','), &nets[follow->net_count++]))
            return false;
    }
    return true;
}

static bool
parse_opts(struct parse *parse)
{
    struct follow_conf *follow = slot_in(parse);
    struct str rest = str_from(parse_word(parse, "options"));
    bool is_there = rest.ptr != NULL;

    while (rest.ptr != NULL) {
        struct str word = str_split(&rest, ',');

        if (str_eq(word, STR("allow-dup-ip")))
            follow->allows_same_addr = true;
        else if (str_eq(word, STR("prevent-dup-ip")))
            follow->allows_same_addr = false;
        else if (str_eq(word, STR("ignore-weight")))
            follow->ignores_weight = true;
        else
            return parse_alert(parse,
                               "unknown option '%.*s'; known are allow-dup-ip, prevent-dup-ip and "
                               "ignore-weight",
                               STR_ARG(word));
    }
    return is_there;
}

static const struct keyword keywords[] = {
    { "resolvers", IN_SERVER, .args = "<name>", .parse = parse_resolvers,
      .help = "The section whose name servers look up the server's name while weir runs." },
    { "resolve-prefer", IN_SERVER, .args = "ipv4|ipv6", .parse = parse_prefer,
      .help = "Which addresses are asked for first." },
    { "resolve-net", IN_SERVER, .args = "<network>[/<bits>][,...]", .parse = parse_nets,
      .help = "Addresses of these networks are preferred to others." },
    { "resolve-opts", IN_SERVER, .args = "allow-dup-ip|prevent-dup-ip|ignore-weight[,...]",
      .parse = parse_opts,
      .help = "May servers of one name share an address; does the weight of SRV records count." },
};
REGISTER(keyword, keywords);

/* --- after the text is read -------------------------------------------------------------------- */

static bool
resolve_server(struct parse *parse, struct server_conf *srv)
{
    struct follow_conf *follow = slot_of(srv->slots, &follow_slot);

    if (follow->resolvers == NULL)
        return srv->host_name == NULL || srv->host_name[0] != '_' ||
               parse_alert_at(parse, srv->pos,
                              "server '%s': the SRV records of '%s' need 'resolvers <name>'",
                              srv->name, srv->host_name);
    follow->section = resolvers_conf_find(parse->snapshot, follow->resolvers);
    if (follow->section == NULL)
        return parse_alert_at(parse, follow->pos,
                              "server '%s': there is no section 'resolvers %s'", srv->name,
                              follow->resolvers);
    if (srv->host_name == NULL)
        return true; /* an address: nothing to follow */
    srv->follows_name = true;
    return true;
}

static bool
on_resolve(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link)
            fine = resolve_server(parse, srv) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_DNS, on_resolve, "dns: servers that follow names" },
};
REGISTER(config_hook, hooks);
