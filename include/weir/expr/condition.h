/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions after "if" and "unless": named ACLs and anonymous ones, combined with and, or, not.
 */
#pragma once

#include "weir/base/text.h"
#include "weir/expr/sample.h"

struct condition; /* in the snapshot's arena; immutable */
struct acl_scope; /* the named ACLs of one proxy */

enum truth {
    TRUTH_NO,
    TRUTH_YES,
    TRUTH_LATER, /* depends on data that may still come */
};

/* An empty scope; `outer` (may be NULL) is that of a named defaults section. */
struct acl_scope *acl_scope_new(struct parse *parse, const struct acl_scope *outer);
/* The acl keyword: "<name> <criterion> [flags] [operator] <patterns>" from parse->words. */
bool acl_parse(struct parse *parse, struct acl_scope *scope);
/* Reads "if|unless <condition>" up to the end of the line; with neither word next: *out = NULL (always true). `place`: where it runs. */
bool condition_parse_optional(struct parse *parse, const struct acl_scope *scope, unsigned place, struct condition **out);
/* The words up to the end of the line are a condition (after "if" was read). */
struct condition *condition_parse(struct parse *parse, const struct acl_scope *scope, unsigned place, bool negate);

/* NULL is always TRUTH_YES. */
enum truth condition_test(const struct condition *condition, struct eval *eval);
/* Names of all fetch places it needs, for warnings; text as written. */
const char *condition_text(const struct condition *condition);

/* --- conditions outside of a configuration: runtime commands --------------------------------- */

struct live_condition;
/* Compiles words for the current snapshot, which it holds; anonymous and predefined ACLs only.
 * `proxy_conf`: whose names are meant where an argument leaves one out. NULL: the reason is in
 * `err`. Control. */
struct live_condition *live_condition_new(const char *const *words, unsigned count, unsigned place,
                                          void *proxy_conf, struct text *err);
/* No thread may use it any more. Control. */
void live_condition_free(struct live_condition *live);
const struct condition *live_condition_get(const struct live_condition *live);

/* --- for lint -------------------------------------------------------------------------------- */

/* Whenever `narrow` is true, is `wide` surely true as well? NULL: always true. */
bool condition_implies(const struct condition *narrow, const struct condition *wide);
/* A value that both compare the same thing with, when each is one plain test; NULL: none, or they
 * are not like that. */
const char *condition_shared_value(const struct condition *one, const struct condition *other);
