/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The circle of consistent hashing: each server has many points on it, and a key belongs to the
 * nearest one. When a server comes or goes, only the keys at its own points move.
 *
 * Thread: control builds; traffic reads.
 */
#include <stdlib.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"

#include "hash.h"

static int
compare_nodes(const void *a, const void *b)
{
    const struct ring_node *left = a, *right = b;

    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->server < right->server ? -1 : left->server > right->server;
}

struct hash_ring *
hash_ring_new(const uint32_t *seeds, const uint32_t *counts, uint32_t servers)
{
    struct hash_ring *ring;
    uint32_t total = 0, at = 0;

    for (uint32_t i = 0; i < servers; i++)
        total += counts[i];
    ring = alloc_zero(sizeof(*ring) + total * sizeof(ring->at[0]));
    ring->count = total;
    for (uint32_t i = 0; i < servers; i++) {
        for (uint32_t k = 0; k < counts[i]; k++)
            ring->at[at++] = (struct ring_node){ hash_avalanche(seeds[i] + k), i };
    }
    qsort(ring->at, total, sizeof(ring->at[0]), compare_nodes);
    return ring;
}

/* The first point at or behind `hash`; the first of all behind the last. */
static uint32_t
point_behind(const struct hash_ring *ring, uint32_t hash)
{
    uint32_t low = 0, high = ring->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (ring->at[middle].key < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low == ring->count ? 0 : low;
}

uint32_t
hash_ring_find(const struct hash_ring *ring, uint32_t hash)
{
    uint32_t behind = point_behind(ring, hash);
    uint32_t before = behind == 0 ? ring->count - 1 : behind - 1;

    return hash - ring->at[before].key <= ring->at[behind].key - hash ? before : behind;
}
