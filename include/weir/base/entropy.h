/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers and unique ids. Any thread; nothing is shared, and a child of
 * fork() does not repeat its parent.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UUID_LEN 36

/* Fast, not for secrets: 64 random bits. */
uint64_t entropy_next(void);
/* 0 to bound - 1, all equally likely; bound > 0. Not for secrets. */
uint64_t entropy_below(uint64_t bound);
/* From the kernel: for keys and everything that must not be guessed. */
void entropy_fill(void *to, size_t len);

/* RFC 9562 ids, UUID_LEN bytes, no NUL; strong randomness. Return the length. */
size_t entropy_format_uuid4(char *to);
/* Begins with the time, so ids of one millisecond sort together. */
size_t entropy_format_uuid7(char *to, int64_t wall_us);
