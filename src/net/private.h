/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room net share.
 */
#pragma once

#include "weir/net/connection.h"
#include "weir/net/proxy_protocol.h"

struct buffer;
struct listener;
struct listener_socket;

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
