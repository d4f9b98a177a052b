/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables: named values of a process, session, stream, request or response.
 *
 * Owns:    the entries of each set.
 * Thread:  owner of the set.
 *
 * A set is a short list: streams have few variables. Values are copied into the entry.
 */
#include "weir/expr/variable.h"

#include <string.h>

#include "weir/base/hash.h"
#include "weir/base/pool.h"
#include "private.h"

#define LARGE_BYTES 16384 /* longest value at all */
#define ENTRY_BYTES 224   /* longest value in a small entry */

struct variable_entry {
    struct variable_entry *next;
    uint64_t hash;
    struct value value;
    uint32_t cap; /* bytes of data[] */
    char data[];
};

static struct pool small_pool = POOL("variable", sizeof(struct variable_entry) + ENTRY_BYTES);
static struct pool large_pool = POOL("large variable", sizeof(struct variable_entry) + LARGE_BYTES);

static const char *const scope_names[SCOPE_COUNT] = {
    "proc", "sess", "txn", "req", "res", "check"
};

bool
variable_name_parse(struct str text, struct variable_name *out, struct error *err)
{
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        size_t len = strlen(scope_names[scope]);
        struct str name;

        if (text.len <= len + 1 || strncmp(text.ptr, scope_names[scope], len) != 0 ||
            text.ptr[len] != '.')
            continue;
        name = str_slice(text, len + 1, text.len - len - 1);
        for (size_t i = 0; i < name.len; i++) {
            char c = name.ptr[i];

            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.'))
                return error_set(err, "character '%c' is not permitted in the name of a variable",
                                 c);
        }
        if (scope == SCOPE_PROC)
            return error_set(err, "variables of scope proc are not implemented yet");
        *out = (struct variable_name){ (enum variable_scope)scope, hash_xxh3(name, 0), name };
        return true;
    }
    return error_set(
        err, "the name of a variable begins with its scope: proc. sess. txn. req. res. or check.");
}

static struct variable_set *
set_of(const struct variables *vars, enum variable_scope scope)
{
    return vars == NULL ? NULL : vars->scopes[scope];
}

static struct variable_entry **
find(struct variable_set *set, uint64_t hash)
{
    struct variable_entry **at = &set->first;

    while (*at != NULL && (*at)->hash != hash)
        at = &(*at)->next;
    return at;
}

static void
entry_give(struct variable_entry *entry)
{
    pool_give(entry->cap <= ENTRY_BYTES ? &small_pool : &large_pool, entry);
}

static bool
has_bytes(const struct value *value)
{
    return value->type == VALUE_STR || value->type == VALUE_BIN || value->type == VALUE_METHOD;
}

bool
variable_get(const struct variables *vars, const struct variable_name *name, struct value *out)
{
    struct variable_set *set = set_of(vars, name->scope);
    struct variable_entry *entry;

    if (set == NULL)
        return false;
    entry = *find(set, name->hash);
    if (entry != NULL) {
        uint32_t cursor = out->cursor;

        *out = entry->value;
        out->cursor = cursor;
    }
    return entry != NULL;
}

static struct variable_entry *
entry_for(struct variable_set *set, uint64_t hash, size_t len)
{
    struct variable_entry **at = find(set, hash), *entry = *at,
                          *next = entry == NULL ? NULL : entry->next;
    uint32_t cap = len <= ENTRY_BYTES ? ENTRY_BYTES : LARGE_BYTES;

    if (entry != NULL && entry->cap >= len)
        return entry;
    if (len > LARGE_BYTES)
        return NULL;
    entry = pool_take(cap == ENTRY_BYTES ? &small_pool : &large_pool);
    if (entry == NULL)
        return NULL;
    if (*at != NULL)
        entry_give(*at);
    entry->next = next;
    entry->hash = hash;
    entry->cap = cap;
    *at = entry;
    return entry;
}

bool
variable_set_value(struct variables *vars, const struct variable_name *name,
                   const struct value *value)
{
    struct variable_set *set = set_of(vars, name->scope);
    size_t len = has_bytes(value) ? value->str.len : 0;
    struct variable_entry *entry;

    if (set == NULL)
        return false;
    entry = entry_for(set, name->hash, len);
    if (entry != NULL) {
        entry->value = *value;
        entry->value.flags = VALUE_CONST;
        if (has_bytes(value)) {
            memmove(entry->data, value->str.ptr, len);
            entry->value.str.ptr = entry->data;
        }
    }
    return entry != NULL;
}

void
variable_unset(struct variables *vars, const struct variable_name *name)
{
    struct variable_set *set = set_of(vars, name->scope);
    struct variable_entry **at, *entry;

    if (set == NULL)
        return;
    at = find(set, name->hash);
    entry = *at;
    if (entry != NULL) {
        *at = entry->next;
        entry_give(entry);
    }
}

void
variable_set_clear(struct variable_set *set)
{
    while (set->first != NULL) {
        struct variable_entry *entry = set->first;

        set->first = entry->next;
        entry_give(entry);
    }
}

/* --- the fetch ------------------------------------------------------------------------------- */

static enum fetched
run_var(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)fetch;
    if (variable_get(eval->variables, args[0].ptr, out))
        return FETCH_OK;
    if (args[1].kind != ARG_STR)
        return FETCH_NONE;
    out->type = VALUE_STR;
    out->str = args[1].str;
    return FETCH_OK;
}

static const struct fetch fetches[] = {
    { "var",
      VALUE_ANY,
      PLACE_ANY,
      { { ARG_VARIABLE }, { ARG_STR, true } },
      run_var,
      .help = "The value of a variable, or the default given." },
};
REGISTER(fetch, fetches);
