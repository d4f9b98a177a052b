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
    uint32_t size;   /* bytes of one object, at least a pointer */
    uint32_t index;  /* 0: not registered yet; else its place in each thread's cache */
    uint32_t keep;   /* how many free objects a thread keeps (0: default by size) */
};

#define POOL(name_, size_) { .name = (name_), .size = (size_) }

/* Not zeroed. Aligned to 16 bytes. */
void *pool_take(struct pool *pool) __attribute__((warn_unused_result, malloc));
/* NULL is fine. */
void pool_give(struct pool *pool, void *object);
/* Returns half of what this thread keeps beyond need to the system; called from the
 * loop when it has been idle. */
void pool_trim(void);
/* Gives back everything this thread keeps; at the end of a thread. */
void pool_flush(void);
/* For "show pools": a line per pool. Any thread; figures of running threads are approximate. */
void pool_report(struct text *out);
