/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: a socket and its transport (plain, TLS), on one loop.
 *
 * Reading interest is always armed and only taken away under backpressure
 * (connection_stop_reading); writing interest is armed only after IO_WAIT of a write. So a
 * kept-alive request costs no epoll_ctl.
 *
 * Thread: owner. A closed connection is freed by connection_close(), also from within its own
 *         callbacks; the owner's callbacks are never called again.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "weir/base/list.h"
#include "weir/loop/timer.h"
#include "weir/net/connection_error.h"
#include "weir/os/addr.h"

struct connection;
struct loop;
struct transport;
struct handshake;
struct proxy_header;

enum io {
    IO_OK,     /* some bytes moved */
    IO_WAIT,   /* try again when the callback says so */
    IO_CLOSED, /* read: the peer has finished its side; write: the peer is gone */
    IO_FAILED, /* see conn->err */
};

/* What the owner (a mux, the session during the handshake, a check) wants to hear. Any may be NULL.
 */
struct connection_owner {
    /* Bytes, the end, or an error can be read. */
    void (*on_readable)(struct connection *conn);
    /* Writing is possible again after IO_WAIT. */
    void (*on_writable)(struct connection *conn);
    /* Outgoing: connected and all handshakes done (err CONN_ERR_NONE), or failed. Incoming:
     * handshakes done or failed. */
    void (*on_established)(struct connection *conn);
};

enum connection_flag {
    CONN_INCOMING = 1 << 0,
    CONN_ESTABLISHED = 1 << 1, /* connect(2) and handshakes are done */
    CONN_CONNECTING = 1 << 2,
    CONN_READ_CLOSED = 1 << 3,  /* the peer finished its side */
    CONN_WRITE_CLOSED = 1 << 4, /* we finished ours, or the peer takes no more */
    CONN_FAILED = 1 << 5,
    CONN_LINGER_RESET = 1 << 6, /* close with a reset */
    CONN_ADDR_SRC = 1 << 7,     /* src is filled */
    CONN_ADDR_DST = 1 << 8,
    CONN_SRC_REPLACED = 1 << 9, /* by PROXY header or set-src */
    CONN_WANT_WRITE = 1 << 10,  /* on_writable is waited for */
    CONN_READ_STOPPED = 1 << 11,
    CONN_IDLE_USED = 1 << 12, /* outgoing: has served before (it may be dead without telling) */
    CONN_PROXY_RECEIVED = 1 << 13, /* a PROXY (or NetScaler) header came first: fc_rcvd_proxy */
    CONN_WRITE_EARLY = 1 << 14,    /* the owner tried to write before it was established */
    CONN_UNCONFIRMED = 1 << 15, /* established, but the transport's handshake goes on (early data) */
};

#define CONNECTION_MAGIC 0x434f4e4eu

struct connection {
    unsigned magic;
    int fd;
    unsigned flags; /* enum connection_flag */
    uint8_t err;    /* enum connection_error */
    int os_errno;   /* of the failed call */
    ev_io io;
    struct loop *loop;                    /* borrows: outlives us */
    const struct connection_owner *owner; /* may change: session, then mux */
    void *owner_data;
    const struct transport *transport;
    void *transport_data;        /* owned by the transport (SSL *) */
    struct handshake *handshake; /* owns: what is still to be said before data; NULL: nothing */
    struct proxy_header
        *proxy_header; /* owns: what a PROXY header said beyond addresses; NULL: none */
    struct addr src;   /* of the peer of an incoming, our own of an outgoing one; see flags */
    struct addr dst;
    uint64_t id;         /* counts connections of the thread */
    int64_t accepted_us; /* loop time when made */
};

/* --- owner thread: life --------------------------------------------------- */

/* Wraps an accepted or connected socket, on a plain transport. NULL: out of memory (the caller
 * closes fd). */
struct connection *connection_new(struct loop *loop, int fd, unsigned flags);
static inline void
connection_set_owner(struct connection *conn, const struct connection_owner *owner, void *data)
{
    conn->owner = owner;
    conn->owner_data = data;
}
/* Puts another transport under a connection that has not begun its handshake. False: out of memory.
 */
bool connection_set_transport(struct connection *conn, const struct transport *transport,
                              void *conf);
/* Arms reading; events come through the owner. A connection without handshake_start() counts as
 * established. */
void connection_start(struct connection *conn);
/* Closes and frees; NULL is fine. Pending callbacks never come. */
void connection_close(struct connection *conn);
/* This connection will be closed because of `err` (a timeout, a rule): for the log line. Keeps the
 * first error. */
void connection_set_error(struct connection *conn, enum connection_error err);

/* --- owner thread: bytes -------------------------------------------------- */

/* Reads once into iov. *got > 0 with IO_OK. A read that fills less than asked means: drained for
 * now. */
enum io connection_read(struct connection *conn, void *to, size_t len, size_t *got);
enum io connection_readv(struct connection *conn, const struct iovec *iov, int count, size_t *got);
/* Writes once. `more`: more follows at once (MSG_MORE). On IO_WAIT or a short write, writing
 * interest is armed and on_writable will come. */
enum io connection_write(struct connection *conn, const struct iovec *iov, int count, bool more,
                         size_t *sent);
struct chain;
/* Writes as much of the chain as goes, consuming it. IO_OK: all of it. IO_WAIT: on_writable will
 * come. */
enum io connection_write_chain(struct connection *conn, struct chain *chain, bool more);
/* Finishes our side (FIN, close_notify). */
void connection_shut_write(struct connection *conn);
/* Backpressure. Costs nothing if reading is resumed before the next bytes come. */
void connection_stop_reading(struct connection *conn);
void connection_resume_reading(struct connection *conn);

/* --- owner thread: facts -------------------------------------------------- */

/* The peer's and our address; asks the system once. ADDR_NONE when unknown. */
const struct addr *connection_src(struct connection *conn);
const struct addr *connection_dst(struct connection *conn);
/* Bytes that the transport holds ready although the socket is quiet. */
size_t connection_pending(const struct connection *conn);
