/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The array of map-based hashing: each server has as many places as its weight says, spread out.
 *
 * Thread: control builds; traffic reads.
 *
 * Each place is given to the server that has waited longest for one: every server gains its weight
 * at each place, and pays the sum of all weights for the place it gets. What counts is only who has
 * saved up one more whole sum; among those with the same the order of the text decides.
 */
#include <string.h>

#include "weir/base/alloc.h"

#include "hash.h"

#define PLACES_MAX 65536

static uint64_t
sum_of(const uint32_t *weights, uint32_t count)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += weights[i];
    return sum;
}

static uint64_t
gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static uint64_t
common_divisor(const uint32_t *weights, uint32_t count)
{
    uint64_t divisor = 0;

    for (uint32_t i = 0; i < count; i++)
        divisor = gcd(divisor, weights[i]);
    return divisor == 0 ? 1 : divisor;
}

static uint32_t
next_server(int64_t *saved, const uint64_t *shares, uint32_t count, int64_t sum)
{
    uint32_t best = count;
    int64_t most = 0;

    for (uint32_t i = 0; i < count; i++) {
        int64_t wholes;

        if (shares[i] == 0)
            continue;
        saved[i] += (int64_t)shares[i];
        wholes = (saved[i] + sum) / sum;
        if (best == count || wholes > most) {
            best = i;
            most = wholes;
        }
    }
    saved[best] -= sum;
    return best;
}

struct schedule *
hash_fixed_new(const uint32_t *weights, uint32_t count)
{
    uint64_t divisor = common_divisor(weights, count), sum = sum_of(weights, count) / divisor;
    uint64_t *shares = alloc_array(count + 1, sizeof(*shares)), length = 0;
    int64_t *saved = alloc_zero((count + 1) * sizeof(*saved));
    struct schedule *fixed;

    for (uint32_t i = 0; i < count; i++) {
        shares[i] = weights[i] / divisor;
        if (sum > PLACES_MAX && shares[i] > 0)
            shares[i] = shares[i] * PLACES_MAX / sum + 1;
        length += shares[i];
    }
    fixed = alloc_zero(sizeof(*fixed) + length * sizeof(fixed->at[0]));
    fixed->length = (uint32_t)length;
    for (uint32_t i = 0; i < length; i++)
        fixed->at[i] = next_server(saved, shares, count, (int64_t)length);
    alloc_free(shares);
    alloc_free(saved);
    return fixed;
}
