/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A piece of text or bytes that somebody else owns: pointer and length, not
 * NUL-terminated. All functions are pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str
str_from(const char *text)
{
    return (struct str){ text, text == NULL ? 0 : strlen(text) };
}

static inline struct str
str_of(const char *ptr, size_t len)
{
    return (struct str){ ptr, len };
}

static inline bool
str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* ASCII letters compare without case. */
bool str_eq_nocase(struct str a, struct str b);
int str_compare(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Position of the first `c`, or -1. */
long str_find_char(struct str s, char c);
/* Position of the first `needle` at or after `from`, or -1. */
long str_find(struct str s, struct str needle, size_t from);
long str_find_nocase(struct str s, struct str needle, size_t from);
/* Without blanks and tabs at both ends. */
struct str str_trim(struct str s);
/* The part of `*rest` before `sep`; moves `*rest` behind it. When there is no `sep`,
 * gives all and leaves `*rest` with ptr NULL. Loop: while (rest.ptr != NULL). */
struct str str_split(struct str *rest, char sep);
struct str str_slice(struct str s, size_t from, size_t len);
/* Edit distance of two words, for "did you mean"; ends early above `limit`. */
unsigned str_distance(struct str a, struct str b, unsigned limit);
