/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a configuration was made of besides its own text: maps, certificates, error pages. What they
 * held is remembered as a number, so that a later reading can tell which have changed.
 */
#pragma once

#include "weir/base/text.h"
#include "weir/config/transcript.h"

struct files_read;

/* From now on every file that is read counts, whichever thread reads it, until files_read_end(). Builder; one at a time. */
struct files_read *files_read_begin(void);
void files_read_end(struct files_read *files);
void files_read_free(struct files_read *files); /* NULL is fine */
/* A line for each file that both know and that holds something else now, but for those of the text itself. */
void files_read_compare(const struct files_read *before, const struct files_read *now,
                        const struct transcript *text, struct text *out);
