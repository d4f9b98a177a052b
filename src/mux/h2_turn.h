/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of what an HTTP/2 peer has sent belongs to one turn: tune.h2.*.max-frames-at-once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define H2_FRAME_HEAD 9 /* RFC 9113 4.1 */

/* Where the bytes stand in the frames of a connection. Zero: before a frame. */
struct h2_turn {
    uint32_t left; /* bytes of the frame, or of the preface, still to come */
    uint8_t head_len;
    unsigned char head[H2_FRAME_HEAD];
};

struct h2_turn_limit {
    int64_t frames, resets; /* RST_STREAM; 0: no limit */
};

/* A client's bytes begin with the preface (RFC 9113 3.4). */
void h2_turn_begin_client(struct h2_turn *turn);
/* How many of `len` bytes: up to the end of the last frame within the limit, or all. */
size_t h2_turn_take(struct h2_turn *turn, const char *bytes, size_t len, struct h2_turn_limit limit);
