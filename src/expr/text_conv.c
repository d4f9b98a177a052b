/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of text: lower, upper, field, word, length, bytes, regsub, concat-like and comparison.
 *
 * Thread: traffic, inside an expression.
 */
#include <ctype.h>
#include <string.h>

#include "weir/base/regex.h"
#include "private.h"

static bool
give_copy(struct eval *eval, struct value *value, const char *ptr, size_t len)
{
    char *copy = arena_take(eval->arena, len + 1);

    if (copy == NULL)
        return false;
    memcpy(copy, ptr, len);
    value->str = str_of(copy, len);
    return true;
}

/* private: 0 lower, 1 upper */
static bool
run_case(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    char *copy = arena_take(eval->arena, value->str.len + 1);

    (void)args;
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < value->str.len; i++) {
        unsigned char c = (unsigned char)value->str.ptr[i];

        copy[i] = (char)(conv->private == 0 ? tolower(c) : toupper(c));
    }
    value->str.ptr = copy;
    return true;
}

static bool
run_length(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    size_t len = value->str.len;

    (void)eval;
    (void)conv;
    (void)args;
    value->type = VALUE_INT;
    value->num = (int64_t)len;
    return true;
}

/* private: 0 field (separators next to each other make empty fields), 1 word (they do not) */
static bool
run_field(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    struct str rest = value->str, separators = args[1].str;
    int64_t wanted = args[0].num, at = 0;
    struct str found[64];

    (void)eval;
    while (rest.ptr != NULL && at < 64) {
        size_t len = 0;

        while (len < rest.len && memchr(separators.ptr, rest.ptr[len], separators.len) == NULL)
            len++;
        if (len > 0 || conv->private == 0)
            found[at++] = str_of(rest.ptr, len);
        rest = len < rest.len ? str_of(rest.ptr + len + 1, rest.len - len - 1) : STR_NONE;
        if (wanted > 0 && at == wanted)
            break;
    }
    if (wanted > 0 ? at < wanted : at < -wanted)
        value->str.len = 0;
    else
        value->str = found[wanted > 0 ? wanted - 1 : at + wanted];
    return true;
}

static bool
check_field(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    if (args[0].num == 0 || args[0].num > 64 || args[0].num < -64)
        return error_set(err, "the position is 1 to 64, or -1 to -64 from the end");
    return args[1].str.len > 0 || error_set(err, "separators are missing");
}

static bool
run_bytes(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    size_t from = (size_t)args[0].num;
    size_t len = args[1].kind == ARG_END ? SIZE_MAX : (size_t)args[1].num;

    (void)eval;
    (void)conv;
    if (args[0].num < 0 || from >= value->str.len || (args[1].kind != ARG_END && args[1].num < 0)) {
        value->str.len = 0;
        return true;
    }
    value->str =
        str_slice(value->str, from, len < value->str.len - from ? len : value->str.len - from);
    return true;
}

/* regsub(regex,format[,flags]) */
struct regsub {
    struct regex *regex;
    bool is_global;
};

static bool
check_regsub(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    struct regsub *sub = ARENA_NEW(parse->arena, struct regsub);
    struct str flags = count > 2 ? args[2].str : STR("");
    bool no_case = str_find_char(flags, 'i') >= 0;

    sub->is_global = str_find_char(flags, 'g') >= 0;
    sub->regex = regex_compile(args[0].str, no_case ? REGEX_NOCASE : REGEX_CASE, err);
    args[0].ptr = sub;
    return sub->regex != NULL;
}

static bool
run_regsub(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    const struct regsub *sub = args[0].ptr;
    char out[8192];
    size_t len = 0, from = 0;
    struct str text = value->str, groups[REGEX_GROUPS_MAX];
    int count;

    (void)conv;
    while (from <= text.len && (count = regex_capture(sub->regex, text, from, groups)) > 0) {
        size_t begin = (size_t)(groups[0].ptr - text.ptr);
        long added;

        if (len + begin - from >= sizeof(out))
            return false;
        memcpy(out + len, text.ptr + from, begin - from);
        len += begin - from;
        added = regex_expand(out + len, sizeof(out) - len, args[1].str, groups, count);
        if (added < 0)
            return false;
        len += (size_t)added;
        from = begin + groups[0].len;
        if (groups[0].len == 0) {
            if (from < text.len && len < sizeof(out))
                out[len++] = text.ptr[from];
            from++;
        }
        if (!sub->is_global)
            break;
    }
    if (from < text.len) {
        if (len + text.len - from > sizeof(out))
            return false;
        memcpy(out + len, text.ptr + from, text.len - from);
        len += text.len - from;
    }
    return give_copy(eval, value, out, len);
}

static const struct converter converters[] = {
    { "lower", VALUE_STR, VALUE_STR, { { 0 } }, run_case, 0, .help = "Letters become small ones." },
    { "upper", VALUE_STR, VALUE_STR, { { 0 } }, run_case, 1, .help = "Letters become capitals." },
    { "length", VALUE_STR, VALUE_INT, { { 0 } }, run_length, .help = "How many bytes there are." },
    { "field",
      VALUE_STR,
      VALUE_STR,
      { { ARG_INT }, { ARG_STR } },
      run_field,
      0,
      check_field,
      .help = "The n-th part between separators." },
    { "word",
      VALUE_STR,
      VALUE_STR,
      { { ARG_INT }, { ARG_STR } },
      run_field,
      1,
      check_field,
      .help = "The n-th part between separators, empty ones not counted." },
    { "bytes",
      VALUE_BIN,
      VALUE_BIN,
      { { ARG_INT }, { ARG_INT, true } },
      run_bytes,
      .help = "Some of the bytes, from an offset." },
    { "regsub",
      VALUE_STR,
      VALUE_STR,
      { { ARG_STR }, { ARG_STR }, { ARG_STR, true } },
      run_regsub,
      0,
      check_regsub,
      .help = "Replace what matches a regular expression; flags g and i." },
};
REGISTER(converter, converters);
