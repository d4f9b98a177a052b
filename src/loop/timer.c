/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many coarse timers on one ev_timer of libev.
 *
 * For:     every deadline of streams, connections, checks.
 * Owns:    nothing; a timer lives inside the object that it wakes.
 * Callers: everybody; timer_set() is inline, because most calls only store.
 * Thread:  owner.
 *
 * The ev_timer is re-armed only when a timer must be looked at earlier than
 * all others, and when it fires. Neither is a system call.
 */
#include "weir/loop/timer.h"

#include <ev.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/profile.h"
#include "private.h"

static void
arm(struct loop *loop)
{
    struct timer_wheel *wheel = loop->timers;
    int64_t delay_ms;

    if (wheel->next_ms == wheel->armed_ms)
        return;
    wheel->armed_ms = wheel->next_ms;
    ev_timer_stop(loop->ev, &wheel->alarm);
    if (wheel->next_ms == TIMER_NEVER)
        return;
    delay_ms = wheel->next_ms - loop->now_ms;
    ev_timer_set(&wheel->alarm, delay_ms > 0 ? (double)delay_ms * 1e-3 : 0., 0.);
    ev_timer_start(loop->ev, &wheel->alarm);
}

static void
fire_due(struct loop *loop)
{
    void (*fire)(struct timer *timer);
    int64_t began_ns;
    struct list due;

    list_init(&due);
    timer_wheel_take_due(loop->timers, loop->now_ms, &due);
    while (!list_is_empty(&due)) {
        struct timer *timer = LIST_FIRST(&due, struct timer, link);

        list_remove(&timer->link);
        if (timer->deadline_ms <= loop->now_ms) {
            timer->deadline_ms = timer->placed_ms = TIMER_NEVER;
            began_ns = profile_begin();
            fire = timer->fire;
            fire(timer);
            profile_end(fire, began_ns);
        } else if (timer->deadline_ms == TIMER_NEVER) {
            timer->placed_ms = TIMER_NEVER;
        } else {
            /* One that fired before it has pushed it away. */
            timer_wheel_place(loop->timers, timer);
        }
    }
}

static void
on_alarm(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct loop *loop = ev_userdata(ev);

    (void)watcher;
    (void)events;
    loop->timers->armed_ms = TIMER_NEVER;
    fire_due(loop);
    arm(loop);
}

void
timers_start(struct loop *loop)
{
    loop->timers = alloc_zero(sizeof(*loop->timers));
    timer_wheel_init(loop->timers, loop->now_ms);
    ev_timer_init(&loop->timers->alarm, on_alarm, 0., 0.);
}

void
timers_stop(struct loop *loop)
{
    ev_timer_stop(loop->ev, &loop->timers->alarm);
    alloc_free(loop->timers);
    loop->timers = NULL;
}

void
timer_init(struct timer *timer, timer_fn *fire)
{
    list_init(&timer->link);
    timer->deadline_ms = timer->placed_ms = TIMER_NEVER;
    timer->fire = fire;
}

void
timer_set_earlier(struct loop *loop, struct timer *timer)
{
    struct timer_wheel *wheel = loop->timers;

    list_remove(&timer->link);
    timer_wheel_advance(wheel, loop->now_ms);
    timer_wheel_place(wheel, timer);
    if (wheel->next_ms < wheel->armed_ms)
        arm(loop);
}

void
timer_stop(struct timer *timer)
{
    list_remove(&timer->link);
    timer->deadline_ms = timer->placed_ms = TIMER_NEVER;
}
