/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room expr share. */
#pragma once

#include "weir/base/hashmap.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/expr/condition.h"
#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/expr/variable.h"

/* --- room.c: this room's part of a snapshot ------------------------------------------- */

/* A named argument that is resolved once the whole text is read. */
struct named_arg {
    struct named_arg *next;
    struct arg *arg;
    const struct arg_type *type;
    struct source_pos pos;
    void *proxy_conf;
};

/* Something to be let go of when the snapshot goes. */
struct kept {
    struct kept *next;
    void *object;
    void (*drop)(void *object);
};

struct pattern_use;
struct pattern_list;
struct acl;

struct expr_room {
    struct named_arg *named; /* to be resolved; in the order of the text */
    struct named_arg **named_end;   /* NULL: at `named` */
    struct kept *kept;
    struct acl *acls;             /* all named ones, for lint */
    struct condition *conditions; /* the same */
    struct hashmap memos;         /* number by text of samples that are stable */
    struct pattern_use *files; /* lists of patterns with a name */
    struct pattern_use *lines; /* patterns of acl lines; newest first, as above */
    unsigned use_count;
};
struct expr_room *expr_room_of(const struct snapshot *snapshot);
/* Calls drop(object) when the snapshot goes. */
void expr_keep(struct parse *parse, void *object, void (*drop)(void *object));

/* --- expr_diag.c: messages that point inside a word -------------------------------------- */

/* As parse_alert(); the caret stands under `at`, a place in the word that was read last. Returns
 * false. */
bool expr_alert(struct parse *parse, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "; did you mean 'x'?" or "". */
const char *expr_suggest(struct parse *parse, struct str word, const char *const *names);

/* --- expr_args.c --------------------------------------------------------------------------- */

/* Reads "(a,b,...)" at *text if it is there, by the specs (ended by ARG_END); sets *args and moves
 * *text behind. `name` for messages. False: reported. */
bool expr_args_parse(struct parse *parse, const char **text, const struct arg_spec *specs,
                     const char *name, struct arg **args, unsigned *count);
/* --- expr_arg.c ------------------------------------------------------------------------------ */

/* Types what arg->str says. Not for ARG_NAMED. False: err. */
bool expr_arg_set_value(struct parse *parse, const struct arg_spec *spec, struct arg *arg,
                        struct error *err);
/* Makes one argument of its text, which stands at `at`. */
bool expr_arg_set(struct parse *parse, const struct arg_spec *spec, struct arg *arg,
                  const char *text, const char *at);
/* An optional named argument that was left out: its room knows a default. */
bool expr_arg_default(struct parse *parse, const struct arg_spec *spec, struct arg *arg,
                      const char *at);

/* --- condition.c ------------------------------------------------------------------------- */

struct acl_test;
struct term {
    const struct acl_test *tests;
    uint16_t next; /* where the next alternative begins */
    bool is_negated;
};

struct condition {
    const struct acl_test *only; /* the condition is this one test; NULL: it is more than that */
    bool is_only_negated;
    uint32_t memo;                   /* of its sample, if the remembered value can be looked up as it is */
    const struct pattern_list *list; /* with memo: where */
    struct condition *following; /* in the room's list */
    struct source_pos pos;
    struct term *terms;
    unsigned count;
    bool is_negated; /* unless */
    const char *text;
};

/* --- sample_table.c ---------------------------------------------------------------------------- */

/* "; did you mean ...?" */
const char *fetch_suggest(struct parse *parse, struct str name);
const char *converter_suggest(struct parse *parse, struct str name);
/* "an http-response rule" */
const char *place_name(unsigned place);
/* What must be there for the fetch: "the head of the request". */
const char *fetch_needs(const struct fetch *fetch);

/* --- sample.c ------------------------------------------------------------------------------------ */

/* Its name ends at one of these. */
#define SAMPLE_NAME_END "(), \t]"

/* --- log_format.c, log_format_parse.c: compiled formats ------------------------------------------ */

enum node_kind { NODE_TEXT, NODE_ALIAS, NODE_SAMPLE };
enum node_type { NODE_AUTO, NODE_STR, NODE_INT, NODE_BOOL, NODE_RAW };

struct format_node {
    enum node_kind kind;
    enum node_type type; /* as written in its name */
    unsigned flags;
    struct str name; /* of encoded output; ptr NULL: none */
    struct str text;
    const struct log_alias *alias;
    const struct sample *sample;
};

struct log_format {
    struct format_node *nodes;
    unsigned count;
    unsigned cap;
    unsigned encoding; /* FORMAT_JSON or FORMAT_CBOR (FORMAT_BINARY): one object of the named items */
};

/* --- format_encode.c: JSON and CBOR ---------------------------------------------------------- */

/* flags: FORMAT_JSON or FORMAT_CBOR, FORMAT_BINARY. */
void format_encode_null(struct format_out *out, unsigned flags);
void format_encode_bool(struct format_out *out, bool truth, unsigned flags);
void format_encode_int(struct format_out *out, int64_t n, unsigned flags);
/* Cut where the room ends. `is_binary`: bytes for CBOR, whatever they look like. */
void format_encode_str(struct format_out *out, struct str s, bool is_binary, unsigned flags);
/* Parts with a NUL behind each; empty ones are null. Parts without room are left out. */
void format_encode_list(struct format_out *out, struct str parts, unsigned flags);
void format_encode_open(struct format_out *out, unsigned flags);
void format_encode_key(struct format_out *out, struct str name, bool is_first, unsigned flags);
void format_encode_close(struct format_out *out, unsigned flags);

/* --- live_text.c: what somebody gives while weir runs ------------------------------------------ */

struct live_text {
    struct arena arena;
    struct kept *kept;
    struct pattern_use *files;
    struct snapshot *snapshot; /* holds */
};
/* Compiles something of the words; what it makes lives until live_text_fini(). */
typedef bool live_fn(struct parse *parse, void *arg);
/* False: the reason is in `err`; live_text_fini() is due all the same. Control. */
bool live_text_compile(struct live_text *live, const char *const *words, unsigned count,
                       void *proxy_conf, live_fn *fn, void *arg, struct text *err);
void live_text_fini(struct live_text *live);

/* --- call.c: also those that the configuration brings --------------------------------------------- */

const struct fetch *fetch_find_here(struct parse *parse, struct str name);
const struct converter *converter_find_here(struct parse *parse, struct str name);
