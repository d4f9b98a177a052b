/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of boot time and of the control thread: never NULL (out of memory
 * there stops the program with a message). Traffic objects use pool.h.
 */
#pragma once

#include <stddef.h>

#include "weir/base/str.h"

/* Zeroed memory. Freed with alloc_free(). Any thread. */
void *alloc_zero(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *alloc_array(size_t count, size_t size) __attribute__((returns_nonnull));
/* Zeroed memory whose address is a multiple of `align` (a power of two). */
void *alloc_aligned(size_t align, size_t size) __attribute__((returns_nonnull));
/* Grows or shrinks; new bytes are not zeroed. `ptr` may be NULL. */
void *alloc_resize(void *ptr, size_t size) __attribute__((returns_nonnull));
char *alloc_copy(const char *text) __attribute__((returns_nonnull));
char *alloc_copy_str(struct str s) __attribute__((returns_nonnull));
char *alloc_printf(const char *fmt, ...) __attribute__((returns_nonnull, format(printf, 1, 2)));
/* NULL is fine. */
void alloc_free(void *ptr);
