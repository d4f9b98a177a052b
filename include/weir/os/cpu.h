/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs of the machine that this process may use, and the binding of threads to them. */
#pragma once

#include <sched.h>
#include <stdbool.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

/* --- boot ---------------------------------------------------------------- */

/* At least 1. */
unsigned cpu_count_usable(void);
/* Adds "0-3,5", "4-", "all", "odd" or "even" to the set, which the caller has cleared. */
bool cpu_parse_set(struct str s, cpu_set_t *out, struct error *err);

/* --- any thread, for itself ---------------------------------------------- */

bool cpu_bind_thread(const cpu_set_t *set, struct error *err);
