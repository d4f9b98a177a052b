/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer made by weir: error page, redirect, return, deny. A reply is prepared by a rule or found among the error
 * pages; the stream sends it.
 */
#pragma once

#include <stdbool.h>

#include "weir/http/message.h"

/* Ready to be sent: raw bytes "HTTP/1.1 ... \r\n\r\nbody" (error files, built-in pages), parsed once when loaded. Immutable. */
struct reply {
    int status;
    struct str reason;
    struct field *fields;   /* content-length not among them */
    uint32_t field_count;
    struct str body;
};

/* Parses the text of an error file. False: err says what is wrong (body larger than tune.bufsize is a warning upstream). */
bool reply_parse(struct str raw, struct arena *arena, struct reply *out, struct error *err);
/* The built-in page for a status among 200 400 401 403 404 405 407 408 410 413 414 421? 422 425 429 431 500 501 502 503 504 as HAProxy sends
 * it; NULL: no page for that status. */
const struct reply *reply_builtin(int status);
/* A response message made of it: borrowed bytes, content-length added. NULL: out of memory. */
struct message *reply_to_message(const struct reply *reply);
