/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sample expressions: fetch(args),converter(args),... compiled into a flat array and run without
 * allocation but for results that need bytes of their own (eval->arena).
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
/* Sets type and content of `out` (value_set_*), and flags. */
typedef enum fetched fetch_fn(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                              struct value *out);
/* Further checks of arguments; may compute (args[i].num, args[i].ptr). False: err set. */
typedef bool arg_check_fn(struct parse *parse, struct arg *args, unsigned count,
                          struct error *err);

struct fetch {
    const char *name;
    enum value_type out;
    unsigned places; /* set of enum eval_place: where it is valid */
    struct arg_spec args[ARGS_MAX + 1];
    fetch_fn *run;
    intptr_t private; /* for families of fetches that share a function */
    arg_check_fn *check; /* NULL: none */
    const char *help;
    bool is_stable; /* it gives the same until an action changes something, and changes nothing */
    bool is_version; /* VALUE_INT: major * 65536 + minor; in conditions written "3.1" */
};
REGISTRY(fetch, struct fetch);

struct converter;
/* Changes `value` (cast to `in` already) in place. False: no sample any more. */
typedef bool converter_fn(struct eval *eval, const struct converter *conv, const struct arg *args,
                          struct value *value);

struct converter {
    const char *name;
    enum value_type in, out;
    struct arg_spec args[ARGS_MAX + 1];
    converter_fn *run;
    intptr_t private;
    arg_check_fn *check;
    const char *help;
    bool is_stable; /* its result depends on its input and arguments alone */
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
    enum value_type out; /* type after the last step */
    const char *text;    /* as written */
    struct source_pos pos;
    uint32_t memo; /* those with the same number give the same value until an action runs; 0: none */
};

/* The value of the sample that was run last, for the rules that ask for it again. eval->memo points
 * to one while a list of rules runs, whose runner clears it (number 0) when an action has run. */
struct sample_memo {
    uint32_t number; /* 0: nothing is known */
    bool is_none;    /* it gave no value */
    struct value value;
};

/* --- builder --------------------------------------------------------------------------------- */

/* Compiles the next word of parse->words, and the words behind it that name converters ("src lower"
 * is "src,lower"). `place`: where it will run: a fetch that is not valid there is refused with the
 * reason; 0: anywhere. Named arguments are resolved later, in CONFIG_RESOLVE, for the proxy
 * parse->object. NULL: reported. */
struct sample *sample_parse(struct parse *parse, unsigned place);
/* The same from a text that does not stand alone in a word (inside %[...]): reads to the end of the
 * expression; *end is set behind it. */
struct sample *sample_parse_text(struct parse *parse, const char *text, const char **end,
                                 unsigned place);
const struct fetch *fetch_find(struct str name);
const struct converter *converter_find(struct str name);
/* Boot: fills both tables, refuses duplicates. */
void sample_table_init(void);

/* --- any thread ------------------------------------------------------------------------------ */

/* Runs it. With FETCH_OK `out` is filled. out->cursor must be set: 0, VALUE_SINGLE, or what the run
 * before left there, if that gave VALUE_MORE. */
enum fetched sample_run(const struct sample *sample, struct eval *eval, struct value *out);
/* Runs it for one value, and casts that to `type`. */
enum fetched sample_run_as(const struct sample *sample, struct eval *eval, enum value_type type,
                           struct value *out);

/* --- for fetches: `return fetched_int(out, n);` ------------------------------------------------ */

static inline enum fetched
fetched_bool(struct value *out, bool truth)
{
    value_set_bool(out, truth);
    return FETCH_OK;
}

static inline enum fetched
fetched_int(struct value *out, int64_t n)
{
    value_set_int(out, n);
    return FETCH_OK;
}

/* Bytes that others own. ptr NULL: no sample. */
static inline enum fetched
fetched_str(struct value *out, struct str s)
{
    value_set_str(out, s);
    out->flags |= VALUE_CONST;
    return s.ptr == NULL ? FETCH_NONE : FETCH_OK;
}

static inline enum fetched
fetched_bin(struct value *out, struct str s)
{
    value_set_bin(out, s);
    out->flags |= VALUE_CONST;
    return s.ptr == NULL ? FETCH_NONE : FETCH_OK;
}

/* NULL or no IP address: no sample. */
static inline enum fetched
fetched_addr(struct value *out, const struct addr *addr)
{
    return addr != NULL && value_set_addr(out, addr) ? FETCH_OK : FETCH_NONE;
}
