/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of threads. Thread 0 is the control thread; 1..thread_traffic_count()
 * are the traffic threads. (Builder threads are not in the table: they have no loop.)
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct loop;

#define THREAD_MAX 1025 /* control and up to 1024 traffic threads */

struct thread {
    unsigned index;    /* 0: control */
    struct loop *loop; /* owns */
    char name[16];     /* "weir/control", "weir/1": as ps and the watchdog show it */
    pthread_t posix;
};

/* The thread that runs this code; NULL in builder threads and before boot made the table.
 * Counter rows, pools and mailboxes are found through it. */
extern _Thread_local struct thread *this_thread;

/* --- boot ------------------------------------------------------------------ */

/* Makes the table and all loops; the caller becomes the control thread, this_thread. Mail may be
 * sent to traffic threads from now on; they run it once they are started. */
void thread_table_init(unsigned traffic_count);
/* In a child of fork(), before any loop runs. */
void thread_table_after_fork(void);
/* Frees the loops. Traffic threads are stopped. For tests and a tidy end. */
void thread_table_fini(void);

/* --- any ------------------------------------------------------------------- */

unsigned thread_traffic_count(void);
/* All of them: 1 + thread_traffic_count(). Rows of counters are indexed by thread->index. */
unsigned thread_count(void);
/* index < thread_count(). */
struct thread *thread_at(unsigned index);
/* Do traffic threads run? */
bool thread_traffic_is_running(void);
static inline bool
thread_is_control(void)
{
    return this_thread != NULL && this_thread->index == 0;
}

/* --- control --------------------------------------------------------------- */

/* Runs the control thread's START_THREAD hooks, starts the traffic threads, and waits until each
 * has run its own; then each runs its loop. After any fork. */
void thread_start_all(void);
/* Tells all traffic threads to leave their loops, and joins them; runs STOP_THREAD hooks in each
 * and at last in the control thread. */
void thread_stop_all(void);
