/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of balancing algorithms. One file each; registered.
 */
#pragma once

#include "weir/base/registry.h"
#include "weir/server/server.h"

struct balance_conf { /* slot of proxy_conf */
    const struct balancer *balancer;
    int64_t draws;        /* random(N) */
    bool is_default;      /* no balance line */
    void *data;           /* the algorithm's own settings, in the arena */
};

struct balancer {
    const char *name;                   /* "roundrobin" */
    const char *args;
    /* Reads words after the name. May be NULL. */
    bool (*parse)(struct parse *parse, struct balance_conf *conf);
    /* Control: precomputes what choose() needs from set->usable. May be NULL. */
    void (*build)(struct proxy *backend, const struct balance_conf *conf, struct server_set *set);
    /* Traffic: proposes a server of set->usable for this try (0, 1, ...: the ones before were full). NULL: no more proposals. */
    struct server *(*choose)(struct proxy *backend, const struct balance_conf *conf, const struct server_set *set,
                             struct eval *eval, unsigned attempt, struct server *avoid);
    /* Traffic: srv has answered after `us` microseconds; -1: an attempt has failed. May be NULL. */
    void (*note)(const struct balance_conf *conf, struct server *srv, int64_t us);
    bool is_bound; /* a full server is waited for: no other will do */
    const char *help;
};
REGISTRY(balancer, struct balancer);

const struct balance_conf *balance_of(const struct proxy_conf *backend);

/* A server has answered after `us` microseconds; -1: an attempt has failed. Traffic. */
static inline void
balance_note(const struct proxy_conf *backend, struct server *srv, int64_t us)
{
    const struct balance_conf *conf = balance_of(backend);

    if (__builtin_expect(conf->balancer->note != NULL, 0) && srv != NULL)
        conf->balancer->note(conf, srv, us);
}
