/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals turned into events: blocked in all threads, read from a descriptor by
 * the one thread that deals with them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

/* --- boot ---------------------------------------------------------------- */

/* Blocks all signals but those that tell of a crash; threads made later inherit it. */
void signal_block_all(void);
/* A child that will run another program calls this before exec(). */
void signal_unblock_all(void);
/* Writing to a closed socket shall be an error, not the end of the process. */
void signal_ignore_pipe(void);
/* A descriptor that becomes readable when one of the signals, which must be blocked, came in.
 * -1 and an error. */
int signal_open(const int *signals, size_t count, struct error *err);

/* --- the thread that has the descriptor ---------------------------------- */

/* The next signal, or 0 when there is none left. */
int signal_read(int fd);

/* --- any thread ---------------------------------------------------------- */

/* "SIGTERM"; "unknown signal" for a number that is none. */
const char *signal_name(int number);
/* "SIGUSR1", "usr1" or "10" to 10; 0 when there is no such signal. */
int signal_find(struct str name);
