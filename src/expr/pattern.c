/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of patterns and the methods to match a value against them.
 *
 * For:     ACLs. Owns: nothing (all in the snapshot's arena, but regexes and the hash table, see
 * below). Thread:  builder makes; traffic matches.
 *
 * Exact strings are hashed once there are a few; the other methods walk an array.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/encode.h"
#include "weir/base/hash.h"
#include "weir/base/number.h"
#include "weir/base/regex.h"
#include "weir/os/addr.h"
#include "weir/os/file.h"
#include "private.h"

#define HASH_FROM   8   /* exact strings from which a table pays */
#define NO_CASE_MAX 256 /* longest string that is lowered for the table */

struct range {
    int64_t low, high;
};
struct network {
    struct addr addr;
    uint8_t bits;
};

struct pattern {
    struct pattern *next; /* in a bucket of the hash table */
    struct str str;
    union {
        struct range range;
        struct network net;
        const struct regex *regex;
    };
};

struct pattern_list {
    enum match_method method;
    bool no_case;
    struct pattern **items; /* arena; grows by doubling */
    unsigned count, cap;
    struct pattern **buckets; /* arena; NULL: not hashed */
    uint32_t mask;
};

/* --- methods -------------------------------------------------------------------------- */

static const char *const method_names[MATCH_METHODS] = {
    [MATCH_FOUND] = "found", [MATCH_BOOL] = "bool", [MATCH_INT] = "int", [MATCH_IP] = "ip",
    [MATCH_BIN] = "bin",     [MATCH_LEN] = "len",   [MATCH_STR] = "str", [MATCH_BEG] = "beg",
    [MATCH_SUB] = "sub",     [MATCH_DIR] = "dir",   [MATCH_DOM] = "dom", [MATCH_END] = "end",
    [MATCH_REG] = "reg",
};

int
match_method_find(struct str name)
{
    for (int i = 0; i < MATCH_METHODS; i++) {
        if (str_eq(str_from(method_names[i]), name))
            return i;
    }
    return -1;
}

const char *
match_method_name(enum match_method method)
{
    return method_names[method];
}

enum value_type
match_method_type(enum match_method method, enum value_type natural)
{
    switch (method) {
    case MATCH_FOUND:
        return natural;
    case MATCH_BOOL:
        return VALUE_BOOL;
    case MATCH_INT:
        return VALUE_INT;
    case MATCH_IP:
        return VALUE_ADDR;
    case MATCH_BIN:
        return VALUE_BIN;
    case MATCH_LEN:
    case MATCH_STR:
    case MATCH_BEG:
    case MATCH_SUB:
    case MATCH_DIR:
    case MATCH_DOM:
    case MATCH_END:
    case MATCH_REG:
    case MATCH_METHODS:
        break;
    }
    return VALUE_STR;
}

/* --- building ----------------------------------------------------------------------------- */

struct pattern_list *
pattern_list_new(struct parse *parse, enum match_method method, bool no_case)
{
    struct pattern_list *list = ARENA_NEW(parse->arena, struct pattern_list);

    list->method = method;
    list->no_case = no_case;
    return list;
}

static struct pattern *
append(struct parse *parse, struct pattern_list *list)
{
    struct pattern *pattern = ARENA_NEW(parse->arena, struct pattern);

    if (list->count == list->cap) {
        unsigned cap = list->cap == 0 ? 4 : list->cap * 2;
        struct pattern **items = ARENA_ARRAY(parse->arena, struct pattern *, cap);

        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->cap = cap;
    }
    list->items[list->count++] = pattern;
    return pattern;
}

