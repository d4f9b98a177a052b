/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events per period.
 *
 * For:     statistics and rate limits.
 * Callers: proxy, server, stick, stream.
 * Thread:  the owner adds; anybody may read, and then sees roughly what is there.
 *
 * Two counts, of the running period and of the one before. The result assumes that
 * the events of the previous period came evenly, and counts those that lie less than
 * a period back. A single event stays visible as 1 until its period has left the window.
 */
#include "weir/loop/rate.h"

static uint32_t
load(const uint32_t *count)
{
    return __atomic_load_n(count, __ATOMIC_RELAXED);
}

static void
store(uint32_t *count, uint32_t value)
{
    __atomic_store_n(count, value, __ATOMIC_RELAXED);
}

static void
begin_period(struct rate *rate, int64_t now_ms, uint32_t period_ms)
{
    int64_t age_ms = now_ms - rate->period_start_ms;

    if (age_ms < 2 * (int64_t)period_ms && rate->period_start_ms != 0) {
        store(&rate->previous, rate->current);
        __atomic_store_n(&rate->period_start_ms, rate->period_start_ms + period_ms,
                         __ATOMIC_RELAXED);
    } else {
        store(&rate->previous, 0);
        __atomic_store_n(&rate->period_start_ms, now_ms, __ATOMIC_RELAXED);
    }
    store(&rate->current, 0);
}

void
rate_add(struct rate *rate, int64_t now_ms, uint32_t period_ms, uint32_t count)
{
    if (now_ms - rate->period_start_ms >= period_ms || rate->period_start_ms == 0)
        begin_period(rate, now_ms, period_ms);
    store(&rate->current, rate->current + count);
}

uint32_t
rate_read(const struct rate *rate, int64_t now_ms, uint32_t period_ms)
{
    int64_t age_ms = now_ms - __atomic_load_n(&rate->period_start_ms, __ATOMIC_RELAXED);
    uint64_t current = load(&rate->current);
    uint64_t previous = load(&rate->previous);

    if (age_ms >= 2 * (int64_t)period_ms)
        return 0;
    if (age_ms >= period_ms) { /* nothing was added in the running period */
        age_ms -= period_ms;
        previous = current;
        current = 0;
    }
    if (age_ms < 0) /* the writer's clock is a little ahead of ours */
        age_ms = 0;
    return (uint32_t)(current +
                      (previous * (period_ms - (uint64_t)age_ms) + period_ms - 1) / period_ms);
}
