/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live listeners: found by identity, made, published, paused, stopped, freed.
 *
 * For:     the addresses that a configuration names; they outlive each single configuration.
 * Owns:    listeners and their sockets.
 * Callers: proxy and admin through ADOPT, PUBLISH, RELEASE; main for soft stop.
 * Thread:  control. What must happen where a socket is accepted goes there by mail (acceptor.c).
 *
 *     NEW ──publish──> READY <──> PAUSED
 *      │ drop            └──stop (or not in the new snapshot)──> STOPPED: sockets drain and close
 *      v                                                            │ all closed, last hold dropped
 *     freed <── no connection left, grace period ── dying <─────────┘
 */
#include "weir/net/listener.h"

#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/config/snapshot.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/process.h"
#include "private.h"

#define REAP_MS    500
#define ORDER_LAST 1000

static struct list listeners = LIST_INIT(listeners); /* all but the dying */
static struct list dying = LIST_INIT(dying);
static struct timer reap_timer;

/* --- making ------------------------------------------------------------------------------------
 */

static bool
may_run_on(const struct bind_conf *conf, unsigned thread)
{
    return conf->threads == 0 || thread > 64 || (conf->threads >> (thread - 1) & 1) != 0;
}

/* The traffic threads that the line allows; all of them if it names none that is there. */
static unsigned
allowed_threads(const struct bind_conf *conf, struct thread **threads)
{
    unsigned count = 0;

    for (unsigned i = 1; i <= thread_traffic_count(); i++) {
        if (may_run_on(conf, i))
            threads[count++] = thread_at(i);
    }
    for (unsigned i = 1; count == 0 && i <= thread_traffic_count(); i++)
        threads[i - 1] = thread_at(i);
    return count > 0 ? count : thread_traffic_count();
}

static bool
has_reuseport(const struct bind_conf *conf)
{
    return conf->snapshot == NULL || !net_conf_of(conf->snapshot)->no_reuseport;
}

/* How many sockets, and which thread accepts each. */
static void
place_sockets(struct listener *ln, const struct bind_conf *conf)
{
    struct thread *threads[THREAD_MAX];
    unsigned allowed = ln->on_control_thread ? 0 : allowed_threads(conf, threads);
    unsigned count = allowed;

    if (allowed == 0) {
        threads[0] = thread_at(0);
        allowed = count = 1;
        ln->on_control_thread = true;
    } else if (!addr_is_ip(&conf->addr) || !has_reuseport(conf)) {
        count = 1;
    } else if (conf->shards > 0 && (unsigned)conf->shards < allowed) {
        count = (unsigned)conf->shards;
    }
    ln->is_shared = count < allowed;
    ln->socket_count = count;
    ln->sockets = alloc_aligned(64, count * sizeof(ln->sockets[0]));
    for (unsigned i = 0; i < count; i++) {
        ln->sockets[i].fd = -1;
        acceptor_init(&ln->sockets[i], ln, threads[i * allowed / count]);
    }
}

static void
set_identity(struct listener *ln, const struct bind_conf *conf)
{
    ln->asked_addr = conf->addr;
    if (conf->addr.family == ADDR_UNIX || conf->addr.family == ADDR_ABSTRACT ||
        conf->addr.family == ADDR_ABSTRACT_SHORT)
        ln->asked_addr.path = alloc_copy(conf->addr.path);
    ln->addr = ln->asked_addr;
    addr_format(&ln->addr, ln->addr_text, sizeof(ln->addr_text));
    if (conf->interface != NULL)
        strncpy(ln->interface, conf->interface, sizeof(ln->interface) - 1);
    ln->namespace_fd = conf->namespace_fd;
    ln->threads = conf->threads;
    ln->shards = conf->shards;
    ln->v4v6 = conf->v4v6;
    ln->v6only = conf->v6only;
    ln->transparent = conf->transparent;
    ln->mptcp = conf->mptcp;
}

static bool
has_identity(const struct listener *ln, const struct bind_conf *conf, bool on_control_thread)
{
    return addr_eq(&ln->asked_addr, &conf->addr) &&
           strncmp(ln->interface, conf->interface == NULL ? "" : conf->interface,
                   sizeof(ln->interface) - 1) == 0 &&
           ln->namespace_fd == conf->namespace_fd && ln->threads == conf->threads &&
           ln->shards == conf->shards && ln->v4v6 == conf->v4v6 && ln->v6only == conf->v6only &&
           ln->transparent == conf->transparent && ln->mptcp == conf->mptcp &&
           ln->on_control_thread == on_control_thread;
}

