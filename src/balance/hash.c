/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source, uri, url_param, hdr(), rdp-cookie, hash: requests with the same key get the same server.
 *
 * Owns:    the plans: an array or a circle for each set.
 * Thread:  control builds; traffic reads.
 */
#include "hash.h"

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/expr/explain.h"
#include "weir/loop/grace.h"

#include "hash_parse.h"
#include "private.h"

#define POINTS 16 /* of a server, for each unit of its weight */

struct hash_plan {
    struct schedule *fixed; /* one of the two; owns */
    struct hash_ring *ring;
};

/* --- plans -------------------------------------------------------------------------------------- */

static void
plan_free(void *object)
{
    struct hash_plan *plan = object;

    alloc_free(plan->fixed);
    alloc_free(plan->ring);
    alloc_free(plan);
}

static uint32_t
address_seed(const struct server *srv, bool with_port)
{
    struct addr addr;
    uint32_t seed;

    server_addr(srv, &addr);
    seed = addr.family == ADDR_IPV6
               ? hash_crc32(str_of((const char *)&addr.ip6, sizeof(addr.ip6)))
               : hash_crc32(str_of((const char *)&addr.ip4, sizeof(addr.ip4)));
    return with_port ? hash_avalanche(seed) ^ addr.port : seed;
}

/* Seeds of different servers lie far apart: a server's points are its seed, seed + 1, ... */
static uint32_t
seed_of(const struct server *srv)
{
    const struct server_conf *conf = srv->conf;

    switch (conf == NULL ? NODE_ID : hash_node_of(conf)) {
    case NODE_ADDR:
        return hash_avalanche(address_seed(srv, false));
    case NODE_ADDR_PORT:
        return hash_avalanche(address_seed(srv, true));
    case NODE_GUID:
        if (conf != NULL && conf->guid != NULL)
            return hash_avalanche(hash_crc32(str_from(conf->guid)));
        break;
    case NODE_ID32:
        return hash_avalanche((uint32_t)srv->id);
    case NODE_ID:
        break;
    }
    return (uint32_t)srv->id * (256 * POINTS);
}

static void
build(struct proxy *backend, const struct balance_conf *conf, struct server_set *set)
{
    const struct hash_conf *hash = hash_conf_of(backend->back->conf);
    struct hash_plan *plan;
    uint32_t *weights, *seeds;

    (void)conf;
    if (set->usable_count == 0)
        return;
    plan = alloc_zero(sizeof(*plan));
    weights = alloc_array(set->usable_count, sizeof(*weights));
    seeds = alloc_array(set->usable_count, sizeof(*seeds));
    for (unsigned i = 0; i < set->usable_count; i++) {
        weights[i] = (uint32_t)set->usable[i]->effective_weight;
        seeds[i] = seed_of(set->usable[i]);
        if (hash->is_consistent)
            weights[i] *= POINTS;
    }
    if (hash->is_consistent)
        plan->ring = hash_ring_new(seeds, weights, set->usable_count);
    else
        plan->fixed = hash_fixed_new(weights, set->usable_count);
    alloc_free(weights);
    alloc_free(seeds);
    set->plan = plan;
    set->plan_free = plan_free;
}

/* --- who may not take it --------------------------------------------------------------------------- */

static uint64_t
load_of_all(const struct server_set *set)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < set->usable_count; i++)
        sum += load_of(set->usable[i]);
    return sum;
}

/* hash-balance-factor: nobody has more than so much of his share. */
static bool
is_above_share(const struct server_set *set, const struct hash_conf *conf, const struct server *srv,
               uint64_t load)
{
    uint64_t slots = ((load + 1) * (uint64_t)conf->balance_factor + 99) / 100;
    uint64_t share = set->weight_sum == 0
                         ? slots
                         : (slots * (uint64_t)srv->effective_weight + set->weight_sum - 1) /
                               set->weight_sum;

    return load_of(srv) >= (share == 0 ? 1 : share);
}

