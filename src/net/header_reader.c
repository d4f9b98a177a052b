/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a header off the beginning of a connection and not one byte more.
 *
 * For:     PROXY and NetScaler headers.
 * Owns:    nothing; the part of a header that came first belongs to the step.
 * Callers: proxy_handshake.c, netscaler.c.
 * Thread:  owner.
 *
 * Such a header has no end that could be known before it is parsed, and what follows it
 * belongs to somebody else. So we peek, and take exactly what is the header's. A part
 * of a header is taken too: left in the socket, it would wake us again and again.
 */
#include <errno.h>
#include <sys/socket.h>

#include "weir/base/buffer.h"
#include "weir/net/transport.h"
#include "private.h"

/* Looks at what is there, behind what was taken before. */
static enum io
peek(struct connection *conn, const struct header_kind *kind, struct buffer *buf, size_t *got)
{
    ssize_t result;

    do {
        result = recv(conn->fd, buf->data + buf->end, buffer_room(buf), MSG_PEEK);
    } while (result == -1 && errno == EINTR);
    if (result > 0) {
        *got = (size_t)result;
        return IO_OK;
    }
    if (result == -1 && errno == EAGAIN)
        return IO_WAIT;
    if (result == -1) {
        conn->os_errno = errno;
        return connection_failed(conn, kind->aborted);
    }
    return connection_failed(conn, buf->end == 0 ? kind->empty : kind->truncated);
}

/* They are there: we have just seen them. */
static enum io
take(struct connection *conn, const struct header_kind *kind, struct buffer *buf, size_t len)
{
    if (recv(conn->fd, buf->data + buf->end, len, 0) != (ssize_t)len)
        return connection_failed(conn, kind->aborted);
    buf->end += (uint32_t)len;
    return IO_OK;
}

static enum io
receive_into(struct connection *conn, const struct header_kind *kind, struct buffer *buf)
{
    enum connection_error error = CONN_ERR_NONE;
    enum parse_result result;
    size_t got = 0, size = 0;
    enum io io = peek(conn, kind, buf, &got);

    if (io != IO_OK)
        return io;
    result = kind->parse(conn, buf, buf->end + got, &size, &error);
    if (result == PARSE_BAD)
        return connection_failed(conn, error);
    io = take(conn, kind, buf, result == PARSE_DONE ? size - buf->end : got);
    if (io != IO_OK || result == PARSE_DONE)
        return io;
    return buffer_room(buf) > 0 ? IO_WAIT : connection_failed(conn, kind->too_long);
}

enum io
header_receive(struct connection *conn, const struct header_kind *kind, struct buffer **part)
{
    struct buffer *buf = *part != NULL ? *part : buffer_take();
    enum io io;

    *part = NULL;
    if (buf == NULL)
        return connection_failed(conn, CONN_ERR_NO_MEMORY);
    io = receive_into(conn, kind, buf);
    if (io == IO_WAIT && buf->end > 0)
        *part = buf;
    else
        buffer_drop(buf);
    return io;
}

void
header_replace_addresses(struct connection *conn, const struct addr *src, const struct addr *dst)
{
    conn->src = *src;
    conn->dst = *dst;
    conn->flags |= CONN_ADDR_SRC | CONN_ADDR_DST | CONN_SRC_REPLACED;
}
