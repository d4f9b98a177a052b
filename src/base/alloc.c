/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that never is NULL: for boot and the control thread.
 *
 * For:     what is built from the configuration and from commands. There a
 *          lack of memory has no sensible answer but to stop and say so.
 * Owns:    nothing.
 * Callers: everybody but the traffic path, which uses pool.h and arena_take().
 * Thread:  any.
 */
#include "weir/base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void
stop_without_memory(size_t size)
{
    fprintf(stderr, "weir: out of memory: cannot allocate %zu bytes\n", size);
    exit(1);
}

void *
alloc_zero(size_t size)
{
    void *ptr = calloc(1, size == 0 ? 1 : size);

    if (ptr == NULL)
        stop_without_memory(size);
    return ptr;
}

void *
alloc_array(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        stop_without_memory(SIZE_MAX);
    return alloc_zero(bytes);
}

void *
alloc_aligned(size_t align, size_t size)
{
    void *ptr = NULL;

    if (align < sizeof(void *))
        align = sizeof(void *);
    if (posix_memalign(&ptr, align, size == 0 ? 1 : size) != 0)
        stop_without_memory(size);
    memset(ptr, 0, size);
    return ptr;
}

void *
alloc_resize(void *ptr, size_t size)
{
    void *moved = realloc(ptr, size == 0 ? 1 : size);

    if (moved == NULL)
        stop_without_memory(size);
    return moved;
}

char *
alloc_copy(const char *text)
{
    return alloc_copy_str(str_from(text));
}

char *
alloc_copy_str(struct str s)
{
    char *copy = alloc_zero(s.len + 1);

    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

char *
alloc_printf(const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) == -1)
        stop_without_memory(strlen(fmt));
    va_end(args);
    return text;
}

void
alloc_free(void *ptr)
{
    free(ptr);
}
