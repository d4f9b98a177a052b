/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message to bytes. What goes out is strict HTTP/1, whatever came in. Owner of the chain.
 */
#pragma once

#include "weir/http/message.h"

struct case_map;

enum h1_write_option {
    H1_WRITE_CLOSE = 1 << 0,      /* the connection ends after this exchange */
    H1_WRITE_HIDE_CLOSE = 1 << 1, /* ... but do not say so (option http-pretend-keepalive) */
    H1_WRITE_FOR_1_0 = 1 << 2,    /* a response for a client of HTTP/1.0: no chunks */
};

struct h1_written {
    uint8_t framing; /* enum body_kind as sent; BODY_NONE: no body bytes may follow */
    bool closes;     /* the connection ends after this exchange */
    uint64_t length; /* with BODY_LENGTH */
};

/* Writes the head. Sets MESSAGE_UPGRADE of a request as it was sent: rules may have added or
 * removed the field. `names` may be NULL. False: out of memory, nothing written. */
bool h1_write_head(struct chain *out, struct message *msg, unsigned options,
                   const struct case_map *names, struct h1_written *result);
/* What stands before a chunk: its size; at most H1_CHUNK_HEAD_MAX bytes at `to`; returns how many.
 */
#define H1_CHUNK_HEAD_MAX 18
size_t h1_format_chunk_head(char *to, uint64_t size);
/* The last chunk and the trailers of the message. False: out of memory. */
bool h1_write_last_chunk(struct chain *out, const struct message *msg);
