/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection from first to last byte: life, events, interest, addresses.
 *
 * For:     everything that talks over a socket.
 * Owns:    the descriptor, the transport's data, the handshake, the PROXY header.
 * Callers: acceptor and connector make it; session, mux, check own it.
 * Thread:  owner.
 *
 * Interest is what libev (and so the kernel) is told to watch. It is lazy both ways: reading
 * that was stopped is taken away when an event comes all the same; writing
 * interest stays armed while each on_writable() ends in another wait. The kernel is told
 * at the end of a turn, once, if something really changed.
 *
 * An event handler may close its own connection. The common case, a readable
 * event alone, touches nothing after the callback; the other cases look at `running`.
 */
#include "weir/net/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/loop.h"
#include "weir/loop/profile.h"
#include "weir/net/proxy_protocol.h"
#include "weir/net/transport.h"
#include "weir/os/socket.h"
#include "private.h"

#ifndef SO_ORIGINAL_DST
#define SO_ORIGINAL_DST 80 /* linux/netfilter_ipv4.h, which clashes with netinet/in.h */
#endif

#define INTEREST (EV_READ | EV_WRITE)

static struct pool connection_pool = POOL("connection", sizeof(struct connection));

/* The connection whose event this thread handles; NULL once it is closed. */
static _Thread_local struct connection *running;
static _Thread_local uint64_t last_id;

/* --- interest ------------------------------------------------------------------ */

static int
wanted_interest(const struct connection *conn)
{
    int events = 0;

    /* While connecting we look for both: only an error, or a server that speaks first, makes the
     * socket readable, so a bare writable event needs no further question. */
    if ((conn->flags & (CONN_READ_CLOSED | CONN_READ_STOPPED)) == 0)
        events |= EV_READ;
    if ((conn->flags & (CONN_READ_CLOSED | CONN_UNCONFIRMED)) == CONN_UNCONFIRMED)
        events |= EV_READ;
    if ((conn->flags & (CONN_WANT_WRITE | CONN_CONNECTING)) != 0)
        events |= EV_WRITE;
    return events;
}

void
connection_update_interest(struct connection *conn)
{
    int events = wanted_interest(conn);
    int armed = ev_is_active(&conn->io) ? conn->io.events & INTEREST : 0;

    if (events == armed)
        return;
    ev_io_stop(conn->loop->ev, &conn->io);
    ev_io_modify(&conn->io, events);
    if (events != 0)
        ev_io_start(conn->loop->ev, &conn->io);
}

void
connection_want_write(struct connection *conn)
{
    conn->flags |= CONN_WANT_WRITE;
    if ((conn->io.events & EV_WRITE) == 0 || !ev_is_active(&conn->io))
        connection_update_interest(conn);
}

void
connection_stop_reading(struct connection *conn)
{
    conn->flags |= CONN_READ_STOPPED;
}

void
connection_resume_reading(struct connection *conn)
{
    if ((conn->flags & CONN_READ_STOPPED) == 0)
        return;
    conn->flags &= ~(unsigned)CONN_READ_STOPPED;
    connection_update_interest(conn);
    if (connection_pending(conn) > 0)
        ev_feed_event(conn->loop->ev, &conn->io, EV_READ);
}

void
connection_wake(struct connection *conn)
{
    ev_feed_event(conn->loop->ev, &conn->io, EV_WRITE);
}

/* --- events --------------------------------------------------------------------- */

static void
on_other_event(struct connection *conn, int events)
{
    running = conn;
    if ((events & EV_READ) != 0) {
        if ((conn->flags & (CONN_READ_CLOSED | CONN_READ_STOPPED)) != 0)
            connection_update_interest(conn);
        else if (conn->owner->on_readable != NULL)
            conn->owner->on_readable(conn);
    }
    if (running == conn && (events & EV_WRITE) != 0) {
        conn->flags &= ~(unsigned)CONN_WANT_WRITE;
        if (conn->owner->on_writable != NULL)
            conn->owner->on_writable(conn);
        if (running == conn)
            connection_update_interest(conn);
    }
    running = NULL;
}

