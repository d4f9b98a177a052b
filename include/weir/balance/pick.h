/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which server: persistence and use-server rules first, then the balancing algorithm. The stream then takes the slot or queues.
 */
#pragma once

#include "weir/balance/persistence.h"
#include "weir/server/server.h"

enum pick_result {
    PICK_SERVER,  /* *out; a connection slot of it has been taken (server_slot_take) */
    PICK_QUEUE,   /* all are at their limits: wait in *queue (the server's line or the backend's) */
    PICK_NONE,    /* no usable server: 503 */
};

struct pick {
    struct server *server;
    struct queue *queue;
    bool is_bound;      /* by cookie, stick or use-server: not balanced; redispatch only as `option redispatch` says */
};

/* `avoid`: the server that has just failed (may be NULL): another one is preferred. `persistence` has been read. Traffic. */
enum pick_result pick_server(const struct proxy_conf *backend, struct eval *eval, struct server *avoid,
                             struct persistence *persistence, struct pick *out);
/* For "show stat": "roundrobin", "leastconn" ... */
const char *balance_name(const struct proxy_conf *backend);
