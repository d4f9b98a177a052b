/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stops the program when a traffic thread does not return to its loop: it would keep
 * its connections waiting for ever, and the rest of the service with them. Says
 * on descriptor 2 which thread and where it is. A warning comes first.
 */
#pragma once

#include <stdbool.h>

/* How long a thread may stay away before we speak, and before we stop. 0: never. Boot. */
void watchdog_set_limits(unsigned warn_ms, unsigned stop_ms);

/* --- for thread.c ------------------------------------------------------------- */

/* Control. */
void watchdog_start(void);
void watchdog_stop(void);
/* In each traffic thread: lets the watchdog ask it where it is. */
void watchdog_thread_start(void);
