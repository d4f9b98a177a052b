/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mux turns a connection into streams and messages. One contract for both sides, so that any
 * client protocol meets any server protocol.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/registry.h"
#include "weir/mux/endpoint.h"
#include "weir/net/connection.h"

struct case_map;
struct h2_conf;
struct snapshot;

enum mux_side { MUX_FRONT, MUX_BACK };

/* What the mux needs to know from the proxies' settings; lives in the snapshot (immutable); of the
 * frontend or of the backend. */
struct mux_settings {
    int64_t http_request_ms; /* front: whole head within this time after the first byte (or accept);
                                0: see client_ms */
    int64_t keep_alive_ms;   /* front: idle between requests; 0: http_request_ms, then client_ms */
    int64_t
        client_ms; /* front: silence while a head is awaited when the others are 0; 0: for ever */
    bool unsafe_request; /* option accept-unsafe-violations-in-http-request */
    bool unsafe_response;
    bool no_h2;                      /* front: option disable-h2-upgrade */
    bool ignore_probes;              /* option http-ignore-probes */
    bool case_adjust;                /* option h1-case-adjust-bogus-client / -server */
    bool close_after;                /* front: option httpclose: one request for each connection */
    bool pretend_keepalive;          /* back */
    bool any_payload;                /* h1-accept-payload-with-any-method */
    bool keep_insecure;              /* h1-do-not-close-on-insecure-transfer-encoding */
    uint32_t max_requests;           /* back: max-reuse + 1; 0: no limit */
    uint32_t max_fields;             /* tune.http.maxhdr */
    uint32_t max_head;               /* bytes of a head: tune.bufsize; 0: that */
    const struct case_map *case_map; /* with case_adjust: h1-case-adjust lines; may be NULL */
    const struct h2_conf *h2; /* tune.h2.*; NULL: as by default */
};

struct mux_conn;
struct snapshot;

struct mux_owner {
    /* Front: a new request (EP_HEAD), a new TCP connection (no head), or a request that could not
     * be read (EP_IN_BROKEN, error, error_status; bytes_in 0: the client said nothing at all): the
     * owner sets ep->owner and starts a stream, or closes ep. */
    void (*on_stream)(struct mux_conn *mc, struct endpoint *ep);
    /* Back: the stream has ended and the connection can take another: the owner keeps it (idle
     * pool) or closes it. From inside endpoint_close(). */
    void (*on_idle)(struct mux_conn *mc);
    /* The connection is gone (closed by the peer while idle, or finished closing); mc is freed
     * after this returns. No endpoint of it is left. */
    void (*on_gone)(struct mux_conn *mc);
    /* Front: `mc` speaks another protocol than was thought: `other` has its connection from now on;
     * mc is freed after this returns. NULL: nobody else may take over. */
    void (*on_replaced)(struct mux_conn *mc, struct mux_conn *other);
    /* Front: the settings for the next request (the configuration may have changed since the
     * connection was accepted). NULL: keep. */
    const struct mux_settings *(*on_settings)(struct mux_conn *mc);
    /* A head cannot be read: `bytes` of it are there, and what is wrong stands at `at`. Back: of the stream of
     * `ep`. NULL: nobody wants to see them. */
    void (*on_bad)(struct mux_conn *mc, struct endpoint *ep, struct str bytes, size_t at,
                   const char *text);
};

/* Connections and streams of one protocol: in a counter row of this thread. */
struct mux_counts {
    uint64_t opened, ended; /* connections */
    uint64_t streams, streams_ended;
    uint64_t bytes_in, bytes_out; /* of ended streams, as on the wire */
    /* HTTP/2: frames received, sent, and those that break the rules */
    uint64_t headers, data, settings, resets, goaways, resets_sent, goaways_sent, stream_errors, connection_errors;
};
enum mux_protocol { MUX_H1, MUX_H2, MUX_PROTOCOLS };

#define MUX_CONN_MAGIC 0x4d555843u
/* The beginning of every mux's own struct of a connection. */
struct mux_conn {
    unsigned magic;
    uint32_t max_requests : 31; /* back, the owner's: no more than these; 0: no limit */
    uint32_t is_shared : 1;     /* the owner's: idle_link is on the list of those with streams */
    const struct mux *mux;
    struct connection *conn; /* owns */
    const struct mux_owner *owner;
    void *owner_data; /* session, or server */
    const struct mux_settings *settings;
    struct list idle_link; /* the owner's: among idle connections */
    uint64_t key;          /* the owner's: what it may be used for; 0 at first */
    uint32_t streams;      /* open now */
    uint32_t served;       /* requests so far */
    uint32_t idle_ping_ms; /* the owner's: HTTP/2: ask whether the peer is there; 0: no */
    struct mux_counts *counts; /* the owner's; one for each protocol; NULL: it is not counted now */
};

