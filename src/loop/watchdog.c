/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that watches the traffic threads.
 *
 * For:     a thread caught in an endless loop or a blocking call.
 * Owns:    its POSIX thread.
 * Callers: thread.c.
 * Thread:  its own; the signal handler runs in the thread that is stuck.
 *
 * It looks every WATCH_PERIOD_MS: a thread that is working, and still in the same
 * turn as last time, is stuck for one more period. Periods are counted, not
 * clock time, so a process that was stopped as a whole (a debugger, a suspended machine) is
 * not taken for one that is stuck.
 */
#include "weir/loop/watchdog.h"

#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"

#define WATCH_PERIOD_MS 250
#define ANSWER_MS       1000 /* how long we wait for a backtrace */
#define FRAMES_MAX      64
#define WATCH_SIGNAL    (SIGRTMAX - 1)

struct watched {
    uint64_t turns; /* at the last look */
    unsigned stuck_ms;
    bool has_warned;
};

static unsigned warn_after_ms = 1000;
static unsigned stop_after_ms = 10000;

static pthread_t watcher;
static bool is_running;
static bool must_stop;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of must_stop */
static pthread_cond_t stop_asked;
static uint32_t answers; /* atomic: backtraces printed */

void
watchdog_set_limits(unsigned warn_ms, unsigned stop_ms)
{
    warn_after_ms = warn_ms;
    stop_after_ms = stop_ms;
}

static void
on_signal(int number)
{
    void *frames[FRAMES_MAX];

    (void)number;
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
    __atomic_add_fetch(&answers, 1, __ATOMIC_RELEASE);
}

void
watchdog_thread_start(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, WATCH_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void
print_backtrace_of(struct thread *thread)
{
    uint32_t before = __atomic_load_n(&answers, __ATOMIC_ACQUIRE);
    struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };

    if (pthread_kill(thread->posix, WATCH_SIGNAL) != 0)
        return;
    for (int waited = 0; waited < ANSWER_MS; waited += 10) {
        if (__atomic_load_n(&answers, __ATOMIC_ACQUIRE) != before)
            return;
        nanosleep(&tick, NULL);
    }
}

static void
complain(struct thread *thread, unsigned stuck_ms, const char *then)
{
    dprintf(STDERR_FILENO,
            "weir: thread %u (%s) has not returned to its loop for %u.%u s%s; it is here:\n",
            thread->index, thread->name, stuck_ms / 1000, stuck_ms / 100 % 10, then);
    print_backtrace_of(thread);
}

static void
look_at(struct thread *thread, struct watched *watched)
{
    uint64_t turns = __atomic_load_n(&thread->loop->turns, __ATOMIC_RELAXED);
    bool is_working = __atomic_load_n(&thread->loop->is_working, __ATOMIC_RELAXED);

    if (!is_working || turns != watched->turns) {
        *watched = (struct watched){ .turns = turns };
        return;
    }
    watched->stuck_ms += WATCH_PERIOD_MS;
    if (stop_after_ms != 0 && watched->stuck_ms >= stop_after_ms) {
        complain(thread, watched->stuck_ms, ": stopping the program");
        abort();
    }
    if (warn_after_ms != 0 && watched->stuck_ms >= warn_after_ms && !watched->has_warned) {
        watched->has_warned = true;
        complain(thread, watched->stuck_ms, "");
    }
}

/* False: asked to stop. */
static bool
sleep_one_period(void)
{
    struct timespec until;
    bool go_on;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WATCH_PERIOD_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&lock);
    while (!must_stop && pthread_cond_timedwait(&stop_asked, &lock, &until) == 0)
        continue;
    go_on = !must_stop;
    pthread_mutex_unlock(&lock);
    return go_on;
}

static void *
watch(void *arg)
{
    struct watched *watched = alloc_array(thread_traffic_count(), sizeof(*watched));

    (void)arg;
    pthread_setname_np(pthread_self(), "weir/watchdog");
    while (sleep_one_period()) {
        for (unsigned i = 0; i < thread_traffic_count(); i++)
            look_at(thread_at(i + 1), &watched[i]);
    }
    alloc_free(watched);
    return NULL;
}

void
watchdog_start(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    pthread_condattr_t attr;
    void *frame;

    if (stop_after_ms == 0 && warn_after_ms == 0)
        return;
    /* The first backtrace() loads a library; that must not happen in the handler. */
    (void)backtrace(&frame, 1);
    sigaction(WATCH_SIGNAL, &action, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&stop_asked, &attr);
    pthread_condattr_destroy(&attr);
    must_stop = false;
    is_running = pthread_create(&watcher, NULL, watch, NULL) == 0;
}

void
watchdog_stop(void)
{
    if (!is_running)
        return;
    pthread_mutex_lock(&lock);
    must_stop = true;
    pthread_cond_signal(&stop_asked);
    pthread_mutex_unlock(&lock);
    pthread_join(watcher, NULL);
    pthread_cond_destroy(&stop_asked);
    is_running = false;
}
