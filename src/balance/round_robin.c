/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roundrobin and static-rr: each server in turn, as often as its weight says.
 *
 * Thread: traffic. The position is one atomic counter of the backend, so the order is exact over
 * all threads.
 */
#include "private.h"

static struct server *
choose(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
       struct eval *eval, unsigned attempt, struct server *avoid)
{
    uint64_t position;

    (void)conf;
    (void)eval;
    (void)avoid;
    if (attempt == 0)
        position = __atomic_fetch_add(&backend->back->position, 1, __ATOMIC_RELAXED);
    else
        position = __atomic_load_n(&backend->back->position, __ATOMIC_RELAXED) - 1;
    return schedule_next(set, position, attempt);
}

static const struct balancer balancers[] = {
    { "roundrobin", .build = schedule_build, .choose = choose,
      .help = "Each server in turn, as often as its weight says." },
    { "static-rr", .build = schedule_build, .choose = choose,
      .help = "The same as roundrobin; HAProxy's static variant." },
};
REGISTER(balancer, balancers);
