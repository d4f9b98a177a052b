/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room config share. */
#pragma once

#include "weir/base/hashmap.h"
#include "weir/base/text.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"

/* --- split.c: one line becomes words ---------------------------------------------------- */

struct splitter {       /* buffers, used again for each line */
    struct text bytes;  /* the words, each with its NUL, before they go to the arena */
    struct word *items; /* owns; what parse->words shows */
    size_t *begins;     /* owns; of each word in `bytes` */
    unsigned count, cap;
};
#define SPLITTER_INIT                                                                              \
    {                                                                                              \
        .bytes = TEXT_INIT                                                                         \
    }

/* Cuts `line` (without line feed) into parse->words. Mistakes are reported at parse->words->pos. */
bool split_line(struct parse *parse, struct splitter *to, const char *line);
/* Does the line end with a backslash that joins it with the next one? */
bool split_wants_next_line(const char *line, size_t len);
void splitter_fini(struct splitter *splitter);

/* --- predicate.c: what a condition says -------------------------------------------------- */

struct predicate_result {
    bool is_true;
    size_t failed_at; /* with false returned: where in the text */
};
/* `snapshot`: whose environment is looked at; NULL: the process's. False: err set. */
bool predicate_eval(const struct snapshot *snapshot, const char *text, struct predicate_result *out,
                    struct error *err);

/* --- conditional.c: .if .elif .else .endif and messages ----------------------------------- */

#define CONDITIONAL_DEPTH 16

enum branch_state {
    BRANCH_PENDING, /* no branch of the block was taken yet */
    BRANCH_TAKEN,   /* lines are read */
    BRANCH_NEVER,   /* one was taken before, or the block lies in lines that are not read */
};
struct conditional_block {
    struct source_pos pos; /* of its .if */
    enum branch_state state;
    bool has_else;
};
struct conditional {
    struct conditional_block blocks[CONDITIONAL_DEPTH];
    unsigned depth;
    unsigned lost; /* .if beyond the depth: their .endif is still to come */
};
/* Handles parse->words->line_text if it begins with a dot; false: it does not. */
bool conditional_line(struct conditional *cond, struct parse *parse, struct splitter *splitter);
/* Are lines read here? */
bool conditional_is_open(const struct conditional *cond);
/* The text has ended: complains about blocks that have not. */
void conditional_end(const struct conditional *cond, struct parse *parse);

/* --- section.c ------------------------------------------------------------------------------ */

/* "frontend, listen": for messages; in the arena. */
const char *section_names_of(struct parse *parse, unsigned places);

/* --- keyword.c, setter.c, unknown.c ----------------------------------------------------------- */

struct keyword_match {
    const struct keyword *kw; /* NULL: none */
    unsigned length;          /* how many words its name covers */
};
struct keyword_match keyword_find(const struct words *words, unsigned place);
/* keyword_run() once the keyword is known. */
bool keyword_run_found(struct parse *parse, struct keyword_match match);
bool setter_run(struct parse *parse, const struct keyword *kw);
/* Says what is wrong with the next word. True: it was only a warning. */
bool keyword_complain_unknown(struct parse *parse);

/* --- known_words.c -----------------------------------------------------------------------------
 */

struct known_word {
    const char *name;
    unsigned places; /* set of IN_ bits */
};
struct gone_word {
    const char *name;
    unsigned places;
    const char *instead;
};
/* Where the language has this keyword; 0: nowhere. */
unsigned known_places(const char *name);
const struct known_word *known_words(size_t *count);
const char *const *known_sections(size_t *count);
/* What replaces a keyword or a section that is gone; NULL: it is none of those. */
const char *known_gone(unsigned place, const char *name);
const char *known_gone_section(const char *name);

/* --- source.c: files and folders become lines ------------------------------------------------- */

struct source_line {
    struct source_pos pos; /* of its first line */
    char *text;            /* NUL-terminated, without line feed; until the next call */
    bool has_no_feed;      /* the file ends without a line feed */
};
/* A file that is being read, or waits until those that it includes have been read. */
struct source_file {
    struct source_file *outer; /* the next one to go on with; owns */
    const struct source_file *includer; /* NULL: nobody included it */
    char *content;                      /* owns */
    char *rest;                         /* what is still to be read of it; NULL: nothing */
    char *real_path;                    /* owns; NULL: a text */
    struct source_pos pos;
    unsigned depth; /* of includes */
};
struct source {
    struct parse *parse;
    const struct config_sources *sources;
    char **files; /* owns the array; paths are in the arena */
    unsigned file_count, at;
    struct source_file *file; /* the present one; owns; NULL: none */
    struct text joined;       /* a line that goes on over several ones */
};
/* Lists all files. False: some cannot be read; reported. */
bool source_open(struct source *source, struct parse *parse, const struct config_sources *sources);
/* The next line, continuations joined. False: the end. */
bool source_next(struct source *source, struct source_line *out);
void source_close(struct source *source);
/* .include: the lines of the files that `path` names come next. Relative paths start at the folder
 * of the present file; a pattern (* ? [) and a folder (its *.cfg) may name several or none. False:
 * err. */
bool source_include(struct source *source, const char *path, struct error *err);

/* --- parser.c ------------------------------------------------------------------------------------
 */

bool parser_read(const struct config_sources *sources, struct snapshot *snapshot,
                 struct diag *diag);

/* --- resolve.c: hooks in order -------------------------------------------------------------------
 */

/* All hooks of a stage run, so that all mistakes are told; ADOPT ends at the first failure. */
bool hooks_run(struct snapshot *snapshot, enum config_stage stage, struct diag *diag);

/* --- environment.c
 * --------------------------------------------------------------------------------- */

/* The table of a new snapshot: what the program was started with. */
void environment_init(struct snapshot *snapshot);
void environment_fini(struct snapshot *snapshot);
