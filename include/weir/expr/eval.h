/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an expression may look at. Rooms right of us fill it; the fetches that look inside the opaque
 * objects live in the rooms that own them. A stream keeps one and updates it as it goes, so that running a rule costs no set-up.
 */
#pragma once

#include <stdint.h>

#include "weir/base/arena.h"

struct addr;
struct stream;
struct session;
struct check;
struct connection;
struct message;
struct proxy_conf;
struct endpoint;
struct reply_action;
struct server;
struct snapshot;
struct variables;
struct source_pos;
struct stick_tracks;
struct sample_memo;
struct explain; /* records what was looked at; NULL normally */

/* Points of a stream's life at which expressions run, as bits: where a fetch is valid, where a rule set runs. */
enum eval_place {
    PLACE_FE_CONNECTION = 1 << 0,  /* tcp-request connection */
    PLACE_FE_SESSION = 1 << 1,     /* tcp-request session */
    PLACE_FE_CONTENT = 1 << 2,     /* tcp-request content, frontend */
    PLACE_FE_REQUEST = 1 << 3,     /* http-request, frontend (headers) */
    PLACE_FE_REQUEST_BODY = 1 << 4,
    PLACE_SWITCH = 1 << 5,         /* use_backend */
    PLACE_BE_CONTENT = 1 << 6,
    PLACE_BE_REQUEST = 1 << 7,
    PLACE_BE_REQUEST_BODY = 1 << 8,
    PLACE_BE_SERVER = 1 << 9,      /* use-server, balance, stick match */
    PLACE_BE_CONNECT = 1 << 10,    /* what is sent to a server while connecting: source, sni, PROXY TLVs */
    PLACE_BE_RES_CONTENT = 1 << 11, /* tcp-response content */
    PLACE_BE_RESPONSE = 1 << 12,   /* http-response, backend */
    PLACE_BE_RESPONSE_BODY = 1 << 13,
    PLACE_BE_STORE = 1 << 14,      /* stick store-response */
    PLACE_FE_RES_CONTENT = 1 << 15,
    PLACE_FE_RESPONSE = 1 << 16,   /* http-response, frontend; http-after-response */
    PLACE_FE_RESPONSE_BODY = 1 << 17,
    PLACE_FE_LOG = 1 << 18,        /* log line */
    PLACE_CHECK = 1 << 19,         /* health checks */
    PLACE_CLI = 1 << 20,
    PLACE_CONFIG = 1 << 21,        /* while the configuration is read */
};
#define PLACE_ANY 0x3fffffu
#define PLACE_REQUEST_RULES (PLACE_FE_REQUEST | PLACE_BE_REQUEST)
/* A session exists: everything but config and CLI */
#define PLACE_L4 (PLACE_ANY & ~(PLACE_CHECK | PLACE_CLI | PLACE_CONFIG))
/* Live objects exist: everywhere but while the configuration is read. */
#define PLACE_RUNNING (PLACE_ANY & ~PLACE_CONFIG)
/* The request's head can be seen, from http-request on (also in responses and logs only if it was kept). */
#define PLACE_HTTP_REQUEST                                                                         \
    (PLACE_FE_CONTENT | PLACE_FE_REQUEST | PLACE_FE_REQUEST_BODY | PLACE_SWITCH | PLACE_BE_CONTENT | PLACE_BE_REQUEST |   \
     PLACE_BE_REQUEST_BODY | PLACE_BE_SERVER | PLACE_BE_CONNECT)
#define PLACE_HTTP_RESPONSE                                                                        \
    (PLACE_BE_RES_CONTENT | PLACE_BE_RESPONSE | PLACE_BE_RESPONSE_BODY | PLACE_BE_STORE | PLACE_FE_RES_CONTENT |          \
     PLACE_FE_RESPONSE | PLACE_FE_RESPONSE_BODY)
/* The backend is chosen. */
#define PLACE_BACKEND                                                                              \
    (PLACE_BE_CONTENT | PLACE_BE_REQUEST | PLACE_BE_REQUEST_BODY | PLACE_BE_SERVER |               \
     PLACE_BE_CONNECT | PLACE_HTTP_RESPONSE | PLACE_FE_LOG | PLACE_CHECK)

struct eval {
    struct snapshot *snapshot;          /* never NULL in traffic */
    struct session *session;
    struct stream *stream;              /* NULL in connection and session rules */
    struct check *check;
    const struct proxy_conf *frontend;
    const struct proxy_conf *backend;   /* the one chosen; before that the frontend */
    const struct proxy_conf *proxy;     /* whose rules run now */
    struct connection *client;          /* NULL in checks */
    const struct addr *client_src, *client_dst; /* by rules of this stream; NULL: the connection's (net/client_addr.h) */
    struct connection *server_conn;     /* NULL until there is one */
    struct server *server;              /* live; NULL until picked */
    struct message *request;            /* NULL in TCP mode, and before it has come */
    struct message *response;
    struct endpoint *front;             /* received bytes: front->in in TCP mode */
    struct endpoint *back;
    struct reply_action *reply;         /* set by an action with VERDICT_REPLY: what to answer (stream room's type) */
    struct arena *arena;                /* for results; lives as long as the stream */
    struct stick_tracks **session_tracks, **stream_tracks; /* stick/track.h; NULL: none can be */
    struct variables *variables;        /* of session, stream, request ...: expr/variable.h */
    struct explain *explain;
    const struct source_pos *decided;   /* the rule that decided last what becomes of it; NULL: none did */
    struct sample_memo *memo;           /* expr/sample.h; NULL: nothing may be remembered */
    uint32_t place;                     /* one bit of enum eval_place: where we are */
    uint8_t final;                      /* no more data will come (inspect-delay is over): FETCH_LATER counts as none */
    uint8_t is_lenient;                 /* strict-mode off: changes that fail are passed over */
    uint16_t resume;                    /* for actions that wait: scratch of the running action, 0 when it begins */
    int64_t now_us;                     /* loop time, wall clock: see fields of the loop */
};
