/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the end of a name, a value, a target: 16 bytes at a time where the processor can (SSE2),
 * byte by byte elsewhere and near the end of the bytes. Nothing is read at or behind `end`.
 *
 * Each returns `end` when what it looks for is not there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/http/validate.h"

#ifdef __SSE2__
#include <emmintrin.h>
#define H1_SCAN_WIDE 1
#else
#define H1_SCAN_WIDE 0
#endif

#define H1_SCAN_STEP 16

/* --- names ---------------------------------------------------------------- */

static inline char *
h1_scan_name_slow(char *at, const char *end)
{
    for (; at < end; at++) {
        unsigned classes = byte_classes[(unsigned char)*at];

        if ((classes & BYTE_TOKEN) == 0)
            break;
        if ((classes & BYTE_UPPER) != 0)
            *at |= 0x20;
    }
    return at;
}

#if H1_SCAN_WIDE
/* 0xff where low <= byte <= high. */
static inline __m128i
h1_in_range(__m128i bytes, char low, char high)
{
    __m128i from_low = _mm_sub_epi8(bytes, _mm_set1_epi8(low));

    return _mm_cmpeq_epi8(_mm_min_epu8(from_low, _mm_set1_epi8((char)(high - low))), from_low);
}

/* Stores the first `len` bytes of `lower`, the others as they were. */
static inline void
h1_store_some(char *at, __m128i bytes, __m128i lower, int len)
{
    __m128i place = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i inside = _mm_cmplt_epi8(place, _mm_set1_epi8((char)len));
    __m128i bit = _mm_and_si128(_mm_xor_si128(bytes, lower), inside);

    _mm_storeu_si128((__m128i *)at, _mm_xor_si128(bytes, bit));
}
#endif

/* The first byte that is no tchar; what is before it is made lower case in place. Letters, digits
 * and '-' go the wide way; a name with another byte goes on byte by byte. */
static inline char *
h1_scan_name(char *at, const char *end)
{
#if H1_SCAN_WIDE
    while (end - at >= H1_SCAN_STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        /* Of letters, digits and '-', only capitals lack the bit 0x20. */
        __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i fine = _mm_or_si128(h1_in_range(lower, 'a', 'z'), h1_in_range(bytes, '0', '9'));
        unsigned others, capitals;
        int len;

        fine = _mm_or_si128(fine, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
        others = (unsigned)_mm_movemask_epi8(fine) ^ 0xffff;
        capitals = ~(unsigned)_mm_movemask_epi8(_mm_slli_epi16(bytes, 2));
        len = __builtin_ctz(others | 1 << H1_SCAN_STEP);
        if ((capitals & ((1u << len) - 1)) != 0)
            h1_store_some(at, bytes, lower, len);
        at += len;
        if (__builtin_expect(len < H1_SCAN_STEP, 1))
            return *at == ':' ? at : h1_scan_name_slow(at, end);
    }
#endif
    return h1_scan_name_slow(at, end);
}

/* --- values --------------------------------------------------------------- */

/* The first NUL, CR or LF. */
static inline char *
h1_scan_value(char *at, const char *end)
{
#if H1_SCAN_WIDE
    while (end - at >= H1_SCAN_STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8('\r')), bytes);
        unsigned hits = (unsigned)_mm_movemask_epi8(low);

        /* Tabs and other controls are below CR too, but rare. */
        for (; hits != 0; hits &= hits - 1) {
            char *hit = at + __builtin_ctz(hits);

            if (!byte_is(*hit, BYTE_VALUE))
                return hit;
        }
        at += H1_SCAN_STEP;
    }
#endif
    while (at < end && byte_is(*at, BYTE_VALUE))
        at++;
    return at;
}

/* --- targets -------------------------------------------------------------- */

/* The first byte that may not stand in a target: blank, control, '#', above 126. */
static inline char *
h1_scan_target(char *at, const char *end)
{
#if H1_SCAN_WIDE
    while (end - at >= H1_SCAN_STEP) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i bad = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('#'));
        unsigned hits;

        /* Signed: above 127 is below zero. */
        bad = _mm_or_si128(bad, _mm_cmplt_epi8(bytes, _mm_set1_epi8('!')));
        bad = _mm_or_si128(bad, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
        hits = (unsigned)_mm_movemask_epi8(bad);
        if (hits != 0)
            return at + __builtin_ctz(hits);
        at += H1_SCAN_STEP;
    }
#endif
    while (at < end && byte_is(*at, BYTE_TARGET))
        at++;
    return at;
}
