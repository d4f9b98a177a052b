/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body on its way in: takes the framing off (RFC 9112 6, 7). A state machine that may stop after
 * any byte. Pure; any thread.
 */
#pragma once

#include "weir/mux/h1_parser.h"

enum h1_body_state {
    H1_BODY_ENDED,
    H1_BODY_COUNTED, /* `left` bytes to come */
    H1_BODY_UNTIL_CLOSE,
    H1_CHUNK_SIZE, /* before the first digit */
    H1_CHUNK_DIGITS,
    H1_CHUNK_BLANKS, /* behind the digits */
    H1_CHUNK_EXTENSION,
    H1_CHUNK_QUOTED, /* inside a quoted value of an extension */
    H1_CHUNK_ESCAPED,
    H1_CHUNK_SIZE_LF,
    H1_CHUNK_DATA, /* `left` bytes of this chunk to come */
    H1_CHUNK_DATA_CR,
    H1_CHUNK_DATA_LF,
    H1_TRAILERS, /* fields or the last empty line come next: h1_parse_trailers() */
};

struct h1_body {
    uint64_t left;
    uint16_t spare; /* bytes of this chunk's size line that say nothing */
    uint8_t state;  /* enum h1_body_state */
    bool is_lax;    /* accept-unsafe-violations: LF alone ends a line */
};

void h1_body_init(struct h1_body *body, enum body_kind kind, uint64_t length, bool is_lax);

/* Takes bytes from the front of `bytes`: *used of them are done with, and the last `*data_len` of
 * these are body. PARSE_DONE: the body has ended, or, in state H1_TRAILERS, the trailers begin at
 * *used. PARSE_MORE: go on with what follows *used, as soon as there is something (all bytes may be
 * used already, or a chunk's data has just ended: call again). PARSE_BAD: *err. */
enum parse_result h1_body_read(struct h1_body *body, const char *bytes, size_t len, size_t *used,
                               size_t *data_len, struct h1_error *err);
