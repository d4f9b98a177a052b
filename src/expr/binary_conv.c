/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converters of bytes and addresses: bytes, htonl, ipmask, has_ctl.
 *
 * Thread: traffic, inside an expression.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* --- bytes ---------------------------------------------------------------- */

/* What is outside gives nothing, which is not an error. */
static bool
run_bytes(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    int64_t from, len = INT64_MAX;

    (void)conv;
    if (!arg_find_int(&args[0], eval, &from) ||
        (arg_is_given(&args[1]) && !arg_find_int(&args[1], eval, &len)))
        return false;
    if (from < 0 || len < 0 || (uint64_t)from >= value->str.len)
        value->str = STR("");
    else
        value->str = str_slice(value->str, (size_t)from, (size_t)len);
    return true;
}

static bool
run_htonl(struct eval *eval, const struct converter *conv, const struct arg *args,
          struct value *value)
{
    uint32_t big = htonl((uint32_t)value->num);

    (void)conv;
    (void)args;
    return value_set_copy(value, VALUE_BIN, eval->arena, (const char *)&big, sizeof(big));
}

/* --- ipmask --------------------------------------------------------------- */

/* An IPv6 address without a mask for it is no value; one that holds an IPv4 address counts as
 * that. */
static bool
run_ipmask(struct eval *eval, const struct converter *conv, const struct arg *args,
           struct value *value)
{
    const uint8_t *mask = args[1].addr.ip6.s6_addr;

    (void)conv;
    if (value->type == VALUE_IP6 && IN6_IS_ADDR_V4MAPPED(&value->ip6) &&
        !value_cast(value, VALUE_IP4, eval->arena))
        return false;
    if (value->type == VALUE_IP4) {
        value->ip4.s_addr &= args[0].addr.ip4.s_addr;
        return true;
    }
    for (unsigned i = 0; i < 16; i++)
        value->ip6.s6_addr[i] &= mask[i];
    return arg_is_given(&args[1]);
}

/* --- has_ctl -------------------------------------------------------------- */

#define DEL_BIT (INT64_C(1) << 32)

static bool
run_has_ctl(struct eval *eval, const struct converter *conv, const struct arg *args,
            struct value *value)
{
    int64_t mask = args[0].num;
    bool found = false;

    (void)eval;
    (void)conv;
    for (size_t i = 0; i < value->str.len && !found; i++) {
        unsigned char c = (unsigned char)value->str.ptr[i];

        found = c < 32 ? (mask >> c & 1) != 0 : c == 127 && (mask & DEL_BIT) != 0;
    }
    value_set_bool(value, found);
    return true;
}

/* A number of 33 bits, "any", or "http": NUL, CR and LF. */
static bool
check_has_ctl(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    struct str word = args[0].str;
    char *end;

    (void)parse;
    args[0].num = (DEL_BIT | 0xffffffff) & ~(INT64_C(1) << '\t');
    if (count == 0 || !arg_is_given(&args[0]))
        return true;
    if (str_eq(word, STR("any"))) {
        args[0].num = DEL_BIT | 0xffffffff;
        return true;
    }
    if (str_eq(word, STR("http"))) {
        args[0].num = 1 | 1 << '\r' | 1 << '\n';
        return true;
    }
    args[0].num = (int64_t)strtoull(word.ptr, &end, 0);
    return (*end == '\0' && args[0].num > 0 && args[0].num < 2 * DEL_BIT) ||
           error_set(err, "'%s' is not 'any', 'http', nor a mask of 33 bits", word.ptr);
}

static const struct converter converters[] = {
    { "bytes", VALUE_BIN, VALUE_BIN, { { ARG_INT_OR_VAR }, { ARG_INT_OR_VAR, true } }, run_bytes,
      .help = "Some of the bytes: offset, length." },
    { "htonl", VALUE_INT, VALUE_BIN, { { 0 } }, run_htonl,
      .help = "The low 32 bits as four bytes, most significant first." },
    { "ipmask", VALUE_ADDR, VALUE_ADDR, { { ARG_MASK4 }, { ARG_MASK6, true } }, run_ipmask,
      .help = "The network of an address: bits of IPv4, and of IPv6." },
    { "has_ctl", VALUE_BIN, VALUE_BOOL, { { ARG_STR, true } }, run_has_ctl, 0, check_has_ctl,
      "Are there control characters (but TAB), or those of a mask?" },
};
REGISTER(converter, converters);
