/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory freed all at once.
 *
 * For:     snapshots and commands, which are built and then dropped as a whole
 *          (arena_zero and its kin: never NULL); and the texts and headers that
 *          a request makes (arena_take: small chunks, may be NULL).
 * Owns:    a list of chunks, newest first; memory is taken from the newest one.
 * Callers: everybody.
 * Thread:  an arena has one user at a time. Chunks of the traffic kind go back
 *          to the cache of the thread that gives them.
 *
 * A request larger than what is left does not throw the rest away: it gets a
 * chunk of its own, placed behind the newest one, if it is large. Under ASan each
 * arena_take() gets a chunk of its own, so that an overflow is seen.
 */
#include "weir/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/pool.h"

#define ALIGN               16
#define BUILD_CHUNK_MIN     4096
#define BUILD_CHUNK_MAX     (256 * 1024)
#define TRAFFIC_CHUNK       4096
#define TRAFFIC_CHUNK_LARGE 1024 /* from here on a chunk of its own pays */

struct arena_chunk {
    struct arena_chunk *next; /* older */
    size_t size;              /* bytes of data[] */
    _Alignas(ALIGN) char data[];
};

/* Up to this size the chunk comes from the pool and is as large as the pool makes it. */
#define POOLED_MAX (WITH_ASAN ? 0 : TRAFFIC_CHUNK - sizeof(struct arena_chunk))

static struct pool chunk_pool = POOL("arena", TRAFFIC_CHUNK);

static size_t
round_up(size_t size, size_t align)
{
    return (size + align - 1) & ~(align - 1);
}

/* Makes `chunk` the one that memory is taken from. */
static void
chunk_add_newest(struct arena *arena, struct arena_chunk *chunk)
{
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->pos = chunk->data;
    arena->end = chunk->data + chunk->size;
    arena->used_bytes += chunk->size;
}

/* Adds a chunk that is full from the beginning. */
static void
chunk_add_full(struct arena *arena, struct arena_chunk *chunk)
{
    if (arena->chunks == NULL) {
        chunk_add_newest(arena, chunk);
        arena->pos = arena->end;
        return;
    }
    chunk->next = arena->chunks->next;
    arena->chunks->next = chunk;
    arena->used_bytes += chunk->size;
}

/* --- building --- */

void
arena_init(struct arena *arena)
{
    *arena = (struct arena){ 0 };
}

void
arena_fini(struct arena *arena)
{
    struct arena_chunk *next;

    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = next) {
        next = chunk->next;
        alloc_free(chunk);
    }
    arena_init(arena);
}

static struct arena_chunk *
build_chunk_new(size_t size)
{
    struct arena_chunk *chunk;

    MUST(size < SIZE_MAX - sizeof(*chunk));
    chunk = alloc_zero(sizeof(*chunk) + size);
    chunk->size = size;
    return chunk;
}

/* Zeroed bytes at any address; chunks are zeroed when made and never used twice. */
static char *
build_bytes(struct arena *arena, size_t size, size_t align)
{
    uintptr_t at = round_up((uintptr_t)arena->pos, align);
    struct arena_chunk *chunk;
    size_t chunk_size;

    if (arena->pos != NULL && at + size >= at && at + size <= (uintptr_t)arena->end) {
        arena->pos = (char *)at + size;
        return (char *)at;
    }
    /* Grow with the arena: a snapshot of 100 MB needs few chunks, a command one small one. */
    chunk_size = arena->used_bytes < BUILD_CHUNK_MIN   ? BUILD_CHUNK_MIN
                 : arena->used_bytes > BUILD_CHUNK_MAX ? BUILD_CHUNK_MAX
                                                       : arena->used_bytes;
    if (size > chunk_size / 4) {
        chunk = build_chunk_new(size);
        chunk_add_full(arena, chunk);
        return chunk->data;
    }
    chunk_add_newest(arena, build_chunk_new(chunk_size));
    arena->pos += size;
    return arena->chunks->data;
}

void *
arena_zero(struct arena *arena, size_t size)
{
    return build_bytes(arena, size, ALIGN);
}

char *
arena_copy(struct arena *arena, const char *text)
{
    return arena_copy_str(arena, str_from(text));
}

char *
arena_copy_str(struct arena *arena, struct str s)
{
    char *copy = build_bytes(arena, s.len + 1, 1);

    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    MUST(len >= 0);
    text = build_bytes(arena, (size_t)len + 1, 1);
    va_start(args, fmt);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

/* --- traffic --- */

/* A chunk from the pool, or from the system when it must be larger. */
static struct arena_chunk *
traffic_chunk_take(size_t size)
{
    struct arena_chunk *chunk;

    if (size > SIZE_MAX - TRAFFIC_CHUNK)
        return NULL;
    if (size <= POOLED_MAX) {
        chunk = pool_take(&chunk_pool);
        size = POOLED_MAX;
    } else {
        size = WITH_ASAN ? size : round_up(size, ALIGN);
        chunk = malloc(sizeof(*chunk) + size);
    }
    if (chunk != NULL)
        chunk->size = size;
    return chunk;
}

static void
traffic_chunk_give(struct arena_chunk *chunk)
{
    if (chunk->size > POOLED_MAX)
        free(chunk);
    else
        pool_give(&chunk_pool, chunk);
}

void *
arena_take_slow(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk;

    if (size == 0)
        return arena_take(arena, 1);
    chunk = traffic_chunk_take(size);
    if (chunk == NULL)
        return NULL;
    if (size >= TRAFFIC_CHUNK_LARGE && chunk->size - size < (size_t)(arena->end - arena->pos)) {
        chunk_add_full(arena, chunk);
        return chunk->data;
    }
    chunk_add_newest(arena, chunk);
    arena_keep(arena, size);
    return chunk->data;
}

char *
arena_reserve(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk;

    if (arena->pos != NULL && size <= (size_t)(arena->end - arena->pos))
        return arena->pos;
    chunk = traffic_chunk_take(size);
    if (chunk == NULL)
        return NULL;
    chunk_add_newest(arena, chunk);
    return arena->pos;
}

void
arena_keep(struct arena *arena, size_t size)
{
    size_t room = (size_t)(arena->end - arena->pos);
    size_t kept = round_up(size, ARENA_TAKE_ALIGN);

    MUST(size <= room);
    arena->pos += kept <= room ? kept : room;
}

void
arena_give_slow(struct arena *arena)
{
    struct arena_chunk *next;

    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = next) {
        next = chunk->next;
        traffic_chunk_give(chunk);
    }
    arena_init(arena);
}
