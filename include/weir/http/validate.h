/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand in a message, for h1 and h2 alike: whatever two parsers could read differently is
 * refused here. Driven by one table of byte classes. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"

enum byte_class {
    BYTE_TOKEN = 1 << 0,     /* tchar, RFC 9110 5.6.2 */
    BYTE_UPPER = 1 << 1,     /* A-Z */
    BYTE_VALUE = 1 << 2,     /* field value: all but NUL, CR, LF */
    BYTE_TARGET = 1 << 3,    /* visible ASCII but '#' */
    BYTE_AUTHORITY = 1 << 4, /* of "user@host:port" in a target */
    BYTE_HOST = 1 << 5,      /* of "host:port" in a Host field */
    BYTE_HEX = 1 << 6,
    BYTE_DIGIT = 1 << 7,
};
extern const uint8_t byte_classes[256]; /* enum byte_class */

static inline bool
byte_is(char c, unsigned classes)
{
    return (byte_classes[(unsigned char)c] & classes) != 0;
}

/* Are all bytes of that class? True for none. */
bool validate_bytes(struct str bytes, enum byte_class class_);
/* At least one byte, all tchar. */
bool validate_token(struct str token);
/* The same, without capitals: names in h2. */
bool validate_lower_name(struct str name);
bool validate_value(struct str value);
/* Visible bytes; with `is_unsafe` also '#' and bytes above 127. */
bool validate_target(struct str target, bool is_unsafe);
/* Of a target; of a Host field (which may be empty). */
bool validate_authority(struct str authority);
bool validate_host(struct str host);

/* Content-Length, RFC 9110 8.6: digits, or a list of identical numbers. `*plain` is the number
 * without leading zeros, a part of `value`. */
bool validate_length(struct str value, uint64_t *length, struct str *plain);

enum coding_result {
    CODING_CHUNKED, /* chunked, once and last, nothing else */
    CODING_EMPTY,
    CODING_REPEATED, /* chunked more than once */
    CODING_UNKNOWN,  /* other codings, chunked last: cannot be served, but can be framed */
    CODING_BAD,      /* chunked is not last, or missing: cannot be framed */
};
/* One Transfer-Encoding value after the one that gave `before` (CODING_EMPTY at first). */
enum coding_result validate_coding(enum coding_result before, struct str value);

/* Takes the next element of a comma list, without blanks around; may be empty. Loop while rest->ptr
 * != NULL. */
struct str list_next(struct str *rest);
/* Is `lower` (in lower case) one of the elements? Case counts not. */
bool list_has(struct str list, struct str lower);
