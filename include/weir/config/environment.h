/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environment variables as one configuration sees them: those that the program was started
 * with, changed by setenv, presetenv, unsetenv and resetenv on the way down its text.
 *
 * Each snapshot has its own. What a former configuration has set is unknown to the next one, and no
 * thread ever changes the process's environment while others may read it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct snapshot;

/* --- boot ------------------------------------------------------------------ */

/* Notes what the program was started with. Until then, and where there is no snapshot, the
 * functions below see the process's environment. */
void environment_capture(void);

/* --- builder --------------------------------------------------------------- */

/* Both are copied. As long as no snapshot has been published, the process's environment follows,
 * for libraries and programs that look there. */
void environment_set(struct snapshot *snapshot, const char *name, const char *value);
void environment_remove(struct snapshot *snapshot, const char *name);

/* --- any thread ------------------------------------------------------------ */

/* NULL: not set. `snapshot` may be NULL. The value lives as long as the snapshot. */
const char *environment_find(const struct snapshot *snapshot, const char *name);
/* Walks over all variables, in no order: size_t at = 0; while (environment_next(...)). */
bool environment_next(const struct snapshot *snapshot, size_t *at, const char **name,
                      const char **value);
