/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables of the process, shared by all threads.
 *
 * Owns:    the variables, for ever; their values.
 * Thread:  any reads, under RCU; whoever stores takes the lock (an exception of the traffic path,
 *          taken only by rules that set such a variable).
 *
 * A value never changes: storing puts another one in its place.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hashmap.h"
#include "weir/loop/grace.h"
#include "weir/loop/lock.h"
#include "private.h"
#include "variable.h"

struct proc_variable {
    struct proc_variable *next; /* in the list of all; never changes */
    const char *name;
    struct variable_entry *entry; /* RCU; NULL: not set */
};

static struct lock lock = LOCK_INIT(LOCK_EXPR);
static struct hashmap variables;     /* by name */
static struct proc_variable *newest; /* RCU: of all; they only grow in number */

struct proc_variable *
proc_variable_named(const char *name)
{
    struct proc_variable *var;

    lock_take(&lock);
    var = hashmap_find(&variables, str_from(name));
    if (var == NULL) {
        var = alloc_zero(sizeof(*var));
        var->name = name;
        var->next = newest;
        hashmap_set(&variables, str_from(name), var);
        grace_publish(newest, var);
    }
    lock_give(&lock);
    return var;
}

bool
proc_variable_is_set(const struct proc_variable *var)
{
    return grace_read(var->entry) != NULL;
}

struct proc_variable *
proc_variable_next(const struct proc_variable *var)
{
    return var == NULL ? grace_read(newest) : var->next;
}

const char *
proc_variable_name(const struct proc_variable *var)
{
    return var->name;
}

bool
proc_variable_find(struct proc_variable *var, struct arena *arena, struct value *out)
{
    const struct variable_entry *entry = grace_read(var->entry);

    if (entry == NULL)
        return false;
    out->type = entry->value.type;
    out->ip6 = entry->value.ip6;
    out->str = entry->value.str;
    return !value_has_bytes(out) ||
           value_set_copy(out, (enum value_type)out->type, arena, out->str.ptr, out->str.len);
}

static void
give_entry(void *entry)
{
    variable_entry_give(entry);
}

bool
proc_variable_store(struct proc_variable *var, const struct value *value)
{
    struct variable_entry *entry = value == NULL ? NULL : variable_entry_take(value), *before;

    if (value != NULL && entry == NULL)
        return false;
    lock_take(&lock);
    before = var->entry;
    grace_publish(var->entry, entry);
    lock_give(&lock);
    if (before != NULL)
        grace_free_later(before, give_entry);
    return true;
}
