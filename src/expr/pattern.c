/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pattern: read as written, and matched against a value.
 *
 * Thread: builder reads; any matches. Pure but for the arena and regexes.
 */
#include "pattern.h"

#include <arpa/inet.h>
#include <string.h>

#include "weir/base/encode.h"
#include "weir/base/number.h"
#include "weir/os/addr.h"

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* --- reading ------------------------------------------------------------------------------- */

int
compare_find(const char *word)
{
    static const char *const words[] = { "eq", "ge", "gt", "le", "lt" };

    for (int i = 0; i < 5; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

/* "5", "1:10", "1024:", ":10" */
static bool
parse_range(struct pattern *pattern, struct str text, struct error *err)
{
    struct str rest = text, low = str_split(&rest, ':'), high = rest.ptr == NULL ? low : rest;
    struct error why = ERROR_INIT;

    pattern->range.low = INT64_MIN;
    pattern->range.high = INT64_MAX;
    if ((low.len > 0 &&
         !number_parse_int(low, INT64_MIN, INT64_MAX, &pattern->range.low, &why)) ||
        (high.len > 0 &&
         !number_parse_int(high, INT64_MIN, INT64_MAX, &pattern->range.high, &why)))
        return error_set(err, "'%.*s' is not a number, nor a range of numbers (low:high): %s",
                         STR_ARG(text), why.text);
    if (low.len == 0 && high.len == 0)
        return error_set(err, "a range has at least one end");
    return pattern->range.low <= pattern->range.high ||
           error_set(err, "the range '%.*s' ends before it begins", STR_ARG(text));
}

/* "ge 5" is the range "5:". */
static bool
parse_number(struct pattern *pattern, enum compare compare, struct str text, struct error *err)
{
    int64_t n;

    if (compare == COMPARE_EQ)
        return parse_range(pattern, text, err);
    if (!number_parse_int(text, INT64_MIN + 1, INT64_MAX - 1, &n, err))
        return false;
    pattern->range.low = compare == COMPARE_GE   ? n
                         : compare == COMPARE_GT ? n + 1
                                                 : INT64_MIN;
    pattern->range.high = compare == COMPARE_LE   ? n
                          : compare == COMPARE_LT ? n - 1
                                                  : INT64_MAX;
    return true;
}

/* "10.12" is 10.0.0.12: octets in the middle may be left out when they are zero. */
static bool
parse_ip4(struct str text, uint8_t *bytes)
{
    struct str rest = text;
    uint64_t octets[4];
    unsigned count = 0;

    while (rest.ptr != NULL) {
        struct str octet = str_split(&rest, '.');

        if (count == 4 || octet.len > 3 || !number_read_digits(octet, &octets[count]) ||
            octets[count] > 255)
            return false;
        count++;
    }
    if (count < 2)
        return false;
    memset(bytes, 0, 4);
    for (unsigned i = 0; i < count; i++)
        bytes[i == count - 1 ? 3 : i] = (uint8_t)octets[i];
    return true;
}

/* A number of bits, or for IPv4 a mask in dotted form. */
static bool
parse_bits(struct str text, struct network *net)
{
    int64_t bits;
    uint8_t mask[4];
    uint32_t word;

    if (number_parse_int(text, 0, net->is_4 ? 32 : 128, &bits, NULL)) {
        net->bits = (uint8_t)bits;
        return true;
    }
    if (!net->is_4 || !parse_ip4(text, mask))
        return false;
    memcpy(&word, mask, sizeof(word));
    word = ntohl(word);
    net->bits = (uint8_t)__builtin_popcount(word);
    return net->bits == 32 || word << net->bits == 0;
}

static void
clear_host_bits(struct network *net)
{
    unsigned size = net->is_4 ? 4 : 16, at = net->bits / 8;

    if (net->bits % 8 != 0)
        net->bytes[at++] &= (uint8_t)(0xff << (8 - net->bits % 8));
    if (at < size)
        memset(net->bytes + at, 0, size - at);
}

static bool
parse_network(struct pattern *pattern, struct str text, struct error *err)
{
    struct network *net = &pattern->net;
    struct str rest = text, host = str_split(&rest, '/');
    struct addr addr;

    memset(net, 0, sizeof(*net));
    net->is_4 = parse_ip4(host, net->bytes);
    if (!net->is_4) {
        if (!addr_parse_host(host, &addr) || addr.family != ADDR_IPV6)
            return error_set(err, "'%.*s' is not an IPv4 or IPv6 address or network",
                             STR_ARG(text));
        memcpy(net->bytes, &addr.ip6, 16);
    }
    net->bits = net->is_4 ? 32 : 128;
    if (rest.ptr != NULL && !parse_bits(rest, net))
        return error_set(err, "'%.*s': the mask has 0 to %d bits", STR_ARG(text),
                         net->is_4 ? 32 : 128);
    clear_host_bits(net);
    return true;
}

static bool
parse_bytes(struct pattern *pattern, struct str text, struct arena *arena, struct error *err)
{
    char *bytes = arena_zero(arena, text.len / 2 + 1);
    size_t len;

    if (!hex_decode(bytes, &len, text))
        return error_set(err, "'%.*s' is not pairs of hexadecimal digits", STR_ARG(text));
    pattern->str = str_of(bytes, len);
    return true;
}

static void
set_text(struct pattern *pattern, struct str text, bool no_case, struct arena *arena)
{
    pattern->str = text;
    if (!no_case)
        return;
    char *lower = arena_copy_str(arena, text);

    for (size_t i = 0; i < text.len; i++)
        lower[i] = (char)(lower[i] >= 'A' && lower[i] <= 'Z' ? lower[i] + 32 : lower[i]);
    pattern->str.ptr = lower;
}

/* Delimiters around the pattern do not count. */
static void
set_part(struct pattern *pattern, struct str text, const char *delimiters, bool no_case,
         struct arena *arena)
{
    while (text.len > 0 && is_one_of(text.ptr[0], delimiters))
        text = str_slice(text, 1, text.len);
    while (text.len > 0 && is_one_of(text.ptr[text.len - 1], delimiters))
        text.len--;
    set_text(pattern, text, no_case, arena);
}

bool
pattern_parse(struct pattern *pattern, enum match_method method, bool no_case,
              enum compare compare, struct str text, struct arena *arena, struct error *err)
{
    switch (method) {
    case MATCH_INT:
    case MATCH_LEN:
        return parse_number(pattern, compare, text, err);
    case MATCH_IP:
        return parse_network(pattern, text, err);
    case MATCH_BIN:
        return parse_bytes(pattern, text, arena, err);
    case MATCH_REG:
        pattern->regex = regex_compile(text, no_case ? REGEX_NOCASE : REGEX_CASE, err);
        return pattern->regex != NULL;
    case MATCH_DIR:
        set_part(pattern, text, match_method_delimiters(method), no_case, arena);
        return true;
    case MATCH_DOM:
        set_part(pattern, text, match_method_delimiters(method), no_case, arena);
        return true;
    case MATCH_STR:
    case MATCH_BEG:
    case MATCH_END:
    case MATCH_SUB:
        set_text(pattern, text, no_case, arena);
        return true;
    case MATCH_FOUND:
    case MATCH_BOOL:
    case MATCH_METHODS:
        break;
    }
    return true; /* takes no patterns; HAProxy ignores them */
}

/* --- networks -------------------------------------------------------------------------------- */

void
network_of_value(struct network *net, const struct value *value)
{
    net->is_4 = value->type == VALUE_IP4;
    net->bits = net->is_4 ? 32 : 128;
    memcpy(net->bytes, &value->ip6, net->is_4 ? 4 : 16);
}

bool
network_find_ip4(const struct network *from, struct network *to)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, compatible[12];
    unsigned at = 12;

    if (from->is_4)
        return false;
    if (from->bytes[0] == 0x20 && from->bytes[1] == 0x02)
        at = 2;
    else if (memcmp(from->bytes, mapped, 12) != 0 && memcmp(from->bytes, compatible, 12) != 0)
        return false;
    memcpy(to->bytes, from->bytes + at, 4);
    to->is_4 = true;
    to->bits = 32;
    return true;
}

static bool
has_prefix(const uint8_t *bytes, const struct network *net)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;

    if (memcmp(bytes, net->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0;
}

bool
network_holds(const struct network *net, const struct network *addr)
{
    struct network other;

    if (net->is_4 == addr->is_4)
        return has_prefix(addr->bytes, net);
    if (net->is_4)
        return network_find_ip4(addr, &other) && has_prefix(other.bytes, net);
    memset(other.bytes, 0, 10);
    other.bytes[10] = other.bytes[11] = 0xff;
    memcpy(other.bytes + 12, addr->bytes, 4);
    return has_prefix(other.bytes, net);
}

/* --- matching ---------------------------------------------------------------------------------- */

static bool
is_same(struct str a, struct str pattern, bool no_case)
{
    return no_case ? str_eq_nocase(a, pattern) : str_eq(a, pattern);
}

static long
find_in(struct str s, struct str pattern, size_t from, bool no_case)
{
    return no_case ? str_find_nocase(s, pattern, from) : str_find(s, pattern, from);
}

/* The pattern stands between two delimiters, or at an end. */
static bool
match_part(struct str s, struct str pattern, const char *delimiters, bool no_case)
{
    long at = 0;

    if (pattern.len == 0)
        return false;
    while ((at = find_in(s, pattern, (size_t)at, no_case)) >= 0) {
        size_t end = (size_t)at + pattern.len;

        if ((at == 0 || is_one_of(s.ptr[at - 1], delimiters)) &&
            (end == s.len || is_one_of(s.ptr[end], delimiters)))
            return true;
        at++;
    }
    return false;
}

static bool
match_network(const struct pattern *pattern, const struct value *value)
{
    struct network addr;

    network_of_value(&addr, value);
    return network_holds(&pattern->net, &addr);
}

static bool
is_in_range(const struct pattern *pattern, int64_t n)
{
    return n >= pattern->range.low && n <= pattern->range.high;
}

bool
pattern_match(const struct pattern *pattern, enum match_method method, bool no_case,
              const struct value *value)
{
    struct str s = value->str, p = pattern->str;

    switch (method) {
    case MATCH_INT:
        return is_in_range(pattern, value->num);
    case MATCH_LEN:
        return is_in_range(pattern, (int64_t)s.len);
    case MATCH_IP:
        return match_network(pattern, value);
    case MATCH_BIN:
        return str_eq(s, p);
    case MATCH_STR:
        return is_same(s, p, no_case);
    case MATCH_BEG:
        return s.len >= p.len && is_same(str_of(s.ptr, p.len), p, no_case);
    case MATCH_END:
        return s.len >= p.len && is_same(str_of(s.ptr + s.len - p.len, p.len), p, no_case);
    case MATCH_SUB:
        return find_in(s, p, 0, no_case) >= 0;
    case MATCH_DIR:
        return match_part(s, p, match_method_delimiters(method), no_case);
    case MATCH_DOM:
        return match_part(s, p, match_method_delimiters(method), no_case);
    case MATCH_REG:
        return regex_match(pattern->regex, s);
    case MATCH_FOUND:
        return true;
    case MATCH_BOOL:
        return value->num != 0;
    case MATCH_METHODS:
        break;
    }
    return false;
}