static const char *
lower_copy(struct parse *parse, const char *text)
{
    char *copy = arena_copy(parse->arena, text);

    for (char *c = copy; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

/* "5", "1:10", "1024:", ":10" */
static bool
set_range(struct parse *parse, struct pattern *pattern, const char *text)
{
    struct str rest = str_from(text), low, high;
    struct error err = ERROR_INIT;

    low = str_split(&rest, ':');
    high = rest.ptr == NULL ? low : rest;
    pattern->range = (struct range){ INT64_MIN, INT64_MAX };
    if ((low.len > 0 && !number_parse_int(low, INT64_MIN, INT64_MAX, &pattern->range.low, &err)) ||
        (high.len > 0 && !number_parse_int(high, INT64_MIN, INT64_MAX, &pattern->range.high, &err)))
        return parse_alert(parse, "'%s' is not a number or a range of numbers: %s", text, err.text);
    return true;
}

static bool
set_network(struct parse *parse, struct pattern *pattern, const char *text)
{
    struct str rest = str_from(text), host = str_split(&rest, '/');
    int64_t bits;
    int max;

    if (!addr_parse_host(host, &pattern->net.addr))
        return parse_alert(parse, "'%s' is not an address or a network", text);
    max = pattern->net.addr.family == ADDR_IPV4 ? 32 : 128;
    bits = max;
    if (rest.ptr != NULL && !number_parse_int(rest, 0, max, &bits, NULL)) {
        struct addr mask;

        if (!addr_parse_host(rest, &mask) || mask.family != ADDR_IPV4)
            return parse_alert(parse, "'%s': the mask has 0 to %d bits", text, max);
        bits = __builtin_popcount(mask.ip4.s_addr);
    }
    pattern->net.bits = (uint8_t)bits;
    return true;
}

static bool
set_regex(struct parse *parse, struct pattern_list *list, struct pattern *pattern, const char *text)
{
    struct error err = ERROR_INIT;

    pattern->regex = regex_compile(str_from(text), list->no_case ? REGEX_NOCASE : REGEX_CASE, &err);
    return pattern->regex != NULL ||
           parse_alert(parse, "regular expression '%s': %s", text, err.text);
}

static bool
set_bytes(struct parse *parse, struct pattern *pattern, const char *text)
{
    size_t len = strlen(text);
    char *bytes = arena_zero(parse->arena, len / 2 + 1);

    if (!hex_decode(bytes, &len, str_from(text)))
        return parse_alert(parse, "'%s' is not hexadecimal", text);
    pattern->str = str_of(bytes, len);
    return true;
}

bool
pattern_list_add(struct parse *parse, struct pattern_list *list, const char *text)
{
    struct pattern *pattern = append(parse, list);

    switch (list->method) {
    case MATCH_FOUND:
    case MATCH_BOOL:
        return parse_alert(parse, "'%s': the method '%s' takes no values", text,
                           method_names[list->method]);
    case MATCH_INT:
    case MATCH_LEN:
        return set_range(parse, pattern, text);
    case MATCH_IP:
        return set_network(parse, pattern, text);
    case MATCH_REG:
        return set_regex(parse, list, pattern, text);
    case MATCH_BIN:
        return set_bytes(parse, pattern, text);
    case MATCH_STR:
    case MATCH_BEG:
    case MATCH_SUB:
    case MATCH_DIR:
    case MATCH_DOM:
    case MATCH_END:
    case MATCH_METHODS:
        break;
    }
    pattern->str =
        str_from(list->no_case ? lower_copy(parse, text) : arena_copy(parse->arena, text));
    return true;
}

bool
pattern_list_add_file(struct parse *parse, struct pattern_list *list, const char *path)
{
    struct error err = ERROR_INIT;
    char *content = file_read(path, NULL, &err);
    struct str rest;
    bool fine = true;

    if (content == NULL)
        return parse_alert(parse, "%s", err.text);
    for (rest = str_from(content); rest.ptr != NULL && fine;) {
        struct str line = str_split(&rest, '\n');

        line = str_trim(line);
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        fine = pattern_list_add(parse, list, arena_copy_str(parse->arena, line));
    }
    alloc_free(content);
    return fine;
}

static uint64_t
hash_of(struct str s)
{
    return hash_xxh3(s, 0);
}

/* The table is in the arena, like everything else of the list. */
static void
make_table(struct parse *parse, struct pattern_list *list)
{
    uint32_t size = 16;

    while (size < list->count * 2)
        size *= 2;
    list->buckets = ARENA_ARRAY(parse->arena, struct pattern *, size);
    list->mask = size - 1;
    for (unsigned i = 0; i < list->count; i++) {
        struct pattern **bucket = &list->buckets[hash_of(list->items[i]->str) & list->mask];

        list->items[i]->next = *bucket;
        *bucket = list->items[i];
    }
}

void
pattern_list_compile(struct parse *parse, struct pattern_list *list)
{
    if ((list->method != MATCH_STR && list->method != MATCH_BIN) || list->count < HASH_FROM)
        return;
    for (unsigned i = 0; list->no_case && i < list->count; i++) {
        if (list->items[i]->str.len > NO_CASE_MAX)
            return;
    }
    make_table(parse, list);
}

unsigned
pattern_list_count(const struct pattern_list *list)
{
    return list->count;
}

/* --- matching --------------------------------------------------------------------------------- */

static bool
is_same(const struct pattern_list *list, struct str a, struct str pattern)
{
    return list->no_case ? str_eq_nocase(a, pattern) : str_eq(a, pattern);
}

static bool
match_sub(const struct pattern_list *list, struct str s, struct str pattern)
{
    return (list->no_case ? str_find_nocase(s, pattern, 0) : str_find(s, pattern, 0)) >= 0;
}

/* The pattern stands between two delimiters, or at an end. */
static bool
match_word(const struct pattern_list *list, struct str s, struct str pattern,
           const char *delimiters)
{
    long at = 0;

    while (pattern.len > 0 && strchr(delimiters, pattern.ptr[0]) != NULL)
        pattern = str_of(pattern.ptr + 1, pattern.len - 1);
    while (pattern.len > 0 && strchr(delimiters, pattern.ptr[pattern.len - 1]) != NULL)
        pattern.len--;
    if (pattern.len == 0)
        return false;
    for (;; at++) {
        size_t end;

        at = list->no_case ? str_find_nocase(s, pattern, (size_t)at)
                           : str_find(s, pattern, (size_t)at);
        if (at < 0)
            return false;
        end = (size_t)at + pattern.len;
        if ((at == 0 || strchr(delimiters, s.ptr[at - 1]) != NULL) &&
            (end == s.len || strchr(delimiters, s.ptr[end]) != NULL))
            return true;
    }
}

static bool
match_network(const struct network *net, const struct value *value)
{
    const uint8_t *a, *b;
    unsigned bits = net->bits;
    struct in6_addr mapped;

    if (value->type == VALUE_IP4 && net->addr.family == ADDR_IPV4) {
        a = (const uint8_t *)&value->ip4;
        b = (const uint8_t *)&net->addr.ip4;
    } else if (value->type == VALUE_IP6 && net->addr.family == ADDR_IPV6) {
        a = (const uint8_t *)&value->ip6;
        b = (const uint8_t *)&net->addr.ip6;
    } else if (value->type == VALUE_IP6 && IN6_IS_ADDR_V4MAPPED(&value->ip6)) {
        a = (const uint8_t *)&value->ip6 + 12;
        b = (const uint8_t *)&net->addr.ip4;
    } else if (value->type == VALUE_IP4) {
        memset(&mapped, 0, sizeof(mapped));
        mapped.s6_addr[10] = mapped.s6_addr[11] = 0xff;
        memcpy(&mapped.s6_addr[12], &value->ip4, 4);
        a = (const uint8_t *)&mapped;
        b = (const uint8_t *)&net->addr.ip6;
    } else {
        return false;
    }
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool
match_one(const struct pattern_list *list, const struct pattern *pattern, const struct value *value)
{
    struct str s = value->str, p = pattern->str;

    switch (list->method) {
    case MATCH_INT:
        return value->num >= pattern->range.low && value->num <= pattern->range.high;
    case MATCH_LEN:
        return (int64_t)s.len >= pattern->range.low && (int64_t)s.len <= pattern->range.high;
    case MATCH_IP:
        return match_network(&pattern->net, value);
    case MATCH_BIN:
        return str_eq(s, p);
    case MATCH_STR:
        return is_same(list, s, p);
    case MATCH_BEG:
        return s.len >= p.len && is_same(list, str_of(s.ptr, p.len), p);
    case MATCH_END:
        return s.len >= p.len && is_same(list, str_of(s.ptr + s.len - p.len, p.len), p);
    case MATCH_SUB:
        return match_sub(list, s, p);
    case MATCH_DIR:
        return match_word(list, s, p, "/?");
    case MATCH_DOM:
        return match_word(list, s, p, "/?.:");
    case MATCH_REG:
        return regex_match(pattern->regex, s);
    case MATCH_FOUND:
    case MATCH_BOOL:
    case MATCH_METHODS:
        break;
    }
    return false;
}

static bool
match_hashed(const struct pattern_list *list, struct str s)
{
    char lower[NO_CASE_MAX];

    if (list->no_case) {
        if (s.len > sizeof(lower))
            return false; /* longer than any pattern that a table is made for */
        for (size_t i = 0; i < s.len; i++)
            lower[i] = (char)tolower((unsigned char)s.ptr[i]);
        s.ptr = lower;
    }
    for (const struct pattern *p = list->buckets[hash_of(s) & list->mask]; p != NULL; p = p->next) {
        if (str_eq(p->str, s))
            return true;
    }
    return false;
}

bool
pattern_list_match(const struct pattern_list *list, const struct value *value)
{
    if (list->method == MATCH_FOUND)
        return true;
    if (list->method == MATCH_BOOL)
        return value->num != 0;
    if (list->buckets != NULL)
        return match_hashed(list, value->str);
    for (unsigned i = 0; i < list->count; i++) {
        if (match_one(list, list->items[i], value))
            return true;
    }
    return false;
}
