/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings about a legal configuration: collected, put in order, printed.
 *
 * For:     weir -c --lint.
 * Owns:    the findings while it runs.
 * Thread:  boot.
 */
#include "weir/config/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

#define REASON_MAX 1024

struct finding {
    struct source_pos pos;
    const char *check;
    char *reason; /* owns */
    char *fix;    /* owns */
};

struct lint {
    const struct lint_check *check; /* that runs now */
    struct finding *findings;
    unsigned count;
};

void
lint_say(struct lint *lint, struct source_pos pos, const char *fix, const char *fmt, ...)
{
    char reason[REASON_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(reason, sizeof(reason), fmt, args);
    va_end(args);
    lint->findings = alloc_resize(lint->findings, (lint->count + 1) * sizeof(*lint->findings));
    lint->findings[lint->count++] = (struct finding){ .pos = pos,
                                                      .check = lint->check->name,
                                                      .reason = alloc_copy(reason),
                                                      .fix = alloc_copy(fix) };
}

static int
compare(const void *one, const void *other)
{
    const struct finding *a = one, *b = other;
    int by_file = strcmp(a->pos.file == NULL ? "" : a->pos.file, b->pos.file == NULL ? "" : b->pos.file);

    if (by_file != 0)
        return by_file;
    if (a->pos.line != b->pos.line)
        return a->pos.line < b->pos.line ? -1 : 1;
    return strcmp(a->reason, b->reason);
}

static void
print(struct text *out, const struct finding *finding)
{
    if (finding->pos.file != NULL)
        text_printf(out, "%s:%d: ", finding->pos.file, finding->pos.line);
    text_printf(out, "%s [%s]\n    %s\n", finding->reason, finding->check, finding->fix);
}

unsigned
lint_run(const struct snapshot *snapshot, struct text *out)
{
    struct lint lint = { .count = 0 };

    FOR_EACH_REGISTERED (lint_check, check, list) {
        lint.check = check;
        check->run(&lint, snapshot);
    }
    if (lint.count > 0)
        qsort(lint.findings, lint.count, sizeof(*lint.findings), compare);
    for (unsigned i = 0; i < lint.count; i++) {
        print(out, &lint.findings[i]);
        alloc_free(lint.findings[i].reason);
        alloc_free(lint.findings[i].fix);
    }
    alloc_free(lint.findings);
    return lint.count;
}
