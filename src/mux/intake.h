/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mux has received and not used yet: the end of one buffer. An idle connection owns none.
 * Owner.
 */
#pragma once

#include "weir/base/buffer.h"
#include "weir/net/connection.h"

struct intake {
    struct buffer *buf; /* holds; NULL: nothing is here */
    uint32_t start;     /* first unused byte */
    uint32_t burst; /* buffers to read into at once, less one: grows while the peer fills them */
};

static inline char *
intake_bytes(const struct intake *in)
{
    return in->buf->data + in->start;
}

static inline size_t
intake_len(const struct intake *in)
{
    return in->buf == NULL ? 0 : in->buf->end - in->start;
}

static inline void
intake_use(struct intake *in, size_t len)
{
    in->start += (uint32_t)len;
}

/* Gives the buffer back when all of it is used. (What a message or a chain still needs of it, they
 * hold.) */
static inline void
intake_release(struct intake *in)
{
    if (in->buf == NULL || in->buf->end != in->start)
        return;
    buffer_drop(in->buf);
    in->buf = NULL;
    in->start = 0;
}

/* Everything is forgotten. */
void intake_clear(struct intake *in);
/* Reads behind the unused bytes, once; all of them stay contiguous. Moves them to a fresh buffer
 * when there is no room; IO_OK with *got 0: they fill one whole buffer. IO_FAILED may mean: out of
 * memory. */
enum io intake_read(struct intake *in, struct connection *conn, size_t *got);
/* Nothing is unused: reads at most `limit` bytes, once, into as many buffers as the peer seems to
 * fill, and adds them to `to`. */
enum io intake_read_to(struct intake *in, struct connection *conn, uint64_t limit, struct chain *to,
                       size_t *got);
