/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip, deflate (zlib's format) and raw-deflate by ISA-L; zlib_coding.c takes its place where it is missing.
 *
 * For:     encoder.c.
 * Thread:  owner.
 */
#ifdef WEIR_ISAL
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "encoder.h"

/* Levels 1 to 3 are about zlib's 1 to 4, several times as fast. */
#define LEVEL_MOST 3

struct deflater {
    struct isal_zstream stream;
    uint32_t work_size;
    uint8_t work[];
};

static unsigned
level_of(const struct encoder_tuning *tuning)
{
    return tuning->level > LEVEL_MOST ? LEVEL_MOST : (unsigned)tuning->level;
}

/* What a level needs, and room for tokens: they are collected before a block is written. zlib's
 * memory level 8 stands for the library's own default. */
static size_t
work_size(const struct encoder_tuning *tuning)
{
    static const size_t needs[LEVEL_MOST + 1] = { 0, ISAL_DEF_LVL1_REQ, ISAL_DEF_LVL2_REQ,
                                                  ISAL_DEF_LVL3_REQ };
    int64_t shift = tuning->memory_level > 2 ? tuning->memory_level - 2 : 0;

    return needs[level_of(tuning)] + ((size_t)ISAL_DEF_LVL1_TOKEN_SIZE * IGZIP_K << shift);
}

static size_t
memory_of(const struct encoder_tuning *tuning)
{
    return sizeof(struct deflater) + work_size(tuning);
}

static bool
make(struct encoder *enc)
{
    struct deflater *d = malloc(memory_of(&enc->tuning));

    if (d != NULL)
        d->work_size = (uint32_t)work_size(&enc->tuning);
    enc->state = d;
    return d != NULL;
}

static bool
begin(struct encoder *enc, uint16_t format)
{
    struct deflater *d = enc->state;

    isal_deflate_init(&d->stream);
    d->stream.gzip_flag = format;
    d->stream.level = level_of(&enc->tuning);
    d->stream.hist_bits = (uint16_t)enc->tuning.window_bits;
    d->stream.level_buf = d->work;
    d->stream.level_buf_size = d->work_size;
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
    free(enc->state);
}

static const struct encoder_kind kinds[] = {
    { "gzip", "gzip", memory_of, make, begin_gzip, run, give },
    { "deflate", "deflate", memory_of, make, begin_zlib, run, give },
    { "raw-deflate", "deflate", memory_of, make, begin_raw, run, give },
};
REGISTER(encoder_kind, kinds);
#endif
