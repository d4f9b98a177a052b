/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values and casts between the types.
 *
 * For:     samples, converters, matches, variables.
 * Thread:  any; pure but for the arena.
 *
 * One table of casts: a row for the type that is there, a column for the type that is wanted.
 */
#include "weir/expr/value.h"

#include <arpa/inet.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/os/addr.h"

typedef bool cast_fn(struct value *value, struct arena *arena);

const char *
value_type_name(enum value_type type)
{
    static const char *const names[VALUE_TYPES] = {
        [VALUE_NONE] = "none",   [VALUE_BOOL] = "bool", [VALUE_INT] = "sint",  [VALUE_IP4] = "ipv4",
        [VALUE_IP6] = "ipv6",    [VALUE_ADDR] = "addr", [VALUE_STR] = "str",   [VALUE_BIN] = "bin",
        [VALUE_METHOD] = "meth", [VALUE_ANY] = "any",   [VALUE_SAME] = "same",
    };

    return names[type];
}

bool
value_set_copy(struct value *value, enum value_type type, struct arena *arena, const char *bytes,
               size_t len)
{
    char *copy = arena_take(arena, len + 1);

    if (copy == NULL)
        return false;
    if (len > 0)
        memcpy(copy, bytes, len);
    value->type = (uint8_t)type;
    value->str = str_of(copy, len);
    return true;
}

bool
value_set_addr(struct value *value, const struct addr *addr)
{
    if (addr->family == ADDR_IPV4) {
        value->type = VALUE_IP4;
        value->ip4 = addr->ip4;
        return true;
    }
    if (addr->family != ADDR_IPV6)
        return false;
    value->type = VALUE_IP6;
    value->ip6 = addr->ip6;
    return true;
}

/* --- texts ------------------------------------------------------------------------------- */

bool
value_read_int(struct str text, int64_t *out)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    size_t at = is_negative || (text.len > 0 && text.ptr[0] == '+') ? 1 : 0;
    uint64_t limit = (uint64_t)INT64_MAX + is_negative, n = 0;

    if (text.len == 0)
        return false;
    for (; at < text.len; at++) {
        unsigned digit = (unsigned)(unsigned char)text.ptr[at] - '0';

        if (digit > 9)
            break;
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, digit, &n) ||
            n > limit) {
            n = limit;
            break;
        }
    }
    *out = is_negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

bool
value_set_addr_text(struct value *value, struct str text)
{
    size_t len = 0;
    struct addr addr;

    while (len < text.len && ((text.ptr[len] >= '0' && text.ptr[len] <= '9') || text.ptr[len] == '.'))
        len++;
    if (!addr_parse_host(str_of(text.ptr, len), &addr) && !addr_parse_host(text, &addr))
        return false;
    return value_set_addr(value, &addr);
}

/* --- casts ------------------------------------------------------------------------------- */

static bool
keep(struct value *value, struct arena *arena)
{
    (void)value;
    (void)arena;
    return true;
}

static bool
bool_to_int(struct value *value, struct arena *arena)
{
    (void)arena;
    value->type = VALUE_INT;
    return true;
}

static bool
int_to_bool(struct value *value, struct arena *arena)
{
    (void)arena;
    value_set_bool(value, value->num != 0);
    return true;
}

static bool
int_to_str(struct value *value, struct arena *arena)
{
    char digits[24];

    return value_set_copy(value, VALUE_STR, arena, digits, number_format_int(digits, value->num));
}

static bool
int_to_bin(struct value *value, struct arena *arena)
{
    uint64_t big = __builtin_bswap64((uint64_t)value->num);

    return value_set_copy(value, VALUE_BIN, arena, (const char *)&big, sizeof(big));
}

static bool
int_to_ip4(struct value *value, struct arena *arena)
{
    uint32_t host = (uint32_t)value->num;

    (void)arena;
    value->type = VALUE_IP4;
    value->ip4.s_addr = htonl(host);
    return true;
}

static bool
ip4_to_int(struct value *value, struct arena *arena)
{
    uint32_t net = value->ip4.s_addr;

    (void)arena;
    value_set_int(value, ntohl(net));
    return true;
}

static bool
ip4_to_bool(struct value *value, struct arena *arena)
{
    (void)arena;
    value_set_bool(value, value->ip4.s_addr != 0);
    return true;
}

static bool
ip4_to_ip6(struct value *value, struct arena *arena)
{
    struct in_addr ip4 = value->ip4;

    (void)arena;
    memset(&value->ip6, 0, sizeof(value->ip6));
    value->ip6.s6_addr[10] = value->ip6.s6_addr[11] = 0xff;
    memcpy(&value->ip6.s6_addr[12], &ip4, sizeof(ip4));
    value->type = VALUE_IP6;
    return true;
}

static bool
int_to_ip6(struct value *value, struct arena *arena)
{
    return int_to_ip4(value, arena) && ip4_to_ip6(value, arena);
}

