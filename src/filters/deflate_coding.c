/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip, deflate (zlib's format) and raw-deflate, by ISA-L, or by zlib where that is missing; and
 * identity, which leaves bodies alone.
 *
 * For:     encoder.c.
 * Thread:  owner.
 */
#include <string.h>

#include "weir/base/pool.h"

#include "encoder.h"

static int
level_of(const struct encoder *enc, int most)
{
    return enc->level < 1 ? 1 : enc->level > most ? most : (int)enc->level;
}

#ifdef WEIR_ISAL
#include <isa-l/igzip_lib.h>

/* ISA-L's levels 1 to 3 are about zlib's 1 to 4, several times as fast. */
struct deflater {
    struct isal_zstream stream;
    uint8_t work[ISAL_DEF_LVL3_DEFAULT > ISAL_DEF_LVL2_DEFAULT ? ISAL_DEF_LVL3_DEFAULT
                                                               : ISAL_DEF_LVL2_DEFAULT];
};
#define MEMORY sizeof(struct deflater)

static struct pool deflater_pool = POOL("deflater", sizeof(struct deflater));

static bool
make(struct encoder *enc)
{
    enc->state = pool_take(&deflater_pool);
    return enc->state != NULL;
}

static bool
begin(struct encoder *enc, uint16_t format)
{
    struct deflater *d = enc->state;

    isal_deflate_init(&d->stream);
    d->stream.gzip_flag = format;
    d->stream.level = (uint32_t)level_of(enc, 3);
    d->stream.level_buf = d->work;
    d->stream.level_buf_size = sizeof(d->work);
    return true;
}

static bool
begin_gzip(struct encoder *enc)
{
    return begin(enc, IGZIP_GZIP);
}

static bool
begin_zlib(struct encoder *enc)
{
    return begin(enc, IGZIP_ZLIB);
}

static bool
begin_raw(struct encoder *enc)
{
    return begin(enc, IGZIP_DEFLATE);
}

static enum encoded
run(struct encoder *enc, struct encoder_io *io, enum encoder_op op)
{
    struct isal_zstream *z = &((struct deflater *)enc->state)->stream;

    z->next_in = (uint8_t *)(uintptr_t)io->in;
    z->avail_in = (uint32_t)io->in_len;
    z->next_out = (uint8_t *)io->out;
    z->avail_out = (uint32_t)io->room;
    z->flush = op == ENCODE_FLUSH ? SYNC_FLUSH : NO_FLUSH;
    z->end_of_stream = op == ENCODE_END;
    if (isal_deflate(z) != COMP_OK)
        return ENCODED_FAILED;
    io->in_len = z->avail_in;
    io->room = z->avail_out;
    if (op == ENCODE_END)
        return z->internal_state.state == ZSTATE_END ? ENCODED : ENCODED_FULL;
    return z->avail_out == 0 || z->avail_in > 0 ? ENCODED_FULL : ENCODED;
}

static void
give(struct encoder *enc)
{
    pool_give(&deflater_pool, enc->state);
}
#else
#include <zlib.h>

#define MEMORY 270000

static struct pool deflater_pool = POOL("deflater", sizeof(z_stream));

static bool
make(struct encoder *enc)
{
    enc->state = pool_take(&deflater_pool);
    if (enc->state != NULL)
        memset(enc->state, 0, sizeof(z_stream));
    return enc->state != NULL;
}

static bool
begin(struct encoder *enc, int window_bits)
{
    z_stream *z = enc->state;

    if (z->state != NULL)
        return deflateReset(z) == Z_OK;
    return deflateInit2(z, level_of(enc, 9), Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) ==
           Z_OK;
}

static bool
begin_gzip(struct encoder *enc)
{
    return begin(enc, 15 + 16);
}

static bool
begin_zlib(struct encoder *enc)
{
    return begin(enc, 15);
}

static bool
begin_raw(struct encoder *enc)
{
    return begin(enc, -15);
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
    pool_give(&deflater_pool, enc->state);
}
#endif

static const struct encoder_kind kinds[] = {
    { "gzip", "gzip", MEMORY, make, begin_gzip, run, give },
    { "deflate", "deflate", MEMORY, make, begin_zlib, run, give },
    { "raw-deflate", "deflate", MEMORY, make, begin_raw, run, give },
    { .name = "identity" },
};
REGISTER(encoder_kind, kinds);