/* The owner may have stopped reading: the handshake goes on all the same. */
static void
on_unconfirmed_event(struct connection *conn, int events)
{
    conn->flags &= ~(unsigned)CONN_WANT_WRITE;
    (void)conn->transport->handshake(conn);
    if ((conn->flags & CONN_WANT_WRITE) != 0)
        events &= ~EV_WRITE; /* the handshake's bytes go first */
    on_other_event(conn, events);
}

static void
on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct connection *conn = LIST_ITEM(watcher, struct connection, io);
    const void *fn = conn->owner->on_readable; /* who is called most */
    int64_t began_ns = profile_begin();

    (void)ev;
    if (__builtin_expect((conn->flags & (CONN_ESTABLISHED | CONN_UNCONFIRMED)) != CONN_ESTABLISHED, 0)) {
        if ((conn->flags & CONN_UNCONFIRMED) != 0)
            on_unconfirmed_event(conn, events);
        else
            handshake_on_event(conn, events);
    } else if (__builtin_expect(events == EV_READ && conn->owner->on_readable != NULL &&
                                    (conn->flags & (CONN_READ_CLOSED | CONN_READ_STOPPED)) == 0,
                                1)) {
        conn->owner->on_readable(conn);
    } else {
        on_other_event(conn, events);
    }
    profile_end(fn, began_ns);
}

void
connection_tell_established(struct connection *conn)
{
    running = conn;
    if (conn->owner->on_established != NULL)
        conn->owner->on_established(conn);
    if (running == conn && (conn->flags & CONN_WRITE_EARLY) != 0) {
        conn->flags &= ~(unsigned)CONN_WRITE_EARLY;
        if ((conn->flags & CONN_FAILED) == 0 && conn->owner->on_writable != NULL)
            conn->owner->on_writable(conn);
    }
    running = NULL;
}

/* --- what transports say ---------------------------------------------------------- */

void
connection_set_error(struct connection *conn, enum connection_error err)
{
    if (conn->err == CONN_ERR_NONE)
        conn->err = (uint8_t)err;
}

enum io
connection_read_ended(struct connection *conn)
{
    conn->flags |= CONN_READ_CLOSED;
    connection_update_interest(conn);
    return IO_CLOSED;
}

enum io
connection_failed(struct connection *conn, enum connection_error err)
{
    connection_set_error(conn, err);
    conn->flags |= CONN_FAILED | CONN_READ_CLOSED | CONN_WRITE_CLOSED;
    conn->flags &= ~(unsigned)(CONN_WANT_WRITE | CONN_CONNECTING);
    connection_update_interest(conn);
    return IO_FAILED;
}

enum io
connection_read_failed(struct connection *conn, int os_errno)
{
    conn->os_errno = os_errno;
    if (os_errno == EPIPE) {
        /* It had finished its side before; the reset only answers what we went on sending. */
        conn->flags |= CONN_WRITE_CLOSED;
        conn->flags &= ~(unsigned)CONN_WANT_WRITE;
        return connection_read_ended(conn);
    }
    return connection_failed(conn, connection_error_of(os_errno));
}

enum io
connection_write_failed(struct connection *conn, int os_errno)
{
    conn->os_errno = os_errno;
    connection_set_error(conn, connection_error_of(os_errno));
    conn->flags |= CONN_WRITE_CLOSED;
    conn->flags &= ~(unsigned)CONN_WANT_WRITE;
    connection_update_interest(conn);
    return IO_CLOSED;
}

/* --- life ------------------------------------------------------------------------- */

