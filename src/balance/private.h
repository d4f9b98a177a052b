/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room balance share. */
#pragma once

#include "weir/balance/balance.h"
#include "weir/balance/pick.h"
#include "weir/config/keyword.h"

/* For balancer.parse: what stands in parentheses behind the name; "" when nothing does. NULL: reported. */
const char *balance_inside(struct parse *parse);

/* --- schedule.c: servers in the order of their weights, spread evenly ----------------- */

struct schedule {
    uint32_t length;
    uint32_t at[]; /* index in set->usable */
};
/* For balancer.build: makes set->plan. */
void schedule_build(struct proxy *backend, const struct balance_conf *conf, struct server_set *set);
static inline struct server *
schedule_server(const struct server_set *set, uint64_t position)
{
    const struct schedule *schedule = set->plan;

    return set->usable[schedule->at[position % schedule->length]];
}
/* The server `attempt` places behind the one at `position`, round all usable ones; NULL after the last. */
struct server *schedule_next(const struct server_set *set, uint64_t position, unsigned attempt);

/* Load of a server: streams it has and streams that wait for it. */
static inline uint64_t
load_of(const struct server *srv)
{
    return (uint64_t)__atomic_load_n(&srv->current, __ATOMIC_RELAXED) +
           __atomic_load_n(&srv->queue.length, __ATOMIC_RELAXED);
}
/* Has `a` less to do for its weight than `b`? */
static inline bool
is_less_loaded(const struct server *a, const struct server *b)
{
    return (load_of(a) + 1) * (uint64_t)b->effective_weight <
           (load_of(b) + 1) * (uint64_t)a->effective_weight;
}

/* --- explain_pick.c: for those who ask why --------------------------------------------- */

struct explain;
void explain_servers(const struct server_set *set, struct explain *explain);
