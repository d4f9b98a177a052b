/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables: proc, sess, txn, req, res, check.
 */
#pragma once

#include "weir/base/error.h"
#include "weir/expr/value.h"

enum variable_scope { SCOPE_PROC, SCOPE_SESS, SCOPE_TXN, SCOPE_REQ, SCOPE_RES, SCOPE_CHECK, SCOPE_COUNT };

struct variable_entry;
/* The variables of one scope of one object. */
struct variable_set {
    struct variable_entry *first; /* owns; NULL: none */
    uint32_t bytes;
};
/* What an evaluation can reach; NULL scopes do not exist there. */
struct variables {
    struct variable_set *scopes[SCOPE_COUNT];
};
struct variable_name { /* interned while the configuration is read */
    enum variable_scope scope;
    uint64_t hash;
    struct str name; /* without scope */
};
/* "txn.name"; NULL: err. */
bool variable_name_parse(struct str text, struct variable_name *out, struct error *err);
bool variable_get(const struct variables *vars, const struct variable_name *name, struct value *out);
/* Copies the value. False: limits (tune.vars.*) or memory. */
bool variable_set_value(struct variables *vars, const struct variable_name *name, const struct value *value);
void variable_unset(struct variables *vars, const struct variable_name *name);
void variable_set_clear(struct variable_set *set);
