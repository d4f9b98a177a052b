/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outline of a configuration: its sections, and the words of their lines as they were
 * understood (conditions decided, variables replaced). Two outlines can be compared in words.
 *
 * Belongs to a snapshot, in its arena; immutable once that is built.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/arena.h"
#include "weir/base/text.h"
#include "weir/config/words.h"

struct outline_line {
    struct source_pos pos;
    const char **words; /* of the whole line */
    unsigned count;
    bool is_amended; /* said at run time */
    struct outline_line *next;
};

struct outline_section {
    const char *kind; /* "backend" */
    const char *name; /* NULL: none */
    unsigned place; /* its IN_ bit */
    struct outline_line *head; /* the section's own line */
    struct outline_line *lines, *last;
    unsigned line_count;
    struct outline_section *next;
};

struct outline {
    struct outline_section *sections, *last;
};

void outline_begin(struct outline *outline, struct arena *arena, const char *kind,
                   const char *name, unsigned place, const struct words *words, bool is_amended);
void outline_add(struct outline *outline, struct arena *arena, const struct words *words,
                 bool is_amended);
/* Takes the line of the last section that begins with these words out. */
void outline_remove(struct outline *outline, const struct words *words);
/* What the second says otherwise, a line for each section, in words; nothing when they say the same. Control. */
void outline_compare(const struct outline *before, const struct outline *now, struct text *out);
