/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in transit: counted buffers, and chains of slices of them.
 *
 * For:     the way of a byte from one socket to the other. A slice names bytes
 *          inside a buffer, so bodies move without being copied.
 * Owns:    buffers and slices, in the pools of the thread.
 * Callers: transports and muxes; everything that makes output.
 * Thread:  owner. Counts are not atomic.
 *
 * Small pieces are copied rather than named: a slice and one more entry for
 * writev() cost more than moving a few bytes. A chain may write behind the
 * bytes of its last slice when nobody else holds that buffer and the slice
 * ends where the buffer ends ("the open tail").
 */
#include "weir/base/buffer.h"

#include <string.h>

#include "weir/base/crash.h"
#include "weir/base/pool.h"

#define BUFFER_SIZE_DEFAULT 16384
/* Up to here a piece is copied behind the open tail if it fits. */
#define COPY_MAX 512

static struct pool buffer_pool = POOL("buffer", sizeof(struct buffer) + BUFFER_SIZE_DEFAULT);
static struct pool slice_pool = POOL("slice", sizeof(struct slice));

void
buffer_set_size(size_t size_bytes)
{
    MUST(size_bytes > 0 && size_bytes < UINT32_MAX / 2);
    MUST(buffer_pool.index == 0); /* nobody took one yet */
    buffer_pool.size = (uint32_t)(sizeof(struct buffer) + size_bytes);
}

size_t
buffer_default_size(void)
{
    return buffer_pool.size - sizeof(struct buffer);
}

struct buffer *
buffer_take(void)
{
    struct buffer *buf = pool_take(&buffer_pool);

    if (buf == NULL)
        return NULL;
    buf->refs = 1;
    buf->size = (uint32_t)buffer_default_size();
    buf->end = 0;
    return buf;
}

void
buffer_drop(struct buffer *buf)
{
    if (buf != NULL && --buf->refs == 0)
        pool_give(&buffer_pool, buf);
}

/* Takes over the caller's reference to `buf`; not when it fails. */
static struct slice *
slice_take(struct buffer *buf, const char *ptr, size_t len)
{
    struct slice *slice = pool_take(&slice_pool);

    if (slice == NULL)
        return NULL;
    slice->next = NULL;
    slice->buf = buf;
    slice->ptr = ptr;
    slice->len = (uint32_t)len;
    return slice;
}

static void
slice_give(struct slice *slice)
{
    buffer_drop(slice->buf);
    pool_give(&slice_pool, slice);
}

static void
append_slice(struct chain *chain, struct slice *slice)
{
    if (chain->last == NULL)
        chain->first = slice;
    else
        chain->last->next = slice;
    chain->last = slice;
    chain->bytes += slice->len;
}

/* Bytes that may be written behind the last slice. */
static size_t
tail_room(const struct chain *chain)
{
    const struct slice *last = chain->last;

    if (last == NULL || last->buf == NULL || last->buf->refs != 1)
        return 0;
    if (last->ptr + last->len != last->buf->data + last->buf->end)
        return 0;
    return buffer_room(last->buf);
}

/* Counts bytes that stand behind the last slice as part of it. */
static void
tail_grow(struct chain *chain, size_t len)
{
    chain->last->len += (uint32_t)len;
    chain->bytes += len;
}

static void
tail_write(struct chain *chain, const char *ptr, size_t len)
{
    struct buffer *buf = chain->last->buf;

    memcpy(buf->data + buf->end, ptr, len);
    buf->end += (uint32_t)len;
    tail_grow(chain, len);
}

/* Adds a slice without bytes, with a new buffer behind it. */
static bool
append_buffer(struct chain *chain)
{
    struct buffer *buf = buffer_take();
    struct slice *slice;

    if (buf == NULL)
        return false;
    slice = slice_take(buf, buf->data, 0);
    if (slice == NULL) {
        buffer_drop(buf);
        return false;
    }
    append_slice(chain, slice);
    return true;
}

void
chain_clear(struct chain *chain)
{
    struct slice *next;

    for (struct slice *slice = chain->first; slice != NULL; slice = next) {
        next = slice->next;
        slice_give(slice);
    }
    chain_init(chain);
}

bool
chain_add_slice(struct chain *chain, struct buffer *buf, const char *ptr, size_t len)
{
    struct slice *last = chain->last;
    struct slice *slice;

    if (len == 0)
        return true;
    if (last != NULL && last->buf == buf && last->ptr + last->len == ptr) {
        tail_grow(chain, len);
        return true;
    }
    if (len < COPY_MAX && len <= tail_room(chain)) {
        tail_write(chain, ptr, len);
        return true;
    }
    slice = slice_take(buf, ptr, len);
    if (slice == NULL)
        return false;
    buffer_hold(buf);
    append_slice(chain, slice);
    return true;
}

