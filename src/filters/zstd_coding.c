/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd: Zstandard (RFC 8878, and 9659: clients need accept no window above 8 MB).
 *
 * For:     encoder.c.
 * Thread:  owner.
 */
#include <zstd.h>

#include "encoder.h"

#define WINDOW_LOG 17
#define LEVEL_MORE 1 /* level 1 here is the library's second */
#define MEMORY     1000000

static size_t
memory_of(const struct encoder_tuning *tuning)
{
    (void)tuning;
    return MEMORY;
}

static bool
make(struct encoder *enc)
{
    enc->state = ZSTD_createCCtx();
    return enc->state != NULL;
}

static bool
begin(struct encoder *enc)
{
    ZSTD_CCtx_reset(enc->state, ZSTD_reset_session_and_parameters);
    return !ZSTD_isError(ZSTD_CCtx_setParameter(enc->state, ZSTD_c_compressionLevel,
                                                (int)enc->tuning.level + LEVEL_MORE)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(enc->state, ZSTD_c_windowLog, WINDOW_LOG));
}

static enum encoded
run(struct encoder *enc, struct encoder_io *io, enum encoder_op op)
{
    static const ZSTD_EndDirective ends[] = { ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end };
    ZSTD_inBuffer in = { io->in, io->in_len, 0 };
    ZSTD_outBuffer out = { io->out, io->room, 0 };
    size_t left = ZSTD_compressStream2(enc->state, &out, &in, ends[op]);

    if (ZSTD_isError(left))
        return ENCODED_FAILED;
    io->in_len -= in.pos;
    io->room -= out.pos;
    if (op == ENCODE_MORE)
        return io->in_len > 0 ? ENCODED_FULL : ENCODED;
    return left > 0 || io->in_len > 0 ? ENCODED_FULL : ENCODED;
}

static void
give(struct encoder *enc)
{
    ZSTD_freeCCtx(enc->state);
}

static const struct encoder_kind kinds[] = {
    { "zstd", "zstd", memory_of, make, begin, run, give },
};
REGISTER(encoder_kind, kinds);
