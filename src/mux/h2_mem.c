/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nghttp2's memory: blocks of a few sizes, from pools, so that a request costs no malloc.
 *
 * For:     h2_session.c.
 * Thread:  owner of the session; blocks may go back on another one.
 */
#include <stdlib.h>
#include <string.h>

#include "h2_conn.h"
#include "weir/base/pool.h"

/* Before each block; keeps it aligned to 16 bytes. */
struct block {
    size_t size;
    uint32_t class_;
    uint32_t pad;
};

#define CLASSES 5
static const uint32_t class_sizes[CLASSES] = { 64, 256, 512, 1024, 4096 };
static struct pool pools[CLASSES] = {
    POOL("h2_mem_64", 64),     POOL("h2_mem_256", 256),   POOL("h2_mem_512", 512),
    POOL("h2_mem_1024", 1024), POOL("h2_mem_4096", 4096),
};

static void *
take(size_t size, void *user)
{
    size_t whole = size + sizeof(struct block);
    struct block *block;
    uint32_t class_ = 0;

    (void)user;
    if (whole < size)
        return NULL;
    while (class_ < CLASSES && class_sizes[class_] < whole)
        class_++;
    block = class_ < CLASSES ? pool_take(&pools[class_]) : malloc(whole);
    if (block == NULL)
        return NULL;
    block->size = size;
    block->class_ = class_;
    return block + 1;
}

static void
give(void *ptr, void *user)
{
    struct block *block;

    (void)user;
    if (ptr == NULL)
        return;
    block = (struct block *)ptr - 1;
    if (block->class_ < CLASSES)
        pool_give(&pools[block->class_], block);
    else
        free(block);
}

static void *
take_zeroed(size_t count, size_t size, void *user)
{
    size_t whole;
    void *ptr;

    if (__builtin_mul_overflow(count, size, &whole))
        return NULL;
    ptr = take(whole, user);
    if (ptr != NULL)
        memset(ptr, 0, whole);
    return ptr;
}

static void *
resize(void *ptr, size_t size, void *user)
{
    struct block *block;
    void *moved;

    if (ptr == NULL)
        return take(size, user);
    block = (struct block *)ptr - 1;
    if (block->class_ < CLASSES && size + sizeof(*block) <= class_sizes[block->class_]) {
        block->size = size;
        return ptr;
    }
    moved = take(size, user);
    if (moved == NULL)
        return NULL;
    memcpy(moved, ptr, block->size < size ? block->size : size);
    give(ptr, user);
    return moved;
}

nghttp2_mem *
h2_mem(void)
{
    static nghttp2_mem mem = {
        .malloc = take,
        .free = give,
        .calloc = take_zeroed,
        .realloc = resize,
    };

    return &mem;
}
