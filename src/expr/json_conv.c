/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters to and from JSON: json, json_query.
 *
 * Thread: traffic, inside an expression.
 */
#include <string.h>

#include "json_value.h"
#include "private.h"

/* --- json: text as the inside of a JSON string ------------------------------------------------ */

enum coding { CODING_ASCII, CODING_UTF8, CODING_UTF8_S, CODING_UTF8_P, CODING_UTF8_PS };

static const char *const codings[] = { "ascii", "utf8", "utf8s", "utf8p", "utf8ps", NULL };

#define ESCAPED_MAX 12 /* bytes of a code: two escapes of a surrogate pair */

enum decoded { DECODED_GOOD, DECODED_OVERLONG, DECODED_BAD };

/* How many bytes follow the first one; -1: it begins nothing. */
static int
followers(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if ((first & 0xe0) == 0xc0)
        return 1;
    if ((first & 0xf0) == 0xe0)
        return 2;
    return (first & 0xf8) == 0xf0 ? 3 : -1;
}

/* One code from the front; moves on, behind bad bytes as well. */
static enum decoded
next_code(struct str *rest, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    unsigned char first = (unsigned char)rest->ptr[0];
    int count = followers(first), i = 1;

    *code = count <= 0 ? first : first & (0x3fu >> count);
    for (; count > 0 && i <= count && (size_t)i < rest->len &&
           ((unsigned char)rest->ptr[i] & 0xc0) == 0x80;
         i++)
        *code = *code << 6 | ((unsigned char)rest->ptr[i] & 0x3fu);
    *rest = str_slice(*rest, (size_t)i, rest->len);
    if (count < 0 || i <= count || (*code >= 0xd800 && *code <= 0xdfff) || *code > 0x10ffff)
        return DECODED_BAD;
    return *code < least[count] ? DECODED_OVERLONG : DECODED_GOOD;
}

static char *
put_escape(char *to, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";

    *to++ = '\\';
    *to++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *to++ = digits[unit >> shift & 0xf];
    return to;
}

static char *
put_code(char *to, uint32_t code)
{
    static const char bytes[] = "\"\\/\b\f\n\r\t", names[] = "\"\\/bfnrt";
    const char *special = code < 0x80 && code != 0 ? strchr(bytes, (int)code) : NULL;

    if (special != NULL) {
        *to++ = '\\';
        *to++ = names[special - bytes];
    } else if (code >= ' ' && code < 0x7f) {
        *to++ = (char)code;
    } else if (code > 0xffff) {
        to = put_escape(to, 0xd800 + ((code - 0x10000) >> 10));
        to = put_escape(to, 0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
        to = put_escape(to, code);
    }
    return to;
}

/* Is this code written? False with *fails: the whole text fails. */
static bool
is_taken(enum decoded decoded, enum coding coding, bool *fails)
{
    bool is_permissive = coding == CODING_UTF8_P || coding == CODING_UTF8_PS;
    bool is_silent = coding == CODING_UTF8_S || coding == CODING_UTF8_PS;

    if (decoded == DECODED_GOOD || (decoded == DECODED_OVERLONG && is_permissive))
        return true;
    *fails = !is_silent;
    return false;
}

static char *
put_text(char *to, struct str text, enum coding coding)
{
    bool fails = false;
    uint32_t code;

    while (text.len > 0 && !fails) {
        if (coding == CODING_ASCII) {
            to = put_code(to, (unsigned char)text.ptr[0]);
            text = str_slice(text, 1, text.len);
        } else if (is_taken(next_code(&text, &code), coding, &fails)) {
            to = put_code(to, code);
        }
    }
    return fails ? NULL : to;
}

static bool
run_json(struct eval *eval, const struct converter *conv, const struct arg *args,
         struct value *value)
{
    char *to = arena_take(eval->arena, value->str.len * ESCAPED_MAX + 1), *end;

    (void)conv;
    end = to == NULL ? NULL : put_text(to, value->str, (enum coding)args[0].num);
    if (end == NULL)
        return false;
    value_set_str(value, str_of(to, (size_t)(end - to)));
    return true;
}

static bool
check_json(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    args[0].num = CODING_ASCII;
    if (count == 0 || !arg_is_given(&args[0]))
        return true;
    for (int i = 0; codings[i] != NULL; i++) {
        args[0].num = i;
        if (str_eq(args[0].str, str_from(codings[i])))
            return true;
    }
    return error_set(err, "unknown coding '%s': ascii, utf8, utf8s, utf8p or utf8ps",
                     args[0].str.ptr);
}

/* --- json_query --------------------------------------------------------------------------------- */

static bool
run_query(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    (void)conv;
    return json_value_find(eval, value->str, args, value);
}

static const struct converter converters[] = {
    { "json", VALUE_STR, VALUE_STR, { { ARG_STR, true } }, run_json, 0, check_json,
      "Escape a text so that it can stand in a JSON string; the argument tells its coding." },
    { "json_query", VALUE_STR, VALUE_ANY, { { ARG_STR }, { ARG_STR, true } }, run_query, 0,
      json_value_check, "The value at a path ($.a.b[0]) of JSON text; int: as an integer." },
};
REGISTER(converter, converters);
