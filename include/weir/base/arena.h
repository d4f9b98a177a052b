/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory freed all at once: one arena per snapshot, message, stream, command.
 * Not thread-safe: an arena has one user at a time.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "weir/base/sanitize.h"
#include "weir/base/str.h"

struct arena_chunk;

struct arena {
    char *pos; /* next free byte of the newest chunk; NULL: no chunk yet */
    char *end;
    struct arena_chunk *chunks; /* owns; newest first */
    size_t used_bytes;          /* all chunks together */
};

/* --- building (control and builder threads): never NULL ------------------- */

/* An empty arena owns no memory. */
void arena_init(struct arena *arena);
/* Frees all; the arena is empty again and may be used. */
void arena_fini(struct arena *arena);
/* Zeroed, aligned to 16 bytes. */
void *arena_zero(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* NUL-terminated copies. */
char *arena_copy(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_copy_str(struct arena *arena, struct str s) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *fmt, ...)
    __attribute__((returns_nonnull, format(printf, 2, 3)));

#define ARENA_NEW(arena, type)          ((type *)arena_zero((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_zero((arena), sizeof(type) * (count)))

/* --- traffic: small chunks from the thread's pool; may be NULL ------------ */

#define ARENA_TAKE_ALIGN 8

/* What arena_take() and arena_give() do when there is more to do. */
void *arena_take_slow(struct arena *arena, size_t size) __attribute__((warn_unused_result));
void arena_give_slow(struct arena *arena);

/* Not zeroed, aligned to 8 bytes; NULL when out of memory. An arena is used either
 * with these functions or with those above, and freed with arena_give(). */
__attribute__((warn_unused_result)) static inline void *
arena_take(struct arena *arena, size_t size)
{
    size_t left = (size_t)(arena->end - arena->pos);
    char *ptr = arena->pos;

    /* `left` is a multiple of 8, so what fits also fits when rounded up. No bytes at all go
     * the slow way: 0 - 1 is more than any room. */
    if (WITH_ASAN || __builtin_expect(size - 1 >= left, 0))
        return arena_take_slow(arena, size);
    arena->pos += (size + ARENA_TAKE_ALIGN - 1) & ~(size_t)(ARENA_TAKE_ALIGN - 1);
    return ptr;
}

/* Room of `size` bytes at the end, to be written and then kept by arena_keep(). */
char *arena_reserve(struct arena *arena, size_t size) __attribute__((warn_unused_result));
/* Keeps the first `size` bytes of the last arena_reserve(). */
void arena_keep(struct arena *arena, size_t size);

/* Gives all chunks back to the thread's pool. Cheap when nothing was taken. */
static inline void
arena_give(struct arena *arena)
{
    if (arena->chunks != NULL)
        arena_give_slow(arena);
}
