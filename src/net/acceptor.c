/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accept connections and bring each to its thread.
 *
 * For:     listeners.
 * Owns:    the watching of a listening socket; connections until on_accept() takes them.
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
#include "weir/base/pool.h"
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

/* --- counting -------------------------------------------------------------------------------- */

/* One of the listener's places, to be given back by listener_connection_ended(). */
static bool
take_place(struct listener *ln)
{
    const struct bind_conf *conf = grace_read(ln->conf);
    uint32_t current = __atomic_add_fetch(&ln->current, 1, __ATOMIC_RELAXED);

    if (conf->maxconn == 0 || current <= conf->maxconn)
        return true;
    __atomic_sub_fetch(&ln->current, 1, __ATOMIC_RELAXED);
    return false;
}

static void
give_place(struct listener *ln)
{
    __atomic_sub_fetch(&ln->current, 1, __ATOMIC_RELAXED);
}

void
listener_connection_refused(struct listener *ln)
{
    struct listener_row *row = counter_row(&ln->counters);

    counter_add(&row->refused, 1);
}

void
listener_connection_ended(struct listener *ln)
{
    struct listener_row *row = counter_row(&ln->counters);

    give_place(ln);
    listener_resume_all();
    /* The last thing: when all are gone, control may free the listener. */
    __atomic_store_n(&row->current, row->current - 1, __ATOMIC_RELEASE);
}

/* --- bringing a connection to its thread ------------------------------------------------------ */

static void
begin(struct listener *ln, int fd, const struct addr *src)
{
    struct listener_row *row = counter_row(&ln->counters);
    struct connection *conn = connection_new(loop_here(), fd, CONN_INCOMING | CONN_ADDR_SRC);

    if (conn == NULL) {
        close(fd);
        give_place(ln);
        counter_add(&row->refused, 1);
        return;
    }
    conn->src = *src;
    counter_add(&row->accepted, 1);
    counter_add(&row->current, 1);
    ln->owner->on_accept(ln, conn);
}

struct handed {
    struct mail mail;
    struct listener *ln; /* lives: it waits for all mail on its way before it dies */
    struct addr src;
    int fd;
};

static struct pool handed_pool = POOL("handed", sizeof(struct handed));

static void
on_handed(struct mail *mail)
{
    struct handed *handed = LIST_ITEM(mail, struct handed, mail);
    struct handed copy = *handed;

    __atomic_sub_fetch(&loop_here()->load_coming, 1, __ATOMIC_RELAXED);
    pool_give(&handed_pool, handed);
    begin(copy.ln, copy.fd, &copy.src);
}

static bool
hand_over(struct thread *to, struct listener *ln, int fd, const struct addr *src)
{
    struct handed *handed = pool_take(&handed_pool);

    if (handed == NULL)
        return false;
    handed->ln = ln;
    handed->fd = fd;
    handed->src = *src;
    __atomic_add_fetch(&to->loop->load_coming, 1, __ATOMIC_RELAXED);
    mailbox_send(to, &handed->mail, on_handed);
    return true;
}

static struct thread *
least_loaded(const struct listener *ln)
{
    struct thread *least = this_thread;
    uint32_t least_load = UINT32_MAX;

    for (unsigned i = 1; i <= thread_traffic_count(); i++) {
        struct thread *thread = thread_at(i);
        uint32_t load;

        if (ln->threads != 0 && i <= 64 && (ln->threads >> (i - 1) & 1) == 0)
            continue;
        load = __atomic_load_n(&thread->loop->load, __ATOMIC_RELAXED) +
               __atomic_load_n(&thread->loop->load_coming, __ATOMIC_RELAXED);
        if (load < least_load) {
            least_load = load;
            least = thread;
        }
    }
    return least;
}

static void
deliver(struct listener *ln, int fd, const struct addr *src)
{
    struct thread *to = ln->is_shared ? least_loaded(ln) : this_thread;

    if (to == this_thread || !hand_over(to, ln, fd, src))
        begin(ln, fd, src);
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
    deliver(socket->ln, fd, &src);
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

    if ((ln->owner->may_accept == NULL || ln->owner->may_accept(ln)) && take_place(ln))
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
        give_place(socket->ln);
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
        __atomic_add_fetch(&socket->ln->current, 1, __ATOMIC_RELAXED);
        accepted = accept_one(socket);
        if (accepted != ACCEPTED)
            give_place(socket->ln);
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
