/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random(draws): the least loaded of some servers drawn by weight. The default, with two draws.
 *
 * Thread: traffic.
 */
#include "weir/base/entropy.h"
#include "private.h"

static struct server *
choose(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
       struct eval *eval, unsigned attempt, struct server *avoid)
{
    struct server *best = NULL;

    (void)backend;
    (void)eval;
    if (attempt > 0)
        return schedule_next(set, entropy_next(), attempt);
    for (int64_t i = 0; i < conf->draws; i++) {
        struct server *srv = schedule_server(set, entropy_next());

        if (srv == avoid && set->usable_count > 1)
            continue;
        if (best == NULL || is_less_loaded(srv, best))
            best = srv;
    }
    return best != NULL ? best : schedule_server(set, entropy_next());
}

static const struct balancer balancers[] = {
    { "random", .args = "[(<draws>)]", .build = schedule_build, .choose = choose,
      .help = "The least loaded of some servers (two) drawn by weight." },
};
REGISTER(balancer, balancers);