static bool
ip6_to_ip4(struct value *value, struct arena *arena)
{
    struct in_addr ip4;

    (void)arena;
    if (!IN6_IS_ADDR_V4MAPPED(&value->ip6))
        return false;
    memcpy(&ip4, &value->ip6.s6_addr[12], sizeof(ip4));
    value->ip4 = ip4;
    value->type = VALUE_IP4;
    return true;
}

static bool
ip_to_str(struct value *value, struct arena *arena)
{
    bool is_4 = value->type == VALUE_IP4;
    char text[INET6_ADDRSTRLEN];

    if (inet_ntop(is_4 ? AF_INET : AF_INET6, &value->ip6, text, sizeof(text)) == NULL)
        return false;
    return value_set_copy(value, VALUE_STR, arena, text, strlen(text));
}

static bool
ip_to_bin(struct value *value, struct arena *arena)
{
    return value_set_copy(value, VALUE_BIN, arena, (const char *)&value->ip6,
                          value->type == VALUE_IP4 ? 4 : 16);
}

static bool
str_to_int(struct value *value, struct arena *arena)
{
    int64_t n;

    (void)arena;
    if (!value_read_int(value->str, &n))
        return false;
    value_set_int(value, n);
    return true;
}

static bool
str_to_bool(struct value *value, struct arena *arena)
{
    return str_to_int(value, arena) && int_to_bool(value, arena);
}

static bool
str_to_addr(struct value *value, struct arena *arena)
{
    (void)arena;
    return value_set_addr_text(value, value->str);
}

static bool
str_to_ip4(struct value *value, struct arena *arena)
{
    return str_to_addr(value, arena) && (value->type == VALUE_IP4 || ip6_to_ip4(value, arena));
}

static bool
str_to_ip6(struct value *value, struct arena *arena)
{
    return str_to_addr(value, arena) && (value->type == VALUE_IP6 || ip4_to_ip6(value, arena));
}

static bool
as_bin(struct value *value, struct arena *arena)
{
    (void)arena;
    value->type = VALUE_BIN;
    return true;
}

static bool
as_str(struct value *value, struct arena *arena)
{
    (void)arena;
    value->type = VALUE_STR;
    return true;
}

/* Text ends at a NUL: HAProxy's rule, on which patterns for binary data rely. */
static bool
bin_to_str(struct value *value, struct arena *arena)
{
    const char *nul = value->str.len == 0 ? NULL : memchr(value->str.ptr, '\0', value->str.len);

    (void)arena;
    value->type = VALUE_STR;
    if (nul != NULL)
        value->str.len = (size_t)(nul - value->str.ptr);
    return true;
}

static bool
str_to_method(struct value *value, struct arena *arena)
{
    (void)arena;
    value->type = VALUE_METHOD;
    value->num = 0;
    return true;
}

static cast_fn *const casts[VALUE_TYPES][VALUE_TYPES] = {
    [VALUE_BOOL] = { [VALUE_INT] = bool_to_int,
                     [VALUE_STR] = int_to_str,
                     [VALUE_BIN] = int_to_bin },
    [VALUE_INT] = { [VALUE_BOOL] = int_to_bool,
                    [VALUE_STR] = int_to_str,
                    [VALUE_BIN] = int_to_bin,
                    [VALUE_IP4] = int_to_ip4,
                    [VALUE_IP6] = int_to_ip6,
                    [VALUE_ADDR] = int_to_ip4 },
    [VALUE_IP4] = { [VALUE_BOOL] = ip4_to_bool,
                    [VALUE_ADDR] = keep,
                    [VALUE_IP6] = ip4_to_ip6,
                    [VALUE_INT] = ip4_to_int,
                    [VALUE_STR] = ip_to_str,
                    [VALUE_BIN] = ip_to_bin },
    [VALUE_IP6] = { [VALUE_ADDR] = keep,
                    [VALUE_IP4] = ip6_to_ip4,
                    [VALUE_STR] = ip_to_str,
                    [VALUE_BIN] = ip_to_bin },
    [VALUE_STR] = { [VALUE_BIN] = as_bin,
                    [VALUE_INT] = str_to_int,
                    [VALUE_BOOL] = str_to_bool,
                    [VALUE_ADDR] = str_to_addr,
                    [VALUE_IP4] = str_to_ip4,
                    [VALUE_IP6] = str_to_ip6,
                    [VALUE_METHOD] = str_to_method },
    [VALUE_BIN] = { [VALUE_STR] = bin_to_str, [VALUE_METHOD] = str_to_method },
    [VALUE_METHOD] = { [VALUE_STR] = as_str, [VALUE_BIN] = as_bin },
};

bool
value_cast_slow(struct value *value, enum value_type to, struct arena *arena)
{
    cast_fn *cast = casts[value->type][to];

    return cast != NULL && cast(value, arena);
}

bool
value_can_cast(enum value_type from, enum value_type to)
{
    if (from == to || from == VALUE_ANY || to == VALUE_ANY || to == VALUE_SAME)
        return true;
    if (from == VALUE_ADDR)
        return casts[VALUE_IP4][to] != NULL || casts[VALUE_IP6][to] != NULL;
    return casts[from][to] != NULL;
}
