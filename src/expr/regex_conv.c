/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The converter regsub: what matches a regular expression is replaced.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "weir/expr/regex_conf.h"
#include "private.h"

#define RESULT_MAX 16384 /* bytes */

struct regsub {
    const struct regex *regex;
    bool is_global;
};

static bool
check_regsub(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    struct regsub *sub = ARENA_NEW(parse->arena, struct regsub);
    enum regex_case letters = REGEX_CASE;

    if (args[0].str.len == 0)
        return error_set(err, "the regular expression is empty");
    for (size_t i = 0; count > 2 && i < args[2].str.len; i++) {
        char flag = args[2].str.ptr[i];

        if (flag == 'g')
            sub->is_global = true;
        else if (flag == 'i')
            letters = REGEX_NOCASE;
        else
            return error_set(err, "unknown flag '%c'; known are 'g' and 'i'", flag);
    }
    sub->regex = regex_conf_compile(parse, args[0].str, letters, err);
    args[0].ptr = sub;
    return sub->regex != NULL;
}

struct result {
    char bytes[RESULT_MAX];
    size_t len;
};

static bool
add(struct result *result, const char *ptr, size_t len)
{
    if (len > sizeof(result->bytes) - result->len)
        return false;
    if (len > 0)
        memcpy(result->bytes + result->len, ptr, len);
    result->len += len;
    return true;
}

/* One match from `*from` on: what stands before it, and what takes its place. False: too long. */
static bool
replace_next(struct result *result, struct str text, size_t *from, struct str format,
             const struct str *groups, int count)
{
    size_t begin = (size_t)(groups[0].ptr - text.ptr);
    long added;

    if (!add(result, text.ptr + *from, begin - *from))
        return false;
    added = regex_expand(result->bytes + result->len, sizeof(result->bytes) - result->len, format,
                         groups, count);
    if (added < 0)
        return false;
    result->len += (size_t)added;
    *from = begin + groups[0].len;
    if (groups[0].len == 0 && *from < text.len) /* nothing matched: go on behind one byte */
        return add(result, text.ptr + (*from)++, 1);
    if (groups[0].len == 0)
        ++*from;
    return true;
}

static bool
run_regsub(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    const struct regsub *sub = args[0].ptr;
    struct str groups[REGEX_GROUPS_MAX], text = value->str;
    struct result result;
    size_t from = 0;
    int count;

    (void)conv;
    result.len = 0;
    while (from <= text.len && (count = regex_capture(sub->regex, text, from, groups)) > 0) {
        if (groups[0].ptr == NULL || !replace_next(&result, text, &from, args[1].str, groups, count))
            return false;
        if (!sub->is_global)
            break;
    }
    if (from == 0)
        return true; /* no match */
    if (from < text.len && !add(&result, text.ptr + from, text.len - from))
        return false;
    return value_set_copy(value, VALUE_STR, eval->arena, result.bytes, result.len);
}

static const struct converter converters[] = {
    { "regsub", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR }, { ARG_STR, true } }, run_regsub, 0,
      check_regsub, "Replace what matches a regular expression; flags g (all) and i (any case)." },
};
REGISTER(converter, converters);
