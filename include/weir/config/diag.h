/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is wrong with a configuration, collected and reported in one
 * go: alerts (the configuration is refused), warnings, notices, diagnostics (-dD).
 * Each has file, line, the line itself with a caret where it is known. One user at a time.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "weir/base/text.h"

struct source_pos {
    const char *file; /* borrows: lives as long as the snapshot; NULL: not from a file */
    int line;         /* from 1 */
};

enum severity { DIAG_ALERT, DIAG_WARNING, DIAG_NOTICE, DIAG_HINT };

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *diag);
/* The general form. `line_text` may be NULL; `column` counts from 1, 0: no caret. */
void diag_add(struct diag *diag, enum severity severity, struct source_pos pos,
              const char *line_text, unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
void diag_vadd(struct diag *diag, enum severity severity, struct source_pos pos,
               const char *line_text, unsigned column, const char *fmt, va_list args);
unsigned diag_count(const struct diag *diag, enum severity severity);
/* The n-th file (0, 1, ...) with an alert, in the order of the first ones; NULL: there are no more. */
const char *diag_bad_file(const struct diag *diag, unsigned n);
/* In HAProxy's frame: "[ALERT]    (pid) : config : parsing [file:line] : text", then the line and the caret.
 * `least`: print nothing less severe than this. */
/* The first alert alone, without its frame; nothing: there is none. */
void diag_print_reason(const struct diag *diag, struct text *out);
void diag_print(const struct diag *diag, struct text *out, enum severity least);
