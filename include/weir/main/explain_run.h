/* SPDX-License-Identifier: Apache-2.0 */
/* weir --explain and --expect: what would become of requests. Boot. */
#pragma once

#include "weir/base/text.h"
#include "weir/main/explain_question.h"
#include "weir/main/options.h"

/* One question, asked and answered. */
struct explained {
    struct explain explain;
    struct text answer;  /* bytes that weir sent back */
    struct str location; /* in `answer`; ptr NULL: none */
    const char *frontend, *address; /* where it came in */
};

/* Returns the exit status. */
int explain_run(const struct options *options);
/* After boot_offline(). False: err. Pairs with explained_fini(). */
bool explain_ask(const struct explain_question *question, struct explained *explained,
                 struct error *err);
void explained_fini(struct explained *explained);
/* What came in, the steps, the result. */
void explained_print(const struct explained *explained, const struct explain_question *question);
/* Checks the lines of a file; returns the exit status. */
int expect_run(const char *path, bool is_quiet);
