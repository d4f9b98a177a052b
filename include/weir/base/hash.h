/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash functions that users can name (hash-type, converters), and the fast
 * ones that weir uses itself. All functions are pure; any thread.
 */
#pragma once

#include <stdint.h>

#include "weir/base/str.h"

/* --- named in configurations: results never change, they place users on servers --- */

uint32_t hash_sdbm(struct str s);
uint32_t hash_djb2(struct str s);
uint32_t hash_wt6(struct str s);
/* As in Ethernet, gzip and PNG. */
uint32_t hash_crc32(struct str s);
/* Castagnoli's, as in PROXY v2 headers. */
uint32_t hash_crc32c(struct str s);
/* Mixes all bits of a hash into each other. */
uint32_t hash_avalanche(uint32_t hash);
uint32_t hash_xxh32(struct str s, uint32_t seed);
uint64_t hash_xxh64(struct str s, uint64_t seed);
uint64_t hash_xxh3(struct str s, uint64_t seed);

/* --- for our own tables ------------------------------------------------- */

/* Mixes a number into a hash whose every bit is good. */
static inline uint64_t
hash_number(uint64_t n)
{
    n = (n ^ (n >> 32)) * 0xd6e8feb86659fd93ull;
    n = (n ^ (n >> 32)) * 0xd6e8feb86659fd93ull;
    return n ^ (n >> 32);
}
