/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items of formats as JSON or CBOR values, alone or as members of one object.
 *
 * For:     log_format.c, for items with +json or +cbor.
 * Thread:  any; pure.
 *
 * What is written is valid whatever the bytes are and wherever the room ends: strings are cut so
 * that their quotes and the object's brace fit, members without room are left out.
 *
 * JSON: {"name": value, "name": value}. Bytes that are no UTF-8 become \u00XX.
 * CBOR: a map of unknown length; text, or bytes where they are no UTF-8. As hex digits, unless
 * FORMAT_BINARY.
 */
#include <stdio.h>
#include <string.h>

#include "private.h"

#include "weir/base/number.h"

#define CBOR_UINT  0
#define CBOR_NINT  1
#define CBOR_BYTES 2
#define CBOR_TEXT  3
#define CBOR_FALSE 0xf4
#define CBOR_NULL  0xf6
#define CBOR_LIST  0x9f /* of unknown length */
#define CBOR_MAP   0xbf /* of unknown length */
#define CBOR_BREAK 0xff

static const char hex_lower[] = "0123456789abcdef";

/* --- UTF-8 ------------------------------------------------------------------ */

static bool
is_tail(struct str s, size_t at, unsigned count)
{
    if (s.len - at <= count)
        return false;
    for (unsigned i = 1; i <= count; i++) {
        if (((unsigned char)s.ptr[at + i] & 0xc0) != 0x80)
            return false;
    }
    return true;
}

/* Bytes of the character at `at`; 0: this is no UTF-8. */
static unsigned
character_len(struct str s, size_t at)
{
    unsigned char c = (unsigned char)s.ptr[at];
    unsigned char next = at + 1 < s.len ? (unsigned char)s.ptr[at + 1] : 0;

    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf)
        return is_tail(s, at, 1) ? 2 : 0;
    if ((c & 0xf0) == 0xe0) /* not too long, no half of a pair */
        return is_tail(s, at, 2) && !(c == 0xe0 && next < 0xa0) && !(c == 0xed && next > 0x9f) ? 3
                                                                                               : 0;
    if (c >= 0xf0 && c <= 0xf4)
        return is_tail(s, at, 3) && !(c == 0xf0 && next < 0x90) && !(c == 0xf4 && next > 0x8f) ? 4
                                                                                               : 0;
    return 0;
}

static bool
is_utf8(struct str s)
{
    unsigned len;

    for (size_t at = 0; at < s.len; at += len) {
        len = character_len(s, at);
        if (len == 0)
            return false;
    }
    return true;
}

/* --- JSON ------------------------------------------------------------------- */

