/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures: bytes of a request or a response that are kept for the log line and for later rules.
 * A frontend says how many there are and how long each may be; a stream keeps the bytes in its
 * arena.
 */
#pragma once

#include "private.h"

enum capture_side { CAPTURE_REQUEST, CAPTURE_RESPONSE, CAPTURE_SIDES };

struct capture { /* immutable; in the snapshot's arena */
    struct str name; /* header field, lower case; len 0: filled by rules and converters */
    enum field_name id;
    unsigned len; /* at most */
};
struct capture_list {
    struct capture *items;
    unsigned count, cap;
};
struct capture_use { /* a rule that names an id: looked at when all is read */
    struct capture_use *next;
    struct source_pos pos;
    enum capture_side side;
    unsigned id;
};
struct capture_conf {
    struct capture_list lists[CAPTURE_SIDES];
    struct str cookie; /* the beginning of its name; len 0: none */
    unsigned cookie_len;
    struct capture_use *uses;
};
/* Of one stream. */
struct captures {
    struct str *values[CAPTURE_SIDES]; /* ptr NULL: nothing was captured */
    struct str cookies[CAPTURE_SIDES];
};

/* Builder: the captures of a proxy, to be changed. */
struct capture_conf *capture_conf_of(const struct proxy_conf *conf);
/* One more; gives its id. */
unsigned capture_list_add(struct parse *parse, struct capture_list *list, struct capture capture);

/* Owner: keeps a copy of at most the declared length. Ids that the frontend does not have, and
 * lack of memory, are passed over. */
void capture_put(struct stream *s, enum capture_side side, int64_t id, struct str value);
/* ptr NULL: nothing, or no such id. */
struct str capture_find(const struct stream *s, enum capture_side side, int64_t id);
