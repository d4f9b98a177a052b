/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in transit.
 *
 * A buffer is one block of memory of tune.bufsize bytes. Bytes are received at
 * its end; parts of it are named by pointer and length, so a message may point
 * into it and a body may be sent from it: the buffer moves from reader to
 * writer, the bytes stay. A counted reference keeps it; the last one gives it
 * back to the thread's pool.
 *
 * A chain is a queue of such parts (slices): a body on its way, or the output
 * of a connection. An empty chain owns nothing.
 *
 * Thread: owner (all references of a buffer belong to one thread; counts are
 *         not atomic). Memory: may be NULL, must be checked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "weir/base/str.h"

struct buffer {
    uint32_t refs;
    uint32_t size; /* bytes of data[] */
    uint32_t end;  /* bytes filled */
    char data[];
};

/* Sets the size of all buffers (tune.bufsize); boot, before the first one is taken. */
void buffer_set_size(size_t size_bytes);
size_t buffer_default_size(void);

/* An empty buffer with one reference, of the default size; NULL when out of memory. */
struct buffer *buffer_take(void) __attribute__((warn_unused_result));
/* The last reference gives the memory back. NULL is fine. */
void buffer_drop(struct buffer *buf);

static inline struct buffer *
buffer_hold(struct buffer *buf)
{
    buf->refs++;
    return buf;
}

static inline size_t
buffer_room(const struct buffer *buf)
{
    return buf->size - buf->end;
}

struct slice {
    struct slice *next;
    struct buffer *buf; /* holds; NULL when the bytes are static */
    const char *ptr;
    uint32_t len;
};

struct chain {
    struct slice *first;
    struct slice *last;
    size_t bytes;
};

static inline void
chain_init(struct chain *chain)
{
    chain->first = chain->last = NULL;
    chain->bytes = 0;
}

static inline bool
chain_is_empty(const struct chain *chain)
{
    return chain->bytes == 0;
}

/* Drops everything. */
void chain_clear(struct chain *chain);
/* Adds a reference to bytes inside `buf` (takes one more reference), or copies them when they
 * are few. False: out of memory, nothing added. */
bool chain_add_slice(struct chain *chain, struct buffer *buf, const char *ptr, size_t len)
    __attribute__((warn_unused_result));
/* Copies. False: out of memory, nothing added. */
bool chain_add_copy(struct chain *chain, const char *ptr, size_t len)
    __attribute__((warn_unused_result));
/* Adds bytes that live for ever. */
bool chain_add_static(struct chain *chain, const char *ptr, size_t len)
    __attribute__((warn_unused_result));
/* Contiguous room of at least `len` bytes (at most the buffer size) at the end, to be
 * written and then counted by chain_commit(). NULL: out of memory. */
char *chain_reserve(struct chain *chain, size_t len) __attribute__((warn_unused_result));
void chain_commit(struct chain *chain, size_t len);
/* Moves all of `from` to the end of `to`; cannot fail. */
void chain_move(struct chain *to, struct chain *from);
/* Moves the first `len` bytes (at most what is there). False: out of memory. */
bool chain_move_some(struct chain *to, struct chain *from, size_t len)
    __attribute__((warn_unused_result));
/* Removes the first `len` bytes, which must be there. */
void chain_consume(struct chain *chain, size_t len);
/* Fills at most `max` entries; returns how many. */
int chain_to_iovec(const struct chain *chain, struct iovec *iov, int max);
/* Copies up to `len` bytes from offset `from` to `to`; returns how many. */
size_t chain_peek(const struct chain *chain, size_t from, char *to, size_t len);
