/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variables of one session, stream, request, response or check.
 *
 * Owns:    the entries of a set, with their bytes.
 * Thread:  owner of the set.
 *
 * A set is a short list: streams have few variables. Entries come in three sizes.
 */
#include <string.h>

#include "weir/base/pool.h"
#include "private.h"
#include "variable.h"

#define SMALL_BYTES  64
#define MIDDLE_BYTES 512
#define LARGE_BYTES  16384 /* longest value */

static struct pool small_pool = POOL("variable", sizeof(struct variable_entry) + SMALL_BYTES);
static struct pool middle_pool =
    POOL("middle variable", sizeof(struct variable_entry) + MIDDLE_BYTES);
static struct pool large_pool = POOL("large variable", sizeof(struct variable_entry) + LARGE_BYTES);

/* --- entries -------------------------------------------------------------- */

static struct pool *
pool_for(size_t len)
{
    if (len <= SMALL_BYTES)
        return &small_pool;
    return len <= MIDDLE_BYTES ? &middle_pool : &large_pool;
}

static size_t
len_of(const struct value *value)
{
    return value_has_bytes(value) ? value->str.len : 0;
}

static void
fill(struct variable_entry *entry, const struct value *value)
{
    size_t len = len_of(value);

    entry->value = *value;
    entry->value.flags = VALUE_CONST;
    if (!value_has_bytes(value))
        return;
    if (len > 0)
        memmove(entry->data, value->str.ptr, len);
    entry->value.str.ptr = entry->data;
}

struct variable_entry *
variable_entry_take(const struct value *value)
{
    size_t len = len_of(value);
    struct pool *pool = pool_for(len);
    struct variable_entry *entry = len > LARGE_BYTES ? NULL : pool_take(pool);

    if (entry == NULL)
        return NULL;
    entry->cap = pool->size - (uint32_t)sizeof(*entry);
    fill(entry, value);
    return entry;
}

void
variable_entry_give(struct variable_entry *entry)
{
    if (entry != NULL)
        pool_give(pool_for(entry->cap), entry);
}

uint32_t
variable_entry_bytes(const struct value *value)
{
    return (uint32_t)(sizeof(struct variable_entry) + len_of(value));
}

/* --- sets ----------------------------------------------------------------- */

const struct variable_entry *
variable_set_find(const struct variable_set *set, uint64_t hash)
{
    const struct variable_entry *entry = set->first;

    while (entry != NULL && entry->hash != hash)
        entry = entry->next;
    return entry;
}

static struct variable_entry **
place_of(struct variable_set *set, uint64_t hash)
{
    struct variable_entry **at = &set->first;

    while (*at != NULL && (*at)->hash != hash)
        at = &(*at)->next;
    return at;
}

/* The new value may be made of the old one's bytes: those go last. */
static bool
replace(struct variable_entry **at, const struct variable_name *name, const struct value *value)
{
    struct variable_entry *before = *at, *entry = variable_entry_take(value);

    if (entry == NULL)
        return false;
    entry->hash = name->hash;
    entry->name = name->name;
    entry->next = before == NULL ? NULL : before->next;
    *at = entry;
    variable_entry_give(before);
    return true;
}

bool
variable_set_store(struct variable_set *set, const struct variable_name *name,
                   const struct value *value)
{
    struct variable_entry **at = place_of(set, name->hash);
    uint32_t before = *at == NULL ? 0 : variable_entry_bytes(&(*at)->value);

    if (*at != NULL && len_of(value) <= (*at)->cap)
        fill(*at, value);
    else if (!replace(at, name, value))
        return false;
    set->bytes += variable_entry_bytes(value) - before;
    return true;
}

void
variable_set_unset(struct variable_set *set, uint64_t hash)
{
    struct variable_entry *entry = *place_of(set, hash);

    if (entry == NULL)
        return;
    set->bytes -= (uint32_t)len_of(&entry->value);
    entry->value.type = VALUE_NONE;
}

void
variable_set_clear(struct variable_set *set)
{
    while (set->first != NULL) {
        struct variable_entry *entry = set->first;

        set->first = entry->next;
        variable_entry_give(entry);
    }
    set->bytes = 0;
}
