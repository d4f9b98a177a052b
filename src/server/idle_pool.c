/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle server connections, kept for reuse.
 *
 * For:     a finished request leaves its server connection here; the next request for that server
 * may take it instead of dialling. Owns:    each connection in a pool, until idle_pool_take() gives
 * it away. Callers: stream takes and gives; control asks all threads to clear when a server goes.
 * Thread:  a thread's part belongs to it; the array of parts is made once and never changes.
 *
 * The most recently used connection goes first, because the oldest is the likeliest to have been
 * closed. Each pool-purge-delay, half of the connections that nobody needed during the period are
 * closed.
 */
#include "weir/server/idle_pool.h"

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "private.h"

/* What one thread keeps for one server. */
struct idle_part {
    struct list conns; /* struct mux_conn; most recent first */
    struct list shared; /* struct mux_conn: those with streams that have room for more */
    uint32_t count;
    uint32_t least; /* the fewest in this period: nobody needed these */
    struct server *server;
    struct timer timer;
};

struct idle_pool {
    struct idle_part **parts; /* owns; thread_count(); NULL: nothing yet */
};

static struct pool part_pool = POOL("idle pool", sizeof(struct idle_part));

struct idle_pool *
idle_pool_new(void)
{
    struct idle_pool *pool = alloc_zero(sizeof(*pool));

    pool->parts = alloc_array(thread_count(), sizeof(*pool->parts));
    return pool;
}

void
idle_pool_free(struct idle_pool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < thread_count(); i++)
        MUST(pool->parts[i] == NULL);
    alloc_free(pool->parts);
    alloc_free(pool);
}

/* Others read it for statistics. */
static inline void
set_count(struct idle_part *part, uint32_t count)
{
    __atomic_store_n(&part->count, count, __ATOMIC_RELAXED);
}

/* --- purging ---------------------------------------------------------------------------- */

static void
close_last(struct idle_part *part)
{
    struct mux_conn *mc = LIST_ITEM(part->conns.prev, struct mux_conn, idle_link);

    list_remove(&mc->idle_link);
    set_count(part, part->count - 1);
    mux_conn_close(mc);
}

static int64_t
purge_delay_ms(const struct server *srv)
{
    const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);

    return conf == NULL ? 1000 : conf->pool_purge_delay_ms;
}

static void
on_purge(struct timer *timer)
{
    struct idle_part *part = LIST_ITEM(timer, struct idle_part, timer);
    uint32_t excess = (part->least + 1) / 2;

    while (excess-- > 0 && part->count > 0)
        close_last(part);
    part->least = part->count;
    if (part->count > 0)
        timer_set(loop_here(), timer, loop_now_ms(loop_here()) + purge_delay_ms(part->server));
}

/* --- owner ---------------------------------------------------------------------------------- */

static struct idle_part *
part_here(struct server *srv)
{
    return srv->idle->parts[this_thread->index];
}

static struct idle_part *
part_make(struct server *srv)
{
    struct idle_part *part = pool_take(&part_pool);

    if (part == NULL)
        return NULL;
    list_init(&part->conns);
    list_init(&part->shared);
    part->count = part->least = 0;
    part->server = srv;
    timer_init(&part->timer, on_purge);
    __atomic_store_n(&srv->idle->parts[this_thread->index], part, __ATOMIC_RELEASE);
    return part;
}

/* A server has few keys: the first one nearly always fits. */
static struct mux_conn *
find_by_key(struct idle_part *part, uint64_t key)
{
    LIST_FOR_EACH (mc, &part->conns, struct mux_conn, idle_link) {
        if (mc->key == key)
            return mc;
    }
    return NULL;
}

struct mux_conn *
idle_pool_take(struct server *srv, enum idle_kind kind, uint64_t key)
{
    struct idle_part *part = part_here(srv);
    struct mux_conn *mc;

    if (part == NULL || part->count == 0)
        return NULL;
    mc = find_by_key(part, key);
    if (mc == NULL || (kind == IDLE_SAFE && mc->served < 2))
        return NULL;
    list_remove(&mc->idle_link);
    set_count(part, part->count - 1);
    if (part->count < part->least)
        part->least = part->count;
    return mc;
}

/* --- shared by streams ---------------------------------------------------------------------- */

struct mux_conn *
idle_pool_join(struct server *srv, uint64_t key)
{
    struct idle_part *part = part_here(srv);

    if (part == NULL)
        return NULL;
    LIST_FOR_EACH (mc, &part->shared, struct mux_conn, idle_link) {
        if (mc->key == key && mc->mux->has_room(mc))
            return mc;
    }
    return NULL;
}

