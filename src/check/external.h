/* SPDX-License-Identifier: Apache-2.0 */
/* Checks by programs: what is configured. */
#pragma once

#include "private.h"

struct external_conf {
    bool is_on;
    const char *command, *path; /* NULL: not said */
};
/* Of a backend. */
const struct external_conf *external_conf_of(const struct proxy_conf *backend);
/* external-check preserve-env. Control. */
bool external_keeps_environment(void);
/* Another kind of check is asked for, or none in particular. Builder. */
void external_forget(struct parse *parse);

/* Starts the program; check_done() when it ends. */
void external_begin(struct check *check);
/* Ends it; nobody hears of it any more. Nothing runs: does nothing. */
void external_abort(struct check *check);