/* The character at `at` between quotes; returns how many bytes of it that were. */
static unsigned
escape_json(struct str s, size_t at, char *to, size_t *to_len)
{
    unsigned char c = (unsigned char)s.ptr[at];
    unsigned len = character_len(s, at);
    const char *letter;

    if (len > 1 || (len == 1 && c >= 32 && c != '"' && c != '\\' && c != 127)) {
        memcpy(to, s.ptr + at, len);
        *to_len = len;
        return len;
    }
    to[0] = '\\';
    letter = c == 0 ? NULL : strchr("\"\"\\\\\bb\ff\nn\rr\tt", c);
    if (letter != NULL && c < 127 && (c < 32 || c == '"' || c == '\\')) {
        to[1] = letter[1];
        *to_len = 2;
        return 1;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = hex_lower[c >> 4];
    to[5] = hex_lower[c & 15];
    *to_len = 6;
    return 1;
}

static void
put_json_str(struct format_out *out, struct str s)
{
    if (out->end - out->pos < 2) {
        out->is_cut = true;
        return;
    }
    *out->pos++ = '"';
    for (size_t at = 0; at < s.len;) {
        char code[6];
        size_t len;

        at += escape_json(s, at, code, &len);
        if ((size_t)(out->end - out->pos) < len + 1) {
            out->is_cut = true;
            break;
        }
        memcpy(out->pos, code, len);
        out->pos += len;
    }
    *out->pos++ = '"';
}

/* --- CBOR ------------------------------------------------------------------- */

static void
put_cbor_byte(struct format_out *out, unsigned char byte, unsigned flags)
{
    static const char digits[] = "0123456789ABCDEF";

    if (flags & FORMAT_BINARY) {
        format_char(out, (char)byte);
        return;
    }
    format_char(out, digits[byte >> 4]);
    format_char(out, digits[byte & 15]);
}

static void
put_cbor_head(struct format_out *out, unsigned kind, uint64_t n, unsigned flags)
{
    unsigned size = n < 24 ? 0 : n <= 0xff ? 1 : n <= 0xffff ? 2 : n <= 0xffffffff ? 4 : 8;
    unsigned code = size == 0 ? (unsigned)n : 23 + (unsigned)__builtin_ffs((int)size);

    put_cbor_byte(out, (unsigned char)(kind << 5 | code), flags);
    while (size-- > 0)
        put_cbor_byte(out, (unsigned char)(n >> (8 * size)), flags);
}

static void
put_cbor_str(struct format_out *out, struct str s, bool is_binary, unsigned flags)
{
    put_cbor_head(out, is_binary || !is_utf8(s) ? CBOR_BYTES : CBOR_TEXT, s.len, flags);
    for (size_t i = 0; i < s.len && !out->is_cut; i++)
        put_cbor_byte(out, (unsigned char)s.ptr[i], flags);
}

/* --- values ----------------------------------------------------------------- */

void
format_encode_null(struct format_out *out, unsigned flags)
{
    if (flags & FORMAT_CBOR)
        put_cbor_byte(out, CBOR_NULL, flags);
    else
        format_raw(out, "null", 4);
}

void
format_encode_bool(struct format_out *out, bool truth, unsigned flags)
{
    if (flags & FORMAT_CBOR)
        put_cbor_byte(out, (unsigned char)(CBOR_FALSE + truth), flags);
    else
        format_raw(out, truth ? "true" : "false", truth ? 4 : 5);
}

void
format_encode_int(struct format_out *out, int64_t n, unsigned flags)
{
    char digits[24];

    if ((flags & FORMAT_CBOR) && n < 0)
        put_cbor_head(out, CBOR_NINT, ~(uint64_t)n, flags);
    else if (flags & FORMAT_CBOR)
        put_cbor_head(out, CBOR_UINT, (uint64_t)n, flags);
    else
        format_raw(out, digits, number_format_int(digits, n));
}

void
format_encode_str(struct format_out *out, struct str s, bool is_binary, unsigned flags)
{
    if (flags & FORMAT_CBOR)
        put_cbor_str(out, s, is_binary, flags);
    else
        put_json_str(out, s);
}

/* --- lists ------------------------------------------------------------------ */

static bool
encode_part(struct format_out *out, struct str part, bool is_first, unsigned flags)
{
    char *begin = out->pos;

    if ((flags & FORMAT_JSON) && !is_first)
        format_raw(out, ", ", 2);
    if (out->end - out->pos < 8)
        out->is_cut = true;
    else if (part.len == 0)
        format_encode_null(out, flags);
    else
        format_encode_str(out, part, false, flags);
    if (out->is_cut && out->pos[-1] != '"')
        out->pos = begin;
    return !out->is_cut;
}

void
format_encode_list(struct format_out *out, struct str parts, unsigned flags)
{
    struct format_out inner = { out->pos, out->end - 4, false };
    bool is_first = true, goes_on = out->end - out->pos > 16;

    if (flags & FORMAT_CBOR)
        put_cbor_byte(&inner, CBOR_LIST, flags);
    else
        format_char(&inner, '[');
    while (goes_on && parts.len > 0) {
        long len = str_find_char(parts, '\0');

        if (len < 0)
            break;
        goes_on = encode_part(&inner, str_slice(parts, 0, (size_t)len), is_first, flags);
        parts = str_slice(parts, (size_t)len + 1, parts.len);
        is_first = false;
    }
    inner.end = out->end;
    out->is_cut |= inner.is_cut || !goes_on;
    if (flags & FORMAT_CBOR)
        put_cbor_byte(&inner, CBOR_BREAK, flags);
    else
        format_char(&inner, ']');
    out->pos = inner.pos;
}

/* --- objects ---------------------------------------------------------------- */

void
format_encode_open(struct format_out *out, unsigned flags)
{
    if (flags & FORMAT_CBOR)
        put_cbor_byte(out, CBOR_MAP, flags);
    else
        format_char(out, '{');
}

void
format_encode_key(struct format_out *out, struct str name, bool is_first, unsigned flags)
{
    if (flags & FORMAT_CBOR) {
        put_cbor_str(out, name, false, flags);
        return;
    }
    if (!is_first)
        format_raw(out, ", ", 2);
    put_json_str(out, name);
    format_raw(out, ": ", 2);
}

void
format_encode_close(struct format_out *out, unsigned flags)
{
    if (flags & FORMAT_CBOR)
        put_cbor_byte(out, CBOR_BREAK, flags);
    else
        format_char(out, '}');
}
