/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample expressions: fetch(args),converter(args),... compiled into a flat array and run without allocation
 * but for results that need bytes of their own (eval->arena).
 */
#pragma once

#include "weir/expr/arg.h"
#include "weir/expr/eval.h"
#include "weir/expr/value.h"

enum fetched {
    FETCH_NONE,  /* no such thing here: no sample */
    FETCH_OK,
    FETCH_LATER, /* cannot be known yet: more data may come */
};

struct fetch;
typedef enum fetched fetch_fn(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out);

struct fetch {
    const char *name;
    enum value_type out;
    unsigned places;             /* set of enum eval_place: where it is valid */
    struct arg_spec args[ARGS_MAX + 1];
    fetch_fn *run;
    intptr_t private;            /* for families of fetches that share a function */
    /* Further checks of the arguments, may compute (args[i].ptr); NULL: none. False: err set. */
    bool (*check)(struct parse *parse, struct arg *args, unsigned count, struct error *err);
    const char *help;
};
REGISTRY(fetch, struct fetch);

struct converter;
/* Changes `value` (cast to `in` already) in place. False: no sample any more. */
typedef bool converter_fn(struct eval *eval, const struct converter *conv, const struct arg *args, struct value *value);

struct converter {
    const char *name;
    enum value_type in, out;
    struct arg_spec args[ARGS_MAX + 1];
    converter_fn *run;
    intptr_t private;
    bool (*check)(struct parse *parse, struct arg *args, unsigned count, struct error *err);
    const char *help;
};
REGISTRY(converter, struct converter);

struct sample_step { /* a converter with its arguments */
    const struct converter *conv;
    const struct arg *args;
};
struct sample { /* in the snapshot's arena; immutable once resolved */
    const struct fetch *fetch;
    const struct arg *args;
    struct sample_step *steps;
    unsigned step_count;
    enum value_type out;       /* type after the last step */
    const char *text;          /* as written */
    struct source_pos pos;
};

/* Compiles the next word (and following ones, for the old "a,b c" forms when `spread` is given) of parse->words. `place`: where
 * it will run: a fetch not valid there is refused with the reason. Named arguments are resolved later, in CONFIG_RESOLVE, for
 * the proxy parse->object. NULL: reported. */
struct sample *sample_parse(struct parse *parse, unsigned place);
/* The same from a text that does not stand alone in a word (inside %[...]): reads to the end of the expression; *end is set behind it. */
struct sample *sample_parse_text(struct parse *parse, const char *text, const char **end, unsigned place);

/* Runs it. With FETCH_OK `out` is filled. */
enum fetched sample_run(const struct sample *sample, struct eval *eval, struct value *out);
/* And casts to `type`. */
enum fetched sample_run_as(const struct sample *sample, struct eval *eval, enum value_type type, struct value *out);

const struct fetch *fetch_find(struct str name);
const struct converter *converter_find(struct str name);
/* Boot: sorts both tables, refuses duplicates. */
void sample_table_init(void);