static void
free_listener(void *object)
{
    struct listener *ln = object;

    counter_rows_fini(&ln->counters);
    if (ln->asked_addr.family == ADDR_UNIX || ln->asked_addr.family == ADDR_ABSTRACT ||
        ln->asked_addr.family == ADDR_ABSTRACT_SHORT)
        alloc_free((void *)(uintptr_t)ln->asked_addr.path);
    alloc_free(ln->temp_path);
    alloc_free(ln->sockets);
    ln->magic = 0;
    alloc_free(ln);
}

/* Nobody else has seen its sockets yet, or nobody is left to see them. */
static void
close_at_once(struct listener *ln)
{
    for (unsigned i = 0; i < ln->socket_count; i++) {
        if (ln->sockets[i].fd != -1)
            close(ln->sockets[i].fd);
        ln->sockets[i].fd = -1;
    }
    unix_file_remove(ln);
}

static struct listener *
listener_new(const struct bind_conf *conf, const struct listener_owner *owner,
             bool on_control_thread)
{
    struct listener *ln = alloc_zero(sizeof(*ln));

    ln->magic = LISTENER_MAGIC;
    ln->owner = owner;
    ln->conf = conf;
    ln->on_control_thread = on_control_thread;
    ln->state = LISTENER_NEW;
    list_init(&ln->link);
    counter_rows_init(&ln->counters, sizeof(struct listener_row));
    set_identity(ln, conf);
    if (!this_process.is_offline)
        place_sockets(ln, conf);
    return ln;
}

static bool
open_sockets(struct listener *ln, const struct bind_conf *conf, struct error *err)
{
    struct bind_conf with_port = *conf; /* port 0: all sockets get the port of the first */

    for (unsigned i = 0; i < ln->socket_count; i++) {
        struct listener_socket *socket = &ln->sockets[i];

        with_port.addr = ln->addr;
        if (!listener_socket_open(socket, &with_port, err))
            return false;
        ev_io_set(&socket->io, socket->fd, EV_READ);
        ln->open_sockets++;
    }
    return true;
}

static struct listener *
find_live(const struct bind_conf *conf, bool on_control_thread)
{
    LIST_FOR_EACH (ln, &listeners, struct listener, link) {
        if (ln->state != LISTENER_STOPPED &&
            (ln->adopted_by != conf->snapshot || conf->snapshot == NULL) &&
            has_identity(ln, conf, on_control_thread))
            return ln;
    }
    return NULL;
}

struct listener *
listener_adopt(struct bind_conf *conf, const struct listener_owner *owner, bool on_control_thread,
               struct error *err)
{
    struct listener *ln = find_live(conf, on_control_thread || thread_traffic_count() == 0);

    if (ln == NULL) {
        ln = listener_new(conf, owner, on_control_thread);
        if (!open_sockets(ln, conf, err)) {
            close_at_once(ln);
            free_listener(ln);
            return NULL;
        }
        list_add_last(&listeners, &ln->link);
    }
    ln->adopted_by = conf->snapshot;
    ln->is_permanent = conf->snapshot == NULL;
    ln->refs++;
    conf->listener = ln;
    return ln;
}

/* --- stopping ------------------------------------------------------------------------------------
 */

static void
reap(struct timer *timer)
{
    LIST_FOR_EACH_SAFE (ln, &dying, struct listener, link) {
        if (counter_sum(&ln->counters, offsetof(struct listener_row, current)) != 0)
            continue;
        list_remove(&ln->link);
        grace_free_later(ln, free_listener);
    }
    if (!list_is_empty(&dying))
        timer_set(loop_here(), timer, loop_now_ms(loop_here()) + REAP_MS);
}

static void
die(struct listener *ln)
{
    list_remove(&ln->link);
    list_add_last(&dying, &ln->link);
    if (reap_timer.fire == NULL)
        timer_init(&reap_timer, reap);
    reap(&reap_timer);
}

/* No connection is on its way to another thread any more. */
static void
on_all_closed(void *arg)
{
    struct listener *ln = arg;

    unix_file_remove(ln);
    if (ln->draining != NULL)
        snapshot_drop(ln->draining);
    ln->draining = NULL;
    ln->open_sockets = 0;
    if (ln->refs == 0)
        die(ln);
}

static void
do_nothing(void *arg)
{
    (void)arg;
}

static void
on_socket_closed(struct listener_socket *socket)
{
    struct listener *ln = socket->ln;

    /* The last one is counted by on_all_closed(). */
    if (ln->open_sockets > 1)
        ln->open_sockets--;
    else if (ln->is_shared)
        mailbox_call_all(do_nothing, on_all_closed, ln);
    else
        on_all_closed(ln);
}

