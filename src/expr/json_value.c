/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value of JSON text becomes a value of expressions.
 *
 * For:     json_query, and the queries of JWT.
 * Thread:  traffic, inside an expression.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/json_scan.h"
#include "json_value.h"

#define EXACT_MAX (INT64_C(1) << 53) /* beyond it JSON numbers are not exact everywhere */
#define NUMBER_MAX 64                /* bytes of one */

static bool
set_string(struct eval *eval, struct str raw, struct value *value)
{
    char *to = arena_take(eval->arena, raw.len + 1);
    long len = to == NULL ? -1 : json_unescape(to, raw);

    if (len < 0)
        return false;
    value_set_str(value, str_of(to, (size_t)len));
    return true;
}

static bool
set_integer(struct str raw, struct value *value)
{
    char text[NUMBER_MAX];
    long long n;

    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '\0';
    n = strtoll(text, NULL, 10);
    if (n > EXACT_MAX || n < -EXACT_MAX)
        return false;
    value_set_int(value, n);
    return true;
}

/* Whole numbers stay as they are written; others lose their exponent. */
static bool
set_number(struct eval *eval, struct str raw, struct value *value)
{
    char text[NUMBER_MAX];
    char *to;

    if (memchr(raw.ptr, '.', raw.len) == NULL && memchr(raw.ptr, 'e', raw.len) == NULL &&
        memchr(raw.ptr, 'E', raw.len) == NULL)
        return value_set_copy(value, VALUE_STR, eval->arena, raw.ptr, raw.len);
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '\0';
    to = arena_take(eval->arena, NUMBER_MAX);
    if (to == NULL)
        return false;
    value_set_str(value, str_of(to, (size_t)snprintf(to, NUMBER_MAX, "%.15g", strtod(text, NULL))));
    return true;
}

bool
json_value_find(struct eval *eval, struct str text, const struct arg *args, struct value *value)
{
    struct str raw;
    bool is_int = arg_is_given(&args[1]);

    switch (json_find(text, args[0].str, &raw)) {
    case JSON_STRING:
        return set_string(eval, raw, value);
    case JSON_NUMBER:
        if (raw.len >= NUMBER_MAX)
            return false;
        return is_int ? set_integer(raw, value) : set_number(eval, raw, value);
    case JSON_TRUE:
    case JSON_FALSE:
        value_set_bool(value, raw.ptr[0] == 't');
        return true;
    case JSON_ARRAY:
        return value_set_copy(value, VALUE_STR, eval->arena, raw.ptr, raw.len);
    case JSON_NOTHING:
    case JSON_NULL:
    case JSON_OBJECT:
        break;
    }
    return false;
}

bool
json_value_check(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (count > 0 && arg_is_given(&args[0]) && !json_path_is_valid(args[0].str))
        return error_set(err, "'%s' is no path; one looks like $.a.b[0]", args[0].str.ptr);
    if (count > 1 && arg_is_given(&args[1]) && !str_eq(args[1].str, STR("int")))
        return error_set(err, "the type can only be 'int', not '%s'", args[1].str.ptr);
    return true;
}
