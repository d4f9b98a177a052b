/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of layers under a connection: plain, TLS. They move bytes; events and
 * interest belong to connection.c.
 */
#pragma once

#include "weir/net/connection.h"

struct transport {
    const char *name;
    enum io (*read)(struct connection *conn, const struct iovec *iov, int count, size_t *got);
    enum io (*write)(struct connection *conn, const struct iovec *iov, int count, bool more,
                     size_t *sent);
    /* NULL: nothing to negotiate. IO_OK: done. */
    enum io (*handshake)(struct connection *conn);
    void (*shut_write)(struct connection *conn);
    /* Frees transport_data; the socket is closed by the caller. */
    void (*close)(struct connection *conn);
    /* Bytes that the transport holds ready although the socket is quiet (TLS records). NULL: never. */
    size_t (*pending)(const struct connection *conn);
};

extern const struct transport plain_transport;
