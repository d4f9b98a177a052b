/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room config share. */
#pragma once

#include "weir/base/text.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"

/* --- split.c: one line becomes words ------------------------------------------ */

/* Cuts `line` (without line feed) into words in parse->arena. Mistakes are reported at parse->words->pos. */
bool split_line(struct parse *parse, const char *line);

/* --- conditional.c: .if .elif .else .endif and messages ------------------------ */

#define CONDITIONAL_DEPTH 16
struct conditional {
    unsigned depth;
    bool is_taken[CONDITIONAL_DEPTH];  /* this branch is read */
    bool was_taken[CONDITIONAL_DEPTH]; /* some branch of the block was read */
};
/* Handles a line that begins with a dot; true when it was one. */
bool conditional_line(struct conditional *cond, struct parse *parse);
/* Are lines read here? */
bool conditional_is_open(const struct conditional *cond);

/* --- known_words.c -------------------------------------------------------------- */

/* Is it a word of the language that weir lacks? `place`: IN_ bits. */
bool known_word(unsigned place, const char *word, const char *next);
/* What replaces a word that is gone; NULL: it is not one of those. */
const char *known_removed(const char *word, const char *next);

/* --- source.c: files and folders become lines -------------------------------------- */

struct source_line {
    struct source_pos pos;
    char *text;       /* NUL-terminated, without line feed; in the arena */
    bool has_no_feed; /* the file ends without a line feed */
};
struct source {
    struct parse *parse;
    const struct config_sources *sources;
    char **files; /* in the arena */
    size_t file_count, at;
    char *rest; /* of the present file */
    struct source_pos pos;
};
/* Lists all files. False: some cannot be read; reported. */
bool source_open(struct source *source, struct parse *parse, const struct config_sources *sources);
/* The next line, continuations joined. False: the end. */
bool source_next(struct source *source, struct source_line *out);

/* --- parser.c ------------------------------------------------------------------------ */

bool parser_read(const struct config_sources *sources, struct snapshot *snapshot, struct diag *diag);
