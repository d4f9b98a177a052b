/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of threads: make, start, stop.
 *
 * For:     main starts the threads; everybody finds the others here.
 * Owns:    the loop of each thread.
 * Callers: main for life and death, the rest for this_thread and thread_at().
 * Thread:  control, but for the look-ups: the table does not change while threads run.
 */
#include "weir/loop/thread.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/grace.h"
#include "weir/loop/loop.h"
#include "weir/loop/start.h"
#include "weir/loop/watchdog.h"
#include "private.h"

_Thread_local struct thread *this_thread;

static struct thread *threads; /* owns; thread_count() of them */
static unsigned traffic_count;
static bool is_running;
static sem_t hooks_done; /* counts threads that have run theirs */

static void
init_thread(unsigned index)
{
    struct thread *thread = &threads[index];

    thread->index = index;
    thread->loop = loop_new();
    if (index == 0)
        snprintf(thread->name, sizeof(thread->name), "weir/control");
    else
        snprintf(thread->name, sizeof(thread->name), "weir/%u", index);
}

void
thread_table_init(unsigned count)
{
    MUST(threads == NULL && count < THREAD_MAX);
    traffic_count = count;
    threads = alloc_array(count + 1, sizeof(*threads));
    for (unsigned i = 0; i <= count; i++)
        init_thread(i);
    threads[0].posix = pthread_self();
    this_thread = &threads[0];
    grace_thread_start(this_thread->loop);
}

void
thread_table_after_fork(void)
{
    MUST(!is_running);
    for (unsigned i = 0; i < thread_count(); i++)
        loop_after_fork(threads[i].loop);
}

void
thread_table_fini(void)
{
    MUST(!is_running && thread_is_control());
    grace_finish();
    grace_thread_stop();
    for (unsigned i = 0; i < thread_count(); i++)
        loop_free(threads[i].loop);
    alloc_free(threads);
    threads = NULL;
    traffic_count = 0;
    this_thread = NULL;
}

unsigned
thread_traffic_count(void)
{
    return traffic_count;
}

unsigned
thread_count(void)
{
    return threads == NULL ? 0 : traffic_count + 1;
}

struct thread *
thread_at(unsigned index)
{
    MUST(index < thread_count());
    return &threads[index];
}

bool
thread_traffic_is_running(void)
{
    return __atomic_load_n(&is_running, __ATOMIC_ACQUIRE);
}

struct loop *
loop_here(void)
{
    return this_thread == NULL ? NULL : this_thread->loop;
}

static void *
run_thread(void *arg)
{
    this_thread = arg;
    pthread_setname_np(pthread_self(), this_thread->name);
    grace_thread_start(this_thread->loop);
    watchdog_thread_start();
    start_run_hooks(START_THREAD);
    sem_post(&hooks_done);
    loop_run(this_thread->loop);
    mailbox_drain(this_thread->loop->mailbox);
    start_run_hooks(STOP_THREAD);
    grace_thread_stop();
    return NULL;
}

static void
start_thread(struct thread *thread)
{
    int error = pthread_create(&thread->posix, NULL, run_thread, thread);

    if (error != 0) {
        fprintf(stderr, "weir: cannot start thread %u of %u: %s\n", thread->index, traffic_count,
                strerror(error));
        exit(1);
    }
}

static void
wait_for_hooks(void)
{
    grace_offline();
    for (unsigned i = 1; i <= traffic_count; i++) {
        while (sem_wait(&hooks_done) == -1)
            continue; /* a signal */
    }
    grace_online();
}

void
thread_start_all(void)
{
    sigset_t all, before;

    MUST(thread_is_control() && !is_running);
    start_run_hooks(START_THREAD);
    /* Signals are the control thread's business. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    sem_init(&hooks_done, 0, 0);
    grace_start_worker();
    for (unsigned i = 1; i <= traffic_count; i++)
        start_thread(&threads[i]);
    wait_for_hooks();
    __atomic_store_n(&is_running, true, __ATOMIC_RELEASE);
    watchdog_start();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
stop_this_loop(void *arg)
{
    (void)arg;
    loop_stop(loop_here());
}

void
thread_stop_all(void)
{
    MUST(thread_is_control() && is_running);
    for (unsigned i = 1; i <= traffic_count; i++)
        mailbox_call(&threads[i], stop_this_loop, NULL);
    grace_offline();
    for (unsigned i = 1; i <= traffic_count; i++)
        pthread_join(threads[i].posix, NULL);
    grace_online();
    watchdog_stop();
    __atomic_store_n(&is_running, false, __ATOMIC_RELEASE);
    start_run_hooks(STOP_THREAD);
}
