/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to message head, RFC 9112, strict: what two parsers could read differently is refused.
 * Pure; any thread. Field names are made lower case in place, folded lines become one line.
 */
#pragma once

#include "weir/http/message.h"
#include "weir/net/proxy_protocol.h" /* enum parse_result */

struct h1_limits {
    uint32_t max_fields; /* tune.http.maxhdr; the start line counts as one, as HAProxy counts */
    bool accept_unsafe;  /* option accept-unsafe-violations-in-http-request or -response */
    bool any_payload;    /* h1-accept-payload-with-any-method */
    bool keep_insecure;  /* h1-do-not-close-on-insecure-transfer-encoding */
};

struct h1_error {
    int status;       /* 400, 413, 422, 505, 500 (out of memory) */
    const char *text; /* static: what is wrong, with the RFC section */
    size_t offset;    /* where in the bytes */
};

/* Parses one head at `bytes` (which stay where they are while the message lives). PARSE_DONE:
 * *head_len says where the body begins; msg->body tells its kind. PARSE_MORE: the head is not
 * complete; call again with more bytes from the same start. PARSE_BAD: err. `msg` is empty
 * (message_take) on entry and must be emptied (message_give, message_clear) after MORE and BAD. */
enum parse_result h1_parse_request(char *bytes, size_t len, const struct h1_limits *limits,
                                   struct message *msg, size_t *head_len, struct h1_error *err);
/* `request` is what it answers (HEAD, CONNECT and upgrades change the meaning); may be NULL. */
enum parse_result h1_parse_response(char *bytes, size_t len, const struct h1_limits *limits,
                                    const struct message *request, struct message *msg,
                                    size_t *head_len, struct h1_error *err);

/* What a response parser must know of the request. */
struct h1_asked {
    uint8_t method; /* enum http_method */
    bool upgrade;
    bool websocket;
};
enum parse_result h1_parse_answer(char *bytes, size_t len, const struct h1_limits *limits,
                                  struct h1_asked asked, struct message *msg, size_t *head_len,
                                  struct h1_error *err);

/* Trailer fields after the last chunk, with the empty line that ends them: copied into the message
 * (NULL: only checked). Those that may not come so late (RFC 9110 6.5.1) are left out. */
enum parse_result h1_parse_trailers(char *bytes, size_t len, const struct h1_limits *limits,
                                    struct message *msg, size_t *size, struct h1_error *err);

/* Is there an empty line in the bytes, of which the first `known` were searched before? Cheap:
 * keeps a head that comes byte by byte from being parsed as often. */
bool h1_has_head_end(const char *bytes, size_t len, size_t known);
/* Name of the longest field of an unfinished head, for messages; len 0: none yet. */
struct str h1_longest_field(const char *bytes, size_t len);
