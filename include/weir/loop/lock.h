/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short locks (spin, then yield) that know their room's place in LAYERS. Holding one, a
 * thread may only take locks of rooms further left; debug builds (-DWEIR_DEBUG_LOCKS) stop
 * otherwise.
 */
#pragma once

#include <stdint.h>

#include "weir/base/sanitize.h"

struct lock {
    uint32_t word;
    uint32_t rank; /* position of the room in LAYERS, 1 = base */
};

#define LOCK_INIT(rank_)                                                                           \
    {                                                                                              \
        0, (rank_)                                                                                 \
    }
enum lock_rank {
    LOCK_BASE = 1,
    LOCK_LOOP = 3,
    LOCK_TELEMETRY = 6,
    LOCK_EXPR = 7,
    LOCK_NET = 9,
    LOCK_PROXY = 13,
    LOCK_SERVER = 14,
    LOCK_STICK = 15,
    LOCK_BALANCE = 16,
    LOCK_STREAM = 19
};

/* What lock_take() does when somebody has it. */
void lock_wait(struct lock *lock);

#if defined(WEIR_DEBUG_LOCKS) || WITH_ASAN
void lock_take(struct lock *lock);
void lock_give(struct lock *lock);
#else
static inline void
lock_take(struct lock *lock)
{
    if (__builtin_expect(__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) != 0, 0))
        lock_wait(lock);
}

static inline void
lock_give(struct lock *lock)
{
    __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}
#endif
