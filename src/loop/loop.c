/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One libev loop per thread: turns, the clock, deferred work.
 *
 * For:     thread.c makes one for each thread and runs it.
 * Owns:    the libev loop, the timer wheel, the mailbox.
 * Callers: everybody, for the time and for deferred work.
 * Thread:  owner, but for the statistics.
 *
 * libev reads the clock itself, before and after it polls; we take its
 * reading instead of asking again. It shows wall time only, which may jump; so
 * our monotonic time is wall time plus an offset that is measured anew whenever the step
 * since the last turn is unlikely, and at least once per second.
 */
#include "weir/loop/loop.h"

#include <ev.h>
#include <stddef.h>

#include "weir/base/alloc.h"
#include "weir/base/clock.h"
#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/loop/profile.h"
#include "private.h"

#define CLOCK_STEP_US    20000 /* a longer step may be a jump of the wall clock */
#define CLOCK_CHECK_US   1000000
#define TRIM_PERIOD_MS   5000
#define TRIM_BUSY_US     1000000 /* a thread that works more than this in a period keeps its memory */
#define TRIM_TIMES       5
#define DEFER_ROUNDS_MAX 16 /* of work that defers more work, before sockets get their turn */

struct loop_watchers {
    ev_check turn; /* runs first in each turn */
    ev_prepare turn_end;
    ev_idle deferred; /* active: do not sleep, deferred work is left */
};

static unsigned poller_flags = EVBACKEND_EPOLL;

void
loop_set_poller(enum loop_poller poller)
{
    static const unsigned flags[] = {
        [LOOP_EPOLL] = EVBACKEND_EPOLL,
        [LOOP_POLL] = EVBACKEND_POLL,
        [LOOP_SELECT] = EVBACKEND_SELECT,
    };

    poller_flags = flags[poller];
}

/* --- clock ---------------------------------------------------------------- */

static int64_t
ev_wall_us(struct loop *loop)
{
    return (int64_t)(ev_now(loop->ev) * 1e6);
}

static void
read_clock(struct loop *loop)
{
    int64_t wall_us = ev_wall_us(loop);
    int64_t step_us = wall_us - loop->wall_us;

    if (__builtin_expect(step_us < 0 || step_us > CLOCK_STEP_US ||
                             wall_us - loop->clock_checked_us > CLOCK_CHECK_US,
                         0)) {
        loop->clock_offset_us = clock_monotonic_us() - wall_us;
        loop->clock_checked_us = wall_us;
    }
    loop->wall_us = wall_us;
    if (wall_us + loop->clock_offset_us > loop->now_us) { /* never goes back */
        loop->now_us = wall_us + loop->clock_offset_us;
        loop->now_ms = loop->now_us / 1000;
    }
}

void
loop_update_clock(struct loop *loop)
{
    ev_now_update(loop->ev);
    read_clock(loop);
}

/* --- turns ------------------------------------------------------------------ */

/* Others may read these while we write. */
static void
set(uint64_t *statistic, int64_t value)
{
    __atomic_store_n(statistic, (uint64_t)value, __ATOMIC_RELAXED);
}

static void
add(uint64_t *statistic, int64_t count)
{
    __atomic_store_n(statistic, *statistic + (uint64_t)count, __ATOMIC_RELAXED);
}

void
loop_poll_begins(struct loop *loop)
{
    int64_t now_us = ev_wall_us(loop) + loop->clock_offset_us;
    int64_t spent_us = now_us > loop->now_us ? now_us - loop->now_us : 0;

    add(&loop->busy_us, spent_us);
    set(&loop->last_busy_us, spent_us);
    loop->poll_began_us = now_us;
    __atomic_store_n(&loop->is_working, false, __ATOMIC_RELAXED);
}

unsigned
loop_usage(const struct loop *loop)
{
    uint64_t busy = __atomic_load_n(&loop->last_busy_us, __ATOMIC_RELAXED);
    uint64_t idle = __atomic_load_n(&loop->last_idle_us, __ATOMIC_RELAXED);

    return busy + idle == 0 ? 0 : (unsigned)(busy * 100 / (busy + idle));
}

void
loop_poll_ended(struct loop *loop)
{
    __atomic_store_n(&loop->is_working, true, __ATOMIC_RELAXED);
}

static void
on_turn(struct ev_loop *ev, ev_check *watcher, int events)
{
    struct loop *loop = watcher->data;

    (void)ev;
    (void)events;
    read_clock(loop);
    add(&loop->turns, 1);
    set(&loop->last_idle_us,
        loop->now_us > loop->poll_began_us ? loop->now_us - loop->poll_began_us : 0);
    add(&loop->idle_us, (int64_t)loop->last_idle_us);
    if (__builtin_expect(!timer_is_running(&loop->trim), 0))
        timer_set(loop, &loop->trim, loop->now_ms + TRIM_PERIOD_MS);
}