bool
chain_add_copy(struct chain *chain, const char *ptr, size_t len)
{
    size_t room = tail_room(chain);
    size_t here = len < room ? len : room;
    struct chain rest;

    if (len == 0)
        return true;
    chain_init(&rest);
    for (size_t at = here; at < len;) {
        size_t part = len - at;

        if (!append_buffer(&rest)) {
            chain_clear(&rest);
            return false;
        }
        if (part > rest.last->buf->size)
            part = rest.last->buf->size;
        tail_write(&rest, ptr + at, part);
        at += part;
    }
    if (here > 0)
        tail_write(chain, ptr, here);
    chain_move(chain, &rest);
    return true;
}

bool
chain_add_static(struct chain *chain, const char *ptr, size_t len)
{
    struct slice *slice;

    MUST(len <= UINT32_MAX);
    if (len == 0)
        return true;
    if (len < COPY_MAX && len <= tail_room(chain)) {
        tail_write(chain, ptr, len);
        return true;
    }
    slice = slice_take(NULL, ptr, len);
    if (slice == NULL)
        return false;
    append_slice(chain, slice);
    return true;
}

char *
chain_reserve(struct chain *chain, size_t len)
{
    MUST(len <= buffer_default_size());
    if (tail_room(chain) < (len == 0 ? 1 : len) && !append_buffer(chain))
        return NULL;
    return chain->last->buf->data + chain->last->buf->end;
}

/* An empty chain owns nothing, so a slice without bytes must not stay. */
static void
remove_empty_tail(struct chain *chain)
{
    struct slice *empty = chain->last;
    struct slice *before = NULL;

    for (struct slice *slice = chain->first; slice != empty; slice = slice->next)
        before = slice;
    if (before == NULL)
        chain->first = NULL;
    else
        before->next = NULL;
    chain->last = before;
    slice_give(empty);
}

void
chain_commit(struct chain *chain, size_t len)
{
    struct slice *last = chain->last;

    MUST(last != NULL && len <= buffer_room(last->buf));
    last->buf->end += (uint32_t)len;
    tail_grow(chain, len);
    if (last->len == 0)
        remove_empty_tail(chain);
}

void
chain_move(struct chain *to, struct chain *from)
{
    if (from->first == NULL)
        return;
    if (to->last == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    to->bytes += from->bytes;
    chain_init(from);
}

static void
remove_first(struct chain *chain)
{
    struct slice *first = chain->first;

    chain->first = first->next;
    if (chain->first == NULL)
        chain->last = NULL;
    chain->bytes -= first->len;
}

/* The first `len` bytes of the first slice, which has more, as a slice of their own. */
static struct slice *
split_first(struct chain *chain, size_t len)
{
    struct slice *first = chain->first;
    struct slice *part = slice_take(first->buf, first->ptr, len);

    if (part == NULL)
        return NULL;
    if (first->buf != NULL)
        buffer_hold(first->buf);
    first->ptr += len;
    first->len -= (uint32_t)len;
    chain->bytes -= len;
    return part;
}

bool
chain_move_some(struct chain *to, struct chain *from, size_t len)
{
    struct chain moved;
    struct slice *part;

    if (len >= from->bytes) {
        chain_move(to, from);
        return true;
    }
    chain_init(&moved);
    while (from->first->len <= len) {
        struct slice *first = from->first;

        remove_first(from);
        first->next = NULL;
        append_slice(&moved, first);
        len -= first->len;
    }
    part = len == 0 ? NULL : split_first(from, len);
    if (len > 0 && part == NULL) {
        chain_move(&moved, from);
        *from = moved;
        return false;
    }
    if (part != NULL)
        append_slice(&moved, part);
    chain_move(to, &moved);
    return true;
}

void
chain_consume(struct chain *chain, size_t len)
{
    MUST(len <= chain->bytes);
    while (len > 0) {
        struct slice *first = chain->first;

        if (first->len > len) {
            first->ptr += len;
            first->len -= (uint32_t)len;
            chain->bytes -= len;
            return;
        }
        len -= first->len;
        remove_first(chain);
        slice_give(first);
    }
}

int
chain_to_iovec(const struct chain *chain, struct iovec *iov, int max)
{
    int count = 0;

    for (const struct slice *slice = chain->first; slice != NULL && count < max;
         slice = slice->next) {
        iov[count].iov_base = (char *)slice->ptr;
        iov[count].iov_len = slice->len;
        count++;
    }
    return count;
}

size_t
chain_peek(const struct chain *chain, size_t from, char *to, size_t len)
{
    size_t copied = 0;

    for (const struct slice *slice = chain->first; slice != NULL && copied < len;
         slice = slice->next) {
        size_t part;

        if (from >= slice->len) {
            from -= slice->len;
            continue;
        }
        part = slice->len - from;
        if (part > len - copied)
            part = len - copied;
        memcpy(to + copied, slice->ptr + from, part);
        copied += part;
        from = 0;
    }
    return copied;
}
