/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of the client's connection: src, dst, their ports and kin.
 *
 * Thread: traffic, inside a rule.
 */
#include "weir/expr/sample.h"
#include "weir/net/client_addr.h"

static enum fetched
give_addr(struct value *out, const struct addr *addr)
{
    if (addr == NULL || !addr_is_ip(addr))
        return FETCH_NONE;
    out->type = addr->family == ADDR_IPV4 ? VALUE_IP4 : VALUE_IP6;
    if (addr->family == ADDR_IPV4)
        out->ip4 = addr->ip4;
    else
        out->ip6 = addr->ip6;
    return FETCH_OK;
}

static enum fetched
give_port(struct value *out, const struct addr *addr)
{
    if (addr == NULL || !addr_is_ip(addr))
        return FETCH_NONE;
    out->type = VALUE_INT;
    out->num = addr->port;
    return FETCH_OK;
}

enum end { CLIENT_SRC, CLIENT_DST, SERVER_SRC, SERVER_DST };

static const struct addr *
addr_of(const struct eval *eval, intptr_t end)
{
    bool is_client = end == CLIENT_SRC || end == CLIENT_DST;
    struct connection *conn = is_client ? eval->client : eval->server_conn;

    if (conn == NULL)
        return NULL;
    if (is_client)
        return end == CLIENT_SRC ? client_src(eval) : client_dst(eval);
    return end == SERVER_SRC ? connection_src(conn) : connection_dst(conn);
}

static enum fetched
run_addr(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)args;
    return give_addr(out, addr_of(eval, fetch->private));
}

static enum fetched
run_port(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)args;
    return give_port(out, addr_of(eval, fetch->private));
}

static enum fetched
run_proxied(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    (void)args;
    if (eval->client == NULL)
        return FETCH_NONE;
    out->type = VALUE_BOOL;
    out->num = eval->client->proxy_header != NULL;
    return FETCH_OK;
}

#define BACK (PLACE_HTTP_RESPONSE | PLACE_FE_LOG)

static const struct fetch fetches[] = {
    { "src",
      VALUE_ADDR,
      PLACE_L4,
      { { 0 } },
      run_addr,
      CLIENT_SRC,
      .help = "The client's address.",
      .is_stable = true },
    { "src_port",
      VALUE_INT,
      PLACE_L4,
      { { 0 } },
      run_port,
      CLIENT_SRC,
      .help = "The client's port.",
      .is_stable = true },
    { "dst",
      VALUE_ADDR,
      PLACE_L4,
      { { 0 } },
      run_addr,
      CLIENT_DST,
      .help = "The address that the client connected to.",
      .is_stable = true },
    { "dst_port",
      VALUE_INT,
      PLACE_L4,
      { { 0 } },
      run_port,
      CLIENT_DST,
      .help = "The port that the client connected to.",
      .is_stable = true },
    { "fc_rcvd_proxy",
      VALUE_BOOL,
      PLACE_L4,
      { { 0 } },
      run_proxied,
      0,
      .help = "Did the connection begin with a PROXY header?" },
    { "bc_src",
      VALUE_ADDR,
      BACK,
      { { 0 } },
      run_addr,
      SERVER_SRC,
      .help = "Our address towards the server." },
    { "bc_src_port",
      VALUE_INT,
      BACK,
      { { 0 } },
      run_port,
      SERVER_SRC,
      .help = "Our port towards the server." },
    { "bc_dst",
      VALUE_ADDR,
      BACK,
      { { 0 } },
      run_addr,
      SERVER_DST,
      .help = "The server's address." },
    { "bc_dst_port",
      VALUE_INT,
      BACK,
      { { 0 } },
      run_port,
      SERVER_DST,
      .help = "The server's port." },
};
REGISTER(fetch, fetches);
