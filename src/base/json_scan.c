/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks a value up in JSON text.
 *
 * For:     converters on bodies and tokens of clients.
 * Owns:    nothing.
 * Thread:  any; pure.
 *
 * The text is walked once, up to the value. What is passed over is read as strictly as what is
 * wanted; what follows the value is not looked at. Nesting is bounded, and no function calls itself.
 */
#include "weir/base/json_scan.h"

#include <string.h>

#include "weir/base/encode.h"

#define DEPTH_MAX 64

struct scan {
    const char *at, *end;
};

/* --- words ---------------------------------------------------------------------------------- */

static void
skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' ||
                                    *scan->at == '\r'))
        scan->at++;
}

static bool
accept(struct scan *scan, char c)
{
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* From its opening quote; `raw`: what stands between the quotes. */
static bool
read_string(struct scan *scan, struct str *raw)
{
    const char *begin;

    if (!accept(scan, '"'))
        return false;
    begin = scan->at;
    for (; scan->at < scan->end; scan->at++) {
        if ((unsigned char)*scan->at < ' ')
            return false;
        if (*scan->at == '"') {
            *raw = str_of(begin, (size_t)(scan->at++ - begin));
            return true;
        }
        if (*scan->at == '\\' && ++scan->at == scan->end)
            return false;
    }
    return false;
}

static size_t
skip_digits(struct scan *scan)
{
    const char *begin = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - begin);
}

static bool
skip_number(struct scan *scan)
{
    if (scan->at < scan->end && *scan->at == '-')
        scan->at++;
    if (skip_digits(scan) == 0)
        return false;
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (skip_digits(scan) == 0)
            return false;
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        return skip_digits(scan) > 0;
    }
    return true;
}

static bool
accept_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* Everything but objects and arrays. */
static enum json_kind
read_scalar(struct scan *scan, struct str *value)
{
    const char *begin;
    enum json_kind kind = JSON_NOTHING;

    skip_blanks(scan);
    begin = scan->at;
    if (scan->at == scan->end)
        return JSON_NOTHING;
    if (*scan->at == '"')
        return read_string(scan, value) ? JSON_STRING : JSON_NOTHING;
    if (accept_word(scan, "true"))
        kind = JSON_TRUE;
    else if (accept_word(scan, "false"))
        kind = JSON_FALSE;
    else if (accept_word(scan, "null"))
        kind = JSON_NULL;
    else if (skip_number(scan))
        kind = JSON_NUMBER;
    *value = str_of(begin, (size_t)(scan->at - begin));
    return kind;
}

/* --- values --------------------------------------------------------------------------------- */

static bool
skip_key(struct scan *scan)
{
    struct str key;

    return read_string(scan, &key) && accept(scan, ':');
}

/* An object or array from its opening bracket to its closing one. `nested` keeps the brackets that
 * are open. */
static bool
skip_nested(struct scan *scan)
{
    char nested[DEPTH_MAX];
    unsigned depth = 0;
    struct str value;

    for (;;) {
        bool has_opened = false;

        skip_blanks(scan);
        if (scan->at == scan->end)
            return false;
        if (*scan->at == '{' || *scan->at == '[') {
            if (depth == DEPTH_MAX)
                return false;
            nested[depth++] = *scan->at++ == '{' ? '}' : ']';
            has_opened = true;
        } else if (read_scalar(scan, &value) == JSON_NOTHING) {
            return false;
        }
        /* Behind a value, or at the beginning of a container, containers may end. */
        while (accept(scan, nested[depth - 1])) {
            has_opened = false;
            if (--depth == 0)
                return true;
        }
        if (!has_opened && !accept(scan, ','))
            return false;
        if (nested[depth - 1] == '}' && !skip_key(scan))
            return false;
    }
}

static enum json_kind
read_value(struct scan *scan, struct str *value)
{
    const char *begin;

    skip_blanks(scan);
    begin = scan->at;
    if (scan->at == scan->end || (*scan->at != '{' && *scan->at != '['))
        return read_scalar(scan, value);
    if (!skip_nested(scan))
        return JSON_NOTHING;
    *value = str_of(begin, (size_t)(scan->at - begin));
    return *begin == '{' ? JSON_OBJECT : JSON_ARRAY;
}

