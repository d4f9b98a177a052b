/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of one thread (libev), its clock, and deferred work.
 *
 * One turn: poll, read the clock once, run events (timers, sockets, mail), then run
 * deferred work. An idle turn is one epoll_wait() and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/loop/timer.h"

struct ev_loop;

/* Work to be done once, before this turn of the loop ends (after the events of the turn).
 * Embedded in its owner; linked to itself when idle. */
struct deferred {
    struct list link;
    void (*run)(struct deferred *work);
};

#define LOOP_MAGIC 0x4c4f4f50u

struct loop {
    unsigned magic; /* LOOP_MAGIC: reaches us as user data of libev */
    bool must_stop;
    struct ev_loop *ev;         /* owns */
    int64_t now_ms;             /* monotonic, read once per turn */
    int64_t now_us;             /* monotonic */
    int64_t wall_us;            /* since 1970, of the same moment */
    struct timer_wheel *timers; /* owns */
    struct mailbox *mailbox;    /* owns: messages to this thread */
    struct list deferred;

    /* Written by the owner, read by any (show activity, the watchdog). */
    bool is_working; /* outside of polling */
    uint64_t turns;
    uint64_t busy_us; /* time spent outside of polling */
    uint64_t idle_us;
    uint64_t last_busy_us, last_idle_us; /* of the turn before this one, and the sleep between */
    uint32_t load;        /* things that live here and count when work is handed round */
    uint32_t load_coming; /* atomic: the same, handed over but not yet here */

    /* loop.c's own */
    int64_t clock_offset_us;  /* monotonic minus wall time, measured at clock_checked_us */
    int64_t clock_checked_us; /* wall time */
    int64_t poll_began_us;    /* monotonic */
    struct timer trim;        /* gives memory back when there is little to do */
    uint64_t trim_turns;      /* `turns` when it fired last */
    uint64_t trim_busy_us;
    unsigned trims_left;
    struct loop_watchers *watchers; /* owns */
};

/* How a loop learns about its sockets; boot, before the first loop is made. */
enum loop_poller { LOOP_EPOLL, LOOP_POLL, LOOP_SELECT };
void loop_set_poller(enum loop_poller poller);

struct loop *loop_new(void);
void loop_free(struct loop *loop);
/* In a child of fork(), before its loop runs. */
void loop_after_fork(struct loop *loop);
/* Runs until loop_stop(). Owner. */
void loop_run(struct loop *loop);
/* Also before loop_run(), which then returns at once. Owner (others send a message). */
void loop_stop(struct loop *loop);
/* Reads the clock in the middle of a turn, after something that took long. Owner. */
void loop_update_clock(struct loop *loop);
/* 0..100: how busy it was around its last sleep. Any thread. */
unsigned loop_usage(const struct loop *loop);
/* Adds `work` unless it is already waiting. Owner. */
void loop_defer(struct loop *loop, struct deferred *work);
void deferred_init(struct deferred *work, void (*run)(struct deferred *work));
void deferred_cancel(struct deferred *work);

/* The loop of this thread; NULL in builder threads. */
struct loop *loop_here(void);
static inline int64_t
loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}
