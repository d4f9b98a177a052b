/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fetches of room http share.
 */
#pragma once

#include "weir/expr/sample.h"
#include "weir/http/message.h"

/* Which message a fetch looks at: struct fetch.private, low bits. */
enum fetch_side {
    SIDE_REQUEST = 0,
    SIDE_RESPONSE = 1,
    SIDE_HERE = 2, /* the response in rules for responses, else the request */
    SIDE_MASK = 3,
};

/* Where a request's head is at hand; the same in log lines; likewise for responses. */
#define IN_REQUEST             PLACE_HTTP_REQUEST
#define IN_REQUEST_AND_LATER   (PLACE_HTTP_REQUEST | PLACE_HTTP_RESPONSE | PLACE_FE_LOG)
#define IN_RESPONSE            (PLACE_HTTP_RESPONSE | PLACE_CHECK)
#define IN_RESPONSE_AND_LATER  (PLACE_HTTP_RESPONSE | PLACE_FE_LOG | PLACE_CHECK)

/* NULL: there is none (yet). */
static inline const struct message *
fetch_message(const struct eval *eval, const struct fetch *fetch)
{
    switch ((enum fetch_side)(fetch->private & SIDE_MASK)) {
    case SIDE_RESPONSE:
        return eval->response;
    case SIDE_HERE:
        return eval->place & IN_RESPONSE ? eval->response : eval->request;
    case SIDE_REQUEST:
    case SIDE_MASK:
        break;
    }
    return eval->request;
}

/* --- field_walk.c: values of header fields, one after the other ----------- */

struct field_walk {
    const struct message *msg;
    struct str name;    /* lower case; len 0: all fields */
    enum field_name id; /* of the name; FIELD_OTHER: by its text */
    bool is_whole;      /* no parting at commas */
    uint32_t at;        /* the field after the one in hand */
    struct str rest;    /* of the value in hand; ptr NULL: done */
};

/* The next value; false: there is none. */
bool field_walk_next(struct field_walk *walk, struct str *out);
/* Goes on where a fetch stood (value.cursor; 0: at the beginning), and notes where it stands. */
void field_walk_resume(struct field_walk *walk, uint64_t cursor);
uint64_t field_walk_cursor(const struct field_walk *walk);
/* The n-th value from the beginning (1...) or from the end (-1...). */
bool field_walk_find(const struct field_walk *walk, int64_t n, struct str *out);
/* Takes a value off the front of a list: up to a comma outside of quotes, without blanks around. */
struct str field_value_next(struct str *rest);
