/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which servers take their turns, computed when the set changes.
 *
 * For:     roundrobin, static-rr, random, source.
 * Owns:    nothing: the schedule belongs to its set.
 * Thread:  control builds; traffic reads.
 *
 * A server of weight w takes w turns in a round of the sum of all weights. Its k-th turn is due at
 * (k + 1/2) / w of the round; turns are sorted by that, then by the order of the text. So turns are
 * spread as evenly as can be, and equal weights give the plain order. Weights are divided by their
 * greatest common divisor, and scaled down where a round would be too long.
 */
#include <stdlib.h>

#include "weir/base/alloc.h"
#include "private.h"

#define ROUND_MAX 65536

struct turn {
    double due;
    uint32_t index;
};

static int
compare_turns(const void *a, const void *b)
{
    const struct turn *left = a, *right = b;

    if (left->due != right->due)
        return left->due < right->due ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
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

static uint32_t
turns_of(const struct server *srv, uint64_t divisor, uint64_t sum)
{
    uint64_t turns = (uint64_t)srv->effective_weight / divisor;

    if (sum / divisor > ROUND_MAX)
        turns = (uint64_t)srv->effective_weight * ROUND_MAX / sum;
    return turns == 0 ? 1 : (uint32_t)turns;
}

static struct schedule *
schedule_of(const struct turn *turns, uint32_t length)
{
    struct schedule *schedule = alloc_zero(sizeof(*schedule) + length * sizeof(schedule->at[0]));

    schedule->length = length;
    for (uint32_t i = 0; i < length; i++)
        schedule->at[i] = turns[i].index;
    return schedule;
}

void
schedule_build(struct proxy *backend, const struct balance_conf *conf, struct server_set *set)
{
    uint64_t divisor = 0;
    uint32_t length = 0, at = 0;
    struct turn *turns;

    (void)backend;
    (void)conf;
    if (set->usable_count == 0)
        return;
    for (unsigned i = 0; i < set->usable_count; i++)
        divisor = gcd(divisor, (uint64_t)set->usable[i]->effective_weight);
    for (unsigned i = 0; i < set->usable_count; i++)
        length += turns_of(set->usable[i], divisor, set->weight_sum);
    turns = alloc_array(length, sizeof(*turns));
    for (unsigned i = 0; i < set->usable_count; i++) {
        uint32_t count = turns_of(set->usable[i], divisor, set->weight_sum);

        for (uint32_t k = 0; k < count; k++)
            turns[at++] = (struct turn){ (k + 0.5) / count, i };
    }
    qsort(turns, length, sizeof(*turns), compare_turns);
    set->plan = schedule_of(turns, length);
    set->plan_free = alloc_free;
    alloc_free(turns);
}

struct server *
schedule_next(const struct server_set *set, uint64_t position, unsigned attempt)
{
    const struct schedule *schedule = set->plan;

    if (attempt == 0)
        return schedule_server(set, position);
    if (attempt >= set->usable_count)
        return NULL;
    return set->usable[(schedule->at[position % schedule->length] + attempt) % set->usable_count];
}
