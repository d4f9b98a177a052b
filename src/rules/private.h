/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room rules share. */
#pragma once

#include "weir/base/crash.h"
#include "weir/config/keyword.h"
#include "weir/rules/action.h"
#include "weir/rules/ruleset.h"

/* The kind of action that the word names in this hook; NULL: none. */
const struct action_kind *action_find(const char *word, enum hook hook);
const char *action_suggest(struct parse *parse, const char *word, enum hook hook);
/* Is it a word of the language that weir lacks? */
bool action_is_known(const char *word);

/* --- ruleset.c --------------------------------------------------------------------------- */

void ruleset_append(struct parse *parse, struct ruleset *set, struct rule rule);
/* The line in hand; in the arena. */
const char *ruleset_rule_text(struct parse *parse);

/* --- named_ruleset.c, ruleset_call.c: rules that are written once ------------------------- */

#define NAMED_ARGS_MAX 16

struct named_line {
    struct named_line *next;
    struct source_pos pos;
    const char *text;
};
struct named_ruleset {
    struct named_ruleset *next;
    const char *name;
    struct source_pos pos;
    const char *args[NAMED_ARGS_MAX];
    unsigned arg_count;
    struct named_line *lines, **end;
    bool is_used;
};
/* The last one; NULL: there is none. */
const struct named_ruleset *named_ruleset_first(const struct snapshot *snapshot);
struct named_ruleset *named_ruleset_find(const struct snapshot *snapshot, struct str name);
/* "name(a,b)": the name, and what is between the parentheses; false: they are not closed. */
bool named_ruleset_split(const char *text, struct str *name, struct str *inside);
/* The next value of a list; false: there is none. */
bool named_ruleset_next(struct str *list, struct str *value);
/* "; did you mean ...?" */
const char *named_ruleset_suggest(struct parse *parse, struct str name);
/* The words behind "call": appends a rule that stands for the call, and those of the rule set. */
bool ruleset_parse_call(struct parse *parse, struct ruleset *set, enum hook hook, unsigned place,
                        const struct acl_scope *scope);
