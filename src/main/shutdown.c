/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Soft stop and hard stop.
 *
 * For:     signals of the worker.
 * Thread:  control; count_here() runs on each traffic thread.
 *
 * Soft stop: listeners close, idle keep-alive connections close, the others are told to close
 * after their response; every 100 ms the threads are asked how many sessions they still have.
 */
#include "weir/main/shutdown.h"

#include <stddef.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "weir/net/listener.h"
#include "weir/stream/session.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"
#include "weir/telemetry/process.h"

#define POLL_MS 100

struct head_count {
    uint64_t sessions; /* atomic */
};

static bool is_soft;
static struct timer poll_timer;
static struct timer grace_timer;
static struct timer hard_timer;
static int64_t spread_ms; /* written before the threads are told */

static void
count_here(void *arg)
{
    struct head_count *count = arg;

    __atomic_fetch_add(&count->sessions, session_count_thread(), __ATOMIC_RELAXED);
}

static void
counted(void *arg)
{
    struct head_count *count = arg;
    uint64_t left = __atomic_load_n(&count->sessions, __ATOMIC_RELAXED);

    alloc_free(count);
    if (left == 0 && this_process.chores == 0)
        shutdown_now();
    else
        timer_set(loop_here(), &poll_timer, loop_now_ms(loop_here()) + POLL_MS);
}

static void
poll_sessions(struct timer *timer)
{
    (void)timer;
    mailbox_call_all(count_here, counted, alloc_zero(sizeof(struct head_count)));
}

static void
stop_thread(void *arg)
{
    (void)arg;
    session_soft_stop_thread(spread_ms);
}

static void
stopped_threads(void *arg)
{
    (void)arg;
    poll_sessions(NULL);
}

static void
stop_listening(struct timer *timer)
{
    (void)timer;
    listener_stop_all();
    start_run_hooks(SOFT_STOP);
    mailbox_call_all(stop_thread, stopped_threads, NULL);
}

static void
hard_stop(struct timer *timer)
{
    (void)timer;
    notice_print(NOTICE_WARNING, "soft-stop running for too long, performing a hard-stop.");
    log_process(LOG_LEVEL_WARNING, "soft-stop running for too long, performing a hard-stop.");
    shutdown_now();
}

void
shutdown_now(void)
{
    loop_stop(loop_here());
}

bool
shutdown_is_soft(void)
{
    return is_soft;
}

void
shutdown_soft(int64_t hard_stop_after_ms, int64_t grace_ms, int64_t close_spread_ms)
{
    struct loop *loop = loop_here();

    if (is_soft)
        return;
    is_soft = true;
    spread_ms = close_spread_ms;
    __atomic_store_n(&this_process.is_stopping, true, __ATOMIC_RELAXED);
    timer_init(&poll_timer, poll_sessions);
    timer_init(&grace_timer, stop_listening);
    timer_init(&hard_timer, hard_stop);
    if (hard_stop_after_ms > 0)
        timer_set(loop, &hard_timer, loop_now_ms(loop) + hard_stop_after_ms);
    if (grace_ms > 0)
        timer_set(loop, &grace_timer, loop_now_ms(loop) + grace_ms);
    else
        stop_listening(NULL);
}
