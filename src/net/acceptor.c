/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accept connections from a listening socket.
 *
 * For:     listeners.
 * Owns:    the watching of a listening socket; an accepted descriptor until delivery.c takes it.
 * Callers: listener.c sends wishes.
 * Thread:  the socket's owner; acceptor_wish() on control.
 *
 *     open ──wish ACCEPT──> accepting <──> waiting for room (may_accept, maxconn, descriptors)
 *                            │  ^                retry after some ms, or listener_resume_all()
 *                wish PAUSE  v  │ wish ACCEPT
 *                           paused
 *     any ──close──> drained, closed; control is told
 *
 * How many connections are accepted per event follows what is there: one, as long as
 * a single one is waiting (the next event tells of the next one, which saves the accept4() that
 * would only find an empty queue), more and more while the queue stays filled.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/crash.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/net/inherited.h"
#include "private.h"

#define RETRY_ROOM_MS      20  /* room may come free on another thread */
#define RETRY_EXHAUSTED_MS 100 /* out of descriptors or memory */
#define DRAIN_MAX          65536

enum accepted {
    ACCEPTED,
    ACCEPT_SKIPPED, /* that connection is gone, the next may be there */
    ACCEPT_EMPTY,
    ACCEPT_EXHAUSTED, /* the system gives us nothing now */
    ACCEPT_ENDED,     /* nothing will ever come again */
};

static unsigned max_accept = 64; /* written by control */

/* Sockets of this thread that wait for room. */
static _Thread_local struct list waiting_here;

void
acceptor_set_max(unsigned max)
{
    __atomic_store_n(&max_accept, max, __ATOMIC_RELAXED);
}

static struct list *
waiting_list(void)
{
    if (waiting_here.next == NULL)
        list_init(&waiting_here);
    return &waiting_here;
}

/* --- accepting -------------------------------------------------------------------------------- */

static enum accepted
what_failed(void)
{
    switch (errno) {
    case EAGAIN:
        return ACCEPT_EMPTY;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ACCEPT_EXHAUSTED;
    case EBADF:
    case EINVAL:
    case ENOTCONN:
    case ENOTSOCK:
    case EOPNOTSUPP:
        return ACCEPT_ENDED;
    default: /* errors of that one connection, which Linux reports here */
        return ACCEPT_SKIPPED;
    }
}

static enum accepted
accept_one(struct listener_socket *socket)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof(storage);
    struct addr src = { .family = ADDR_UNIX, .path = "" };
    int fd;

    if (socket->ln->addr.family == ADDR_SOCKPAIR)
        fd = sockpair_accept(socket->fd);
    else
        fd = accept4(socket->fd, (struct sockaddr *)&storage, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1)
        return what_failed();
    if (socket->ln->addr.family != ADDR_SOCKPAIR)
        addr_from_sockaddr(&src, &storage);
    listener_deliver(socket->ln, fd, &src);
    return ACCEPTED;
}

static void
stop_waiting(struct listener_socket *socket)
{
    timer_stop(&socket->retry);
    if (!list_is_linked(&socket->waiting))
        return;
    list_remove(&socket->waiting);
    __atomic_sub_fetch(&socket->ln->full_sockets, 1, __ATOMIC_RELAXED);
}

static void
wait_for_room(struct listener_socket *socket, int64_t retry_ms)
{
    struct loop *loop = loop_here();

    ev_io_stop(loop->ev, &socket->io);
    timer_set(loop, &socket->retry, loop_now_ms(loop) + retry_ms);
    if (list_is_linked(&socket->waiting))
        return;
    list_add_last(waiting_list(), &socket->waiting);
    __atomic_add_fetch(&socket->ln->full_sockets, 1, __ATOMIC_RELAXED);
}

/* False: no room; the socket waits. */
static bool
has_room(struct listener_socket *socket)
{
    struct listener *ln = socket->ln;

    if ((ln->owner->may_accept == NULL || ln->owner->may_accept(ln)) && listener_take_place(ln))
        return true;
    wait_for_room(socket, RETRY_ROOM_MS);
    return false;
}

/* Accepts up to socket->budget connections. False: there are no more. */
static bool
accept_some(struct listener_socket *socket)
{
    for (unsigned i = 0; i < socket->budget; i++) {
        enum accepted accepted;

        if (!has_room(socket))
            return false;
        accepted = accept_one(socket);
        if (accepted == ACCEPTED)
            continue;
        listener_give_place(socket->ln);
        if (accepted == ACCEPT_SKIPPED)
            continue;
        if (accepted == ACCEPT_EXHAUSTED)
            wait_for_room(socket, RETRY_EXHAUSTED_MS);
        else if (accepted == ACCEPT_ENDED)
            ev_io_stop(loop_here()->ev, &socket->io);
        socket->budget = i > 0 ? i : 1;
        return false;
    }
    return true;
}

