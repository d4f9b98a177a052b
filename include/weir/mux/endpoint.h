/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a stream, as the stream sees it. The mux of a connection makes endpoints (one at a
 * time for tcp and h1, many for h2); a stream joins two of them. The contract is the same on both
 * sides.
 *
 * Receiving: the mux sets `message` when a head has arrived (EP_HEAD), appends body bytes without
 *     framing to `in`, and says EP_IN_ENDED when the message is complete. It calls
 *     owner->on_event() once per turn of events, after doing all it can. It stops reading its
 *     connection while `in` holds tune.bufsize bytes or more; endpoint_consumed() lets it go on.
 *     Interim responses (1xx) come as messages of their own, before the final one. Trailers are
 * added to the message whose body they follow, so that message must live until EP_IN_ENDED or
 * endpoint_close(). Sending: endpoint_send_*() only queue; endpoint_flush() writes once.
 * EP_OUT_FULL asks to stop queueing body bytes; when there is room again the flag goes and
 * on_event() comes. The message of endpoint_send_head() must live until endpoint_send_end() or
 * endpoint_close(): trailers are taken from it. Ending: endpoint_close() gives the endpoint back,
 * whatever its state; no event comes after it. The mux then finishes what is queued, and keeps or
 * closes its connection. mux_owner.on_idle() comes from inside it; on_stream() and on_gone() never
 * do: they come later in the same turn, or in another.
 *
 * TCP: EP_HEAD never comes; EP_IN_ENDED is the peer's FIN; endpoint_send_end() is ours.
 * Tunnels (101, CONNECT): after such a response head has passed, both ends behave like TCP:
 * EP_TUNNEL is set (server's side: with EP_HEAD; client's side: by endpoint_send_head()), and
 * EP_IN_ENDED and EP_OUT_ENDED, which spoke of the request, are taken back.
 *
 * Thread: owner (of the connection; both ends of a stream are on one thread).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buffer.h"
#include "weir/net/connection.h"

struct endpoint;
struct message;
struct mux;
struct mux_conn;

struct endpoint_owner {
    /* Something changed: look at flags, message, in. Never called from inside endpoint_*() calls of
     * the same stream. The endpoint may be closed in it. */
    void (*on_event)(struct endpoint *ep);
    /* Server side: the stream's endpoint is `to` from now on, of another mux on the same connection;
     * `from` is freed after this returns. on_event() follows. */
    void (*on_moved)(struct endpoint *from, struct endpoint *to);
};

enum endpoint_flag {
    EP_HEAD = 1 << 0,      /* `message` is set; endpoint_take_message() clears the flag */
    EP_IN_ENDED = 1 << 1,  /* the message (TCP: the peer's side) is complete */
    EP_IN_BROKEN = 1 << 2, /* the peer closed, reset or sent nonsense before the end: see `error` */
    EP_OUT_FULL = 1 << 3,
    EP_OUT_BROKEN = 1 << 4, /* nothing can be sent any more */
    EP_OUT_ENDED = 1 << 5,  /* endpoint_send_end() was called */
    EP_CONNECTED = 1 << 6,  /* server side: the connection is established */
    EP_TUNNEL = 1 << 7,
    EP_OUT_FLUSHED = 1 << 8, /* everything queued has been written to the socket */
    EP_BACK = 1 << 9,        /* server side */
    EP_PEER_GONE = 1 << 10,  /* client side, request complete: the client has closed its side since
                                (abortonclose) */
    EP_RAW_IN = 1 << 11,     /* the stream reads the connection itself: below, "past the mux" */
    EP_RAW_OUT = 1 << 12,    /* the same for writing */
    EP_LOCAL = 1 << 13,      /* no connection is behind it: it may take its time */
};

/* What broke the incoming side. */
enum endpoint_error {
    EP_ERR_NONE,
    EP_ERR_CLOSED,    /* FIN before the end */
    EP_ERR_RESET,     /* RST or another socket error, or out of memory */
    EP_ERR_BAD,       /* not HTTP, or refused by validation: status says with what to answer */
    EP_ERR_TOO_LARGE, /* head larger than its limit: status 431 or 414 */
    EP_ERR_TIMEOUT,   /* no whole head in time: status 408 */
    EP_ERR_CONNECT,   /* server side: could not connect: see conn->err */
    EP_ERR_EMPTY,     /* server side: closed without a byte of a response */
};

struct endpoint {
    const struct mux *mux;
    struct mux_conn *mux_conn;
    const struct endpoint_owner *owner; /* NULL between streams */
    void *owner_data;                   /* the stream */
    unsigned flags;                     /* enum endpoint_flag */
    uint8_t error;                      /* enum endpoint_error, with EP_IN_BROKEN */
    uint16_t error_status;              /* what a client should be answered */
    const char *error_text; /* why, for "show errors" and the log; may be NULL; lives until the next
                               error of this thread */
    struct message *message; /* with EP_HEAD: owned by the endpoint until taken */
    struct chain in;         /* received body bytes that the stream has not taken yet */
    uint64_t bytes_in;       /* from the wire for this message, framing included */
    uint64_t bytes_out;      /* written to the wire for this message */
    int64_t began_us;        /* loop time of the first byte of the message received; 0: none yet */
};

void endpoint_init(struct endpoint *ep, const struct mux *mux, struct mux_conn *mux_conn);

/* Takes the message away (clears EP_HEAD). NULL: there is none. */
struct message *endpoint_take_message(struct endpoint *ep);
/* Queues a head. The message stays the caller's (it can be sent again to another server). False:
 * out of memory. */
bool endpoint_send_head(struct endpoint *ep, struct message *msg);
/* Queues all of `data` (left empty). False: out of memory; data may be partly taken, the stream
 * must fail. */
bool endpoint_send_body(struct endpoint *ep, struct chain *data);
/* The message (TCP: our side) is complete; trailers are taken from the message that was sent, if it
 * has some by now. */
bool endpoint_send_end(struct endpoint *ep);
/* Writes what is queued, as far as the socket takes it. `more`: more will follow at once. */
void endpoint_flush(struct endpoint *ep, bool more);
/* The stream has taken bytes out of `in`: reading may go on. */
void endpoint_consumed(struct endpoint *ep);
/* Client side: the request's body is wanted before a server is asked (http-buffer-request): tells a
 * client that waits for it to go on (100 Continue). */
void endpoint_want_body(struct endpoint *ep);

/* --- past the mux -------------------------------------------------------------
 * Bytes that need no look (net/splice.h): while the stream has set EP_RAW_IN or EP_RAW_OUT, the mux
 * neither reads nor writes such bytes; on_event() comes when the socket is ready. */

/* How many of the next bytes are nothing but payload, with none of them received already. */
uint64_t endpoint_raw_in(const struct endpoint *ep);
/* How many bytes of payload may be written now; none is queued before them. */
uint64_t endpoint_raw_out(const struct endpoint *ep);
/* What the stream did, and how it went. */
void endpoint_raw_received(struct endpoint *ep, size_t count, enum io io);
void endpoint_raw_sent(struct endpoint *ep, size_t count, enum io io);

enum endpoint_close {
    EP_CLOSE_DONE,  /* the exchange went well: the connection may be kept */
    EP_CLOSE_ABORT, /* throw the connection away (h2: reset the stream) after what is queued */
    EP_CLOSE_RESET, /* the same, with a TCP reset, dropping what is queued */
};
void endpoint_close(struct endpoint *ep, enum endpoint_close how);
