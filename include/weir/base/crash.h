/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stop the program on a bug of ours, and say what broke.
 *
 * MUST() is always compiled in. It is for broken invariants only: never for
 * mistakes of the user, never for what a peer or the kernel may do to us.
 */
#pragma once

#include <stddef.h>

/* Prints file, line, function, the text of the condition and the magic number
 * of `object` (may be NULL), then a backtrace, and aborts. Any thread. */
_Noreturn void crash(const char *file, int line, const char *func, const char *what,
                     const void *object);

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0))                                                          \
            crash(__FILE__, __LINE__, __func__, #cond, NULL);                                      \
    } while (0)

/* The object behind `ptr` starts with its magic number. */
#define MUST_BE(ptr, MAGIC)                                                                        \
    do {                                                                                           \
        if (__builtin_expect((ptr) == NULL || (ptr)->magic != (MAGIC), 0))                         \
            crash(__FILE__, __LINE__, __func__, #ptr " is not " #MAGIC, (ptr));                    \
    } while (0)

/* From now on SIGSEGV and its kin say where they happened before they end the process. Boot. */
void crash_watch_signals(void);
