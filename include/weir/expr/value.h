/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values that samples produce, and casts between the types. Bytes are borrowed: from the
 * message, the configuration, or the evaluation's arena. Pure; any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/base/str.h"
#include "weir/os/addr.h"

enum value_type {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT, /* 64 bit signed ("sint") */
    VALUE_IP4,
    VALUE_IP6,
    VALUE_ADDR, /* only as a declared type: IP4 or IP6 */
    VALUE_STR,
    VALUE_BIN,
    VALUE_METHOD, /* str: the method's text; num: enum http_method of room http */
    VALUE_ANY,    /* only as a declared type */
    VALUE_SAME,   /* only as a converter's declared output */
    VALUE_TYPES,
};

enum value_flag {
    VALUE_MORE = 1 << 0,       /* the fetch may have further values (several header fields): call it
                                  again with the same struct */
    VALUE_CONST = 1 << 1,      /* the bytes must not be changed in place */
    VALUE_MAY_CHANGE = 1 << 2, /* bytes that still come may change it: a condition that it does not
                                  meet waits */
};

/* In value.cursor before a fetch is run: give one value only, the last where there are several (as
 * people mean it outside of conditions). */
#define VALUE_SINGLE UINT64_MAX

struct value {
    uint8_t type;    /* enum value_type */
    uint8_t flags;   /* enum value_flag */
    uint64_t cursor; /* where a fetch with several values stands: 0 at first, else its own */
    union {
        int64_t num; /* BOOL (0/1), INT, METHOD */
        struct in_addr ip4;
        struct in6_addr ip6;
    };
    struct str str; /* STR, BIN, METHOD */
};

const char *value_type_name(enum value_type type); /* "sint", "str", ... as in HAProxy */
/* Is there a cast at all? For checks when an expression is compiled. */
bool value_can_cast(enum value_type from, enum value_type to);
/* What value_cast() does when the type is another one. */
bool value_cast_slow(struct value *value, enum value_type to, struct arena *arena);
/* Casts in place; new bytes come from `arena`. False: impossible (no value), as HAProxy's casts. */
static inline bool
value_cast(struct value *value, enum value_type to, struct arena *arena)
{
    return value->type == to || to == VALUE_ANY || to == VALUE_SAME ||
           value_cast_slow(value, to, arena);
}

/* Has it bytes (str)? */
static inline bool
value_has_bytes(const struct value *value)
{
    return value->type == VALUE_STR || value->type == VALUE_BIN || value->type == VALUE_METHOD;
}

/* --- giving a value: type and content; flags and cursor stay ------------------------------- */

static inline void
value_set_bool(struct value *value, bool truth)
{
    value->type = VALUE_BOOL;
    value->num = truth;
}

static inline void
value_set_int(struct value *value, int64_t n)
{
    value->type = VALUE_INT;
    value->num = n;
}

static inline void
value_set_str(struct value *value, struct str s)
{
    value->type = VALUE_STR;
    value->str = s;
}

static inline void
value_set_bin(struct value *value, struct str s)
{
    value->type = VALUE_BIN;
    value->str = s;
}

/* False: it is no IP address; nothing is set. */
bool value_set_addr(struct value *value, const struct addr *addr);
/* A copy of the bytes in the arena. False: out of memory. */
bool value_set_copy(struct value *value, enum value_type type, struct arena *arena,
                    const char *bytes, size_t len);
/* An IPv4 address at the front of a text, whatever stands behind it (a port), or an IPv6 one. */
bool value_set_addr_text(struct value *value, struct str text);
/* The number at the front of a text, as HAProxy reads it: none is 0, too large a one the largest.
 * False: the text is empty. */
bool value_read_int(struct str text, int64_t *out);
