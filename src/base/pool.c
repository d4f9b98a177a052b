/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of one size, cached per thread.
 *
 * For:     everything that a request needs and that is gone after it. Taking
 *          and giving touch the thread's own cache only (inline, pool.h); this
 *          file is the way to the system and back.
 * Owns:    the free objects of each thread, in pool_caches[].
 * Callers: all rooms of the traffic path.
 * Thread:  any. The table of pools and the list of threads have one lock, taken
 *          when a pool or a thread appears or ends, and by pool_report().
 *
 * Under ASan a thread keeps nothing, so that each object comes from malloc() and
 * a use after pool_give() is seen.
 */
#include "weir/base/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "weir/base/crash.h"
#include "weir/base/list.h"
#include "weir/base/sanitize.h"
#include "weir/base/text.h"

/* A thread keeps at most this much per pool, but at least a few objects. */
#define KEEP_BYTES       (512 * 1024)
#define KEEP_OBJECTS_MIN 2

/* One per thread that uses pools. */
struct pool_thread {
    struct list link; /* in all_threads; linked to itself: not on the list */
    struct pool_cache *caches;
};

struct pool_totals {
    uint64_t allocated; /* objects that came from the system and did not go back */
    uint64_t failed;    /* times that the system had no memory */
};

_Thread_local struct pool_cache pool_caches[POOL_MAX];
static _Thread_local struct pool_thread this_pool_thread;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pool *all_pools[POOL_MAX];                 /* under lock; place 0 is never used */
static uint32_t pool_count = 1;                          /* under lock; counts place 0 too */
static struct list all_threads = LIST_INIT(all_threads); /* under lock */
static struct pool_totals totals[POOL_MAX];              /* relaxed atomics */

static pthread_key_t thread_end_key;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

static void
on_thread_end(void *unused)
{
    (void)unused;
    pool_flush();
}

static void
thread_end_init(void)
{
    MUST(pthread_key_create(&thread_end_key, on_thread_end) == 0);
}

/* Makes the caches of this thread known, and sees to it that they are emptied at its end. */
static void
thread_add(void)
{
    if (this_pool_thread.caches != NULL)
        return;
    pthread_once(&thread_end_once, thread_end_init);
    pthread_setspecific(thread_end_key, &this_pool_thread);
    this_pool_thread.caches = pool_caches;
    pthread_mutex_lock(&lock);
    list_add_last(&all_threads, &this_pool_thread.link);
    pthread_mutex_unlock(&lock);
}

static void
pool_add(struct pool *pool)
{
    pthread_mutex_lock(&lock);
    if (pool->index == 0) {
        MUST(pool_count < POOL_MAX);
        MUST(pool->size >= sizeof(void *));
        if (pool->keep == 0)
            pool->keep = KEEP_BYTES / pool->size;
        if (pool->keep < KEEP_OBJECTS_MIN)
            pool->keep = KEEP_OBJECTS_MIN;
        all_pools[pool_count] = pool;
        __atomic_store_n(&pool->index, pool_count++, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&lock);
}

/* The cache of this thread, ready for use. */
static struct pool_cache *
cache_of(struct pool *pool)
{
    struct pool_cache *cache;

    if (__atomic_load_n(&pool->index, __ATOMIC_ACQUIRE) == 0)
        pool_add(pool);
    cache = &pool_caches[pool->index];
    if (cache->keep == 0) {
        thread_add();
        cache->keep = WITH_ASAN ? 0 : pool->keep;
    }
    return cache;
}

void *
pool_take_slow(struct pool *pool)
{
    void *object;

    cache_of(pool);
    object = malloc(pool->size);
    if (object == NULL)
        __atomic_fetch_add(&totals[pool->index].failed, 1, __ATOMIC_RELAXED);
    else
        __atomic_fetch_add(&totals[pool->index].allocated, 1, __ATOMIC_RELAXED);
    return object;
}

static void
object_free(uint32_t index, void *object)
{
    __atomic_fetch_sub(&totals[index].allocated, 1, __ATOMIC_RELAXED);
    free(object);
}

void
pool_give_slow(struct pool *pool, void *object)
{
    struct pool_cache *cache;

    if (object == NULL)
        return;
    cache = cache_of(pool);
    if (cache->count < cache->keep)
        pool_give(pool, object);
    else
        object_free(pool->index, object);
}

static void
cache_shrink(uint32_t index, uint32_t count)
{
    struct pool_cache *cache = &pool_caches[index];

    while (cache->count > count) {
        void *object = cache->first;

        cache->first = *(void **)object;
        __atomic_store_n(&cache->count, cache->count - 1, __ATOMIC_RELAXED);
        object_free(index, object);
    }
}

void
pool_trim(void)
{
    for (uint32_t i = 1; i < POOL_MAX; i++)
        cache_shrink(i, pool_caches[i].count / 2);
}

void
pool_flush(void)
{
    for (uint32_t i = 1; i < POOL_MAX; i++) {
        cache_shrink(i, 0);
        pool_caches[i].keep = 0; /* the next use makes the thread known again */
    }
    if (this_pool_thread.caches == NULL)
        return;
    pthread_mutex_lock(&lock);
    list_remove(&this_pool_thread.link);
    pthread_mutex_unlock(&lock);
    this_pool_thread.caches = NULL;
}

/* Free objects of all threads together. Under lock. */
static uint64_t
count_kept(uint32_t index)
{
    uint64_t kept = 0;

    LIST_FOR_EACH (thread, &all_threads, struct pool_thread, link)
        kept += __atomic_load_n(&thread->caches[index].count, __ATOMIC_RELAXED);
    return kept;
}

void
pool_report(struct text *out)
{
    uint64_t all_bytes = 0, used_bytes = 0;

    pthread_mutex_lock(&lock);
    for (uint32_t i = 1; i < pool_count; i++) {
        const struct pool *pool = all_pools[i];
        uint64_t allocated = __atomic_load_n(&totals[i].allocated, __ATOMIC_RELAXED);
        uint64_t kept = count_kept(i);
        uint64_t used = allocated > kept ? allocated - kept : 0;

        text_printf(out,
                    "  - Pool %s (%u bytes) : %llu allocated (%llu bytes), %llu used, "
                    "%llu failures\n",
                    pool->name, pool->size, (unsigned long long)allocated,
                    (unsigned long long)(allocated * pool->size), (unsigned long long)used,
                    (unsigned long long)__atomic_load_n(&totals[i].failed, __ATOMIC_RELAXED));
        all_bytes += allocated * pool->size;
        used_bytes += used * pool->size;
    }
    text_printf(out, "Total: %u pools, %llu bytes allocated, %llu used.\n", pool_count - 1,
                (unsigned long long)all_bytes, (unsigned long long)used_bytes);
    pthread_mutex_unlock(&lock);
}
