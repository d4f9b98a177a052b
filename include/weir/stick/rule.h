/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stick on, match, store-request, store-response: a key brings a stream to the server that had it
 * before.
 *
 * Thread: owner of the stream.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct eval;
struct proxy_conf;
struct server;
struct stick_stores; /* keys of this stream that its server will be stored for; in its arena */

bool stick_rules_exist(const struct proxy_conf *backend);
/* What an entry knows of its server; zeroed: nothing. */
struct stick_server_mark {
    int64_t id;
    uint64_t key; /* of its name or address: it counts more than the id */
    int srvkey;   /* enum stick_srvkey: what the key is of */
};

/* Looks at the request: fills *stores (NULL at first), and gives what the first known key says.
 * Nothing if `match` is false. */
struct stick_server_mark stick_request(struct stick_stores **stores,
                                       const struct proxy_conf *backend, struct eval *eval,
                                       bool match);
/* `srvkey`: of a mark or a table. */
uint64_t stick_server_key(const struct server *server, int srvkey);
/* `server` has answered: keys of request and response are stored with it. *stores is NULL
 * afterwards. */
void stick_response(struct stick_stores **stores, const struct proxy_conf *backend,
                    struct eval *eval, const struct server *server);
