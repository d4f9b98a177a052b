/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write JSON straight into text (RFC 8259).
 *
 * For:     statistics, runtime commands, log lines.
 * Owns:    nothing.
 * Callers: everybody who answers machines.
 * Thread:  one user at a time.
 *
 * What comes from peers need not be UTF-8, but a reader of JSON may refuse the
 * whole page for one bad byte: each byte that belongs to no character is
 * replaced by U+FFFD.
 */
#include "weir/base/json.h"

#include <math.h>

#include "weir/base/encode.h"
#include "weir/base/number.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

static bool
is_continuation(struct str s, size_t at)
{
    return at < s.len && ((unsigned char)s.ptr[at] & 0xc0) == 0x80;
}

/* Length of the UTF-8 character at the front of `s`; 0 when there is none (RFC 3629: no
 * overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t
utf8_length(struct str s)
{
    unsigned char first = (unsigned char)s.ptr[0];
    unsigned char second = s.len > 1 ? (unsigned char)s.ptr[1] : 0;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4 || !is_continuation(s, 1))
        return 0;
    if (first < 0xe0)
        return 2;
    if (!is_continuation(s, 2))
        return 0;
    if (first < 0xf0) {
        bool is_overlong = first == 0xe0 && second < 0xa0;
        bool is_surrogate = first == 0xed && second >= 0xa0;

        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (!is_continuation(s, 3) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second >= 0x90))
        return 0;
    return 4;
}

/* The short escape of a character: the letter behind the backslash, or 0. */
static char
short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void
add_escaped(struct text *text, char c)
{
    char letter = short_escape(c);
    char code[6] = { '\\', 'u', '0', '0' };

    if (letter != 0) {
        text_add_char(text, '\\');
        text_add_char(text, letter);
        return;
    }
    hex_encode(code + 4, str_of(&c, 1));
    text_add(text, str_of(code, sizeof(code)));
}

/* How many bytes at the front may be written as they are. */
static size_t
plain_length(struct str s)
{
    size_t len = 0;

    while (len < s.len) {
        unsigned char c = (unsigned char)s.ptr[len];
        size_t step = c < 0x80 ? 1 : utf8_length(str_slice(s, len, 4));

        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f || step == 0)
            break;
        len += step;
    }
    return len;
}

void
json_escape(struct text *text, struct str s)
{
    while (s.len > 0) {
        size_t plain = plain_length(s);

        text_add(text, str_slice(s, 0, plain));
        s = str_slice(s, plain, s.len);
        if (s.len == 0)
            return;
        if ((unsigned char)s.ptr[0] >= 0x80)
            text_add(text, STR(REPLACEMENT));
        else
            add_escaped(text, s.ptr[0]);
        s = str_slice(s, 1, s.len);
    }
}

void
json_init(struct json *json, struct text *text)
{
    json->text = text;
    json->needs_comma = false;
}

/* Before each value: the comma, if there is a value before it. */
static void
begin(struct json *json)
{
    if (json->needs_comma)
        text_add_char(json->text, ',');
    json->needs_comma = true;
}

static void
open_with(struct json *json, char bracket)
{
    begin(json);
    text_add_char(json->text, bracket);
    json->needs_comma = false;
}

static void
close_with(struct json *json, char bracket)
{
    text_add_char(json->text, bracket);
    json->needs_comma = true;
}

void
json_open_object(struct json *json)
{
    open_with(json, '{');
}

void
json_close_object(struct json *json)
{
    close_with(json, '}');
}

void
json_open_array(struct json *json)
{
    open_with(json, '[');
}

void
json_close_array(struct json *json)
{
    close_with(json, ']');
}

void
json_add_key(struct json *json, const char *key)
{
    json_add_text(json, key);
    text_add_char(json->text, ':');
    json->needs_comma = false;
}

void
json_add_str(struct json *json, struct str s)
{
    begin(json);
    text_add_char(json->text, '"');
    json_escape(json->text, s);
    text_add_char(json->text, '"');
}

void
json_add_text(struct json *json, const char *text)
{
    if (text == NULL)
        json_add_null(json);
    else
        json_add_str(json, str_from(text));
}

void
json_add_int(struct json *json, int64_t n)
{
    begin(json);
    text_keep(json->text, number_format_int(text_reserve(json->text, 21), n));
}

void
json_add_uint(struct json *json, uint64_t n)
{
    begin(json);
    text_keep(json->text, number_format(text_reserve(json->text, 20), n));
}

void
json_add_double(struct json *json, double n)
{
    if (!isfinite(n)) {
        json_add_null(json);
        return;
    }
    begin(json);
    text_printf(json->text, "%.15g", n);
}

void
json_add_bool(struct json *json, bool value)
{
    begin(json);
    text_puts(json->text, value ? "true" : "false");
}

void
json_add_null(struct json *json)
{
    begin(json);
    text_puts(json->text, "null");
}
