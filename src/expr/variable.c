/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of variables, and the way to a value through its scope.
 *
 * Owns:    the names: they live for ever, because sessions and the process outlive configurations.
 * Thread:  builder reads names (under a lock); the owner of an evaluation reads and stores.
 */
#include "variable.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/base/hashmap.h"
#include "weir/loop/lock.h"
#include "private.h"

static const char *const scope_names[SCOPE_COUNT] = {
    "proc", "sess", "txn", "req", "res", "check"
};

static struct lock names_lock = LOCK_INIT(LOCK_EXPR);
static struct hashmap names;

/* --- names ---------------------------------------------------------------- */

const char *
variable_scope_name(enum variable_scope scope)
{
    return scope_names[scope];
}

/* One copy of each name that any configuration has used. */
static const char *
intern(struct str name)
{
    char *known;

    lock_take(&names_lock);
    known = hashmap_find(&names, name);
    if (known == NULL) {
        known = alloc_copy_str(name);
        hashmap_set(&names, str_of(known, name.len), known);
    }
    lock_give(&names_lock);
    return known;
}

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.';
}

static int
find_scope(struct str text)
{
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        size_t len = strlen(scope_names[scope]);

        if (text.len > len && text.ptr[len] == '.' &&
            str_starts(text, str_from(scope_names[scope])))
            return scope;
    }
    return -1;
}

bool
variable_name_parse(struct str text, struct variable_name *out, struct error *err)
{
    int scope = find_scope(text);
    struct str name;

    if (scope < 0)
        return error_set(err, "the name of a variable begins with its scope: 'proc.', 'sess.', "
                              "'txn.', 'req.', 'res.' or 'check.'");
    name = str_slice(text, strlen(scope_names[scope]) + 1, text.len);
    if (name.len == 0)
        return error_set(err, "a name should follow the scope '%.*s'", STR_ARG(text));
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.ptr[i]))
            return error_set(err, "'%c' cannot stand in the name of a variable", name.ptr[i]);
    }
    *out = (struct variable_name){ .scope = (enum variable_scope)scope,
                                   .hash = hash_xxh3(name, 0),
                                   .name = intern(name) };
    if (scope == SCOPE_PROC)
        out->proc = proc_variable_named(out->name);
    return true;
}

unsigned
variable_condition_find(struct str word)
{
    static const char *const words[] = { "ifexists", "ifnotexists", "ifempty", "ifnotempty",
                                         "ifset",    "ifnotset",    "ifgt",    "iflt" };

    for (unsigned i = 0; i < COUNT(words); i++) {
        if (str_eq(str_from(words[i]), word))
            return 1u << i;
    }
    return 0;
}

/* --- values --------------------------------------------------------------- */

static struct variable_set *
set_of(const struct eval *eval, enum variable_scope scope)
{
    return eval->variables == NULL ? NULL : eval->variables->scopes[scope];
}

bool
variable_find(struct eval *eval, const struct variable_name *name, struct value *out)
{
    const struct variable_entry *entry;
    const struct variable_set *set;

    if (name->scope == SCOPE_PROC)
        return proc_variable_find(name->proc, eval->arena, out);
    set = set_of(eval, name->scope);
    entry = set == NULL ? NULL : variable_set_find(set, name->hash);
    if (entry == NULL || entry->value.type == VALUE_NONE)
        return false;
    out->type = entry->value.type;
    out->flags |= VALUE_CONST;
    out->ip6 = entry->value.ip6;
    out->str = entry->value.str;
    return true;
}

bool
variable_store(struct eval *eval, const struct variable_name *name, const struct value *value)
{
    struct variable_set *set;

    if (name->scope == SCOPE_PROC)
        return proc_variable_store(name->proc, value);
    set = set_of(eval, name->scope);
    return set != NULL &&
           variable_limit_allows(name->scope, eval->variables, variable_entry_bytes(value)) &&
           variable_set_store(set, name, value);
}

void
variable_forget(struct eval *eval, const struct variable_name *name)
{
    struct variable_set *set;

    if (name->scope == SCOPE_PROC) {
        proc_variable_store(name->proc, NULL);
        return;
    }
    set = set_of(eval, name->scope);
    if (set != NULL)
        variable_set_unset(set, name->hash);
}

/* --- conditions ----------------------------------------------------------- */

/* Variables of the process exist from the moment that a configuration names them. */
static bool
exists(const struct eval *eval, const struct variable_name *name)
{
    const struct variable_set *set = set_of(eval, name->scope);

    return name->scope == SCOPE_PROC ||
           (set != NULL && variable_set_find(set, name->hash) != NULL);
}

/* Met as well unless both are integers. */
static bool
is_greater(const struct value *a, const struct value *b)
{
    return a->type != VALUE_INT || b->type != VALUE_INT || a->num > b->num;
}

static bool
is_met(struct eval *eval, const struct variable_name *name, enum variable_condition condition,
       const struct value *value)
{
    struct value now = { .type = VALUE_NONE };
    bool is_set = variable_find(eval, name, &now);

    switch (condition) {
    case VARIABLE_IF_EXISTS:
        return exists(eval, name);
    case VARIABLE_IF_NOT_EXISTS:
        return !exists(eval, name);
    case VARIABLE_IF_EMPTY:
        return value_has_bytes(value) && value->str.len == 0;
    case VARIABLE_IF_NOT_EMPTY:
        return !value_has_bytes(value) || value->str.len > 0;
    case VARIABLE_IF_SET:
        return is_set;
    case VARIABLE_IF_NOT_SET:
        return !is_set;
    case VARIABLE_IF_GT:
        return is_greater(&now, value);
    case VARIABLE_IF_LT:
        return is_greater(value, &now);
    }
    return false;
}

bool
variable_store_if(struct eval *eval, const struct variable_name *name, unsigned conditions,
                  const struct value *value)
{
    for (unsigned bits = conditions; bits != 0; bits &= bits - 1) {
        if (!is_met(eval, name, (enum variable_condition)(bits & -bits), value))
            return true;
    }
    return variable_store(eval, name, value);
}
