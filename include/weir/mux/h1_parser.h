/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to message head, RFC 9112, strict: what two parsers could read differently is refused. Pure; any
 * thread. Field names are made lower case in place.
 */
#pragma once

#include "weir/http/message.h"
#include "weir/net/proxy_protocol.h" /* enum parse_result */

struct h1_limits {
    uint32_t max_fields;
    bool accept_unsafe;
};

struct h1_error {
    int status;        /* 400, 414, 431, 501, 505 */
    const char *text;  /* static: what is wrong, with the RFC section */
    size_t offset;     /* where in the bytes */
};

/* Parses one head at `bytes` (which stay where they are while the message lives). PARSE_DONE: *head_len says where the body
 * begins; msg->body tells its kind. PARSE_MORE: the head is not complete; call again with more bytes from the same start.
 * PARSE_BAD: err. `msg` is empty (message_take) on entry and must be emptied (message_give) after MORE and BAD. */
enum parse_result h1_parse_request(char *bytes, size_t len, const struct h1_limits *limits, struct message *msg,
                                   size_t *head_len, struct h1_error *err);
/* `request` is what it answers (HEAD, CONNECT and upgrades change the meaning); may be NULL. */
enum parse_result h1_parse_response(char *bytes, size_t len, const struct h1_limits *limits, const struct message *request,
                                    struct message *msg, size_t *head_len, struct h1_error *err);
