/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of what loops call.
 *
 * For:     "show profiling".
 * Owns:    a table of functions for each thread; made when profiling starts, kept for ever.
 * Thread:  each thread writes its own table; control starts, stops and sums.
 *
 * A table is a small hash without removal; when it is full, further functions are not counted.
 */
#include "weir/loop/profile.h"

#include <time.h>

#include "weir/base/alloc.h"
#include "weir/loop/thread.h"

#define SLOTS 512 /* a power of two */

struct profile_table {
    struct profile_entry entries[SLOTS];
};

bool profile_is_on;
static struct profile_table **tables; /* of each thread; atomic: published once */

int64_t
profile_clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
add(uint64_t *to, uint64_t value)
{
    __atomic_store_n(to, __atomic_load_n(to, __ATOMIC_RELAXED) + value, __ATOMIC_RELAXED);
}

void
profile_note(const void *fn, int64_t began_ns)
{
    struct profile_table **all = __atomic_load_n(&tables, __ATOMIC_ACQUIRE);
    size_t at = ((uintptr_t)fn >> 4) * 0x9e3779b97f4a7c15ull >> 55;
    struct profile_table *table;

    if (all == NULL || this_thread == NULL)
        return;
    table = all[this_thread->index];
    for (unsigned tries = 0; tries < SLOTS; tries++, at++) {
        struct profile_entry *entry = &table->entries[at % SLOTS];

        if (entry->fn == NULL)
            __atomic_store_n(&entry->fn, fn, __ATOMIC_RELEASE);
        if (entry->fn != fn)
            continue;
        add(&entry->calls, 1);
        add(&entry->ns, (uint64_t)(profile_clock_ns() - began_ns));
        return;
    }
}

/* Threads that count meanwhile may leave a call or two of before. */
static void
forget(void)
{
    for (unsigned i = 0; i < thread_count(); i++) {
        for (unsigned at = 0; at < SLOTS; at++) {
            __atomic_store_n(&tables[i]->entries[at].calls, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&tables[i]->entries[at].ns, 0, __ATOMIC_RELAXED);
        }
    }
}

void
profile_set(bool is_on)
{
    struct profile_table **all;

    if (is_on && tables == NULL) {
        all = alloc_array(thread_count(), sizeof(struct profile_table *));
        for (unsigned i = 0; i < thread_count(); i++)
            all[i] = alloc_zero(sizeof(struct profile_table));
        __atomic_store_n(&tables, all, __ATOMIC_RELEASE);
    } else if (is_on && !profile_is_on) {
        forget();
    }
    __atomic_store_n(&profile_is_on, is_on, __ATOMIC_RELAXED);
}

static void
sum(struct profile_entry *entries, unsigned *count, unsigned max, const struct profile_entry *more)
{
    const void *fn = __atomic_load_n(&more->fn, __ATOMIC_ACQUIRE);
    uint64_t calls = __atomic_load_n(&more->calls, __ATOMIC_RELAXED);
    unsigned i = 0;

    if (fn == NULL || calls == 0)
        return;
    while (i < *count && entries[i].fn != fn)
        i++;
    if (i == max)
        return;
    if (i == *count)
        entries[(*count)++] = (struct profile_entry){ .fn = fn };
    entries[i].calls += calls;
    entries[i].ns += __atomic_load_n(&more->ns, __ATOMIC_RELAXED);
}

unsigned
profile_read(struct profile_entry *entries, unsigned max)
{
    unsigned count = 0;

    for (unsigned i = 0; tables != NULL && i < thread_count(); i++) {
        for (unsigned at = 0; at < SLOTS; at++)
            sum(entries, &count, max, &tables[i]->entries[at]);
    }
    return count;
}
