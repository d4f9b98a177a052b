/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room expr share. */
#pragma once

#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/expr/condition.h"
#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/expr/variable.h"

/* --- expr_args.c ------------------------------------------------------------------- */

/* Reads "(a,b,...)" at *text if it is there, by the specs (ended by ARG_END); sets *args and moves *text behind. `name` for messages. */
bool expr_args_parse(struct parse *parse, const char **text, const struct arg_spec *specs, const char *name, struct arg **args,
                     unsigned *count);
/* Named arguments are resolved when the text is read. */
struct named_arg {
    struct named_arg *next;
    struct arg *arg;
    const struct arg_type *type;
    struct source_pos pos;
    void *proxy_conf;
};
/* The room's part of a snapshot. */
struct expr_room {
    struct named_arg *named; /* to be resolved */
};
struct expr_room *expr_room_of(const struct snapshot *snapshot);

/* --- pattern.c ------------------------------------------------------------------------ */

enum match_method {
    MATCH_FOUND, MATCH_BOOL, MATCH_INT, MATCH_IP, MATCH_BIN, MATCH_LEN, MATCH_STR, MATCH_BEG, MATCH_SUB, MATCH_DIR, MATCH_DOM,
    MATCH_END, MATCH_REG, MATCH_METHODS,
};
struct pattern_list; /* immutable, in the arena */

/* By the name after -m; -1: unknown. */
int match_method_find(struct str name);
const char *match_method_name(enum match_method method);
/* The type of value the method looks at. */
enum value_type match_method_type(enum match_method method, enum value_type natural);
struct pattern_list *pattern_list_new(struct parse *parse, enum match_method method, bool no_case);
/* Adds one as written; `op` for integers: "eq" and the like, NULL. False: reported. */
bool pattern_list_add(struct parse *parse, struct pattern_list *list, const char *text);
bool pattern_list_add_file(struct parse *parse, struct pattern_list *list, const char *path);
/* Once all are there. */
void pattern_list_compile(struct parse *parse, struct pattern_list *list);
unsigned pattern_list_count(const struct pattern_list *list);
/* `value` has the method's type. */
bool pattern_list_match(const struct pattern_list *list, const struct value *value);
