/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long things took, counted in classes: part of a row of counters, so each thread has its own
 * and counting costs a few compares and two stores.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "weir/loop/counter.h"

#define HISTOGRAM_CLASSES 15

/* The most microseconds of each class but the last, which has no end. */
static const int64_t histogram_bounds_us[HISTOGRAM_CLASSES - 1] = {
    500,    1000,   2500,   5000,    10000,   25000,   50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

struct histogram {
    uint64_t classes[HISTOGRAM_CLASSES]; /* each one alone, not together with those below */
    uint64_t sum_us;
};

/* Owner of the row. A negative time counts as none. */
static inline void
histogram_add(struct histogram *histogram, int64_t us)
{
    unsigned class = 0;

    if (us < 0)
        us = 0;
    while (class < HISTOGRAM_CLASSES - 1 && us > histogram_bounds_us[class])
        class ++;
    counter_add(&histogram->classes[class], 1);
    counter_add(&histogram->sum_us, (uint64_t)us);
}
