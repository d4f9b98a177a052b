/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables: proc, sess, txn, req, res, check. Names are read with the configuration; values live
 * with the process, session, stream, request, response or check.
 */
#pragma once

#include "weir/base/error.h"
#include "weir/expr/eval.h"
#include "weir/expr/value.h"

enum variable_scope {
    SCOPE_PROC,
    SCOPE_SESS,
    SCOPE_TXN,
    SCOPE_REQ,
    SCOPE_RES,
    SCOPE_CHECK,
    SCOPE_COUNT
};

struct variable_entry;
/* The variables of one scope of one object. Zeroed: none. */
struct variable_set {
    struct variable_entry *first; /* owns; NULL: none */
    uint32_t bytes;
};
/* What an evaluation can reach; NULL scopes do not exist there. Scope proc is always there. */
struct variables {
    struct variable_set *scopes[SCOPE_COUNT];
};
struct proc_variable;
struct variable_name { /* made while the configuration is read */
    enum variable_scope scope;
    uint64_t hash;
    const char *name;           /* without scope; lives for ever */
    struct proc_variable *proc; /* with SCOPE_PROC */
};

/* --- builder ------------------------------------------------------------- */

/* "txn.name". False: err. */
bool variable_name_parse(struct str text, struct variable_name *out, struct error *err);
const char *variable_scope_name(enum variable_scope scope);

/* When a value is stored; bits. */
enum variable_condition {
    VARIABLE_IF_EXISTS = 1 << 0,
    VARIABLE_IF_NOT_EXISTS = 1 << 1,
    VARIABLE_IF_EMPTY = 1 << 2, /* the new value */
    VARIABLE_IF_NOT_EMPTY = 1 << 3,
    VARIABLE_IF_SET = 1 << 4,
    VARIABLE_IF_NOT_SET = 1 << 5,
    VARIABLE_IF_GT = 1 << 6, /* what it holds is greater than the new value; integers only */
    VARIABLE_IF_LT = 1 << 7,
};
/* "ifexists" ...; 0: unknown. */
unsigned variable_condition_find(struct str word);

/* --- owner of the evaluation --------------------------------------------- */

/* False: not set. `out` keeps its cursor; bytes are lent until the variable changes. */
bool variable_find(struct eval *eval, const struct variable_name *name, struct value *out);
/* Copies the value. False: no such scope here, limits (tune.vars.*), memory. */
bool variable_store(struct eval *eval, const struct variable_name *name,
                    const struct value *value);
/* The same if all conditions (bits) are met; true as well where they are not. */
bool variable_store_if(struct eval *eval, const struct variable_name *name, unsigned conditions,
                       const struct value *value);
/* It still exists afterwards, but is not set. */
void variable_forget(struct eval *eval, const struct variable_name *name);
/* All of a scope. Owner of the set. */
void variable_set_clear(struct variable_set *set);
