/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one size, cached per thread: no lock and no malloc per request.
 *
 * For:     traffic objects (streams, buffers, messages, timers' owners...).
 * Thread:  take and give on the same thread is the normal case and is free of
 *          shared state; giving on another thread is allowed (the object just
 *          moves to that thread's cache).
 * Memory:  may be NULL; must be checked. Under ASan each object is malloc'ed.
 *
 *     static struct pool stream_pool = POOL("stream", sizeof(struct stream));
 *     struct stream *s = pool_take(&stream_pool);
 *     pool_give(&stream_pool, s);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text;

struct pool {
    const char *name;
    uint32_t size;  /* bytes of one object, at least a pointer */
    uint32_t index; /* 0: not registered yet; else its place in each thread's cache */
    uint32_t keep;  /* how many free objects a thread keeps (0: default by size) */
};

#define POOL(name_, size_)                                                                         \
    {                                                                                              \
        .name = (name_), .size = (size_)                                                           \
    }

/* How many pools the program may have. */
#define POOL_MAX 128

/* The free objects of one pool and one thread. Only their thread writes here; pool_report()
 * reads the counts from outside, hence the relaxed atomics, which cost nothing. */
struct pool_cache {
    void *first;    /* free objects, linked through their first bytes */
    uint32_t count; /* how many */
    uint32_t keep;  /* never more than this; 0: this thread did not use the pool yet */
};

/* At place 0 stand the pools that nobody used yet: always empty, keeps nothing. */
extern _Thread_local struct pool_cache pool_caches[POOL_MAX];

/* What the two functions below do when the cache is empty or full. */
void *pool_take_slow(struct pool *pool) __attribute__((warn_unused_result, malloc));
void pool_give_slow(struct pool *pool, void *object);

/* Not zeroed. Aligned to 16 bytes. */
__attribute__((warn_unused_result, malloc)) static inline void *
pool_take(struct pool *pool)
{
    struct pool_cache *cache = &pool_caches[__atomic_load_n(&pool->index, __ATOMIC_RELAXED)];
    void *object = cache->first;

    if (__builtin_expect(object == NULL, 0))
        return pool_take_slow(pool);
    cache->first = *(void **)object;
    __atomic_store_n(&cache->count, cache->count - 1, __ATOMIC_RELAXED);
    return object;
}

/* NULL is fine. */
static inline void
pool_give(struct pool *pool, void *object)
{
    struct pool_cache *cache = &pool_caches[__atomic_load_n(&pool->index, __ATOMIC_RELAXED)];

    if (__builtin_expect(object == NULL || cache->count >= cache->keep, 0)) {
        pool_give_slow(pool, object);
        return;
    }
    *(void **)object = cache->first;
    cache->first = object;
    __atomic_store_n(&cache->count, cache->count + 1, __ATOMIC_RELAXED);
}

/* Returns half of what this thread keeps beyond need to the system; called from the
 * loop when it has been idle. */
void pool_trim(void);
/* Gives back everything this thread keeps; happens by itself at the end of a thread. */
void pool_flush(void);
/* For "show pools": a line per pool. Any thread; figures of running threads are approximate. */
void pool_report(struct text *out);
