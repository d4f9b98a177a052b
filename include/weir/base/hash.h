/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash functions that users can name (hash-type, converters); hash_xxh3() is
 * what weir uses itself. All functions are pure; any thread.
 */
#pragma once

#include <stdint.h>

#include "weir/base/str.h"

/* Results never change: they decide which server a client meets. */
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
