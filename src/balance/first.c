/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first: fill one server up to its maxconn before the next one, by id.
 *
 * Thread: traffic.
 */
#include <stdlib.h>

#include "private.h"

static int
compare_ids(const void *a, const void *b)
{
    const struct server *left = *(struct server *const *)a, *right = *(struct server *const *)b;

    return left->id < right->id ? -1 : left->id > right->id;
}

static void
build(struct proxy *backend, const struct balance_conf *conf, struct server_set *set)
{
    (void)backend;
    (void)conf;
    qsort(set->usable, set->usable_count, sizeof(*set->usable), compare_ids);
}

static struct server *
choose(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
       struct eval *eval, unsigned attempt, struct server *avoid)
{
    (void)backend;
    (void)conf;
    (void)eval;
    (void)avoid;
    return attempt < set->usable_count ? set->usable[attempt] : NULL;
}

static const struct balancer balancers[] = {
    { "first", .build = build, .choose = choose,
      .help = "The first server, by id, that has room." },
};
REGISTER(balancer, balancers);