void
listener_stop(struct listener *ln)
{
    MUST_BE(ln, LISTENER_MAGIC);
    if (ln->state == LISTENER_STOPPED)
        return;
    if (ln->state == LISTENER_NEW || (!ln->on_control_thread && !thread_traffic_is_running())) {
        ln->state = LISTENER_STOPPED;
        close_at_once(ln);
        ln->open_sockets = 0;
        return;
    }
    ln->state = LISTENER_STOPPED;
    /* What is drained is served under the conf that it was accepted with. */
    if (ln->conf->snapshot != NULL) {
        ln->draining = ln->conf->snapshot;
        snapshot_hold(ln->draining);
    }
    for (unsigned i = 0; i < ln->socket_count; i++)
        acceptor_close(&ln->sockets[i], on_socket_closed);
}

void
listener_drop(struct listener *ln)
{
    if (ln == NULL)
        return;
    MUST_BE(ln, LISTENER_MAGIC);
    MUST(ln->refs > 0);
    ln->adopted_by = NULL; /* the next snapshot may have the address of one that failed */
    if (--ln->refs > 0)
        return;
    listener_stop(ln);
    if (ln->open_sockets == 0)
        die(ln);
}

void
listener_stop_all(void)
{
    LIST_FOR_EACH (ln, &listeners, struct listener, link) {
        if (!ln->on_control_thread)
            listener_stop(ln);
    }
}

/* --- publishing, pausing
 * ---------------------------------------------------------------------------- */

static void
wish_all(struct listener *ln, enum socket_wish wish)
{
    for (unsigned i = 0; i < ln->socket_count; i++)
        acceptor_wish(&ln->sockets[i], wish);
}

void
listener_publish(struct listener *ln, const struct bind_conf *conf, void *owner_data)
{
    MUST_BE(ln, LISTENER_MAGIC);
    ln->is_wanted = true;
    ln->owner_data = owner_data;
    grace_publish(ln->conf, conf);
    if (ln->state == LISTENER_NEW) {
        unix_file_publish(ln);
        ln->state = LISTENER_READY;
        wish_all(ln, SOCKET_ACCEPT);
        return;
    }
    for (unsigned i = 0; i < ln->socket_count && ln->state != LISTENER_STOPPED; i++)
        listener_socket_tune(&ln->sockets[i], conf);
}

void
listener_pause(struct listener *ln)
{
    if (ln->state != LISTENER_READY)
        return;
    ln->state = LISTENER_PAUSED;
    wish_all(ln, SOCKET_PAUSE);
}

void
listener_resume(struct listener *ln)
{
    if (ln->state != LISTENER_PAUSED)
        return;
    ln->state = LISTENER_READY;
    wish_all(ln, SOCKET_ACCEPT);
}

void
listener_for_each(void (*fn)(struct listener *ln, void *arg), void *arg)
{
    LIST_FOR_EACH_SAFE (ln, &listeners, struct listener, link) {
        if (ln->state == LISTENER_READY || ln->state == LISTENER_PAUSED)
            fn(ln, arg);
    }
}

enum listener_state
listener_shown_state(const struct listener *ln)
{
    if (ln->state == LISTENER_READY && __atomic_load_n(&ln->full_sockets, __ATOMIC_RELAXED) > 0)
        return LISTENER_FULL;
    return ln->state;
}

/* The end of PUBLISH: what the new snapshot did not publish is not wanted any more. Those that
 * belong to no snapshot stay. */
static bool
stop_unwanted(struct parse *parse)
{
    (void)parse;
    LIST_FOR_EACH_SAFE (ln, &listeners, struct listener, link) {
        if (!ln->is_wanted && !ln->is_permanent && ln->state != LISTENER_NEW)
            listener_stop(ln);
        ln->is_wanted = false;
    }
    return true;
}

/* The end of ADOPT, when nothing has failed. At boot, rights and root folder change before PUBLISH:
 * unix sockets must have their names by then. */
static bool
name_unix_files(struct parse *parse)
{
    (void)parse;
    if (thread_traffic_is_running())
        return true;
    LIST_FOR_EACH (ln, &listeners, struct listener, link) {
        if (ln->state == LISTENER_NEW)
            unix_file_publish(ln);
    }
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_ADOPT, ORDER_LAST, name_unix_files, "names of unix sockets" },
    { CONFIG_PUBLISH, ORDER_LAST, stop_unwanted, "listeners that are gone" },
};
REGISTER(config_hook, hooks);
