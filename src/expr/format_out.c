/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of formats: into a buffer that ends, with the escapes of its destination.
 *
 * For:     log_format.c, and aliases of all rooms.
 * Thread:  any; pure.
 */
#include <ctype.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/expr/log_format.h"

void
format_raw(struct format_out *out, const char *ptr, size_t len)
{
    if (len > (size_t)(out->end - out->pos)) {
        len = (size_t)(out->end - out->pos);
        out->is_cut = true;
    }
    if (len > 0)
        memcpy(out->pos, ptr, len);
    out->pos += len;
}

void
format_char(struct format_out *out, char c)
{
    if (out->pos == out->end)
        out->is_cut = true;
    else
        *out->pos++ = c;
}

/* In log lines: what could break the line or a terminal. In header values: what HTTP forbids. */
static bool
is_forbidden(unsigned char c, unsigned flags)
{
    if (flags & FORMAT_IS_LOG)
        return c < 32 || c > 126;
    return (c < 32 && c != '\t') || c == 127;
}

static void
put_byte(struct format_out *out, unsigned char c, unsigned flags)
{
    static const char digits[] = "0123456789ABCDEF";

    if ((flags & (FORMAT_IS_LOG | FORMAT_IS_HEADER)) && is_forbidden(c, flags)) {
        char code[3] = { flags & FORMAT_IS_LOG ? '#' : '%', digits[c >> 4], digits[c & 15] };

        format_raw(out, code, sizeof(code));
        return;
    }
    if ((flags & FORMAT_ESCAPE) && (c == '"' || c == '\\' || c == ']'))
        format_char(out, '\\');
    format_char(out, (char)c);
}

/* How many bytes at the front need no escape. */
static size_t
plain_len(struct str s, unsigned flags)
{
    size_t len = 0;

    if (flags & FORMAT_ESCAPE)
        return 0;
    if (!(flags & (FORMAT_IS_LOG | FORMAT_IS_HEADER)))
        return s.len;
    while (len < s.len && !is_forbidden((unsigned char)s.ptr[len], flags))
        len++;
    return len;
}

void
format_str(struct format_out *out, struct str s, unsigned flags)
{
    bool is_quoted = (flags & FORMAT_QUOTE) && (flags & FORMAT_IS_LOG);
    size_t plain = plain_len(s, flags);

    if (s.len == 0 && !is_quoted) {
        if (flags & FORMAT_MANDATORY)
            format_char(out, '-');
        return;
    }
    if (is_quoted)
        format_char(out, '"');
    format_raw(out, s.ptr, plain);
    for (size_t i = plain; i < s.len && !out->is_cut; i++)
        put_byte(out, (unsigned char)s.ptr[i], flags);
    if (is_quoted)
        format_char(out, '"');
}

void
format_int(struct format_out *out, int64_t n, unsigned flags)
{
    char digits[24];
    size_t len;

    if (flags & FORMAT_HEX) {
        len = number_format_hex(digits, (uint64_t)n);
        for (size_t i = 0; i < len; i++)
            digits[i] = (char)toupper((unsigned char)digits[i]);
    } else {
        len = number_format_int(digits, n);
    }
    format_raw(out, digits, len);
}