static void
on_acceptable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct listener_socket *socket = LIST_ITEM(watcher, struct listener_socket, io);
    uint64_t turn = loop_here()->turns;
    bool is_persistent = turn == socket->last_turn + 1;

    (void)ev;
    (void)events;
    socket->last_turn = turn;
    if (accept_some(socket) && is_persistent)
        socket->budget *= 2;
    if (socket->budget > __atomic_load_n(&max_accept, __ATOMIC_RELAXED))
        socket->budget = __atomic_load_n(&max_accept, __ATOMIC_RELAXED);
}

static void
on_retry(struct timer *timer)
{
    struct listener_socket *socket = LIST_ITEM(timer, struct listener_socket, retry);

    stop_waiting(socket);
    ev_io_start(loop_here()->ev, &socket->io);
}

void
listener_resume_all(void)
{
    struct list *waiting = waiting_list();

    while (!list_is_empty(waiting)) {
        struct listener_socket *socket = LIST_FIRST(waiting, struct listener_socket, waiting);

        stop_waiting(socket);
        ev_io_start(loop_here()->ev, &socket->io);
    }
}

/* --- wishes ------------------------------------------------------------------------------------
 */

/* What has been connected already shall not be lost. */
static void
drain(struct listener_socket *socket)
{
    enum accepted accepted = ACCEPT_SKIPPED;

    for (int i = 0; i < DRAIN_MAX && accepted <= ACCEPT_SKIPPED; i++) {
        listener_force_place(socket->ln);
        accepted = accept_one(socket);
        if (accepted != ACCEPTED)
            listener_give_place(socket->ln);
    }
}

static void
rest(struct listener_socket *socket)
{
    stop_waiting(socket);
    ev_io_stop(loop_here()->ev, &socket->io);
}

static void
do_accept(struct listener_socket *socket)
{
    if (socket->is_paused && !listener_socket_listen(socket, grace_read(socket->ln->conf))) {
        /* Somebody else has the address now; the next wish tries again. */
        return;
    }
    socket->is_paused = false;
    if (!list_is_linked(&socket->waiting))
        ev_io_start(loop_here()->ev, &socket->io);
}

/* A TCP socket gives up its address; others cannot take it back, so they just do not accept. */
static void
do_pause(struct listener_socket *socket)
{
    rest(socket);
    if (!addr_is_ip(&socket->ln->addr) || socket->is_paused)
        return;
    drain(socket);
    socket->is_paused = shutdown(socket->fd, SHUT_RD) == 0;
}

static void
on_wish(struct mail *mail)
{
    struct listener_socket *socket = LIST_ITEM(mail, struct listener_socket, wish_mail);

    MUST_BE(socket, LISTENER_SOCKET_MAGIC);
    /* From here on control may send the mail again, for a newer wish than the one we read. */
    __atomic_exchange_n(&socket->wish_is_sent, 0, __ATOMIC_ACQ_REL);
    if (__atomic_load_n(&socket->wish, __ATOMIC_ACQUIRE) == SOCKET_ACCEPT)
        do_accept(socket);
    else
        do_pause(socket);
}

void
acceptor_wish(struct listener_socket *socket, enum socket_wish wish)
{
    __atomic_store_n(&socket->wish, wish, __ATOMIC_RELEASE);
    if (__atomic_exchange_n(&socket->wish_is_sent, 1, __ATOMIC_ACQ_REL) == 0)
        mailbox_send(socket->thread, &socket->wish_mail, on_wish);
}

static void
run_on_closed(struct mail *mail)
{
    struct listener_socket *socket = LIST_ITEM(mail, struct listener_socket, close_mail);

    socket->on_closed(socket);
}

static void
on_close(struct mail *mail)
{
    struct listener_socket *socket = LIST_ITEM(mail, struct listener_socket, close_mail);

    MUST_BE(socket, LISTENER_SOCKET_MAGIC);
    rest(socket);
    if (!socket->is_paused)
        drain(socket);
    close(socket->fd);
    socket->fd = -1;
    mailbox_send(thread_at(0), &socket->close_mail, run_on_closed);
}

void
acceptor_close(struct listener_socket *socket, void (*on_closed)(struct listener_socket *socket))
{
    socket->on_closed = on_closed;
    mailbox_send(socket->thread, &socket->close_mail, on_close);
}

void
acceptor_init(struct listener_socket *socket, struct listener *ln, struct thread *thread)
{
    socket->magic = LISTENER_SOCKET_MAGIC;
    socket->ln = ln;
    socket->thread = thread;
    socket->budget = 1;
    list_init(&socket->waiting);
    timer_init(&socket->retry, on_retry);
    ev_io_init(&socket->io, on_acceptable, socket->fd, EV_READ);
}