/* Gives memory back that this thread, not being busy, does not need. A few times after
 * the last turn that had another reason than this timer; then the thread sleeps for good. */
static void
on_trim(struct timer *timer)
{
    struct loop *loop = LIST_ITEM(timer, struct loop, trim);

    if (loop->busy_us - loop->trim_busy_us < TRIM_BUSY_US)
        pool_trim();
    if (loop->turns - loop->trim_turns > 2)
        loop->trims_left = TRIM_TIMES;
    if (loop->trims_left > 0) {
        loop->trims_left--;
        timer_set(loop, timer, loop->now_ms + TRIM_PERIOD_MS);
    }
    loop->trim_turns = loop->turns;
    loop->trim_busy_us = loop->busy_us;
}

static void
run_deferred(struct list *waiting)
{
    void (*run)(struct deferred *work);
    int64_t began_ns;
    struct list batch;

    /* The new head takes the old one's place; what is deferred meanwhile waits for the next round.
     */
    list_insert_between(waiting->prev, &batch, waiting);
    list_remove(waiting);
    while (!list_is_empty(&batch)) {
        struct deferred *work = LIST_FIRST(&batch, struct deferred, link);

        list_remove(&work->link);
        began_ns = profile_begin();
        run = work->run;
        run(work);
        profile_end(run, began_ns);
    }
}

static void
on_turn_end(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    struct loop *loop = watcher->data;

    (void)events;
    for (int round = 0; round < DEFER_ROUNDS_MAX && !list_is_empty(&loop->deferred); round++)
        run_deferred(&loop->deferred);
    if (__builtin_expect(!list_is_empty(&loop->deferred), 0))
        ev_idle_start(ev, &loop->watchers->deferred);
    else if (__builtin_expect(ev_is_active(&loop->watchers->deferred), 0))
        ev_idle_stop(ev, &loop->watchers->deferred);
}

static void
on_idle(struct ev_loop *ev, ev_idle *watcher, int events)
{
    /* That it is active is enough: the poll does not sleep. */
    (void)ev;
    (void)watcher;
    (void)events;
}

static void
watch(struct loop *loop)
{
    struct loop_watchers *watchers = alloc_zero(sizeof(*watchers));

    loop->watchers = watchers;
    ev_check_init(&watchers->turn, on_turn);
    ev_set_priority(&watchers->turn, EV_MAXPRI);
    watchers->turn.data = loop;
    ev_check_start(loop->ev, &watchers->turn);
    ev_prepare_init(&watchers->turn_end, on_turn_end);
    watchers->turn_end.data = loop;
    ev_prepare_start(loop->ev, &watchers->turn_end);
    ev_idle_init(&watchers->deferred, on_idle);
}

/* --- life ------------------------------------------------------------------- */

struct loop *
loop_new(void)
{
    unsigned flags = EVFLAG_NOENV | EVFLAG_NOTIMERFD;
    struct loop *loop = alloc_aligned(64, sizeof(*loop));

    loop->magic = LOOP_MAGIC;
    loop->ev = ev_loop_new(flags | poller_flags);
    if (loop->ev == NULL)
        loop->ev = ev_loop_new(flags | EVBACKEND_POLL);
    MUST(loop->ev != NULL);
    ev_set_userdata(loop->ev, loop);
    list_init(&loop->deferred);
    timer_init(&loop->trim, on_trim);
    loop_update_clock(loop);
    loop->poll_began_us = loop->now_us;
    timers_start(loop);
    loop->mailbox = mailbox_new(loop);
    watch(loop);
    return loop;
}

void
loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    mailbox_free(loop->mailbox);
    timers_stop(loop);
    ev_loop_destroy(loop->ev);
    alloc_free(loop->watchers);
    alloc_free(loop);
}

void
loop_after_fork(struct loop *loop)
{
    ev_loop_fork(loop->ev);
}

void
loop_run(struct loop *loop)
{
    loop_update_clock(loop);
    loop_poll_ended(loop);
    while (!loop->must_stop)
        ev_run(loop->ev, 0);
    loop->must_stop = false;
    __atomic_store_n(&loop->is_working, false, __ATOMIC_RELAXED);
}

void
loop_stop(struct loop *loop)
{
    loop->must_stop = true;
    ev_break(loop->ev, EVBREAK_ALL);
}

/* --- deferred work ------------------------------------------------------------ */

void
loop_defer(struct loop *loop, struct deferred *work)
{
    if (!list_is_linked(&work->link))
        list_add_last(&loop->deferred, &work->link);
}

void
deferred_init(struct deferred *work, void (*run)(struct deferred *work))
{
    list_init(&work->link);
    work->run = run;
}

void
deferred_cancel(struct deferred *work)
{
    list_remove(&work->link);
}
