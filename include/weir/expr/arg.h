/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of fetches and converters, typed and checked when the expression is compiled.
 */
#pragma once

#include <stdint.h>

#include "weir/base/registry.h"
#include "weir/base/str.h"
#include "weir/config/parse.h"
#include "weir/os/addr.h"

struct eval;
struct value;

enum arg_kind {
    ARG_END, /* no (further) argument; or one that was left out */
    ARG_STR,
    ARG_INT,
    ARG_SIZE,
    ARG_TIME_MS,
    ARG_IP4,
    ARG_IP6,
    ARG_MASK4, /* num: bits, or -1 and addr: a mask with holes */
    ARG_MASK6,
    ARG_REGEX,
    ARG_VARIABLE, /* name with scope; ptr: struct variable_name */
    ARG_NAMED,    /* a name that another room resolves after parsing: see arg_type */
    ARG_STR_OR_VAR,
    ARG_INT_OR_VAR,
};

/* A kind of name that a room to the right resolves: frontend, backend, server, table, userlist ...
 */
struct arg_type {
    const char *name;
    /* After the text is read (CONFIG_RESOLVE). `proxy_conf` is the proxy in which the expression
     * stands. `text` is empty where an optional argument was left out: the room's default, often
     * that proxy. NULL: reported. */
    void *(*resolve)(struct parse *parse, struct source_pos pos, struct str text, void *proxy_conf);
};
REGISTRY(arg_type, struct arg_type);

struct arg {
    uint8_t kind;   /* enum arg_kind */
    struct str str; /* as written; NUL-terminated */
    int64_t num;
    union {
        struct addr addr;
        void *ptr; /* regex, variable, resolved object; or a check function's own */
    };
};
#define ARGS_MAX 12

/* What a fetch or converter takes: "str,int?" ... */
struct arg_spec {
    uint8_t kind; /* enum arg_kind */
    uint8_t is_optional;
    const char *type_name; /* with ARG_NAMED: "table" */
};

static inline bool
arg_is_given(const struct arg *arg)
{
    return arg->kind != ARG_END;
}

/* The number of an ARG_INT_OR_VAR; false: the variable is not set, or no number. Traffic. */
bool arg_find_int(const struct arg *arg, struct eval *eval, int64_t *out);
/* The bytes of an ARG_STR_OR_VAR or of a variable; false: the variable is not set. Traffic. */
bool arg_find_str(const struct arg *arg, struct eval *eval, struct str *out);
