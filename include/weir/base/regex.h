/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions: PCRE2 with its JIT. A compiled one never changes and may
 * be used by all threads at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

/* The whole match and \1 to \9. */
#define REGEX_GROUPS_MAX 10

struct regex;

enum regex_case {
    REGEX_CASE,   /* letters must be equal */
    REGEX_NOCASE, /* upper and lower case letters are equal */
};

/* --- control and builder threads ---------------------------------------- */

/* NULL and an error that shows where the pattern goes wrong. */
struct regex *regex_compile(struct str pattern, enum regex_case letters, struct error *err);
/* NULL is fine. */
void regex_free(struct regex *regex);

/* --- any thread ---------------------------------------------------------- */

bool regex_match(const struct regex *regex, struct str subject);
/* Looks for the first match at or after `from`. Returns how many groups were filled: 0 when
 * there is no match; groups[0] is the whole match. A group that took no part is STR_NONE.
 * The groups point into the subject. `groups` has REGEX_GROUPS_MAX places. */
int regex_capture(const struct regex *regex, struct str subject, size_t from, struct str *groups);
/* Writes `format` to `to`, with \0 to \9 replaced by groups, \xHH by a byte, and \ before any
 * other character by that character. Returns the length, or -1 when `size` is too small. `to` may
 * be NULL to learn the length. */
long regex_expand(char *to, size_t size, struct str format, const struct str *groups, int count);
