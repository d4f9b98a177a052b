/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leastconn: the server with the fewest streams for its weight; in turn where several have the
 * same.
 *
 * Thread: traffic; reads the servers' counters.
 */
#include "private.h"

static bool
is_full(const struct proxy *backend, const struct server *srv)
{
    uint32_t max = server_maxconn_now(srv, __atomic_load_n(&backend->conf, __ATOMIC_CONSUME));

    return max != 0 && __atomic_load_n(&srv->current, __ATOMIC_RELAXED) >= max;
}

static struct server *
choose(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
       struct eval *eval, unsigned attempt, struct server *avoid)
{
    uint64_t start = __atomic_fetch_add(&backend->back->position, 1, __ATOMIC_RELAXED);
    struct server *best = NULL;

    (void)conf;
    (void)eval;
    if (attempt > 3) /* others are faster than we are: wait in the line */
        return NULL;
    for (unsigned i = 0; i < set->usable_count; i++) {
        struct server *srv = set->usable[(start + i) % set->usable_count];

        if ((srv == avoid && set->usable_count > 1) || is_full(backend, srv))
            continue;
        if (best == NULL || is_less_loaded(srv, best))
            best = srv;
    }
    return best;
}

static const struct balancer balancers[] = {
    { "leastconn", .choose = choose, .help = "The server with the fewest streams for its weight." },
};
REGISTER(balancer, balancers);
