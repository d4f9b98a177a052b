/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64, base64url, hexadecimal and URL escapes. All functions are pure; any
 * thread. The caller gives enough room: see the macros. Decoding may happen in
 * place (`to` = from.ptr).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/str.h"

/* Room that the encoded, or decoded, form of `len` bytes may need. */
#define BASE64_ENCODED_MAX(len) (((len) + 2) / 3 * 4)
#define BASE64_DECODED_MAX(len) (((len) + 3) / 4 * 3)
#define HEX_ENCODED_MAX(len)    ((len)*2)
#define URL_ENCODED_MAX(len)    ((len)*3)

/* Encoders return the length written; no NUL. */

/* With padding. */
size_t base64_encode(char *to, struct str from);
/* RFC 4648 section 5, without padding. */
size_t base64_encode_url(char *to, struct str from);
/* Padding is required. False: not base64. */
bool base64_decode(char *to, size_t *len, struct str from);
/* Padding is optional. */
bool base64_decode_url(char *to, size_t *len, struct str from);

size_t hex_encode(char *to, struct str from); /* lower case */
size_t hex_encode_upper(char *to, struct str from);
/* Pairs of digits of either case. False: something else was there. */
bool hex_decode(char *to, size_t *len, struct str from);
/* Value of one digit, -1 when it is none. */
int hex_digit(char c);

enum url_part {
    URL_PATH, /* '+' stands for itself */
    URL_FORM, /* '+' stands for a blank: query strings and forms */
};

/* Escapes all but letters, digits, "-", ".", "_" and "~" (RFC 3986 section 2.3). */
size_t url_encode(char *to, struct str from);
/* Undoes %XX; the result is never longer. False: '%' without two digits. */
bool url_decode(char *to, size_t *len, struct str from, enum url_part part);
