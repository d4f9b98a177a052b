/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: a row per thread, written without atomics by its owner, summed by
 * whoever reads. A row is a struct of uint64_t fields that its room defines.
 *
 * A thread gets its row when it counts for the first time, so thousands of unused objects
 * cost a few pointers each.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "weir/loop/thread.h"

/* thread_count() rows of `row_size` bytes, each on cache lines of its own. */
struct counter_rows {
    void **rows; /* owns, and each row; NULL: that thread has counted nothing yet */
    uint32_t row_size;
};

/* --- control --------------------------------------------------------------- */

/* After thread_table_init(). */
void counter_rows_init(struct counter_rows *rows, size_t row_size);
void counter_rows_fini(struct counter_rows *rows);
/* Asks for zero; the owner's concurrent increments may be lost by one. */
void counter_clear(const struct counter_rows *rows, size_t offset, size_t size);

/* --- threads of the table --------------------------------------------------- */

/* What counter_row() does the first time. */
void *counter_row_make(const struct counter_rows *rows);
/* This thread's row. */
static inline void *
counter_row(const struct counter_rows *rows)
{
    void *row = rows->rows[this_thread->index];

    return __builtin_expect(row != NULL, 1) ? row : counter_row_make(rows);
}
/* Owner. As cheap as `+=`, and never seen half-written. */
static inline void
counter_add(uint64_t *field, uint64_t count)
{
    __atomic_store_n(field, *field + count, __ATOMIC_RELAXED);
}

/* Owner: a value in the place of a sum. */
static inline void
counter_set(uint64_t *field, uint64_t value)
{
    __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

/* --- any ---------------------------------------------------------------------- */

/* Sum over all threads of the uint64_t at `offset` in the row. */
uint64_t counter_sum(const struct counter_rows *rows, size_t offset);
/* The largest, for peaks. */
uint64_t counter_max(const struct counter_rows *rows, size_t offset);
/* The row of one thread; NULL: it has counted nothing yet. */
const void *counter_row_of(const struct counter_rows *rows, unsigned index);
