/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log messages on their way from one traffic thread to the control thread.
 *
 * For:     a stream that ends writes its line here and goes on: no lock, no
 *          system call, no waiting.
 * Owns:    one block of memory; records lie in it one behind the other.
 * Callers: log_writer.c.
 * Thread:  one writer (the thread whose ring it is), one reader (control).
 *
 * Positions only grow; their low bits are the place in the block. A record
 * never wraps: when it does not fit before the end of the block, a filler takes
 * that room. A full ring refuses the record and counts it; it never overwrites.
 *
 *     |<- free ->|<- records, oldest first ->|<- free ->|
 *                ^tail (reader)              ^head (writer)
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "private.h"

#define CACHE_LINE   64
#define RECORD_ALIGN 8

struct log_ring {
    /* Writer */
    uint64_t head;      /* atomic: published by commit */
    uint64_t tail_seen; /* where the reader was when we last looked */
    uint64_t dropped;   /* atomic: written here, read by all */
    /* Reader */
    uint64_t tail __attribute__((aligned(CACHE_LINE))); /* atomic */
    /* Constant */
    uint64_t size __attribute__((aligned(CACHE_LINE)));
    char *block; /* owns */
};

struct log_ring *
log_ring_new(size_t size_bytes)
{
    struct log_ring *ring = alloc_aligned(CACHE_LINE, sizeof(*ring));

    MUST(size_bytes >= 4096 && (size_bytes & (size_bytes - 1)) == 0);
    ring->size = size_bytes;
    ring->block = alloc_zero(size_bytes);
    return ring;
}

void
log_ring_free(struct log_ring *ring)
{
    if (ring == NULL)
        return;
    alloc_free(ring->block);
    alloc_free(ring);
}

/* --- writer -------------------------------------------------------------------- */

static uint64_t
own_head(const struct log_ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
}

/* Is there room for `size` bytes from `head` on? Looks at the reader only when it must. */
static bool
has_room(struct log_ring *ring, uint64_t head, uint64_t size)
{
    if (head + size - ring->tail_seen <= ring->size)
        return true;
    ring->tail_seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return head + size - ring->tail_seen <= ring->size;
}

struct log_record *
log_ring_reserve(struct log_ring *ring, size_t bytes_len)
{
    uint64_t size =
        (sizeof(struct log_record) + bytes_len + RECORD_ALIGN - 1) & ~(uint64_t)(RECORD_ALIGN - 1);
    uint64_t head = own_head(ring);
    uint64_t before_end = ring->size - (head & (ring->size - 1));
    uint64_t fill = size > before_end ? before_end : 0;
    struct log_record *record;

    if (!has_room(ring, head, fill + size)) {
        __atomic_store_n(&ring->dropped, ring->dropped + 1, __ATOMIC_RELAXED);
        return NULL;
    }
    if (fill > 0) {
        /* Only its first 8 bytes are sure to exist. */
        record = (struct log_record *)(ring->block + (head & (ring->size - 1)));
        record->size = (uint32_t)fill;
        record->is_filler = true;
        head += fill;
        __atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
    }
    record = (struct log_record *)(ring->block + (head & (ring->size - 1)));
    record->size = (uint32_t)size;
    record->is_filler = false;
    return record;
}

void
log_ring_commit(struct log_ring *ring, const struct log_record *record)
{
    /* Sequentially consistent: log_writer.c then looks whether the reader sleeps. */
    __atomic_store_n(&ring->head, own_head(ring) + record->size, __ATOMIC_SEQ_CST);
}

/* --- reader -------------------------------------------------------------------- */

static uint64_t
own_tail(const struct log_ring *ring)
{
    return __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
}

uint64_t
log_ring_mark(const struct log_ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

const struct log_record *
log_ring_first(struct log_ring *ring, uint64_t mark)
{
    uint64_t tail;

    while ((tail = own_tail(ring)) < mark) {
        const struct log_record *record =
            (const struct log_record *)(ring->block + (tail & (ring->size - 1)));

        if (!record->is_filler)
            return record;
        log_ring_release(ring, record);
    }
    return NULL;
}

void
log_ring_release(struct log_ring *ring, const struct log_record *record)
{
    __atomic_store_n(&ring->tail, own_tail(ring) + record->size, __ATOMIC_RELEASE);
}

/* --- any ----------------------------------------------------------------------- */

bool
log_ring_is_empty(const struct log_ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_SEQ_CST) ==
           __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}

uint64_t
log_ring_dropped(const struct log_ring *ring)
{
    return __atomic_load_n(&ring->dropped, __ATOMIC_RELAXED);
}
