/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: a client always gets the same server, by its address, while the servers stay the same.
 *
 * Thread: traffic.
 */
#include <string.h>

#include "weir/base/hash.h"
#include "weir/net/client_addr.h"
#include "private.h"

static uint64_t
hash_of_client(const struct eval *eval)
{
    const struct addr *addr = eval->client == NULL ? NULL : client_src(eval);

    if (addr == NULL)
        return 0;
    if (addr->family == ADDR_IPV4)
        return hash_xxh3(str_of((const char *)&addr->ip4, sizeof(addr->ip4)), 0);
    if (addr->family == ADDR_IPV6)
        return hash_xxh3(str_of((const char *)&addr->ip6, sizeof(addr->ip6)), 0);
    return 0;
}

/* Bound to its server: when that one is full, the stream waits in its line. */
static struct server *
choose(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
       struct eval *eval, unsigned attempt, struct server *avoid)
{
    uint64_t hash = hash_of_client(eval);
    struct server *srv;

    (void)backend;
    (void)conf;
    if (attempt > 0)
        return NULL;
    srv = schedule_server(set, hash);
    return srv == avoid ? schedule_next(set, hash, 1 % set->usable_count) : srv;
}

static const struct balancer balancers[] = {
    { "source", .build = schedule_build, .choose = choose, .is_bound = true,
      .help = "The server that belongs to the client's address." },
};
REGISTER(balancer, balancers);
