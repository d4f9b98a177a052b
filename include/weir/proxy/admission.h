/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May another client connection come in? maxconn of the process and of the frontend, and session
 * rates. Any thread (atomics: they decide for all threads).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Connections of the whole process. False: at maxconn. Pairs with admission_give(). */
bool admission_take(void);
void admission_give(void);
/* Now, and the most there ever were. */
uint64_t admission_current(void);
uint64_t admission_max(void);
uint64_t admission_total(void);

/* Rates of the whole process (maxconnrate, maxsessrate): counted while there is a limit; listeners pause at it. */
enum admission_rate { ADMISSION_CONNECTIONS, ADMISSION_SESSIONS };
void admission_count(enum admission_rate which);
