/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mails about servers: who sends them, from whom, to whom.
 */
#pragma once

#include "weir/config/parse.h"
#include "weir/os/addr.h"

struct mailer_conf {
    struct mailer_conf *next;
    const char *name;
    struct addr addr;
};
struct mailers_conf { /* a section */
    struct mailers_conf *next;
    const char *name;
    struct source_pos pos;
    int64_t timeout_ms; /* for a whole mail */
    struct mailer_conf *first, **end;
};
/* NULL: there is no such section. */
const struct mailers_conf *mailers_find(const struct snapshot *snapshot, const char *name);

struct letter {
    const char *from, *to, *hostname;
    const char *text; /* without the full stop at its end */
    int64_t wall_s;
};
/* To each mailer of the section, in order of coming; a mailer that does not answer is tried again. Everything is copied.
 * Control. */
void smtp_send(const struct mailers_conf *mailers, const struct letter *letter);
