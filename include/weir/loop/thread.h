/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of threads. Thread 0 is the control thread; 1..thread_traffic_count()
 * are the traffic threads. (Builder threads are not in the table: they have no loop.)
 */
#pragma once

#include <stdbool.h>

struct loop;

#define THREAD_MAX 1025 /* control and up to 1024 traffic threads */

struct thread {
    unsigned index;   /* 0: control */
    struct loop *loop; /* owns */
};

/* The thread that runs this code; NULL in builder threads and before boot made the table.
 * Counter rows, pools and mailboxes are found through it. */
extern _Thread_local struct thread *this_thread;

/* Makes the table and the control thread's loop, which becomes this_thread. Boot. */
void thread_table_init(unsigned traffic_count);
unsigned thread_traffic_count(void);
/* All of them: 1 + thread_traffic_count(). Rows of counters are indexed by thread->index. */
unsigned thread_count(void);
/* index < thread_count(). Any thread. */
struct thread *thread_at(unsigned index);
static inline bool
thread_is_control(void)
{
    return this_thread != NULL && this_thread->index == 0;
}

/* Starts the traffic threads; each runs its START_THREAD hooks, then its loop. After any fork. Control. */
void thread_start_all(void);
/* Tells all traffic threads to leave their loops, and joins them. Control. */
void thread_stop_all(void);
