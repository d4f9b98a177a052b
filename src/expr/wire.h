/* SPDX-License-Identifier: Apache-2.0 */
/* Reading bytes of binary protocols, never beyond their end. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/str.h"

/* What is still to be read. A read beyond the end gives 0 and sets is_short. */
struct wire {
    const uint8_t *at, *end;
    bool is_short;
};

static inline struct wire
wire_of(struct str s)
{
    const uint8_t *at = (const uint8_t *)s.ptr;

    return (struct wire){ at, at + s.len, false };
}

static inline size_t
wire_left(const struct wire *wire)
{
    return (size_t)(wire->end - wire->at);
}

/* A number of `size` bytes, the most significant first. */
static inline uint64_t
wire_be(struct wire *wire, size_t size)
{
    uint64_t n = 0;

    if (wire_left(wire) < size) {
        wire->is_short = true;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        n = n << 8 | *wire->at++;
    return n;
}

/* The same, the least significant first. */
static inline uint64_t
wire_le(struct wire *wire, size_t size)
{
    uint64_t n = 0;

    if (wire_left(wire) < size) {
        wire->is_short = true;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        n |= (uint64_t)*wire->at++ << (8 * i);
    return n;
}

/* Seven bits a byte, the least significant first; at most `max` bytes. */
static inline uint64_t
wire_varint(struct wire *wire, unsigned max)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < max && wire->at < wire->end; i++) {
        uint8_t byte = *wire->at++;

        if (i < 10)
            n |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0)
            return n;
    }
    wire->is_short = true;
    return 0;
}

static inline struct str
wire_bytes(struct wire *wire, uint64_t len)
{
    struct str s = STR("");

    if (wire_left(wire) < len) {
        wire->is_short = true;
        return s;
    }
    s = str_of((const char *)wire->at, (size_t)len);
    wire->at += len;
    return s;
}