void
idle_pool_share(struct server *srv, struct mux_conn *mc)
{
    struct idle_part *part = part_here(srv);

    if (part == NULL)
        part = part_make(srv);
    if (part == NULL || list_is_linked(&mc->idle_link))
        return;
    mc->is_shared = true;
    list_add_first(&part->shared, &mc->idle_link);
}

static void
leave_shared(struct mux_conn *mc)
{
    mc->is_shared = false;
    list_remove(&mc->idle_link);
}

/* --- given back ----------------------------------------------------------------------------- */

/* strict-maxconn: the connection is still that of a stream, which is in srv->current. A thread
 * cannot make another one close what it keeps, so several threads keep nothing. */
static bool
exceeds_maxconn(const struct server *srv, const struct server_conf *conf, const struct idle_part *part)
{
    int64_t maxconn = __atomic_load_n(&srv->maxconn, __ATOMIC_RELAXED);

    if (!conf->strict_maxconn || maxconn == 0)
        return false;
    return thread_traffic_count() > 1 ||
           __atomic_load_n(&srv->current, __ATOMIC_RELAXED) + (int64_t)part->count > maxconn;
}

void
idle_pool_make_room(struct server *srv)
{
    struct idle_part *part = part_here(srv);
    const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);

    while (part != NULL && conf != NULL && part->count > 0 && exceeds_maxconn(srv, conf, part))
        close_last(part);
}

/* The limit of a server is shared out between the threads. */
static bool
has_room(const struct server *srv, const struct server_conf *conf, const struct idle_part *part)
{
    int64_t threads = thread_traffic_count() > 0 ? thread_traffic_count() : 1;

    if (exceeds_maxconn(srv, conf, part))
        return false;
    if (conf->pool_max_conn < 0)
        return true;
    return part->count < (conf->pool_max_conn + threads - 1) / threads;
}

void
idle_pool_give(struct server *srv, struct mux_conn *mc)
{
    const struct server_conf *conf = __atomic_load_n(&srv->conf, __ATOMIC_CONSUME);
    struct idle_part *part = part_here(srv);

    if (mc->is_shared)
        leave_shared(mc);
    if (part == NULL)
        part = part_make(srv);
    if (part == NULL || conf == NULL || !server_takes_persistent(srv) || !has_room(srv, conf, part)) {
        mux_conn_close(mc);
        return;
    }
    list_add_first(&part->conns, &mc->idle_link);
    set_count(part, part->count + 1);
    if (!timer_is_running(&part->timer)) {
        part->least = 0;
        timer_set(loop_here(), &part->timer, loop_now_ms(loop_here()) + conf->pool_purge_delay_ms);
    }
}

void
idle_pool_forget(struct server *srv, struct mux_conn *mc)
{
    struct idle_part *part;

    if (!list_is_linked(&mc->idle_link))
        return;
    if (mc->is_shared) {
        leave_shared(mc);
        return;
    }
    part = part_here(srv);
    list_remove(&mc->idle_link);
    set_count(part, part->count - 1);
    if (part->count < part->least)
        part->least = part->count;
}

uint32_t
idle_pool_count_of(const struct server *srv, unsigned index)
{
    const struct idle_part *part = __atomic_load_n(&srv->idle->parts[index], __ATOMIC_ACQUIRE);

    return part == NULL ? 0 : __atomic_load_n(&part->count, __ATOMIC_RELAXED);
}

uint32_t
idle_pool_count(const struct server *srv)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < thread_count(); i++)
        sum += idle_pool_count_of(srv, i);
    return sum;
}

/* --- clearing -----------------------------------------------------------------------------------
 */

struct clearing {
    struct server *server;
    void (*done)(void *srv);
};

static void
clear_here(void *arg)
{
    struct clearing *job = arg;
    struct idle_part *part = part_here(job->server);

    if (part == NULL)
        return;
    while (part->count > 0)
        close_last(part);
    LIST_FOR_EACH_SAFE (mc, &part->shared, struct mux_conn, idle_link) {
        leave_shared(mc);
        mc->mux->stop(mc); /* its streams may end */
    }
    timer_stop(&part->timer);
    job->server->idle->parts[this_thread->index] = NULL;
    pool_give(&part_pool, part);
}

static void
cleared(void *arg)
{
    struct clearing *job = arg;
    struct clearing copy = *job;

    alloc_free(job);
    if (copy.done != NULL)
        copy.done(copy.server);
    else
        server_drop(copy.server);
}

void
idle_pool_clear_all(struct server *srv, void (*done)(void *srv))
{
    struct clearing *job = alloc_zero(sizeof(*job));

    job->server = srv;
    job->done = done;
    if (done == NULL)
        server_hold(srv); /* until all threads have done it */
    mailbox_call_all(clear_here, cleared, job);
}
