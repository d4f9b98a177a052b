/* SPDX-License-Identifier: Apache-2.0 */
/*
 * br: brotli (RFC 7932).
 *
 * For:     encoder.c.
 * Thread:  owner.
 *
 * The library cannot use an encoder twice; it asks for the same few large blocks with each body. Each thread keeps those
 * of the last bodies, because blocks of that size fresh from the system cost a page fault for each of their pages.
 */
#include <brotli/encode.h>

#include "weir/base/alloc.h"
#include "weir/loop/start.h"

#include "encoder.h"

/* The library's first qualities save little: level 1 is quality 3, which is as quick. */
#define QUALITY_MORE 2
#define WINDOW_BITS  18
#define MEMORY       1000000

#define KEEP_MOST    (4 << 20) /* bytes that a thread keeps */
#define KEEP_LEAST   4096      /* smaller blocks are malloc's business */

/* --- memory ----------------------------------------------------------------------------------------- */

/* Before the bytes of a block; as large as they are aligned. */
struct block {
    _Alignas(16) size_t size;
    struct block *next; /* while it is kept */
};

static _Thread_local struct block *kept_blocks;
static _Thread_local size_t kept_bytes;

static void *
take_block(void *opaque, size_t size)
{
    struct block *block = NULL;

    (void)opaque;
    for (struct block **at = &kept_blocks; *at != NULL && block == NULL; at = &(*at)->next) {
        if ((*at)->size != size)
            continue;
        block = *at;
        *at = block->next;
        kept_bytes -= size;
        break;
    }
    if (block == NULL)
        block = alloc_resize(NULL, sizeof(*block) + size);
    block->size = size;
    return block + 1;
}

static void
give_block(void *opaque, void *bytes)
{
    struct block *block;

    (void)opaque;
    if (bytes == NULL)
        return;
    block = (struct block *)bytes - 1;
    if (block->size < KEEP_LEAST || kept_bytes + block->size > KEEP_MOST) {
        alloc_free(block);
        return;
    }
    block->next = kept_blocks;
    kept_blocks = block;
    kept_bytes += block->size;
}

static void
free_blocks(void)
{
    while (kept_blocks != NULL) {
        struct block *block = kept_blocks;

        kept_blocks = block->next;
        alloc_free(block);
    }
    kept_bytes = 0;
}

static const struct start_hook hooks[] = { { STOP_THREAD, free_blocks } };
REGISTER(start_hook, hooks);

/* --- the encoder -------------------------------------------------------------------------------------- */

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
    int64_t quality = enc->tuning.level + QUALITY_MORE;

    give(enc);
    enc->state = BrotliEncoderCreateInstance(take_block, give_block, NULL);
    if (enc->state == NULL)
        return false;
    BrotliEncoderSetParameter(enc->state, BROTLI_PARAM_QUALITY,
                              quality > BROTLI_MAX_QUALITY ? BROTLI_MAX_QUALITY
                                                           : (uint32_t)quality);
    BrotliEncoderSetParameter(enc->state, BROTLI_PARAM_LGWIN, WINDOW_BITS);
    return true;
}

static size_t
memory_of(const struct encoder_tuning *tuning)
{
    (void)tuning;
    return MEMORY;
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
    { "br", "br", memory_of, make, begin, run, give, .is_single = true },
};
REGISTER(encoder_kind, kinds);
