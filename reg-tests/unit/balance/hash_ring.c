/* SPDX-License-Identifier: Apache-2.0 */
/* The circle: few keys move when a server comes or goes, and shares follow the weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "balance/hash_ring.c"

enum { KEYS = 100000, POINTS = 160 };

static struct hash_ring *
ring_of(uint32_t servers, uint32_t points)
{
    uint32_t seeds[64], counts[64];

    for (uint32_t i = 0; i < servers; i++) {
        seeds[i] = (i + 1) * 4096;
        counts[i] = points;
    }
    return hash_ring_new(seeds, counts, servers);
}

static uint32_t
owner_of(const struct hash_ring *ring, uint32_t key)
{
    return ring->at[hash_ring_find(ring, hash_avalanche(key))].server;
}

static void
few_keys_move(void **state)
{
    (void)state;
    for (uint32_t servers = 2; servers <= 32; servers *= 2) {
        struct hash_ring *before = ring_of(servers, POINTS), *after = ring_of(servers + 1, POINTS);
        uint32_t moved = 0;

        for (uint32_t key = 0; key < KEYS; key++) {
            uint32_t old = owner_of(before, key), new = owner_of(after, key);

            if (old != new) {
                assert_int_equal(new, servers); /* only to the new one */
                moved++;
            }
        }
        /* 1/(N+1), give or take a third of it */
        assert_in_range(moved, KEYS / (servers + 1) * 2 / 3, KEYS / (servers + 1) * 4 / 3);
        alloc_free(before);
        alloc_free(after);
    }
}

static void
shares_follow_weights(void **state)
{
    uint32_t seeds[] = { 4096, 8192, 12288 }, counts[] = { 400, 800, 1600 }, got[3] = { 0 };
    struct hash_ring *ring = hash_ring_new(seeds, counts, 3);

    (void)state;
    for (uint32_t key = 0; key < KEYS; key++)
        got[owner_of(ring, key)]++;
    assert_in_range(got[0], KEYS / 7 * 8 / 10, KEYS / 7 * 12 / 10);
    assert_in_range(got[1], KEYS * 2 / 7 * 8 / 10, KEYS * 2 / 7 * 12 / 10);
    assert_in_range(got[2], KEYS * 4 / 7 * 8 / 10, KEYS * 4 / 7 * 12 / 10);
    alloc_free(ring);
}

static void
nearest_wins(void **state)
{
    struct hash_ring *ring = ring_of(5, 16);

    (void)state;
    for (uint32_t key = 0; key < 10000; key++) {
        uint32_t hash = hash_avalanche(key), found = hash_ring_find(ring, hash), best = ~0u;

        for (uint32_t i = 0; i < ring->count; i++) {
            uint32_t ahead = ring->at[i].key - hash, away = ahead < -ahead ? ahead : -ahead;

            best = away < best ? away : best;
        }
        assert_true(ring->at[found].key - hash == best || hash - ring->at[found].key == best);
    }
    alloc_free(ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_keys_move),
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(nearest_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
