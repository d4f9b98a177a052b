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

enum arg_kind {
    ARG_END,      /* no (further) argument */
    ARG_STR,
    ARG_INT,
    ARG_SIZE,
    ARG_TIME_MS,
    ARG_IP4,
    ARG_IP6,
    ARG_MASK4,
    ARG_MASK6,
    ARG_REGEX,
    ARG_VARIABLE, /* name with scope */
    ARG_NAMED,    /* a name that another room resolves after parsing: see arg_type */
    ARG_STR_OR_VAR,
    ARG_INT_OR_VAR,
};

/* A kind of name that a room to the right resolves: frontend, backend, server, table, userlist, map ... */
struct arg_type {
    const char *name;
    /* After the text is read (CONFIG_RESOLVE). `proxy_conf` is the proxy in which the expression stands. NULL: reported. */
    void *(*resolve)(struct parse *parse, struct source_pos pos, struct str text, void *proxy_conf);
};
REGISTRY(arg_type, struct arg_type);

struct arg {
    uint8_t kind; /* enum arg_kind */
    struct str str;
    int64_t num;
    union {
        struct addr addr;
        void *ptr; /* regex, variable, resolved object */
    };
};
#define ARGS_MAX 12

/* What a fetch or converter takes: "str,int?" ... */
struct arg_spec {
    uint8_t kind;          /* enum arg_kind */
    uint8_t is_optional;
    const char *type_name; /* with ARG_NAMED: "table" */
};
