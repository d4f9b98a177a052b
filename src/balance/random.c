/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random(draws): the least loaded of some servers drawn by weight. The default, with two draws.
 *
 * Thread: traffic.
 */
#include "weir/base/entropy.h"
#include "weir/base/number.h"
#include "private.h"

#define DRAWS_MAX 64

/* "random(3)" */
static bool
parse_draws(struct parse *parse, struct balance_conf *conf)
{
    const char *inside = balance_inside(parse);
    struct error err = ERROR_INIT;

    if (inside == NULL)
        return false;
    if (inside[0] != '\0' &&
        !number_parse_int(str_from(inside), 1, DRAWS_MAX, &conf->draws, &err))
        return parse_alert(parse, "'random(%s)': %s", inside, err.text);
    return true;
}

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
    { "random", .args = "[(<draws>)]", .parse = parse_draws, .build = schedule_build, .choose = choose,
      .help = "The least loaded of some servers (two) drawn by weight." },
};
REGISTER(balancer, balancers);
