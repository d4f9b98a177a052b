/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a configuration was made of besides its own text: maps, certificates, error pages. What they
 * held is remembered as a number, so that a later reading can tell which have changed.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/text.h"
#include "weir/config/transcript.h"

struct files_read;

/* From now on every file that is read counts, whichever thread reads it, until files_read_end(). Builder; one at a time. */
struct files_read *files_read_begin(void);
/* The same, and what they hold is kept until files_read_forget() or files_read_remember(). */
struct files_read *files_read_begin_keeping(void);
void files_read_forget(struct files_read *files);
/* What was kept stays for ever: while a text that was read before is read again, it stands for files that cannot be
 * opened any more (in a chroot). Boot. */
void files_read_remember(struct files_read *files);
/* Is it used now? Builder. */
void files_read_use_memory(bool is_used);
void files_read_end(struct files_read *files);
void files_read_free(struct files_read *files); /* NULL is fine */
/* A line for each file that both know and that holds something else now, but for those of the text itself. */
void files_read_compare(const struct files_read *before, const struct files_read *now,
                        const struct transcript *text, struct text *out);
