/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kept connections of clients.
 *
 * For:     client.c.
 * Owns:    connections from give to take, for IDLE_MS at most, IDLE_MAX in each thread.
 * Thread:  owner.
 */
#include "client_idle.h"

#include "weir/base/pool.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"

#define IDLE_MS  5000
#define IDLE_MAX 64

struct kept {
    struct list link;
    struct mux_conn *mc; /* owns */
    struct addr to;
    uint64_t key;
    struct timer timer;
};

static struct pool kept_pool = POOL("client_idle", sizeof(struct kept));
static _Thread_local struct list kept_here; /* the one that was used last comes first */
static _Thread_local unsigned kept_count;

/* It must not look at settings of a snapshot that may go. */
static const struct mux_settings idle_settings;

static void
forget(struct kept *kept)
{
    timer_stop(&kept->timer);
    list_remove(&kept->link);
    kept_count--;
    pool_give(&kept_pool, kept);
}

static void
on_gone(struct mux_conn *mc)
{
    forget(mc->owner_data);
}

static const struct mux_owner owner = { .on_gone = on_gone };

static void
drop(struct kept *kept)
{
    struct mux_conn *mc = kept->mc;

    forget(kept);
    mux_conn_close(mc);
}

static void
on_time(struct timer *timer)
{
    drop(LIST_ITEM(timer, struct kept, timer));
}

/* A thread that never kept one has no list yet. */
static bool
has_list(void)
{
    return kept_here.next != NULL;
}

struct mux_conn *
client_idle_take(const struct addr *to, uint64_t key)
{
    struct mux_conn *mc;

    if (!has_list())
        return NULL;
    LIST_FOR_EACH (kept, &kept_here, struct kept, link) {
        if (kept->key != key || !addr_eq(&kept->to, to))
            continue;
        mc = kept->mc;
        forget(kept);
        return mc;
    }
    return NULL;
}

void
client_idle_give(struct mux_conn *mc, const struct addr *to, uint64_t key)
{
    struct kept *kept = kept_count >= IDLE_MAX || !addr_is_ip(to) ? NULL : pool_take(&kept_pool);
    struct loop *loop = mc->conn->loop;

    if (kept == NULL) {
        mux_conn_close(mc);
        return;
    }
    if (!has_list())
        list_init(&kept_here);
    *kept = (struct kept){ .mc = mc, .to = *to, .key = key };
    mc->owner = &owner;
    mc->owner_data = kept;
    mc->settings = &idle_settings;
    list_add_first(&kept_here, &kept->link);
    kept_count++;
    timer_init(&kept->timer, on_time);
    timer_set(loop, &kept->timer, loop->now_ms + IDLE_MS);
}

static void
drop_all(void)
{
    if (!has_list())
        return;
    LIST_FOR_EACH_SAFE (kept, &kept_here, struct kept, link)
        drop(kept);
}

static const struct start_hook hooks[] = { { STOP_THREAD, drop_all } };
REGISTER(start_hook, hooks);
