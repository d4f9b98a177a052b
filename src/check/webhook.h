/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: changes of servers' states are posted to somebody's HTTP server.
 */
#pragma once

#include "weir/config/parse.h"
#include "weir/os/addr.h"

struct snapshot;
struct server_conf;

struct webhook_header {
    struct webhook_header *next;
    const char *name, *value;
};
struct webhook_conf { /* of a "server-event webhook" line; immutable */
    const char *url;
    const char *authority, *host, *path;
    struct addr addr;
    bool is_tls;
    const char *ca_file; /* whom TLS trusts */
    int64_t hold_ms;     /* changes of one server that come within are told once; 0: each is told */
    struct webhook_header *headers;
    struct source_pos pos;
    struct server_conf *how; /* settings of the connection; from CONFIG_CHECK on */
};

/* Posts the body, in order; tries again when that fails. Body is copied; the snapshot that the conf belongs to is held
 * meanwhile. Control. */
void webhook_post(const struct webhook_conf *conf, struct snapshot *snapshot, const char *body);
