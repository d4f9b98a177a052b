/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: a row per thread, written without atomics by its owner, summed by
 * whoever reads. A row is a struct of uint64_t fields that its room defines.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* thread_count() rows of `row_size` bytes, each on cache lines of its own. */
struct counter_rows {
    char *rows; /* owns */
    uint32_t stride;
};

void counter_rows_init(struct counter_rows *rows, size_t row_size);
void counter_rows_fini(struct counter_rows *rows);
/* This thread's row. */
void *counter_row(const struct counter_rows *rows);
/* Sum over all threads of the uint64_t at `offset` in the row. Any thread. */
uint64_t counter_sum(const struct counter_rows *rows, size_t offset);
/* The largest, for peaks. */
uint64_t counter_max(const struct counter_rows *rows, size_t offset);
/* Control: asks for zero; the owner's concurrent increments may be lost by one. */
void counter_clear(const struct counter_rows *rows, size_t offset, size_t size);
