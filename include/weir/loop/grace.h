/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RCU (liburcu, QSBR): the only file that knows it. A thread is offline while it
 * polls and online while it works, so a pointer got by grace_read() is good
 * until the function returns to the loop, no longer.
 */
#pragma once

/* Registers this thread and ties it to its loop's polling. At the start of each thread that has a
 * loop. */
struct loop;
void grace_thread_start(struct loop *loop);
void grace_thread_stop(void);

/* Reads a published pointer. Any thread that is registered. */
#define grace_read(ptr) __atomic_load_n(&(ptr), __ATOMIC_CONSUME)
/* Publishes a pointer (one pen: the control thread, or under the lock that is named). */
#define grace_publish(ptr, value) __atomic_store_n(&(ptr), (value), __ATOMIC_RELEASE)

/* Calls free_fn(object) once no thread can still see it. Never waits. Any registered thread. */
void grace_free_later(void *object, void (*free_fn)(void *object));
/* Waits for a grace period. Control or builder; never with a lock held that a traffic thread may
 * take. */
void grace_wait(void);
