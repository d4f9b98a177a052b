/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keyword's parser is given, and how it complains.
 *
 * Thread: the builder (at start: the main thread). Nothing here is shared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/base/error.h"
#include "weir/config/diag.h"
#include "weir/config/section.h"
#include "weir/config/words.h"

struct snapshot;

struct parse {
    struct snapshot *snapshot; /* being built */
    struct arena *arena;       /* the snapshot's: everything written lives here */
    struct diag *diag;
    const struct section *section;
    const char *section_name;  /* the word behind the section's; NULL: none */
    void *object;              /* what the section or line configures: struct proxy_conf, ... */
    void *outer;               /* inside bind and server lines: the proxy_conf */
    unsigned place;            /* the IN_ bit of the section or line */
    struct words *words;       /* the words after the keyword */
    const char *keyword;       /* the keyword as registered */
    bool negated;              /* the line began with "no", or with "default" */
    bool is_default;           /* it began with "default": back to the built-in value */
};

/* Report; the caret stands under the word read last (or where the line ends, when one is missing). All
 * return false, so a parser can say `return parse_alert(parse, "...")`. */
bool parse_alert(struct parse *parse, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool parse_alert_next(struct parse *parse, const char *fmt, ...) /* caret under the next word */
    __attribute__((format(printf, 2, 3)));
/* Warnings return true: parsing goes on. */
bool parse_warn(struct parse *parse, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An accepted word that a later part brings: an alert "... is not implemented yet". */
bool parse_not_yet(struct parse *parse, const char *what);
/* For hooks that run after the files are read: position given, no caret. Returns false. */
bool parse_alert_at(struct parse *parse, struct source_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool parse_warn_at(struct parse *parse, struct source_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- typed words: read the next one; on a mistake report and return false --- */

/* `what` names the value in messages: "a server name". */
const char *parse_word(struct parse *parse, const char *what); /* NULL: reported */
/* The same for an address: variables of the environment are replaced, as "${NAME}" or $NAME, although
 * the word is not in quotes; those that are not set are empty. */
const char *parse_address_word(struct parse *parse, const char *what);
bool parse_int(struct parse *parse, const char *what, int64_t min, int64_t max, int64_t *out);
/* default_unit: "ms" or "s". */
bool parse_time(struct parse *parse, const char *what, const char *default_unit, int64_t *out_ms);
bool parse_size(struct parse *parse, const char *what, uint64_t *out_bytes);
bool parse_on_off(struct parse *parse, bool *out);
/* One of `names` (NULL-terminated); index to *out. Suggests the nearest. */
bool parse_choice(struct parse *parse, const char *what, const char *const *names, int *out);
/* Complains about words that are left over. */
bool parse_end(struct parse *parse);

/* --- pieces of configuration that stand elsewhere: runtime commands --- */

/* Reads one line as keyword_run() would, for parse->object at parse->place. parse->words is the caller's and
 * is valid until the next call; so are the words, which are in the arena. False: reported. */
struct splitter;
bool parse_line(struct parse *parse, const char *line);

/* Cuts a line that stood at `pos` into parse->words, for as long as fn(parse, arg) runs. Returns what fn returns; false
 * when it cannot be cut: reported. */
bool parse_cut(struct parse *parse, struct source_pos pos, const char *line,
               bool (*fn)(struct parse *parse, void *arg), void *arg);

/* "; did you mean 'x'?" or "": nearest of `names` to `word`, for messages. In the arena. */
const char *parse_suggest(struct parse *parse, const char *word, const char *const *names);
struct source_pos parse_pos(const struct parse *parse);
