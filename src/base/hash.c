/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash functions that users can name.
 *
 * For:     hash-based balancing, converters, checksums of PROXY v2.
 * Owns:    nothing.
 * Callers: everybody.
 * Thread:  any; all functions are pure.
 *
 * Where a client lands depends on these values: they must stay equal to what
 * HAProxy computes, for all inputs (bytes are unsigned).
 */
#include "weir/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Remainders of the 16 possible half-bytes, for a polynomial written bit-reversed. */
struct crc_table {
    uint32_t of[16];
};

static const struct crc_table crc32_table = { {
    0x00000000,
    0x1db71064,
    0x3b6e20c8,
    0x26d930ac,
    0x76dc4190,
    0x6b6b51f4,
    0x4db26158,
    0x5005713c,
    0xedb88320,
    0xf00f9344,
    0xd6d6a3e8,
    0xcb61b38c,
    0x9b64c2b0,
    0x86d3d2d4,
    0xa00ae278,
    0xbdbdf21c,
} };
static const struct crc_table crc32c_table = { {
    0x00000000,
    0x105ec76f,
    0x20bd8ede,
    0x30e349b1,
    0x417b1dbc,
    0x5125dad3,
    0x61c69362,
    0x7198540d,
    0x82f63b78,
    0x92a8fc17,
    0xa24bb5a6,
    0xb21572c9,
    0xc38d26c4,
    0xd3d3e1ab,
    0xe330a81a,
    0xf36e6f75,
} };

static uint32_t
rotate_left(uint32_t n, unsigned by)
{
    return (n << (by & 31)) | (n >> (-by & 31));
}

uint32_t
hash_sdbm(struct str s)
{
    uint32_t hash = 0;

    for (size_t i = 0; i < s.len; i++)
        hash = (unsigned char)s.ptr[i] + hash * 65599;
    return hash;
}

uint32_t
hash_djb2(struct str s)
{
    uint32_t hash = 5381;

    for (size_t i = 0; i < s.len; i++)
        hash = (unsigned char)s.ptr[i] + hash * 33;
    return hash;
}

/* Two halves take in each byte and change places, turned by amounts that depend on what was
 * read so far. */
uint32_t
hash_wt6(struct str s)
{
    uint32_t a = 0xa53c965a, b = 0x5ca6953a;
    unsigned turn_a = 6, turn_b = 18;

    for (size_t i = 0; i < s.len; i++) {
        uint32_t byte = (unsigned char)s.ptr[i];
        uint32_t next_a = rotate_left(~(b + byte), turn_a);
        uint32_t next_b = rotate_left(~(a ^ byte), turn_b);
        uint32_t folded = ((next_a >> 16) ^ next_b) & 0xffff;

        a = next_a;
        b = next_b;
        turn_a = folded & 31;
        turn_b = folded >> 11;
    }
    return a ^ b;
}

static uint32_t
crc(const struct crc_table *table, struct str s)
{
    uint32_t rest = ~0u;

    for (size_t i = 0; i < s.len; i++) {
        rest ^= (unsigned char)s.ptr[i];
        rest = (rest >> 4) ^ table->of[rest & 15];
        rest = (rest >> 4) ^ table->of[rest & 15];
    }
    return ~rest;
}

uint32_t
hash_crc32(struct str s)
{
    return crc(&crc32_table, s);
}

uint32_t
hash_crc32c(struct str s)
{
    return crc(&crc32c_table, s);
}

/* Bob Jenkins' full avalanche of a 32-bit integer (public domain). The product at the end
 * brings the low bits to the top, where the hash ring tells servers apart. */
uint32_t
hash_avalanche(uint32_t hash)
{
    hash = (hash + 0x7ed55d16) + (hash << 12);
    hash = (hash ^ 0xc761c23c) ^ (hash >> 19);
    hash = (hash + 0x165667b1) + (hash << 5);
    hash = (hash + 0xd3a2646c) ^ (hash << 9);
    hash = (hash + 0xfd7046c5) + (hash << 3);
    hash = (hash ^ 0xb55a4f09) ^ (hash >> 16);
    return hash * 0xc0000001;
}

/* xxHash wants an address even for no bytes. */
static const char *
address_of(struct str s)
{
    return s.ptr == NULL ? "" : s.ptr;
}

uint32_t
hash_xxh32(struct str s, uint32_t seed)
{
    return XXH32(address_of(s), s.len, seed);
}

uint64_t
hash_xxh64(struct str s, uint64_t seed)
{
    return XXH64(address_of(s), s.len, seed);
}

uint64_t
hash_xxh3(struct str s, uint64_t seed)
{
    return XXH3_64bits_withSeed(address_of(s), s.len, seed);
}
