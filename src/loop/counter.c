/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per-thread counters, summed when read.
 *
 * For:     statistics of proxies, servers, listeners.
 * Owns:    the rows.
 * Callers: everybody.
 * Thread:  a row is written by its thread; all may read. The control thread clears.
 */
#include "weir/loop/counter.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/thread.h"

#define CACHE_LINE 64

void
counter_rows_init(struct counter_rows *rows, size_t row_size)
{
    MUST(thread_count() > 0);
    rows->rows = alloc_array(thread_count(), sizeof(rows->rows[0]));
    rows->row_size = (uint32_t)((row_size + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1));
}

void
counter_rows_fini(struct counter_rows *rows)
{
    if (rows->rows == NULL)
        return;
    for (unsigned i = 0; i < thread_count(); i++)
        alloc_free(rows->rows[i]);
    alloc_free(rows->rows);
    rows->rows = NULL;
}

void *
counter_row_make(const struct counter_rows *rows)
{
    void *row = alloc_aligned(CACHE_LINE, rows->row_size);

    __atomic_store_n(&rows->rows[this_thread->index], row, __ATOMIC_RELEASE);
    return row;
}

const void *
counter_row_of(const struct counter_rows *rows, unsigned index)
{
    return __atomic_load_n(&rows->rows[index], __ATOMIC_ACQUIRE);
}

static uint64_t
read_field(const struct counter_rows *rows, unsigned index, size_t offset)
{
    const char *row = counter_row_of(rows, index);

    if (row == NULL)
        return 0;
    return __atomic_load_n((const uint64_t *)(const void *)(row + offset), __ATOMIC_RELAXED);
}

uint64_t
counter_sum(const struct counter_rows *rows, size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < thread_count(); i++)
        sum += read_field(rows, i, offset);
    return sum;
}

uint64_t
counter_max(const struct counter_rows *rows, size_t offset)
{
    uint64_t max = 0;

    for (unsigned i = 0; i < thread_count(); i++) {
        uint64_t value = read_field(rows, i, offset);

        if (value > max)
            max = value;
    }
    return max;
}

void
counter_clear(const struct counter_rows *rows, size_t offset, size_t size)
{
    MUST(offset + size <= rows->row_size);
    for (unsigned i = 0; i < thread_count(); i++) {
        char *row = __atomic_load_n(&rows->rows[i], __ATOMIC_ACQUIRE);

        if (row == NULL)
            continue;
        for (size_t at = offset; at + sizeof(uint64_t) <= offset + size; at += sizeof(uint64_t))
            __atomic_store_n((uint64_t *)(void *)(row + at), 0, __ATOMIC_RELAXED);
    }
}
