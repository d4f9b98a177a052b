/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the configuration, cut into words: quotes, escapes and variables
 * are already resolved. A keyword's parser walks over the words that follow it.
 */
#pragma once

#include <stdbool.h>

#include "weir/config/diag.h"

struct word {
    const char *text; /* NUL-terminated, in the snapshot's arena */
    unsigned column;  /* where it begins in the line, from 1 */
    bool quoted;      /* some part of it was quoted */
};

struct words {
    struct source_pos pos;
    const char *line_text; /* the raw line */
    struct word *items;
    unsigned count;
    unsigned at; /* the next word to be read */
};

/* The next word, or NULL at the end of the line; moves on. */
const char *words_next(struct words *words);
/* The same without moving. */
const char *words_peek(const struct words *words);
/* True, and moves on, if the next word is `text`. */
bool words_accept(struct words *words, const char *text);
bool words_at_end(const struct words *words);
/* The remaining words joined by one blank (in the arena of `parse`). */
struct parse;
const char *words_rest(struct parse *parse);
