/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters that take parts of a text: field, word, param.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "weir/base/encode.h"
#include "private.h"

/* --- field, word ---------------------------------------------------------- */

struct cut {
    struct str s;
    struct str separators;
    bool is_word; /* separators side by side make no empty part */
};

static bool
is_separator(const struct cut *cut, size_t at)
{
    return memchr(cut->separators.ptr, cut->s.ptr[at], cut->separators.len) != NULL;
}

/* From `at` over the part there; words: over separators first. False: there is none. */
static bool
next_part(const struct cut *cut, size_t at, size_t *begin, size_t *end)
{
    while (cut->is_word && at < cut->s.len && is_separator(cut, at))
        at++;
    if (cut->is_word && at == cut->s.len)
        return false;
    for (*begin = at; at < cut->s.len && !is_separator(cut, at);)
        at++;
    *end = at;
    return true;
}

/* The same from the end of the text. */
static bool
previous_part(const struct cut *cut, size_t at, size_t *begin, size_t *end)
{
    while (cut->is_word && at > 0 && is_separator(cut, at - 1))
        at--;
    if (cut->is_word && at == 0)
        return false;
    for (*end = at; at > 0 && !is_separator(cut, at - 1);)
        at--;
    *begin = at;
    return true;
}

/* `count` parts from the index-th on; 0: all that follow. */
static bool
find_forward(const struct cut *cut, int64_t index, int64_t count, struct str *out)
{
    size_t begin = 0, end = 0, at = 0;

    while (next_part(cut, at, &begin, &end)) {
        size_t first = begin;

        if (--index > 0) {
            if (end == cut->s.len)
                return false;
            at = end + 1;
            continue;
        }
        if (count == 0)
            end = cut->s.len;
        while (--count > 0 && end < cut->s.len) {
            size_t last = end;

            if (!next_part(cut, end + 1, &begin, &end)) {
                end = last;
                break;
            }
        }
        *out = str_slice(cut->s, first, end - first);
        return true;
    }
    return false;
}

static bool
find_backward(const struct cut *cut, int64_t index, int64_t count, struct str *out)
{
    size_t begin = 0, end = 0, at = cut->s.len;

    while (previous_part(cut, at, &begin, &end)) {
        size_t last = end;

        if (++index < 0) {
            if (begin == 0)
                return false;
            at = begin - 1;
            continue;
        }
        if (count == 0)
            begin = 0;
        while (--count > 0 && begin > 0) {
            size_t first = begin;

            if (!previous_part(cut, begin - 1, &begin, &end)) {
                begin = first;
                break;
            }
        }
        *out = str_slice(cut->s, begin, last - begin);
        return true;
    }
    return false;
}

/* private: is_word. A field that is not there is no value, a word that is not there an empty one:
 * so HAProxy. */
static bool
run_part(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    struct cut cut = { value->str, args[1].str, conv->private != 0 };
    int64_t index = args[0].num, count = arg_is_given(&args[2]) ? args[2].num : 1;

    (void)eval;
    if (index > 0 ? find_forward(&cut, index, count, &value->str)
                  : find_backward(&cut, index, count, &value->str))
        return true;
    value->str = STR("");
    return cut.is_word;
}

static bool
check_part(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (args[0].num == 0)
        return error_set(err, "positions count from 1, or from -1 at the end");
    if (count > 2 && args[2].num < 0)
        return error_set(err, "the count is not negative");
    return args[1].str.len > 0 || error_set(err, "separators are missing");
}

/* --- param ---------------------------------------------------------------- */

/* args[1].num: the delimiter */
static bool
run_param(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    struct str rest = value->str;

    (void)eval;
    (void)conv;
    while (rest.ptr != NULL) {
        struct str pair = str_split(&rest, (char)args[1].num), name = str_split(&pair, '=');

        if (!str_eq(name, args[0].str))
            continue;
        value->str = pair.ptr == NULL ? STR("") : pair;
        return true;
    }
    return false;
}

static bool
check_param(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    struct str text = args[1].str;
    size_t len;
    char byte;

    (void)parse;
    args[1].num = '&';
    if (count < 2 || text.len == 0)
        return true;
    args[1].num = text.ptr[0];
    if (text.len == 1)
        return true;
    if (text.len != 4 || !str_starts(text, STR("0x")) ||
        !hex_decode(&byte, &len, str_slice(text, 2, 2)))
        return error_set(err, "the delimiter is one character, or 0x and two digits");
    args[1].num = byte;
    return true;
}

#define PART_ARGS                                                                                  \
    {                                                                                              \
        { ARG_INT }, { ARG_STR },                                                                  \
        {                                                                                          \
            ARG_INT, true                                                                          \
        }                                                                                          \
    }

static const struct converter converters[] = {
    { "field", VALUE_STR, VALUE_STR, PART_ARGS, run_part, 0, check_part,
      "The n-th part between separators; some or all (0) that follow.", true },
    { "word", VALUE_STR, VALUE_STR, PART_ARGS, run_part, 1, check_part,
      "The n-th part between separators, empty ones not counted; some or all (0) that follow.",
      true },
    { "param", VALUE_STR, VALUE_STR, { { ARG_STR }, { ARG_STR, true } }, run_param, 0, check_param,
      "The value of a name in a text such as a=1&b=2." },
};
REGISTER(converter, converters);
