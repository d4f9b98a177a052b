/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions that replace the client's address and the one that it asked for.
 *
 * For:     rules.
 * Thread:  owner; the parsers on the builder.
 *
 * Rules of connections and sessions change the connection. Later ones change what this stream says
 * and does with them; the next stream of the connection knows nothing of it.
 */
#include "weir/net/client_addr.h"

#include "private.h"

/* NULL: out of memory. */
static struct addr *
place_for(struct eval *eval, bool is_source)
{
    struct connection *client = eval->client;
    const struct addr **own = is_source ? &eval->client_src : &eval->client_dst;
    const struct addr *before = is_source ? client_src(eval) : client_dst(eval);
    struct addr *to;

    if (eval->stream == NULL) {
        client->flags |= is_source ? CONN_ADDR_SRC | CONN_SRC_REPLACED : CONN_ADDR_DST;
        return is_source ? &client->src : &client->dst;
    }
    if (*own != NULL)
        return (struct addr *)(uintptr_t)*own;
    to = arena_take(eval->arena, sizeof(*to));
    if (to != NULL) {
        *to = *before;
        *own = to;
    }
    return to;
}

/* The port stays as it was, if there was one. */
static enum verdict
set_addr(const struct action *action, struct eval *eval, bool is_source)
{
    struct value value = { .cursor = VALUE_SINGLE };
    struct addr *to;
    uint16_t port;

    switch (sample_run_as(action->data, eval, VALUE_ADDR, &value)) {
    case FETCH_LATER:
        return VERDICT_WAIT;
    case FETCH_NONE:
        return VERDICT_CONTINUE;
    case FETCH_OK:
        break;
    }
    to = place_for(eval, is_source);
    if (to == NULL)
        return VERDICT_CONTINUE;
    port = addr_is_ip(to) ? to->port : 0;
    *to = (struct addr){ .family = value.type == VALUE_IP4 ? ADDR_IPV4 : ADDR_IPV6, .port = port };
    if (value.type == VALUE_IP4)
        to->ip4 = value.ip4;
    else
        to->ip6 = value.ip6;
    return VERDICT_CONTINUE;
}

static enum verdict
set_port(const struct action *action, struct eval *eval, bool is_source)
{
    struct value value = { .cursor = VALUE_SINGLE };
    struct addr *to;

    switch (sample_run_as(action->data, eval, VALUE_INT, &value)) {
    case FETCH_LATER:
        return VERDICT_WAIT;
    case FETCH_NONE:
        return VERDICT_CONTINUE;
    case FETCH_OK:
        break;
    }
    to = place_for(eval, is_source);
    if (to == NULL)
        return VERDICT_CONTINUE;
    if (!addr_is_ip(to))
        *to = (struct addr){ .family = ADDR_IPV4 }; /* 0.0.0.0: there was none that has ports */
    to->port = (uint16_t)value.num;
    return VERDICT_CONTINUE;
}

static enum verdict
run_set_src(const struct action *action, struct eval *eval)
{
    return set_addr(action, eval, true);
}

static enum verdict
run_set_dst(const struct action *action, struct eval *eval)
{
    return set_addr(action, eval, false);
}

static enum verdict
run_set_src_port(const struct action *action, struct eval *eval)
{
    return set_port(action, eval, true);
}

static enum verdict
run_set_dst_port(const struct action *action, struct eval *eval)
{
    return set_port(action, eval, false);
}

/* --- reading ------------------------------------------------------------- */

static bool
parse_as(struct parse *parse, struct action *action, enum value_type type, action_fn *run)
{
    struct sample *sample = sample_parse(parse, action->place);

    action->data = sample;
    action->run = run;
    if (sample == NULL)
        return false;
    return value_can_cast(sample->out, type) ||
           parse_alert(parse, "'%s' gives no %s", sample->text,
                       type == VALUE_INT ? "number" : "address");
}

static bool
parse_set_src(struct parse *parse, struct action *action)
{
    return parse_as(parse, action, VALUE_ADDR, run_set_src);
}

static bool
parse_set_dst(struct parse *parse, struct action *action)
{
    return parse_as(parse, action, VALUE_ADDR, run_set_dst);
}

static bool
parse_set_src_port(struct parse *parse, struct action *action)
{
    return parse_as(parse, action, VALUE_INT, run_set_src_port);
}

static bool
parse_set_dst_port(struct parse *parse, struct action *action)
{
    return parse_as(parse, action, VALUE_INT, run_set_dst_port);
}

#define IN_ALL_REQUESTS                                                                            \
    (ON(HOOK_TCP_CONNECTION) | ON(HOOK_TCP_SESSION) | ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST))

static const struct action_kind kinds[] = {
    { "set-src", IN_ALL_REQUESTS, .args = "<expr>", .parse = parse_set_src,
      .help = "Another client address from here on." },
    { "set-src-port", IN_ALL_REQUESTS, .args = "<expr>", .parse = parse_set_src_port,
      .help = "Another client port from here on." },
    { "set-dst", IN_ALL_REQUESTS, .args = "<expr>", .parse = parse_set_dst,
      .help = "Another address that the client asked for." },
    { "set-dst-port", IN_ALL_REQUESTS, .args = "<expr>", .parse = parse_set_dst_port,
      .help = "Another port that the client asked for." },
};
REGISTER(action_kind, kinds);
