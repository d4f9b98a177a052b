/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests and named ACLs, of which conditions are made.
 *
 *     acl_test.c  one test: a criterion (sample), a method, patterns
 *     acl.c       names for tests: of a proxy, and the predefined ones
 *     condition.c and, or, not
 */
#pragma once

#include "weir/expr/condition.h"
#include "pattern.h"

/* One acl line, or the inside of braces. In the snapshot's arena; immutable. */
struct acl_test {
    struct acl_test *next; /* another line of the same name: one of them is enough */
    const struct sample *sample;
    const char *text;          /* as written, for people */
    const char *const *values; /* the patterns as written, without files; for lint */
    unsigned value_count;
    enum match_method method;
    bool no_case, has_files;
    const char *name; /* of the acl line; NULL: it stands in braces */
    struct source_pos pos;
    enum value_type type;        /* that the patterns look at */
    struct pattern_list **lists; /* the one with the patterns of the line, and those of files */
    unsigned list_count;
};

/* --- acl_test.c ----------------------------------------------------------------------------- */

/* Reads "<criterion> [flags] [values]" up to the end of the line, or up to `end_word`, which is
 * left there. place 0: not known yet. NULL: reported. */
struct acl_test *acl_test_parse(struct parse *parse, unsigned place, const char *end_word);
/* Is it true? Traffic. */
enum truth acl_test_one(const struct acl_test *test, struct eval *eval);
/* Is one of the tests true? Traffic. */
enum truth acl_test_any(const struct acl_test *tests, struct eval *eval);

/* --- acl.c ------------------------------------------------------------------------------------ */

struct acl {
    struct acl *next;
    struct acl *following; /* in the room's list */
    const char *name;
    struct acl_test *first, *last;
    bool is_used;
};

/* The tests of that name: of the scope, its outer one, or predefined. NULL: reported. Warns about
 * fetches that are not known at `place`. */
const struct acl_test *acl_find(struct parse *parse, const struct acl_scope *scope,
                                const char *name, unsigned place);
