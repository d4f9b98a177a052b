/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values that samples produce, and casts between the types. Bytes are borrowed: from the message, the configuration, or the
 * evaluation's arena. Pure; any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/base/str.h"

enum value_type {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,    /* 64 bit signed ("sint") */
    VALUE_IP4,
    VALUE_IP6,
    VALUE_ADDR,   /* only as a declared type: IP4 or IP6 */
    VALUE_STR,
    VALUE_BIN,
    VALUE_METHOD, /* num: enum http_method; str: text when METHOD_OTHER */
    VALUE_ANY,    /* only as a declared type */
    VALUE_SAME,   /* only as a converter's declared output */
    VALUE_TYPES,
};

enum value_flag {
    VALUE_MORE = 1 << 0,  /* the fetch has further values (several header fields): call it again with the same struct */
    VALUE_MAY_CHANGE = 1 << 2, /* bytes that still come may change it: a condition that it does not meet waits */
    VALUE_CONST = 1 << 1, /* the bytes must not be changed in place */
};

/* In value.cursor before a fetch is run: give one value only, the last where there are several (as people mean it outside
 * of conditions). */
#define VALUE_SINGLE UINT32_MAX

struct value {
    uint8_t type;   /* enum value_type */
    uint8_t flags;
    uint32_t cursor; /* of a fetch with several values: 0 at first */
    union {
        int64_t num; /* BOOL (0/1), INT, METHOD */
        struct in_addr ip4;
        struct in6_addr ip6;
    };
    struct str str;  /* STR, BIN, METHOD */
};

const char *value_type_name(enum value_type type); /* "sint", "str", ... as in HAProxy */
/* Casts in place; new bytes come from `arena`. False: impossible (no value), as HAProxy's casts. */
bool value_cast(struct value *value, enum value_type to, struct arena *arena);
/* Is there a cast at all? For checks when an expression is compiled. */
bool value_can_cast(enum value_type from, enum value_type to);
