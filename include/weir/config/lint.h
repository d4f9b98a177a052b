/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is legal in a configuration and yet not meant. Each room registers what it can tell about
 * its own part; weir -c --lint prints it, ordered by place.
 *
 * Thread: builder or boot; the snapshot is built and checked, but not published.
 */
#pragma once

#include "weir/config/snapshot.h"

struct lint; /* collects the findings */

struct lint_check {
    const char *name; /* "unused-acl": printed with each finding */
    void (*run)(struct lint *lint, const struct snapshot *snapshot);
    const char *help; /* what it finds */
};
REGISTRY(lint_check, struct lint_check);

/* A finding of the check that runs: what is wrong there and why. `fix`: what to write instead. */
void lint_say(struct lint *lint, struct source_pos pos, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Runs all checks. Returns how many findings there are; the report goes to `out`. */
unsigned lint_run(const struct snapshot *snapshot, struct text *out);
