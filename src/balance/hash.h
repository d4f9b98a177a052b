/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of hashing balancers share. */
#pragma once

#include "weir/balance/balance.h"
#include "weir/base/str.h"
#include "private.h"

enum hash_kind { HASH_SOURCE, HASH_URI, HASH_PARAM, HASH_HEADER, HASH_RDP, HASH_EXPR };
enum hash_function {
    HASH_SDBM,
    HASH_DJB2,
    HASH_WT6,
    HASH_CRC32,
    HASH_NONE, /* the key is a number */
};
enum hash_affinity { AFFINITY_ALWAYS, AFFINITY_MAXCONN, AFFINITY_MAXQUEUE };
enum hash_node { NODE_ID, NODE_ID32, NODE_ADDR, NODE_ADDR_PORT, NODE_GUID };

struct sample;

/* What follows the name of the algorithm: balance_conf.data. */
struct hash_key {
    enum hash_kind kind;
    bool is_whole, is_path_only, is_domain_only, checks_post;
    int64_t len, depth; /* 0: no limit */
    const char *name;   /* of the parameter */
    const struct sample *sample;
};

struct hash_conf { /* slot of proxy_conf */
    bool is_consistent;
    bool has_function;
    int function; /* enum hash_function */
    bool has_avalanche;
    int64_t balance_factor; /* percent; 0: off */
    int affinity;           /* enum hash_affinity */
};
const struct hash_conf *hash_conf_of(const struct proxy_conf *backend);

/* The node keys of a server: hash-key. */
enum hash_node hash_node_of(const struct server_conf *srv);

/* The hash of what this request is balanced by. False: it has no such thing. Traffic. */
bool hash_of_request(const struct hash_key *key, const struct hash_conf *conf, struct eval *eval,
                     uint32_t *out);

/* --- hash_fixed.c: an array with as many places as the weights' sum ------------------------------- */

struct schedule *hash_fixed_new(const uint32_t *weights, uint32_t count);

/* --- hash_ring.c: points of servers on a circle ----------------------------------------------------- */

struct ring_node {
    uint32_t key;
    uint32_t server; /* index in set->usable */
};
struct hash_ring {
    uint32_t count;
    struct ring_node at[]; /* by key */
};
/* `seeds`: what tells servers apart; `counts`: how many points each one has. */
struct hash_ring *hash_ring_new(const uint32_t *seeds, const uint32_t *counts, uint32_t servers);
/* The place of the point that is nearest. count > 0. */
uint32_t hash_ring_find(const struct hash_ring *ring, uint32_t hash);
