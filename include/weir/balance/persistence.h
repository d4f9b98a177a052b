/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Persistence by cookie, RDP cookie and force-persist, ignore-persist: which server a client
 * belongs to, and how it is told. The stream embeds one struct persistence and calls these in turn.
 *
 * Thread: owner of the stream.
 */
#pragma once

#include "weir/server/server.h"

struct eval;
struct stick_stores;

/* Third letter of the termination state: what the client's cookie was worth. */
enum cookie_seen { /* as printed */
                   COOKIE_NONE = 'N',
                   COOKIE_INVALID = 'I',
                   COOKIE_DOWN = 'D',
                   COOKIE_VALID = 'V',
                   COOKIE_EXPIRED = 'E',
                   COOKIE_OLD = 'O',
                   COOKIE_UNUSED = 'U',
};
/* Fourth letter: what became of the server's cookie, or of ours. */
enum cookie_told {
    COOKIE_UNTOLD = 'N',
    COOKIE_PASSED = 'P',
    COOKIE_DELETED = 'D',
    COOKIE_INSERTED = 'I',
    COOKIE_REWRITTEN = 'R',
    COOKIE_UPDATED = 'U',
};

struct persistence {
    struct server *server; /* borrows, within the step: the one asked for; NULL: none, or given up */
    uint8_t seen, told;    /* letters; 0: nothing happened yet */
    bool is_read;          /* the request has been looked at */
    bool is_forced;        /* force-persist: down or not */
    bool is_direct;        /* the server was not balanced: nothing to tell but dates */
    bool is_learnt;        /* the server is stored under the keys of stick rules */
    struct stick_stores *stores; /* these keys; in the stream's arena */
    uint32_t last_s, first_s; /* dates of the cookie; 0: none */
};

/* Looks at the request, once: finds the server, takes out of the Cookie fields what is ours. */
void persistence_read(struct persistence *p, const struct proxy_conf *backend, struct eval *eval);
/* The server it asks for, if that may have the stream now; else NULL, and it is given up. */
struct server *persistence_server(struct persistence *p, const struct proxy_conf *backend);
/* The server asked for has failed and another one will be chosen. */
void persistence_give_up(struct persistence *p);
/* A rule has the say: the cookie does not count. */
void persistence_overrule(struct persistence *p);
/* The server, eval->server, has answered or at least taken the connection: stick rules remember it,
 * once. */
void persistence_learn(struct persistence *p, const struct proxy_conf *backend, struct eval *eval);
/* The server's answer is about to leave: Set-Cookie fields are changed and added. False: out of
 * memory. */
bool persistence_tell(struct persistence *p, const struct proxy_conf *backend, struct eval *eval);
/* The two letters of logs; "--" where the backend has no cookies. */
void persistence_letters(const struct persistence *p, const struct proxy_conf *backend,
                         char letters[2]);
/* server ... redir: where clients of this server are sent with GET and HEAD; NULL: nowhere. */
const char *persistence_redir(const struct server *srv, const struct eval *eval);
/* For statistics; NULL: none. */
const char *persistence_cookie_name(const struct proxy_conf *backend);
