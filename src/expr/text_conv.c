/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of text: case, ends, length, comparison, joining.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "private.h"

/* --- case, order ---------------------------------------------------------- */

/* private: the first letter of those that change; they move by the case bit */
static bool
run_case(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    struct str s = value->str;
    char *copy = arena_take(eval->arena, s.len + 1);
    unsigned first = (unsigned)conv->private;

    (void)args;
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        copy[i] = (char)(c ^ ((c - first < 26u) << 5));
    }
    value->str = str_of(copy, s.len);
    return true;
}

static bool
run_reverse(struct eval *eval, const struct converter *conv, const struct arg *args,
            struct value *value)
{
    struct str s = value->str;
    char *copy = arena_take(eval->arena, s.len + 1);

    (void)conv;
    (void)args;
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.ptr[s.len - 1 - i];
    value->str = str_of(copy, s.len);
    return true;
}

/* "mail.example.com" to "com.example.mail". One dot at the end does not count; an empty label has
 * no place in a name. */
static bool
run_reverse_dom(struct eval *eval, const struct converter *conv, const struct arg *args,
                struct value *value)
{
    struct str rest = value->str;
    char *copy, *pos;

    (void)conv;
    (void)args;
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '.')
        rest.len--;
    copy = arena_take(eval->arena, rest.len + 1);
    if (copy == NULL)
        return false;
    value->str = str_of(copy, rest.len);
    pos = copy + rest.len;
    while (rest.ptr != NULL) {
        struct str label = str_split(&rest, '.');

        if (label.len == 0)
            return false;
        pos -= label.len;
        memcpy(pos, label.ptr, label.len);
        if (pos > copy)
            *--pos = '.';
    }
    return true;
}

/* --- ends, length --------------------------------------------------------- */

static bool
is_in(char c, struct str set)
{
    return set.len > 0 && memchr(set.ptr, c, set.len) != NULL;
}

static bool
run_ltrim(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    (void)eval;
    (void)conv;
    while (value->str.len > 0 && is_in(value->str.ptr[0], args[0].str))
        value->str = str_slice(value->str, 1, value->str.len);
    return true;
}

static bool
run_rtrim(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    (void)eval;
    (void)conv;
    while (value->str.len > 0 && is_in(value->str.ptr[value->str.len - 1], args[0].str))
        value->str.len--;
    return true;
}

static bool
run_cut_crlf(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    size_t len = 0;

    (void)eval;
    (void)conv;
    (void)args;
    while (len < value->str.len && !is_in(value->str.ptr[len], STR("\r\n")))
        len++;
    value->str.len = len;
    return true;
}

static bool
run_length(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    (void)eval;
    (void)conv;
    (void)args;
    value_set_int(value, (int64_t)value->str.len);
    return true;
}

/* --- comparing ------------------------------------------------------------ */

static bool
run_strcmp(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    struct str other;

    (void)conv;
    if (!arg_find_str(&args[0], eval, &other))
        return false;
    value_set_int(value, str_compare(value->str, other));
    return true;
}

/* --- joining -------------------------------------------------------------- */

static bool
set_joined(struct eval *eval, struct value *value, const struct str *parts, unsigned count)
{
    size_t len = 0;
    char *text;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    text = arena_take(eval->arena, len + 1);
    if (text == NULL)
        return false;
    value_set_str(value, str_of(text, len));
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(text, parts[i].ptr, parts[i].len);
        text += parts[i].len;
    }
    return true;
}

/* Of a variable that may be missing, or not be named at all. */
static struct str
text_of(struct eval *eval, const struct arg *arg)
{
    struct str text;

    return arg_is_given(arg) && arg_find_str(arg, eval, &text) ? text : STR("");
}

static bool
run_concat(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    struct str parts[] = { value->str, args[0].str, text_of(eval, &args[1]), args[2].str };

    (void)conv;
    return set_joined(eval, value, parts, COUNT(parts));
}

/* The delimiter stands only between things that are there. */
static bool
run_add_item(struct eval *eval, const struct converter *conv, const struct arg *args,
             struct value *value)
{
    struct str item = text_of(eval, &args[1]), suffix = args[2].str;
    bool is_between = value->str.len > 0 && item.len + suffix.len > 0;
    struct str parts[] = { value->str, is_between ? args[0].str : STR(""), item, suffix };

    (void)conv;
    return set_joined(eval, value, parts, COUNT(parts));
}

static bool
check_add_item(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    (void)count;
    return arg_is_given(&args[1]) || arg_is_given(&args[2]) ||
           error_set(err, "a variable or a text should stand behind the delimiter");
}

static const struct converter converters[] = {
    { "lower", VALUE_STR, VALUE_STR, { { 0 } }, run_case, 'A', .help = "Letters become small ones.",
      .is_stable = true },
    { "upper", VALUE_STR, VALUE_STR, { { 0 } }, run_case, 'a', .help = "Letters become capitals.",
      .is_stable = true },
    { "reverse", VALUE_STR, VALUE_STR, { { 0 } }, run_reverse, .help = "The bytes backwards." },
    { "reverse_dom", VALUE_STR, VALUE_STR, { { 0 } }, run_reverse_dom,
      .help = "The labels of a domain name backwards." },
    { "ltrim", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_ltrim,
      .help = "Without these characters at the beginning." },
    { "rtrim", VALUE_STR, VALUE_STR, { { ARG_STR } }, run_rtrim,
      .help = "Without these characters at the end." },
    { "cut_crlf", VALUE_STR, VALUE_STR, { { 0 } }, run_cut_crlf,
      .help = "The text before the first line end." },
    { "length", VALUE_STR, VALUE_INT, { { 0 } }, run_length, .help = "How many bytes there are." },
    { "strcmp", VALUE_STR, VALUE_INT, { { ARG_VARIABLE } }, run_strcmp,
      .help = "Compare with a variable: 0 if equal, else less or greater than 0." },
    { "concat", VALUE_STR, VALUE_STR, { { ARG_STR, true }, { ARG_VARIABLE, true }, { ARG_STR, true } },
      run_concat, .help = "Append a text, a variable, a text." },
    { "add_item", VALUE_STR, VALUE_STR,
      { { ARG_STR }, { ARG_VARIABLE, true }, { ARG_STR, true } }, run_add_item, 0, check_add_item,
      "Append a delimiter, a variable, a text; the delimiter only where there are two sides." },
};
REGISTER(converter, converters);
