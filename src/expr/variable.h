/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of variables.
 *
 *     variable.c       names, and the way to a value through its scope
 *     variable_set.c   variables of a session, stream, request, response, check
 *     variable_proc.c  variables of the process, shared by all threads
 *     variable_conf.c  limits; variables that the configuration sets
 */
#pragma once

#include "weir/expr/variable.h"

/* A value with its bytes. */
struct variable_entry {
    struct variable_entry *next;
    uint64_t hash;
    const char *name;
    struct value value; /* VALUE_NONE: exists, but is not set */
    uint32_t cap;       /* bytes of data[] */
    char data[];
};

/* --- variable_set.c ------------------------------------------------------- */

/* A copy of the value; NULL: too long, or out of memory. */
struct variable_entry *variable_entry_take(const struct value *value);
void variable_entry_give(struct variable_entry *entry);
/* What it counts for in limits. */
uint32_t variable_entry_bytes(const struct value *value);
/* NULL: does not exist. */
const struct variable_entry *variable_set_find(const struct variable_set *set, uint64_t hash);
/* False: memory. */
bool variable_set_store(struct variable_set *set, const struct variable_name *name,
                        const struct value *value);
void variable_set_unset(struct variable_set *set, uint64_t hash);

/* --- variable_proc.c ------------------------------------------------------- */

/* The variable of that name; made when first named; lives for ever. Builder. */
struct proc_variable *proc_variable_named(const char *name);
/* Any thread. Bytes are copied to the arena. */
bool proc_variable_find(struct proc_variable *var, struct arena *arena, struct value *out);
/* NULL: unset. Any thread of the table; takes a lock. */
bool proc_variable_store(struct proc_variable *var, const struct value *value);
/* All of them: NULL gives the first, NULL comes last. */
struct proc_variable *proc_variable_next(const struct proc_variable *var);
const char *proc_variable_name(const struct proc_variable *var);
bool proc_variable_is_set(const struct proc_variable *var);

/* --- variable_conf.c -------------------------------------------------------- */

/* May a value of that scope grow the set by `bytes`? */
bool variable_limit_allows(enum variable_scope scope, const struct variables *vars,
                           uint32_t bytes);
