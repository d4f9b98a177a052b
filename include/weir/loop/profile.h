/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often and how long each function runs that the loop calls: timers, sockets, mail, deferred work.
 * Off by default; then it costs one load and a branch for each call.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct profile_entry {
    const void *fn;
    uint64_t calls, ns;
};

extern bool profile_is_on; /* relaxed atomic */

int64_t profile_clock_ns(void);
void profile_note(const void *fn, int64_t began_ns);

/* Around a call; owner. */
static inline int64_t
profile_begin(void)
{
    return __builtin_expect(__atomic_load_n(&profile_is_on, __ATOMIC_RELAXED), 0)
               ? profile_clock_ns()
               : 0;
}

static inline void
profile_end(const void *fn, int64_t began_ns)
{
    if (__builtin_expect(began_ns != 0, 0))
        profile_note(fn, began_ns);
}

/* Starting forgets what was counted before. Control. */
void profile_set(bool is_on);
/* All threads together, at most `max`; how many. Control. */
unsigned profile_read(struct profile_entry *entries, unsigned max);