/* What a mux with many streams tells of a connection and of one stream. */
struct mux_facts {
    uint32_t most_streams; /* at once */
    uint32_t glitches;     /* faults of the peer that were borne */
    int32_t stream_id;
};

struct mux {
    const char *name; /* "none" (tcp), "h1", "h2" */
    bool is_http;
    bool has_many; /* several streams at once */
    /* Takes the connection over (established, or on the back side still connecting). NULL: out of
     * memory (conn stays the caller's). */
    struct mux_conn *(*start)(struct connection *conn, enum mux_side side,
                              const struct mux_settings *settings, const struct mux_owner *owner,
                              void *owner_data);
    /* Back: an endpoint for a new stream; NULL: no room or memory. */
    struct endpoint *(*open)(struct mux_conn *mc);
    /* Back, has_many: would open() succeed? NULL: with no stream only. */
    bool (*has_room)(const struct mux_conn *mc);
    /* Finish: no new streams; close once those that run have ended; idle ones close now. */
    void (*stop)(struct mux_conn *mc);
    /* Closes at once and frees; nobody is told. */
    void (*free)(struct mux_conn *mc);
    /* Of a connection and, if `ep` is not NULL, a stream. NULL: one stream, no glitches, id 0. */
    void (*facts)(const struct mux_conn *mc, const struct endpoint *ep, struct mux_facts *facts);
    /* endpoint.h */
    bool (*send_head)(struct endpoint *ep, struct message *msg);
    bool (*send_body)(struct endpoint *ep, struct chain *data);
    bool (*send_end)(struct endpoint *ep);
    void (*flush)(struct endpoint *ep, bool more);
    void (*consumed)(struct endpoint *ep);
    void (*want_body)(struct endpoint *ep);        /* NULL: nothing to do */
    uint64_t (*raw_in)(const struct endpoint *ep); /* NULL: this and the next three are not there */
    uint64_t (*raw_out)(const struct endpoint *ep);
    void (*raw_received)(struct endpoint *ep, size_t count, enum io io);
    void (*raw_sent)(struct endpoint *ep, size_t count, enum io io);
    void (*close)(struct endpoint *ep, enum endpoint_close how);
};

struct mux_ref {
    const struct mux *mux;
};
REGISTRY(mux_ref, struct mux_ref);

const struct mux *mux_find(struct str name); /* NULL: unknown */
extern const struct mux tcp_mux;
extern const struct mux h1_mux;
extern const struct mux h2_mux;
/* Back, over TLS: h2_mux or h1_mux, as ALPN says after the handshake. Not by name. */
extern const struct mux alpn_mux;
/* Front, tcp: lets go of its connection, which lives on, and frees itself. Nobody is told. */
void tcp_mux_detach(struct mux_conn *mc);
/* Front, h1, which has read nothing yet: these bytes (at most a buffer full) came before. They are
 * read at the end of this turn. Out of memory: it closes. */
void h1_mux_begin_with(struct mux_conn *mc, const struct chain *bytes);

/* Closes at once and frees; the endpoint, if any, must have been closed before. on_gone() does not
 * come: the caller knows. NULL is fine. */
void mux_conn_close(struct mux_conn *mc);

/* Fills what the global section says (limits, letters of field names, tolerance); the members about
 * timeouts and options are the proxy's to fill; case_adjust, unsafe_request and so on must be set
 * before. Builder, CONFIG_CHECK. */
void mux_settings_fill(struct mux_settings *settings, const struct snapshot *snapshot);
/* idle-ping in the slots of a bind line, of a server; 0: none. */
uint32_t mux_bind_idle_ping_ms(const void *slots);
uint32_t mux_server_idle_ping_ms(const void *slots);
/* Front h1: bytes that were already read although TCP was meant, or the other way round (mode
 * upgrade). */

/* --- counting; owner thread -------------------------------------------------------------------- */

/* From now on it counts there, until it is freed: as a new one, or as one that was counted before mux_count_pause(). The
 * rows must last as long. Only of the protocols above. */
void mux_count_begin(struct mux_conn *mc, struct mux_counts *counts);
void mux_count_resume(struct mux_conn *mc, struct mux_counts *counts);
/* It is not open any more for those who count. */
void mux_count_pause(struct mux_conn *mc);
/* A stream of it begins, or ends. */
void mux_count_stream(const struct mux *mux, struct mux_counts *counts);
void mux_count_stream_end(const struct endpoint *ep, struct mux_counts *counts);
