/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Persistence: the server that a client has used before, by a cookie.
 *
 * Thread: owner of the stream.
 */
#pragma once

#include "weir/expr/eval.h"
#include "weir/proxy/proxy.h"

struct server;

/* What a stream knows about it; zeroed at first. */
struct persistence {
    char client;             /* third letter of the termination state: what the client brought; 0: not looked */
    char answer;             /* the fourth: what became of the answer's cookie; 0: '-' */
    bool is_forced;          /* force-persist: also a server that is down */
    int64_t first_date;      /* of the client's cookie, seconds; 0: none */
    int64_t last_date;
    struct server *server;   /* whom the cookie names and who may be used; NULL: nobody */
};

/* Has the backend a cookie? */
bool persist_is_on(const struct proxy_conf *backend);
/* Reads the client's cookie, once; takes it off or cuts its prefix where the backend wants that. */
void persist_read_request(const struct proxy_conf *backend, struct eval *eval,
                          struct persistence *persistence);
/* Changes cookies of the answer of eval->server. False: out of memory. */
bool persist_write_response(const struct proxy_conf *backend, struct eval *eval,
                            struct persistence *persistence);
/* "insert", for statistics: the cookie's name; NULL: none. */
const char *persist_cookie_name(const struct proxy_conf *backend);
