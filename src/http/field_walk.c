/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over the values of header fields.
 *
 * For:     fetches of fields and cookies, actions that rewrite values.
 * Thread:  owner of the message. Pure.
 */
#include <string.h>

#include "fetch.h"

/* Commas inside quotes do not part values, nor does one behind a backslash there. */
struct str
field_value_next(struct str *rest)
{
    const char *comma = memchr(rest->ptr, ',', rest->len);
    bool is_quoted = false;
    size_t len = comma == NULL ? rest->len : (size_t)(comma - rest->ptr);
    struct str value;

    if (comma != NULL && memchr(rest->ptr, '"', len) != NULL) {
        for (len = 0; len < rest->len; len++) {
            char c = rest->ptr[len];

            if (c == '\\' && is_quoted && len + 1 < rest->len)
                len++;
            else if (c == '"')
                is_quoted = !is_quoted;
            else if (c == ',' && !is_quoted)
                break;
        }
    }
    value = str_trim(str_of(rest->ptr, len));
    *rest = len < rest->len ? str_of(rest->ptr + len + 1, rest->len - len - 1) : STR_NONE;
    return value;
}

static bool
is_wanted(const struct field_walk *walk, const struct field *field)
{
    if (walk->name.len == 0)
        return field->name_len != 0;
    if (walk->id != FIELD_OTHER)
        return field->id == walk->id && field->name_len != 0;
    return field->name_len == walk->name.len &&
           memcmp(field->name, walk->name.ptr, walk->name.len) == 0;
}

static bool
next_field(struct field_walk *walk)
{
    const struct message *msg = walk->msg;

    if (walk->name.len != 0 && (msg->present & FIELD_BIT(walk->id)) == 0)
        return false;
    while (walk->at < msg->count) {
        const struct field *field = &msg->fields[walk->at++];

        if (!is_wanted(walk, field))
            continue;
        walk->rest = field_value(field);
        return true;
    }
    return false;
}

bool
field_walk_next(struct field_walk *walk, struct str *out)
{
    if (walk->rest.ptr == NULL && !next_field(walk))
        return false;
    if (walk->is_whole) {
        *out = walk->rest;
        walk->rest = STR_NONE;
    } else {
        *out = field_value_next(&walk->rest);
    }
    return true;
}

/* High half: the field that comes next, low half: where the rest of the one before begins. */
void
field_walk_resume(struct field_walk *walk, uint64_t cursor)
{
    uint32_t offset = (uint32_t)cursor;

    walk->at = (uint32_t)(cursor >> 32);
    walk->rest = STR_NONE;
    if (offset != 0 && walk->at > 0 && walk->at <= walk->msg->count) {
        struct str value = field_value(&walk->msg->fields[walk->at - 1]);

        walk->rest = str_slice(value, offset, value.len);
    }
}

/* A rest never begins at 0: a comma at least stands before it. */
uint64_t
field_walk_cursor(const struct field_walk *walk)
{
    uint64_t cursor = (uint64_t)walk->at << 32;

    if (walk->rest.ptr == NULL)
        return cursor;
    return cursor | (uint32_t)(walk->rest.ptr - walk->msg->fields[walk->at - 1].value);
}

static int64_t
count_values(struct field_walk walk)
{
    struct str value;
    int64_t count = 0;

    while (field_walk_next(&walk, &value))
        count++;
    return count;
}

bool
field_walk_find(const struct field_walk *from, int64_t n, struct str *out)
{
    struct field_walk walk = *from;
    bool found = false;

    if (n == -1) { /* the usual one */
        while (field_walk_next(&walk, out))
            found = true;
        return found;
    }
    if (n < 0)
        n += count_values(walk) + 1;
    while (n > 0 && (found = field_walk_next(&walk, out)) && --n > 0)
        ;
    return found && n == 0;
}
