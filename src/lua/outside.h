/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How scripts reach the world outside: settings of sockets and of the HTTP client. In the snapshot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/config/snapshot.h"
#include "weir/dns/resolver.h"
#include "weir/mux/mux.h"
#include "weir/server/server.h"

struct outside {
    /* Settings of connections; NULL: no scripts were loaded. */
    struct server_conf *plain;    /* no TLS */
    struct server_conf *unproven; /* TLS with whoever answers: Socket:connect_ssl() */
    struct server_conf *proven;   /* TLS as httpclient.ssl.* says */
    struct mux_settings mux;

    const char *ca_file;
    int verify; /* 0: none, 1: required */
    int64_t connect_ms;
    int64_t retries;
    const char *resolvers_name;
    struct resolvers_conf *resolvers; /* NULL: names cannot be looked up */
    bool no_resolvers;
    int prefer; /* 0: IPv4, 1: IPv6 */
};

const struct outside *outside_of(const struct snapshot *snapshot);
