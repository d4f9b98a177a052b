/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A head while it is parsed: what the files that read it share.
 */
#pragma once

#include <string.h>

#include "weir/http/validate.h"
#include "weir/mux/h1_parser.h"

enum h1_seen {
    H1_SAYS_CLOSE = 1 << 0,
    H1_SAYS_KEEP_ALIVE = 1 << 1,
    H1_SAYS_UPGRADE = 1 << 2,
    H1_NAMES_FIELDS = 1 << 3, /* connection names other fields: they end here */
    H1_HAS_LENGTH = 1 << 4,
    H1_HAS_CODING = 1 << 5,
};

struct h1_head {
    char *begin; /* first byte given */
    char *pos;   /* next byte to look at */
    char *end;
    struct message *msg;
    const struct h1_limits *limits;
    struct h1_error *err;
    uint64_t length; /* with H1_HAS_LENGTH */
    uint8_t seen;    /* enum h1_seen */
    uint8_t coding;  /* enum coding_result, with H1_HAS_CODING */
};

/* Always PARSE_BAD. */
static inline enum parse_result
h1_refuse(struct h1_head *h, int status, const char *at, const char *text)
{
    *h->err =
        (struct h1_error){ .status = status, .text = text, .offset = (size_t)(at - h->begin) };
    return PARSE_BAD;
}

/* Notes that the message is accepted only because the user said so. False: the user did not. */
static inline bool
h1_forgive(struct h1_head *h)
{
    if (!h->limits->accept_unsafe)
        return false;
    h->msg->flags |= MESSAGE_UNSAFE_ACCEPTED;
    return true;
}

/* --- bytes ---------------------------------------------------------------- */

static inline bool
h1_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline bool
h1_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* h->pos is at the end of a line: goes behind it. (h1_parser.c) */
enum parse_result h1_skip_line_end(struct h1_head *h);

/* --- h1_start_line.c ------------------------------------------------------ */

enum parse_result h1_read_request_line(struct h1_head *h);
enum parse_result h1_read_status_line(struct h1_head *h);

/* --- h1_meaning.c, h1_framing.c ------------------------------------------- */

/* Fields that h1_meaning_of_field() must see. */
#define H1_MEANINGFUL                                                                              \
    (FIELD_BIT(FIELD_HOST) | FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |    \
     FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_TE) | FIELD_BIT(FIELD_EXPECT) |             \
     FIELD_BIT(FIELD_UPGRADE))

enum h1_verdict { H1_KEEP, H1_LEAVE_OUT, H1_REFUSED };
/* A field that was read (not yet counted in the message) and may be changed. H1_REFUSED: err is
 * set. */
enum h1_verdict h1_meaning_of_field(struct h1_head *h, struct field *field);
/* Takes fields away that Connection names: they are for us alone. */
void h1_remove_named_fields(struct message *msg);
/* All fields are there. */
enum parse_result h1_meaning_of_request(struct h1_head *h);
enum parse_result h1_meaning_of_response(struct h1_head *h, struct h1_asked asked);
/* Is the field forbidden in trailers? */
bool h1_is_no_trailer(enum field_name id);
