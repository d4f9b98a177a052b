/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short locks that know their room.
 *
 * For:     the few structures that traffic threads share (queues, table shards, idle
 *          connections of others).
 * Callers: the files that name their lock in their top comment.
 * Thread:  any.
 *
 * The holder does little and never sleeps, so we spin; but where there are fewer CPUs than threads
 * the holder may have lost its CPU, so we do not spin for long.
 */
#include "weir/loop/lock.h"

#include <sched.h>

#include "weir/base/crash.h"

#define SPINS_MAX 200

static void
pause_briefly(unsigned spins)
{
    if (spins >= SPINS_MAX) {
        sched_yield();
        return;
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void
lock_wait(struct lock *lock)
{
    unsigned spins = 0;

    do {
        while (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) != 0)
            pause_briefly(spins++);
    } while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) != 0);
}

#if defined(WEIR_DEBUG_LOCKS) || WITH_ASAN

#define HELD_MAX 8

static _Thread_local struct {
    const struct lock *locks[HELD_MAX];
    unsigned count;
} held;

/* Before the lock is taken, so that the mistake is seen even when it does not block. */
static void
check_take(const struct lock *lock)
{
    MUST(lock->rank != 0);
    if (held.count > 0)
        MUST(lock->rank < held.locks[held.count - 1]->rank);
    MUST(held.count < HELD_MAX);
    held.locks[held.count++] = lock;
}

static void
check_give(const struct lock *lock)
{
    MUST(held.count > 0 && held.locks[held.count - 1] == lock);
    held.count--;
}

void
lock_take(struct lock *lock)
{
    check_take(lock);
    if (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE) != 0)
        lock_wait(lock);
}

void
lock_give(struct lock *lock)
{
    check_give(lock);
    __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

#endif
