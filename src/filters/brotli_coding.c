/* SPDX-License-Identifier: Apache-2.0 */
/*
 * br: brotli (RFC 7932).
 *
 * For:     encoder.c.
 * Thread:  owner.
 *
 * The library cannot use an encoder twice: the memory of one is asked for with each body.
 */
#include <brotli/encode.h>

#include "encoder.h"

/* The library's first qualities save little: level 1 is quality 3, which is as quick. */
#define QUALITY_MORE 2
#define WINDOW_BITS  18
#define MEMORY       1000000

static bool
make(struct encoder *enc)
{
    enc->state = NULL;
    return true;
}

static void
give(struct encoder *enc)
{
    if (enc->state != NULL)
        BrotliEncoderDestroyInstance(enc->state);
    enc->state = NULL;
}

static bool
begin(struct encoder *enc)
{
    int64_t quality = enc->level + QUALITY_MORE;

    give(enc);
    enc->state = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    if (enc->state == NULL)
        return false;
    BrotliEncoderSetParameter(enc->state, BROTLI_PARAM_QUALITY,
                              quality > BROTLI_MAX_QUALITY ? BROTLI_MAX_QUALITY
                                                           : (uint32_t)quality);
    BrotliEncoderSetParameter(enc->state, BROTLI_PARAM_LGWIN, WINDOW_BITS);
    return true;
}

static enum encoded
run(struct encoder *enc, struct encoder_io *io, enum encoder_op op)
{
    static const BrotliEncoderOperation operations[] = {
        BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH
    };
    const uint8_t *in = (const uint8_t *)io->in;
    uint8_t *out = (uint8_t *)io->out;

    if (!BrotliEncoderCompressStream(enc->state, operations[op], &io->in_len, &in, &io->room, &out,
                                     NULL))
        return ENCODED_FAILED;
    if (op == ENCODE_END && !BrotliEncoderIsFinished(enc->state))
        return ENCODED_FULL;
    return io->in_len > 0 || BrotliEncoderHasMoreOutput(enc->state) ? ENCODED_FULL : ENCODED;
}

static const struct encoder_kind kinds[] = {
    { "br", "br", MEMORY, make, begin, run, give, .is_single = true },
};
REGISTER(encoder_kind, kinds);
