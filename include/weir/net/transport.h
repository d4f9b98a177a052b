/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of layers under a connection: plain, TLS. They move bytes; events and
 * interest belong to connection.c.
 */
#pragma once

#include "weir/net/connection.h"

struct transport {
    const char *name;
    /* Makes conn->transport_data of what the caller of connection_set_transport() gave. NULL:
     * nothing to make. */
    bool (*open)(struct connection *conn, void *conf);
    enum io (*read)(struct connection *conn, const struct iovec *iov, int count, size_t *got);
    enum io (*write)(struct connection *conn, const struct iovec *iov, int count, bool more,
                     size_t *sent);
    /* NULL: nothing to negotiate. IO_OK: done. IO_WAIT: called again when the socket is readable,
     * or writable after connection_want_write(). */
    enum io (*handshake)(struct connection *conn);
    void (*shut_write)(struct connection *conn);
    /* Frees transport_data; the socket is closed by the caller. May be NULL. */
    void (*close)(struct connection *conn);
    /* Bytes that the transport holds ready although the socket is quiet (TLS records). NULL: never.
     */
    size_t (*pending)(const struct connection *conn);
};

extern const struct transport plain_transport;

/* --- what a transport says to its connection ------------------------------------ */

/* A write, or a handshake step, must wait until the socket takes more. */
void connection_want_write(struct connection *conn);
/* The peer has finished its side. Returns IO_CLOSED. */
enum io connection_read_ended(struct connection *conn);
/* A read failed with errno. Returns IO_FAILED. */
enum io connection_read_failed(struct connection *conn, int os_errno);
/* A write failed with errno. Returns IO_CLOSED: the peer is gone. What it said before may still be
 * read. */
enum io connection_write_failed(struct connection *conn, int os_errno);
/* Something else failed, in a handshake for example. Returns IO_FAILED. */
enum io connection_failed(struct connection *conn, enum connection_error err);
