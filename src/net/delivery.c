/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bring accepted connections to their threads, and count them.
 *
 * For:     listeners.
 * Owns:    an accepted descriptor until on_accept() takes its connection.
 * Callers: acceptor.c delivers; sessions tell that a connection has ended.
 * Thread:  the accepting one, and the one that the connection is handed to.
 *
 * A listener with a socket per thread keeps what its thread accepts. One with fewer sockets
 * than threads hands each connection to the thread that has the least, counting
 * those that are still on their way.
 */
#include <unistd.h>

#include "weir/base/pool.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "private.h"

/* --- counting -------------------------------------------------------------------------------- */

static void
note_peak(struct listener *ln, uint32_t now)
{
    if (now > __atomic_load_n(&ln->current_max, __ATOMIC_RELAXED))
        __atomic_store_n(&ln->current_max, now, __ATOMIC_RELAXED);
}

bool
listener_take_place(struct listener *ln)
{
    const struct bind_conf *conf = grace_read(ln->conf);
    uint32_t current = __atomic_add_fetch(&ln->current, 1, __ATOMIC_RELAXED);

    if (conf->maxconn == 0 || current <= conf->maxconn) {
        note_peak(ln, current);
        return true;
    }
    __atomic_sub_fetch(&ln->current, 1, __ATOMIC_RELAXED);
    return false;
}

void
listener_force_place(struct listener *ln)
{
    note_peak(ln, __atomic_add_fetch(&ln->current, 1, __ATOMIC_RELAXED));
}

struct listener_row *
listener_row(const struct listener *ln)
{
    return counter_row(&ln->counters);
}

void
listener_give_place(struct listener *ln)
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

    listener_give_place(ln);
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
        listener_give_place(ln);
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

void
listener_deliver(struct listener *ln, int fd, const struct addr *src)
{
    struct thread *to = ln->is_shared ? least_loaded(ln) : this_thread;

    if (to == this_thread || !hand_over(to, ln, fd, src))
        begin(ln, fd, src);
}