/* --- paths ---------------------------------------------------------------------------------- */

struct path_step {
    struct str name;
    size_t index;
    bool is_index;
};

/* The next step of a path behind its "$"; false: bad, or (rest->len 0) none. */
static bool
next_step(struct str *rest, struct path_step *step)
{
    size_t len = 1;

    if (rest->len < 2 || (rest->ptr[0] != '.' && rest->ptr[0] != '['))
        return false;
    step->is_index = rest->ptr[0] == '[';
    step->index = 0;
    if (!step->is_index) {
        while (len < rest->len && rest->ptr[len] != '.' && rest->ptr[len] != '[')
            len++;
        step->name = str_slice(*rest, 1, len - 1);
        *rest = str_slice(*rest, len, rest->len);
        return step->name.len > 0;
    }
    for (; len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9' && len < 10; len++)
        step->index = step->index * 10 + (size_t)(rest->ptr[len] - '0');
    if (len == 1 || len == rest->len || rest->ptr[len] != ']')
        return false;
    *rest = str_slice(*rest, len + 1, rest->len);
    return true;
}

bool
json_path_is_valid(struct str path)
{
    struct path_step step;

    if (path.len == 0 || path.ptr[0] != '$')
        return false;
    path = str_slice(path, 1, path.len);
    while (path.len > 0) {
        if (!next_step(&path, &step))
            return false;
    }
    return true;
}

/* Moves to the member's value. */
static bool
enter_object(struct scan *scan, struct str name)
{
    struct str key, value;

    if (!accept(scan, '{'))
        return false;
    do {
        if (!read_string(scan, &key) || !accept(scan, ':'))
            return false;
        if (str_eq(key, name))
            return true;
    } while (read_value(scan, &value) != JSON_NOTHING && accept(scan, ','));
    return false;
}

static bool
enter_array(struct scan *scan, size_t index)
{
    struct str value;

    if (!accept(scan, '['))
        return false;
    for (; index > 0; index--) {
        if (read_value(scan, &value) == JSON_NOTHING || !accept(scan, ','))
            return false;
    }
    return true;
}

enum json_kind
json_find(struct str text, struct str path, struct str *value)
{
    struct scan scan = { text.ptr, text.ptr + text.len };
    struct path_step step;

    *value = STR("");
    path = str_slice(path, 1, path.len);
    while (path.len > 0) {
        if (!next_step(&path, &step) || !(step.is_index ? enter_array(&scan, step.index)
                                                        : enter_object(&scan, step.name)))
            return JSON_NOTHING;
    }
    return read_value(&scan, value);
}

/* --- strings -------------------------------------------------------------------------------- */

/* Four digits; -1: they are none. */
static long
read_hex4(const char *at, const char *end)
{
    long code = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);

        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static char *
put_utf8(char *to, long code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* Behind "\u": one code, or two that make one. False: bad. */
static bool
read_code(const char **at, const char *end, long *code)
{
    long low;

    *code = read_hex4(*at, end);
    *at += 4;
    if (*code < 0)
        return false;
    if (*code < 0xd800 || *code > 0xdfff)
        return true;
    if (*code > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return false;
    low = read_hex4(*at + 2, end);
    *at += 6;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return low >= 0xdc00 && low <= 0xdfff;
}

long
json_unescape(char *to, struct str raw)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *at = raw.ptr, *end = raw.ptr + raw.len, *name;
    char *begin = to;
    long code;

    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        if (++at == end)
            return -1;
        if (*at == 'u') {
            at++;
            if (!read_code(&at, end, &code))
                return -1;
            to = put_utf8(to, code);
            continue;
        }
        name = strchr(names, *at++);
        if (name == NULL || *name == '\0')
            return -1;
        *to++ = bytes[name - names];
    }
    return to - begin;
}
