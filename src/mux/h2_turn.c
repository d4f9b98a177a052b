/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts frames of HTTP/2 in bytes that come in pieces.
 *
 * For:     h2_mux.c, where a limit is configured.
 * Thread:  owner.
 */
#include "h2_turn.h"

#include <stdbool.h>
#include <string.h>

#define TYPE_RST_STREAM 3

#define PREFACE_LEN     24

void
h2_turn_begin_client(struct h2_turn *turn)
{
    turn->left = PREFACE_LEN;
}

static size_t
lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes of the head that are there now. */
static size_t
read_head(struct h2_turn *turn, const char *bytes, size_t len)
{
    size_t take = lesser(H2_FRAME_HEAD - turn->head_len, len);

    memcpy(turn->head + turn->head_len, bytes, take);
    turn->head_len += (uint8_t)take;
    if (turn->head_len == H2_FRAME_HEAD)
        turn->left = (uint32_t)turn->head[0] << 16 | (uint32_t)turn->head[1] << 8 | turn->head[2];
    return take;
}

/* The frame has ended. False: it was the last one of this turn. */
static bool
end_frame(struct h2_turn *turn, struct h2_turn_limit *limit)
{
    bool is_reset = turn->head[3] == TYPE_RST_STREAM;

    turn->head_len = 0;
    return (limit->frames == 0 || --limit->frames > 0) &&
           (!is_reset || limit->resets == 0 || --limit->resets > 0);
}

size_t
h2_turn_take(struct h2_turn *turn, const char *bytes, size_t len, struct h2_turn_limit limit)
{
    size_t at = 0;

    while (at < len) {
        size_t take;

        if (turn->left == 0 && turn->head_len < H2_FRAME_HEAD) {
            at += read_head(turn, bytes + at, len - at);
            if (turn->head_len < H2_FRAME_HEAD)
                break;
        }
        take = lesser(turn->left, len - at);
        turn->left -= (uint32_t)take;
        at += take;
        if (turn->left == 0 && turn->head_len == H2_FRAME_HEAD && !end_frame(turn, &limit))
            break;
    }
    return at;
}
