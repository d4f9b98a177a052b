/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text and back: base64, hexadecimal, URL escapes.
 *
 * For:     converters, authentication, unique ids, tokens.
 * Owns:    nothing.
 * Callers: everybody.
 * Thread:  any; all functions are pure.
 */
#include "weir/base/encode.h"

#include <stdint.h>

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Writes the bytes as groups of four digits; returns the end. The last group is short. */
static char *
put_base64(char *to, struct str from, const char *alphabet)
{
    const unsigned char *at = (const unsigned char *)from.ptr;
    size_t left = from.len;

    for (; left >= 3; left -= 3, at += 3) {
        *to++ = alphabet[at[0] >> 2];
        *to++ = alphabet[(at[0] & 3) << 4 | at[1] >> 4];
        *to++ = alphabet[(at[1] & 15) << 2 | at[2] >> 6];
        *to++ = alphabet[at[2] & 63];
    }
    if (left == 0)
        return to;
    *to++ = alphabet[at[0] >> 2];
    if (left == 1) {
        *to++ = alphabet[(at[0] & 3) << 4];
        return to;
    }
    *to++ = alphabet[(at[0] & 3) << 4 | at[1] >> 4];
    *to++ = alphabet[(at[1] & 15) << 2];
    return to;
}

size_t
base64_encode(char *to, struct str from)
{
    char *end = put_base64(to, from, base64_alphabet);

    while ((end - to) % 4 != 0)
        *end++ = '=';
    return (size_t)(end - to);
}

size_t
base64_encode_url(char *to, struct str from)
{
    return (size_t)(put_base64(to, from, base64url_alphabet) - to);
}

/* `c62` and `c63` are what the alphabet ends with. */
static int
base64_digit(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == alphabet[62])
        return 62;
    return c == alphabet[63] ? 63 : -1;
}

/* Digits only, no padding. */
static bool
get_base64(char *to, size_t *len, struct str from, const char *alphabet)
{
    char *start = to;
    uint32_t bits = 0;
    unsigned count = 0;

    if (from.len % 4 == 1)
        return false;
    for (size_t i = 0; i < from.len; i++) {
        int digit = base64_digit(from.ptr[i], alphabet);

        if (digit == -1)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *to++ = (char)(bits >> count);
        }
    }
    *len = (size_t)(to - start);
    return true;
}

/* The text before at most two '=' at its end. */
static struct str
without_padding(struct str s)
{
    for (int i = 0; i < 2 && s.len > 0 && s.ptr[s.len - 1] == '='; i++)
        s.len--;
    return s;
}

bool
base64_decode(char *to, size_t *len, struct str from)
{
    return from.len % 4 == 0 && get_base64(to, len, without_padding(from), base64_alphabet);
}

bool
base64_decode_url(char *to, size_t *len, struct str from)
{
    struct str digits = without_padding(from);

    if (digits.len != from.len && from.len % 4 != 0)
        return false;
    return get_base64(to, len, digits, base64url_alphabet);
}

static size_t
put_hex(char *to, struct str from, const char *digits)
{
    for (size_t i = 0; i < from.len; i++) {
        unsigned char byte = (unsigned char)from.ptr[i];

        to[2 * i] = digits[byte >> 4];
        to[2 * i + 1] = digits[byte & 15];
    }
    return from.len * 2;
}

size_t
hex_encode(char *to, struct str from)
{
    return put_hex(to, from, "0123456789abcdef");
}

size_t
hex_encode_upper(char *to, struct str from)
{
    return put_hex(to, from, "0123456789ABCDEF");
}

int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
hex_decode(char *to, size_t *len, struct str from)
{
    if (from.len % 2 != 0)
        return false;
    for (size_t i = 0; i < from.len; i += 2) {
        int high = hex_digit(from.ptr[i]);
        int low = hex_digit(from.ptr[i + 1]);

        if (high == -1 || low == -1)
            return false;
        to[i / 2] = (char)(high << 4 | low);
    }
    *len = from.len / 2;
    return true;
}

static bool
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

size_t
url_encode(char *to, struct str from)
{
    char *start = to;

    for (size_t i = 0; i < from.len; i++) {
        if (is_unreserved(from.ptr[i])) {
            *to++ = from.ptr[i];
            continue;
        }
        *to++ = '%';
        to += hex_encode_upper(to, str_slice(from, i, 1));
    }
    return (size_t)(to - start);
}

bool
url_decode(char *to, size_t *len, struct str from, enum url_part part)
{
    char *start = to;

    for (size_t i = 0; i < from.len; i++) {
        size_t one;
        char c = from.ptr[i];

        if (c == '%') {
            if (!hex_decode(&c, &one, str_slice(from, i + 1, 2)) || one != 1)
                return false;
            i += 2;
        } else if (c == '+' && part == URL_FORM) {
            c = ' ';
        }
        *to++ = c;
    }
    *len = (size_t)(to - start);
    return true;
}
