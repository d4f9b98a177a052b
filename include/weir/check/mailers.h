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

struct proxy_conf;
struct mailers_view { /* what a proxy says about its mails */
    const struct mailers_conf *mailers;
    int level;                          /* enum log_level; of this and graver ones */
    const char *from, *to, *hostname;   /* hostname may be NULL: the machine's */
};
/* False: it sends none. Any thread that holds the snapshot. */
bool mailers_view(const struct proxy_conf *proxy, struct mailers_view *out);
/* A script sends them: this configuration sends none by itself. Builder. */
void mailers_leave_to_scripts(struct snapshot *snapshot);
