/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mails about servers, as they are sent.
 */
#pragma once

#include "weir/check/mailers.h"

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