struct connection *
connection_new(struct loop *loop, int fd, unsigned flags)
{
    static const struct connection_owner nobody;
    struct connection *conn = pool_take(&connection_pool);

    if (conn == NULL)
        return NULL;
    *conn = (struct connection){
        .magic = CONNECTION_MAGIC,
        .fd = fd,
        .flags = flags,
        .loop = loop,
        .owner = &nobody,
        .transport = &plain_transport,
        .id = ++last_id,
        .accepted_us = loop->now_us,
    };
    ev_io_init(&conn->io, on_io, fd, EV_READ);
    if ((flags & CONN_INCOMING) != 0)
        __atomic_store_n(&loop->load, loop->load + 1, __ATOMIC_RELAXED);
    return conn;
}

bool
connection_set_transport(struct connection *conn, const struct transport *transport, void *conf)
{
    MUST((conn->flags & CONN_ESTABLISHED) == 0);
    if (transport->open != NULL && !transport->open(conn, conf))
        return false;
    conn->transport = transport;
    return true;
}

void
connection_start(struct connection *conn)
{
    if (conn->handshake == NULL && (conn->flags & CONN_CONNECTING) == 0 &&
        conn->transport->handshake == NULL)
        conn->flags |= CONN_ESTABLISHED;
    connection_update_interest(conn);
    if ((conn->flags & CONN_ESTABLISHED) != 0 && connection_pending(conn) > 0)
        ev_feed_event(conn->loop->ev, &conn->io, EV_READ); /* came with the handshake */
}

void
connection_close(struct connection *conn)
{
    if (conn == NULL)
        return;
    MUST_BE(conn, CONNECTION_MAGIC);
    ev_io_stop(conn->loop->ev, &conn->io);
    if (conn->transport->close != NULL)
        conn->transport->close(conn);
    if (conn->handshake != NULL)
        handshake_free(conn);
    if (conn->proxy_header != NULL)
        proxy_header_free(conn->proxy_header);
    if ((conn->flags & CONN_LINGER_RESET) != 0)
        socket_set_linger_reset(conn->fd);
    close(conn->fd);
    if ((conn->flags & CONN_INCOMING) != 0)
        __atomic_store_n(&conn->loop->load, conn->loop->load - 1, __ATOMIC_RELAXED);
    if (running == conn)
        running = NULL;
    conn->magic = 0;
    pool_give(&connection_pool, conn);
}

void
connection_shut_write(struct connection *conn)
{
    if ((conn->flags & CONN_WRITE_CLOSED) != 0)
        return;
    conn->flags |= CONN_WRITE_CLOSED;
    conn->transport->shut_write(conn);
}

/* --- facts ---------------------------------------------------------------------------- */

size_t
connection_pending(const struct connection *conn)
{
    return conn->transport->pending == NULL ? 0 : conn->transport->pending(conn);
}

/* Where a client wanted to go before a firewall redirected it to us. */
static void
ask_original_dst(struct connection *conn)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);
    int level = conn->dst.family == ADDR_IPV6 ? SOL_IPV6 : SOL_IP;

    if (addr_is_ip(&conn->dst) && getsockopt(conn->fd, level, SO_ORIGINAL_DST, &storage, &len) == 0)
        addr_from_sockaddr(&conn->dst, &storage);
}

const struct addr *
connection_src(struct connection *conn)
{
    if ((conn->flags & CONN_ADDR_SRC) == 0) {
        conn->flags |= CONN_ADDR_SRC;
        if ((conn->flags & CONN_INCOMING) != 0)
            (void)socket_peer_addr(conn->fd, &conn->src);
        else
            (void)socket_local_addr(conn->fd, &conn->src);
    }
    return &conn->src;
}

const struct addr *
connection_dst(struct connection *conn)
{
    if ((conn->flags & CONN_ADDR_DST) == 0) {
        conn->flags |= CONN_ADDR_DST;
        if ((conn->flags & CONN_INCOMING) == 0)
            (void)socket_peer_addr(conn->fd, &conn->dst);
        else if (socket_local_addr(conn->fd, &conn->dst))
            ask_original_dst(conn);
    }
    return &conn->dst;
}
