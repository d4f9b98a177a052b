/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roundrobin and static-rr: each server in turn, as often as its weight says.
 *
 * Thread: traffic. The position is one atomic counter of the backend, so the order is exact over
 * all threads.
 */
#include "weir/base/alloc.h"

#include "hash.h"
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

/* HAProxy's order. */
static void
build_static(struct proxy *backend, const struct balance_conf *conf, struct server_set *set)
{
    uint32_t *weights;

    (void)backend;
    (void)conf;
    if (set->usable_count == 0)
        return;
    weights = alloc_array(set->usable_count, sizeof(*weights));
    for (unsigned i = 0; i < set->usable_count; i++)
        weights[i] = (uint32_t)set->usable[i]->effective_weight;
    set->plan = hash_fixed_new(weights, set->usable_count);
    set->plan_free = alloc_free;
    alloc_free(weights);
}

static const struct balancer balancers[] = {
    { "roundrobin", .build = schedule_build, .choose = choose,
      .help = "Each server in turn, as often as its weight says." },
    { "static-rr", .build = build_static, .choose = choose,
      .help = "As roundrobin, in the order of HAProxy's static-rr." },
};
REGISTER(balancer, balancers);
