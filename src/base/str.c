/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compare, search, trim and split pieces of text that somebody else owns.
 *
 * For:     everything that reads what users or peers wrote.
 * Owns:    nothing.
 * Callers: everybody.
 * Thread:  any; all functions are pure. Letters are ASCII letters: the locale
 *          plays no part, because protocols know none.
 */
#include "weir/base/str.h"

#include <strings.h>

/* Words longer than this have no useful neighbour to suggest. */
#define DISTANCE_WORD_MAX 64

static inline unsigned char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : (unsigned char)c;
}

static bool
same_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

bool
str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && same_nocase(a.ptr, b.ptr, a.len);
}

int
str_compare(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int diff = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);

    if (diff != 0)
        return diff;
    return (a.len > b.len) - (a.len < b.len);
}

bool
str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_of(s.ptr, prefix.len), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
    if (s.len < suffix.len)
        return false;
    return suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

long
str_find_char(struct str s, char c)
{
    const char *at = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

    return at == NULL ? -1 : at - s.ptr;
}

long
str_find(struct str s, struct str needle, size_t from)
{
    const char *at;

    if (from > s.len || s.len - from < needle.len)
        return -1;
    if (needle.len == 0)
        return (long)from;
    at = memmem(s.ptr + from, s.len - from, needle.ptr, needle.len);
    return at == NULL ? -1 : at - s.ptr;
}

long
str_find_nocase(struct str s, struct str needle, size_t from)
{
    if (needle.len > s.len)
        return -1;
    for (size_t i = from; i <= s.len - needle.len; i++) {
        if (same_nocase(s.ptr + i, needle.ptr, needle.len))
            return (long)i;
    }
    return -1;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str
str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct str
str_split(struct str *rest, char sep)
{
    struct str part = *rest;
    long at = str_find_char(*rest, sep);

    if (at == -1) {
        *rest = STR_NONE;
        return part;
    }
    part.len = (size_t)at;
    rest->ptr += at + 1;
    rest->len -= (size_t)at + 1;
    return part;
}

struct str
str_slice(struct str s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return str_of(s.ptr == NULL ? NULL : s.ptr + from, len);
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Three rows of the table of Damerau and Levenshtein: the row above gives insertions and
 * deletions, the one above that gives two neighbours that changed places. */
unsigned
str_distance(struct str a, struct str b, unsigned limit)
{
    unsigned rows[3][DISTANCE_WORD_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    if (a.len > DISTANCE_WORD_MAX || b.len > DISTANCE_WORD_MAX)
        return limit + 1;
    for (unsigned j = 0; j <= b.len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned least = row[0] = (unsigned)i;
        unsigned *spare = before;

        for (size_t j = 1; j <= b.len; j++) {
            unsigned cost = a.ptr[i - 1] != b.ptr[j - 1];

            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
            if (row[j] < least)
                least = row[j];
        }
        if (least > limit)
            return limit + 1;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.len];
}
