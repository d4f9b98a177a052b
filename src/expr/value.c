/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values and casts between the types.
 *
 * Thread: any; pure but for the arena.
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

static bool
set_str(struct value *value, struct str s)
{
    value->type = VALUE_STR;
    value->str = s;
    return true;
}

static bool
copy_text(struct value *value, struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_take(arena, len + 1);

    if (copy == NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return set_str(value, str_of(copy, len));
}

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
    value->type = VALUE_BOOL;
    value->num = value->num != 0;
    return true;
}

static bool
int_to_str(struct value *value, struct arena *arena)
{
    char digits[24];

    return copy_text(value, arena, digits, number_format_int(digits, value->num));
}

static bool
int_to_bin(struct value *value, struct arena *arena)
{
    uint64_t big = __builtin_bswap64((uint64_t)value->num);
    char *copy = arena_take(arena, sizeof(big));

    if (copy == NULL)
        return false;
    memcpy(copy, &big, sizeof(big));
    value->type = VALUE_BIN;
    value->str = str_of(copy, sizeof(big));
    return true;
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
    value->type = VALUE_INT;
    value->num = ntohl(net);
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
    char text[INET6_ADDRSTRLEN];
    int family = value->type == VALUE_IP4 ? AF_INET : AF_INET6;

    if (inet_ntop(family, value->type == VALUE_IP4 ? (void *)&value->ip4 : (void *)&value->ip6,
                  text, sizeof(text)) == NULL)
        return false;
    return copy_text(value, arena, text, strlen(text));
}

static bool
ip_to_bin(struct value *value, struct arena *arena)
{
    size_t len = value->type == VALUE_IP4 ? 4 : 16;
    char *copy = arena_take(arena, len);

    if (copy == NULL)
        return false;
    memcpy(copy, &value->ip6, len);
    value->type = VALUE_BIN;
    value->str = str_of(copy, len);
    return true;
}

static bool
str_to_int(struct value *value, struct arena *arena)
{
    int64_t n;

    (void)arena;
    if (!number_parse_int(value->str, INT64_MIN, INT64_MAX, &n, NULL))
        return false;
    value->type = VALUE_INT;
    value->num = n;
    return true;
}

static bool
str_to_bool(struct value *value, struct arena *arena)
{
    return str_to_int(value, arena) && int_to_bool(value, arena);
}

static bool
str_to_ip(struct value *value, enum value_type wanted)
{
    struct addr addr;

    if (!addr_parse_host(str_trim(value->str), &addr))
        return false;
    if (addr.family == ADDR_IPV4) {
        value->type = VALUE_IP4;
        value->ip4 = addr.ip4;
    } else {
        value->type = VALUE_IP6;
        value->ip6 = addr.ip6;
    }
    return wanted == VALUE_ADDR || value->type == wanted;
}

static bool
str_to_addr(struct value *value, struct arena *arena)
{
    (void)arena;
    return str_to_ip(value, VALUE_ADDR);
}

static bool
str_to_ip4(struct value *value, struct arena *arena)
{
    return str_to_ip(value, VALUE_ADDR) && (value->type == VALUE_IP4 || ip6_to_ip4(value, arena));
}

static bool
str_to_ip6(struct value *value, struct arena *arena)
{
    return str_to_ip(value, VALUE_ADDR) && (value->type == VALUE_IP6 || ip4_to_ip6(value, arena));
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

/* Binary data as text is hexadecimal where people read it; as in HAProxy the cast keeps the bytes.
 */
static bool
str_to_method(struct value *value, struct arena *arena)
{
    (void)arena;
    value->type = VALUE_METHOD;
    value->num = 0;
    return true;
}

/* Methods carry their text always. */
static cast_fn *const casts[VALUE_TYPES][VALUE_TYPES] = {
    [VALUE_BOOL] = { [VALUE_BOOL] = keep,
                     [VALUE_INT] = bool_to_int,
                     [VALUE_STR] = int_to_str,
                     [VALUE_BIN] = int_to_bin,
                     [VALUE_ANY] = keep },
    [VALUE_INT] = { [VALUE_BOOL] = int_to_bool,
                    [VALUE_INT] = keep,
                    [VALUE_STR] = int_to_str,
                    [VALUE_BIN] = int_to_bin,
                    [VALUE_IP4] = int_to_ip4,
                    [VALUE_ADDR] = int_to_ip4,
                    [VALUE_ANY] = keep },
    [VALUE_IP4] = { [VALUE_IP4] = keep,
                    [VALUE_ADDR] = keep,
                    [VALUE_IP6] = ip4_to_ip6,
                    [VALUE_INT] = ip4_to_int,
                    [VALUE_STR] = ip_to_str,
                    [VALUE_BIN] = ip_to_bin,
                    [VALUE_ANY] = keep },
    [VALUE_IP6] = { [VALUE_IP6] = keep,
                    [VALUE_ADDR] = keep,
                    [VALUE_IP4] = ip6_to_ip4,
                    [VALUE_STR] = ip_to_str,
                    [VALUE_BIN] = ip_to_bin,
                    [VALUE_ANY] = keep },
    [VALUE_STR] = { [VALUE_STR] = keep,
                    [VALUE_BIN] = as_bin,
                    [VALUE_INT] = str_to_int,
                    [VALUE_BOOL] = str_to_bool,
                    [VALUE_ADDR] = str_to_addr,
                    [VALUE_IP4] = str_to_ip4,
                    [VALUE_IP6] = str_to_ip6,
                    [VALUE_METHOD] = str_to_method,
                    [VALUE_ANY] = keep },
    [VALUE_BIN] = { [VALUE_BIN] = keep,
                    [VALUE_STR] = as_str,
                    [VALUE_METHOD] = str_to_method,
                    [VALUE_ANY] = keep },
    [VALUE_METHOD] = { [VALUE_METHOD] = keep,
                       [VALUE_STR] = as_str,
                       [VALUE_BIN] = as_bin,
                       [VALUE_ANY] = keep },
};

bool
value_cast(struct value *value, enum value_type to, struct arena *arena)
{
    cast_fn *cast;

    if (value->type == to || to == VALUE_SAME)
        return true;
    cast = casts[value->type][to];
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
