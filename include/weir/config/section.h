/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of sections, and the bits that say where a keyword may stand.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/registry.h"

struct parse;

/* Where a keyword is known. Options of bind and server lines are keywords too. */
enum place_bit {
    IN_GLOBAL = 1 << 0,
    IN_DEFAULTS = 1 << 1,
    IN_FRONTEND = 1 << 2,
    IN_LISTEN = 1 << 3,
    IN_BACKEND = 1 << 4,
    IN_PROXY = IN_DEFAULTS | IN_FRONTEND | IN_LISTEN | IN_BACKEND,
    IN_FRONT = IN_DEFAULTS | IN_FRONTEND | IN_LISTEN,
    IN_BACK = IN_DEFAULTS | IN_LISTEN | IN_BACKEND,
    IN_BIND = 1 << 5,   /* words of a bind line; object: struct bind_conf */
    IN_SERVER = 1 << 6, /* words of server and default-server lines; object: struct server_conf */
    IN_USERLIST = 1 << 7,
    IN_PEERS = 1 << 8,
    IN_RESOLVERS = 1 << 9,
    IN_MAILERS = 1 << 10,
    IN_RING = 1 << 11,
    IN_CACHE = 1 << 12,
    IN_HTTP_ERRORS = 1 << 13,
    IN_LOG_FORWARD = 1 << 14,
    IN_LOG_PROFILE = 1 << 15,
    IN_CRT_STORE = 1 << 16,
    IN_TRACES = 1 << 17,
    IN_ACME = 1 << 18,
    IN_HEALTHCHECK = 1 << 19,
    IN_RULESET = 1 << 20,
};

struct section {
    const char *name;    /* "frontend" */
    unsigned place;      /* its bit */
    /* The words after the section's name are in parse->words. Sets parse->object. False: reported. */
    bool (*open)(struct parse *parse);
    /* Called when the next section begins or the files end; may be NULL. */
    bool (*close)(struct parse *parse);
    const char *help;
    /* Takes each line of it as it stands (parse->words->line_text), in the place of keywords; NULL:
     * its lines are keywords. False: reported. */
    bool (*line)(struct parse *parse);
};
REGISTRY(section, struct section);

/* Boot, once: sorts the registered sections; refuses duplicates. */
void section_table_init(void);
/* NULL: no room has registered it. Any thread. */
const struct section *section_find(const char *name);
/* The place's name for messages: "frontend", or "bind" for the words of a bind line. */
const char *section_place_name(unsigned place);
