/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip, deflate (zlib's format) and raw-deflate by zlib, where ISA-L is missing.
 *
 * For:     encoder.c.
 * Thread:  owner.
 */
#ifndef WEIR_ISAL
#include <stdlib.h>
#include <zlib.h>

#include "encoder.h"

#define WINDOW_BITS_LEAST 9 /* the library has none shorter */

static int
window_of(const struct encoder *enc)
{
    int64_t bits = enc->tuning.window_bits;

    return bits < WINDOW_BITS_LEAST ? WINDOW_BITS_LEAST : (int)bits;
}

/* As its manual says. */
static size_t
memory_of(const struct encoder_tuning *tuning)
{
    return sizeof(z_stream) + ((size_t)1 << (tuning->window_bits + 2)) +
           ((size_t)1 << (tuning->memory_level + 9));
}

static bool
make(struct encoder *enc)
{
    enc->state = calloc(1, sizeof(z_stream));
    return enc->state != NULL;
}

static bool
begin(struct encoder *enc, int window_bits)
{
    z_stream *z = enc->state;

    if (z->state != NULL)
        return deflateReset(z) == Z_OK;
    return deflateInit2(z, (int)enc->tuning.level, Z_DEFLATED, window_bits,
                        (int)enc->tuning.memory_level, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool
begin_gzip(struct encoder *enc)
{
    return begin(enc, window_of(enc) + 16);
}

static bool
begin_zlib(struct encoder *enc)
{
    return begin(enc, window_of(enc));
}

static bool
begin_raw(struct encoder *enc)
{
    return begin(enc, -window_of(enc));
}

static enum encoded
run(struct encoder *enc, struct encoder_io *io, enum encoder_op op)
{
    static const int flushes[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };
    z_stream *z = enc->state;
    int result;

    z->next_in = (Bytef *)(uintptr_t)io->in;
    z->avail_in = (uInt)io->in_len;
    z->next_out = (Bytef *)io->out;
    z->avail_out = (uInt)io->room;
    result = deflate(z, flushes[op]);
    if (result == Z_STREAM_ERROR)
        return ENCODED_FAILED;
    io->in_len = z->avail_in;
    io->room = z->avail_out;
    if (op == ENCODE_END)
        return result == Z_STREAM_END ? ENCODED : ENCODED_FULL;
    return z->avail_out == 0 || z->avail_in > 0 ? ENCODED_FULL : ENCODED;
}

static void
give(struct encoder *enc)
{
    deflateEnd(enc->state);
    free(enc->state);
}

static const struct encoder_kind kinds[] = {
    { "gzip", "gzip", memory_of, make, begin_gzip, run, give },
    { "deflate", "deflate", memory_of, make, begin_zlib, run, give },
    { "raw-deflate", "deflate", memory_of, make, begin_raw, run, give },
};
REGISTER(encoder_kind, kinds);
#endif
