/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room net share.
 */
#pragma once

#include "weir/loop/mailbox.h"
#include "weir/net/connection.h"
#include "weir/net/listener.h"
#include "weir/net/net_conf.h"
#include "weir/net/proxy_protocol.h"

struct buffer;
struct thread;

/* --- connection.c -------------------------------------------------------- */

/* Arms what the flags ask for; costs nothing if it is armed already. */
void connection_update_interest(struct connection *conn);
/* Calls handshake_on_event(conn, EV_WRITE) soon, but not now. */
void connection_wake(struct connection *conn);
/* Calls on_established, and on_writable if the owner has tried to write before. The connection may
 * be closed afterwards. */
void connection_tell_established(struct connection *conn);

/* --- handshake.c --------------------------------------------------------- */

/* The socket of a connection that is not established yet is ready. */
void handshake_on_event(struct connection *conn, int events);
void handshake_free(struct connection *conn);

/* --- plain.c ------------------------------------------------------------- */

enum io plain_read(struct connection *conn, void *to, size_t len, size_t *got);
enum io plain_write(struct connection *conn, const void *from, size_t len, int flags, size_t *sent);
enum io plain_writev(struct connection *conn, const struct iovec *iov, int count, int flags,
                     size_t *sent);

/* --- proxy_protocol.c and proxy_format.c: the wire ----------------------------- */

#define PROXY_V2_SIGNATURE_LEN 12
#define PROXY_V2_HEAD_LEN      16 /* signature, version and command, family, length */
#define PROXY_V2_VERSION       0x20
#define PROXY_V2_LOCAL         0x0
#define PROXY_V2_PROXY         0x1
#define PROXY_TLV_HEAD_LEN     3

extern const uint8_t proxy_v2_signature[PROXY_V2_SIGNATURE_LEN];

/* --- socks4.c ------------------------------------------------------------ */

/* Once connected to a SOCKS server, asks it for this address (IPv4). False: out of memory. */
bool socks4_ask_later(struct connection *conn, const struct addr *to);

/* --- header_reader.c ------------------------------------------------------ */

struct header_kind {
    /* What it means that the header does not come. */
    enum connection_error empty, aborted, truncated, too_long;
    /* Judges the first `len` bytes of `buf`. PARSE_DONE: *size of them are the header, and the
     * connection has been told what it says. PARSE_BAD: *error says why. */
    enum parse_result (*parse)(struct connection *conn, struct buffer *buf, size_t len,
                               size_t *size, enum connection_error *error);
};
/* *part: what came earlier (NULL: nothing); afterwards, with IO_WAIT, what has come so far. Owned
 * by the caller. */
enum io header_receive(struct connection *conn, const struct header_kind *kind,
                       struct buffer **part);
void header_replace_addresses(struct connection *conn, const struct addr *src,
                              const struct addr *dst);

/* --- net_conf.c ------------------------------------------------------------ */

const struct unix_bind *net_conf_unix_bind(const struct snapshot *snapshot);

/* --- acceptor.c -------------------------------------------------------------- */

/* What control wants of a socket. */
enum socket_wish { SOCKET_ACCEPT, SOCKET_PAUSE };

#define LISTENER_SOCKET_MAGIC 0x4c534f43u
/* One listening socket, accepted by one thread. */
struct listener_socket {
    unsigned magic;
    int fd;                /* -1: closed */
    struct listener *ln;   /* borrows: lives until all its sockets are closed */
    struct thread *thread; /* who accepts */

    /* Messages: wishes of control, of which only the last counts; then "close", which comes back
     * as "closed". */
    struct mail wish_mail;
    uint32_t wish_is_sent; /* atomic */
    uint32_t wish;         /* atomic: enum socket_wish */
    struct mail close_mail;
    void (*on_closed)(struct listener_socket *socket); /* on control */

    /* Owner. */
    ev_io io;
    bool is_paused;
    struct list waiting; /* in the thread's list of those that wait for room */
    struct timer retry;
    unsigned budget;    /* connections to accept at the next event */
    uint64_t last_turn; /* of the loop, when it accepted last */
} __attribute__((aligned(64)));

void acceptor_init(struct listener_socket *socket, struct listener *ln, struct thread *thread);
/* Control. */
void acceptor_wish(struct listener_socket *socket, enum socket_wish wish);
/* Accepts what waits, closes, and calls on_closed on control. No wish may follow. Control. */
void acceptor_close(struct listener_socket *socket,
                    void (*on_closed)(struct listener_socket *socket));
/* tune.maxaccept. Control. */
void acceptor_set_max(unsigned max);

/* --- delivery.c -------------------------------------------------------------- */

/* One of the listener's places, to be given back by listener_connection_ended(). False: maxconn. */
bool listener_take_place(struct listener *ln);
/* The same, whatever the limit says. */
void listener_force_place(struct listener *ln);
/* Back again: nothing was accepted. */
void listener_give_place(struct listener *ln);
/* Takes the descriptor to its thread, and there to on_accept(). It has a place. */
void listener_deliver(struct listener *ln, int fd, const struct addr *src);

/* --- listener_socket.c --------------------------------------------------------- */

/* Opens, binds and listens. Sets ln->addr when the system chose the port. */
bool listener_socket_open(struct listener_socket *socket, const struct bind_conf *conf,
                          struct error *err);
/* Options that may change while it listens. */
void listener_socket_tune(struct listener_socket *socket, const struct bind_conf *conf);
/* Listens again after a pause. */
bool listener_socket_listen(struct listener_socket *socket, const struct bind_conf *conf);

/* --- unix_file.c ------------------------------------------------------------------ */

/* Binds to a temporary name beside the real one. */
bool unix_file_bind(struct listener *ln, int fd, const struct bind_conf *conf, struct error *err);
/* Gives it its real name, replacing what is there. */
void unix_file_publish(struct listener *ln);
/* Removes it, unless somebody else's has taken its place. */
void unix_file_remove(struct listener *ln);
