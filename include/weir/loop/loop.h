/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of one thread (libev), its clock, and deferred work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"

struct ev_loop;

/* Work to be done once, before this turn of the loop ends (after the events of the turn).
 * Embedded in its owner; on no list when idle. */
struct deferred {
    struct list link;
    void (*run)(struct deferred *work);
};

struct loop {
    struct ev_loop *ev;     /* owns */
    int64_t now_ms;         /* monotonic, read once per turn */
    int64_t now_us;         /* monotonic */
    int64_t wall_us;        /* since 1970, follows now_us; corrected every turn that sleeps and each second */
    struct timer_wheel *timers; /* owns */
    struct list deferred;
    struct mailbox *mailbox;    /* owns: messages to this thread */
    bool must_stop;
    /* Statistics, written by the owner, read by any. */
    uint64_t turns;
    uint64_t busy_us; /* time spent outside of polling */
    uint64_t idle_us;
};

struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* Runs until loop_stop(). Owner. */
void loop_run(struct loop *loop);
/* Owner (others send a message). */
void loop_stop(struct loop *loop);
/* Adds `work` unless it is already waiting. Owner. */
void loop_defer(struct loop *loop, struct deferred *work);
void deferred_init(struct deferred *work, void (*run)(struct deferred *work));
void deferred_cancel(struct deferred *work);

/* The loop of this thread. */
struct loop *loop_here(void);
static inline int64_t
loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}
