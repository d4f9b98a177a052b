/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving: into which memory, how much at once.
 *
 * For:     the h1 mux (heads, chunks, bodies), the tcp mux, tunnels.
 * Owns:    one reference to the buffer that is being filled.
 * Callers: h1_read.c, h1_front.c, h1_back.c, tcp_mux.c.
 * Thread:  owner.
 *
 * A buffer is filled to its end before another one is taken, as long as somebody still needs what
 * is in it: so a peer that sends byte by byte to a reader that is slow pins two buffers, not one
 * for each byte. A buffer that nobody needs any more is written again from its beginning.
 */
#include "intake.h"

#include <string.h>

#include "weir/base/crash.h"

/* Less room than this is not worth a system call. */
#define ROOM_MIN  1024
#define BURST_MAX 3 /* buffers beyond the first */

void
intake_clear(struct intake *in)
{
    buffer_drop(in->buf);
    in->buf = NULL;
    in->start = 0;
}

/* The buffer's bytes are all used: room for a whole buffer, or what is left of one that is needed
 * still. */
static bool
take_empty(struct intake *in)
{
    if (in->buf != NULL && in->buf->refs == 1) {
        in->buf->end = in->start = 0;
        return true;
    }
    if (in->buf != NULL && buffer_room(in->buf) >= ROOM_MIN)
        return true;
    buffer_drop(in->buf);
    in->start = 0;
    in->buf = buffer_take();
    return in->buf != NULL;
}

/* The unused bytes go to the beginning of a buffer of their own. */
static bool
move_to_fresh(struct intake *in)
{
    size_t len = intake_len(in);
    struct buffer *fresh;

    if (in->buf->refs == 1) {
        memmove(in->buf->data, intake_bytes(in), len);
    } else {
        fresh = buffer_take();
        if (fresh == NULL)
            return false;
        memcpy(fresh->data, intake_bytes(in), len);
        buffer_drop(in->buf);
        in->buf = fresh;
    }
    in->buf->end = (uint32_t)len;
    in->start = 0;
    return true;
}

enum io
intake_read(struct intake *in, struct connection *conn, size_t *got)
{
    enum io io;

    *got = 0;
    if (intake_len(in) == 0) {
        if (!take_empty(in))
            return IO_FAILED;
    } else if (buffer_room(in->buf) == 0) {
        if (in->start == 0)
            return IO_OK;
        if (!move_to_fresh(in))
            return IO_FAILED;
    }
    io = connection_read(conn, in->buf->data + in->buf->end, buffer_room(in->buf), got);
    if (io == IO_OK)
        in->buf->end += (uint32_t)*got;
    else
        intake_release(in);
    return io;
}

/* --- bodies --------------------------------------------------------------- */

struct burst {
    struct buffer *bufs[BURST_MAX + 1];
    struct iovec iov[BURST_MAX + 1];
    int count;
    size_t room;
};

static void
burst_add(struct burst *burst, struct buffer *buf, uint64_t limit)
{
    size_t room = buffer_room(buf);

    if (room > limit - burst->room)
        room = (size_t)(limit - burst->room);
    burst->bufs[burst->count] = buf;
    burst->iov[burst->count++] =
        (struct iovec){ .iov_base = buf->data + buf->end, .iov_len = room };
    burst->room += room;
}

/* Counts the received bytes, puts them in the chain, gives unused buffers back; the last used one
 * stays in `in`. False: out of memory. */
static bool
burst_deliver(struct burst *burst, struct intake *in, struct chain *to, size_t got)
{
    bool fine = true;

    for (int i = 0; i < burst->count; i++) {
        struct buffer *buf = burst->bufs[i];
        size_t part = got < burst->iov[i].iov_len ? got : burst->iov[i].iov_len;

        if (i > 0 && part == 0) {
            buffer_drop(buf);
            continue;
        }
        if (i > 0) {
            buffer_drop(in->buf);
            in->buf = buf;
        }
        buf->end += (uint32_t)part;
        got -= part;
        fine = fine && chain_add_slice(to, buf, buf->data + buf->end - part, part);
        in->start = buf->end;
    }
    return fine;
}

/* The usual case: one buffer. When it is filled, more is tried the next time. */
static enum io
read_one(struct intake *in, struct connection *conn, uint64_t limit, struct chain *to, size_t *got)
{
    struct buffer *buf = in->buf;
    size_t room = buffer_room(buf);
    enum io io;

    if (room > limit)
        room = (size_t)limit;
    io = connection_read(conn, buf->data + buf->end, room, got);
    if (io != IO_OK) {
        intake_release(in);
        return io;
    }
    buf->end += (uint32_t)*got;
    in->start = buf->end;
    if (*got == room && *got < limit)
        in->burst = BURST_MAX;
    return chain_add_slice(to, buf, buf->data + buf->end - *got, *got) ? IO_OK : IO_FAILED;
}

static enum io
read_burst(struct intake *in, struct connection *conn, uint64_t limit, struct chain *to,
           size_t *got)
{
    struct burst burst = { .count = 0 };
    enum io io;

    burst_add(&burst, in->buf, limit);
    while (burst.count <= (int)in->burst && burst.room < limit) {
        struct buffer *buf = buffer_take();

        if (buf == NULL)
            break;
        burst_add(&burst, buf, limit);
    }
    io = connection_readv(conn, burst.iov, burst.count, got);
    in->burst = *got == burst.room && *got < limit ? BURST_MAX
                : *got <= burst.iov[0].iov_len     ? 0
                                                   : in->burst;
    if (!burst_deliver(&burst, in, to, *got))
        return IO_FAILED;
    if (io != IO_OK)
        intake_release(in);
    return io;
}

enum io
intake_read_to(struct intake *in, struct connection *conn, uint64_t limit, struct chain *to,
               size_t *got)
{
    *got = 0;
    MUST(intake_len(in) == 0 && limit > 0);
    if (!take_empty(in))
        return IO_FAILED;
    if (in->burst == 0)
        return read_one(in, conn, limit, to, got);
    return read_burst(in, conn, limit, to, got);
}
