/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a connection: the transport without encryption, and the way to the
 * other transports.
 *
 * For:     muxes, checks, the runtime socket.
 * Callers: everybody with a connection.
 * Thread:  owner.
 *
 * The plain transport is called directly, not through its table: these are the
 * hottest functions of the program.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "weir/base/buffer.h"
#include "weir/base/sanitize.h"
#include "weir/net/transport.h"
#include "private.h"

#define CHAIN_IOV_MAX 32

/* --- system calls -------------------------------------------------------------------- */

/* recv() and send() are cancellation points: in a program with threads glibc puts two atomic
 * operations around each. We never cancel a thread, so we call the kernel ourselves; but
 * sanitizers want to see the C library's functions. */
#if defined(SYS_recvfrom) && defined(SYS_sendto) && !WITH_ASAN && !defined(__SANITIZE_THREAD__)

static inline ssize_t
kernel_recv(int fd, void *to, size_t len)
{
    return syscall(SYS_recvfrom, fd, to, len, 0, NULL, NULL);
}

static inline ssize_t
kernel_send(int fd, const void *from, size_t len, int flags)
{
    return syscall(SYS_sendto, fd, from, len, flags, NULL, 0);
}

#else

static inline ssize_t
kernel_recv(int fd, void *to, size_t len)
{
    return recv(fd, to, len, 0);
}

static inline ssize_t
kernel_send(int fd, const void *from, size_t len, int flags)
{
    return send(fd, from, len, flags);
}

#endif

/* --- reading ----------------------------------------------------------------------- */

static enum io
read_ended_or_failed(struct connection *conn, ssize_t result)
{
    if (result == 0)
        return connection_read_ended(conn);
    if (errno == EAGAIN)
        return IO_WAIT;
    return connection_read_failed(conn, errno);
}

enum io
plain_read(struct connection *conn, void *to, size_t len, size_t *got)
{
    ssize_t result;

    do {
        result = kernel_recv(conn->fd, to, len);
        if (__builtin_expect(result > 0, 1)) {
            *got = (size_t)result;
            return IO_OK;
        }
    } while (result == -1 && errno == EINTR);
    *got = 0;
    return read_ended_or_failed(conn, result);
}

static enum io
plain_readv(struct connection *conn, const struct iovec *iov, int count, size_t *got)
{
    ssize_t result;

    do {
        result = readv(conn->fd, iov, count);
    } while (result == -1 && errno == EINTR);
    *got = result > 0 ? (size_t)result : 0;
    return result > 0 ? IO_OK : read_ended_or_failed(conn, result);
}

enum io
connection_read(struct connection *conn, void *to, size_t len, size_t *got)
{
    struct iovec iov;

    if (__builtin_expect(conn->transport == &plain_transport, 1))
        return plain_read(conn, to, len, got);
    iov = (struct iovec){ .iov_base = to, .iov_len = len };
    return conn->transport->read(conn, &iov, 1, got);
}

enum io
connection_readv(struct connection *conn, const struct iovec *iov, int count, size_t *got)
{
    return conn->transport->read(conn, iov, count, got);
}

/* --- writing ----------------------------------------------------------------------- */

static enum io
write_waits_or_failed(struct connection *conn)
{
    if (errno != EAGAIN)
        return connection_write_failed(conn, errno);
    connection_want_write(conn);
    return IO_WAIT;
}

enum io
plain_write(struct connection *conn, const void *from, size_t len, int flags, size_t *sent)
{
    ssize_t result;

    do {
        result = kernel_send(conn->fd, from, len, MSG_NOSIGNAL | flags);
        if (__builtin_expect(result == (ssize_t)len, 1)) {
            *sent = len;
            return IO_OK;
        }
    } while (result == -1 && errno == EINTR);
    *sent = result > 0 ? (size_t)result : 0;
    if (result < 0)
        return write_waits_or_failed(conn);
    connection_want_write(conn);
    return IO_OK;
}

enum io
plain_writev(struct connection *conn, const struct iovec *iov, int count, int flags, size_t *sent)
{
    struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count };
    size_t len = 0;
    ssize_t result;

    for (int i = 0; i < count; i++)
        len += iov[i].iov_len;
    do {
        result = sendmsg(conn->fd, &msg, MSG_NOSIGNAL | flags);
    } while (result == -1 && errno == EINTR);
    *sent = result > 0 ? (size_t)result : 0;
    if (result < 0)
        return write_waits_or_failed(conn);
    if ((size_t)result < len)
        connection_want_write(conn);
    return IO_OK;
}

static enum io
plain_transport_write(struct connection *conn, const struct iovec *iov, int count, bool more,
                      size_t *sent)
{
    int flags = more ? MSG_MORE : 0;

    if (count == 1)
        return plain_write(conn, iov->iov_base, iov->iov_len, flags, sent);
    return plain_writev(conn, iov, count, flags, sent);
}

/* Before the handshakes are done, or after the end. */
static enum io
cannot_write_now(struct connection *conn)
{
    if ((conn->flags & (CONN_WRITE_CLOSED | CONN_FAILED)) != 0)
        return IO_CLOSED;
    conn->flags |= CONN_WRITE_EARLY; /* on_writable comes after on_established */
    return IO_WAIT;
}

static bool
can_write(const struct connection *conn)
{
    return __builtin_expect((conn->flags & (CONN_ESTABLISHED | CONN_WRITE_CLOSED | CONN_FAILED)) ==
                                CONN_ESTABLISHED,
                            1);
}

enum io
connection_write(struct connection *conn, const struct iovec *iov, int count, bool more,
                 size_t *sent)
{
    if (!can_write(conn)) {
        *sent = 0;
        return cannot_write_now(conn);
    }
    if (__builtin_expect(conn->transport == &plain_transport, 1))
        return plain_transport_write(conn, iov, count, more, sent);
    return conn->transport->write(conn, iov, count, more, sent);
}

enum io
connection_write_chain(struct connection *conn, struct chain *chain, bool more)
{
    struct iovec iov[CHAIN_IOV_MAX];

    while (!chain_is_empty(chain)) {
        int count = chain_to_iovec(chain, iov, CHAIN_IOV_MAX);
        size_t len = 0, sent;
        enum io io;

        if (count < CHAIN_IOV_MAX) {
            len = chain->bytes;
        } else {
            for (int i = 0; i < count; i++)
                len += iov[i].iov_len;
        }
        io = connection_write(conn, iov, count, more || len < chain->bytes, &sent);
        if (sent > 0)
            chain_consume(chain, sent);
        if (io != IO_OK)
            return io;
        if (sent < len)
            return IO_WAIT;
    }
    return IO_OK;
}

/* --- the table ----------------------------------------------------------------------- */

static void
plain_shut_write(struct connection *conn)
{
    shutdown(conn->fd, SHUT_WR);
}

const struct transport plain_transport = {
    .name = "RAW",
    .read = plain_readv,
    .write = plain_transport_write,
    .shut_write = plain_shut_write,
};