/* hash-preserve-affinity */
static bool
is_saturated(const struct proxy_conf *backend, const struct hash_conf *conf,
             const struct server *srv)
{
    const struct server_conf *written = grace_read(srv->conf);
    uint32_t max = server_maxconn_now(srv, backend);
    bool is_full = max != 0 && __atomic_load_n(&srv->current, __ATOMIC_RELAXED) >= max;

    if (conf->affinity == AFFINITY_ALWAYS || !is_full)
        return false;
    if (conf->affinity == AFFINITY_MAXCONN)
        return true;
    return written != NULL && written->maxqueue != 0 &&
           __atomic_load_n(&srv->queue.length, __ATOMIC_RELAXED) >= (uint32_t)written->maxqueue;
}

static bool
is_passed_over(const struct proxy_conf *backend, const struct hash_conf *conf,
               const struct server_set *set, const struct server *srv, uint64_t load,
               const struct server *avoid)
{
    if (srv == avoid && set->usable_count > 1)
        return true;
    if (conf->balance_factor != 0 && conf->is_consistent && is_above_share(set, conf, srv, load))
        return true;
    return is_saturated(backend, conf, srv);
}

/* --- choice ------------------------------------------------------------------------------------------ */

static uint32_t
places_of(const struct hash_plan *plan)
{
    return plan->ring != NULL ? plan->ring->count : plan->fixed->length;
}

static struct server *
server_at(const struct server_set *set, uint32_t place)
{
    const struct hash_plan *plan = set->plan;

    return set->usable[plan->ring != NULL ? plan->ring->at[place].server : plan->fixed->at[place]];
}

static uint32_t
place_of(const struct hash_plan *plan, uint32_t hash)
{
    return plan->ring != NULL ? hash_ring_find(plan->ring, hash) : hash % plan->fixed->length;
}

/* From its place on, the first one that is not passed over; the one at the place when all are. */
static struct server *
walk(const struct proxy_conf *backend, const struct server_set *set, uint32_t place,
     const struct server *avoid)
{
    const struct hash_conf *conf = hash_conf_of(backend);
    uint32_t places = places_of(set->plan);
    uint64_t load = conf->balance_factor == 0 ? 0 : load_of_all(set);
    struct server *first = server_at(set, place), *last = NULL;

    for (uint32_t i = 0; i < places; i++) {
        struct server *srv = server_at(set, (place + i) % places);

        if (srv == last)
            continue;
        if (!is_passed_over(backend, conf, set, srv, load, avoid))
            return srv;
        last = srv;
    }
    return first;
}

static struct server *
choose(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
       struct eval *eval, unsigned attempt, struct server *avoid)
{
    const struct proxy_conf *written = eval->backend;
    const struct hash_plan *plan = set->plan;
    uint32_t hash, place;

    if (attempt > 0)
        return NULL;
    if (conf->balancer->choose == choose && conf->data != NULL &&
        hash_of_request(conf->data, hash_conf_of(written), eval, &hash)) {
        place = place_of(plan, hash);
        if (__builtin_expect(eval->explain != NULL, 0))
            explain_note(eval->explain, "its hash is %08x: place %u of %u, %s's", hash, place,
                         places_of(plan), server_at(set, place)->name);
    } else { /* no such thing in it: in turn */
        if (__builtin_expect(eval->explain != NULL, 0))
            explain_note(eval->explain, "it has nothing to be hashed: servers take turns");
        place = (uint32_t)(__atomic_fetch_add(&backend->back->position, 1, __ATOMIC_RELAXED) %
                           places_of(plan));
    }
    return walk(written, set, place, avoid);
}

#define HASHING(parse_) .build = build, .choose = choose, .is_bound = true, .parse = parse_

static const struct balancer balancers[] = {
    { "source", HASHING(hash_parse_source),
      .help = "The server that belongs to the client's address." },
    { "uri", HASHING(hash_parse_uri),
      .args = " [len <count>] [depth <count>] [whole] [path-only]",
      .help = "The server that belongs to the request's URI, up to the question mark." },
    { "url_param", HASHING(hash_parse_param), .args = " <name> [check_post]",
      .help = "The server that belongs to the value of a parameter." },
    { "hdr", HASHING(hash_parse_header), .args = "(<name>) [use_domain_only]",
      .help = "The server that belongs to the value of a field." },
    { "rdp-cookie", HASHING(hash_parse_rdp), .args = "[(<name>)]",
      .help = "The server that belongs to the cookie of a remote desktop client." },
    { "hash", HASHING(hash_parse_expr), .args = " <expression>",
      .help = "The server that belongs to the value of an expression." },
};
REGISTER(balancer, balancers);
