/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer made by weir: error page, redirect, return, deny. A reply is prepared by a rule or
 * found among the error pages; the stream sends it.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/error.h"
#include "weir/http/message.h"

struct log_format;

/* A field whose value is computed for each answer. */
struct reply_header {
    const char *name;
    const struct log_format *value;
};

/* Ready to be sent: raw bytes "HTTP/1.1 ... \r\n\r\nbody" (error files, built-in pages), parsed
 * once when loaded. Immutable. */
struct reply {
    int status;            /* 0: an empty error file: close without an answer */
    uint8_t version_minor; /* of "HTTP/1.x" in the first line */
    struct str reason;
    const struct field *fields; /* content-length not among them; without FIELD_RECEIVED */
    uint32_t field_count;
    struct str body;
    const struct log_format *body_format; /* computed for each answer; NULL: `body` */
    const struct reply_header *headers;   /* added to `fields` */
    unsigned header_count;
};

struct parse;
/* The list with one more; in the arena. Builder. */
struct reply_header *reply_headers_add(struct parse *parse, const struct reply_header *headers,
                                       unsigned count, struct reply_header header);
/* Parses the text of an error file (which lives as long as the reply; names are made lower case in
 * copies in the arena). False: err says what is wrong (body larger than tune.bufsize is a warning
 * upstream). Builder. */
bool reply_parse(struct str raw, struct arena *arena, struct reply *out, struct error *err);
/* The built-in page for a status among 200 400 401 403 404 405 407 408 410 413 414 421 422 425 429
 * 431 500 501 502 503 504 505 as HAProxy sends it; NULL: no page for that status. Any thread. */
const struct reply *reply_builtin(int status);
/* A response message made of it: borrowed bytes, content-length added in front. NULL: out of
 * memory. The reply must not be an empty one. Owner. */
struct message *reply_to_message(const struct reply *reply);
