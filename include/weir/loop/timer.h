/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many coarse timers (1 ms) on one ev_timer: a hierarchical wheel per thread.
 *
 * Lazy: pushing a deadline further away only stores it; the timer fires at the
 * old place, sees that it is early, and goes to the new one without calling
 * anybody. So a stream sets its deadline at each phase for the price of a store.
 *
 * Thread: owner. A timer that is freed must be stopped first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"

struct loop;
struct timer;

typedef void timer_fn(struct timer *timer);

#define TIMER_NEVER INT64_MAX

struct timer {
    struct list link;    /* in a slot of the wheel */
    int64_t deadline_ms; /* loop time; TIMER_NEVER: not running */
    int64_t placed_ms;   /* when the wheel will look at it; TIMER_NEVER: it is not in the wheel */
    timer_fn *fire;
};

void timer_init(struct timer *timer, timer_fn *fire);
/* What timer_set() does when the timer must be looked at earlier than planned. */
void timer_set_earlier(struct loop *loop, struct timer *timer);

/* Starts it or moves its deadline, earlier or later. Absolute loop time; a deadline in the past
 * fires at the next turn. TIMER_NEVER stops it lazily. */
static inline void
timer_set(struct loop *loop, struct timer *timer, int64_t deadline_ms)
{
    timer->deadline_ms = deadline_ms;
    if (deadline_ms < timer->placed_ms)
        timer_set_earlier(loop, timer);
}

static inline bool
timer_is_running(const struct timer *timer)
{
    return timer->deadline_ms != TIMER_NEVER;
}

/* The timer may be freed afterwards. */
void timer_stop(struct timer *timer);
