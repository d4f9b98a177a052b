/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoders: taken for a body, given back, kept for the next one.
 *
 * For:     compression.c; the codings themselves are in isal_coding.c (or zlib_coding.c),
 *          brotli_coding.c and zstd_coding.c.
 * Owns:    the unused encoders of each thread.
 * Thread:  owner.
 */
#include "encoder.h"

#include <string.h>

#include "weir/base/pool.h"
#include "weir/base/str.h"
#include "weir/loop/start.h"

#define KEPT_MAX 8    /* unused ones, for each thread */
#define PIECE    4096 /* bytes of output in one go */

/* Bodies stay as they are. */
static const struct encoder_kind kinds[] = {
    { .name = "identity" },
};
REGISTER(encoder_kind, kinds);

static struct pool encoder_pool = POOL("encoder", sizeof(struct encoder));
static struct pool encoding_pool = POOL("encoding", sizeof(struct encoding));
static _Thread_local struct encoder *kept;
static _Thread_local unsigned kept_count;
static _Thread_local bool is_stopping; /* nothing is kept any more */
static uint64_t memory_used; /* atomic */

const struct encoder_kind *
encoder_kind_find(const char *name)
{
    FOR_EACH_REGISTERED (encoder_kind, kind, list) {
        if (strcmp(kind->name, name) == 0)
            return kind;
    }
    return NULL;
}

uint64_t
encoder_memory(void)
{
    return __atomic_load_n(&memory_used, __ATOMIC_RELAXED);
}

static struct encoder *
take_kept(const struct encoder_kind *kind, const struct encoder_tuning *tuning)
{
    for (struct encoder **at = &kept; *at != NULL; at = &(*at)->next) {
        struct encoder *enc = *at;

        if (enc->kind == kind && memcmp(&enc->tuning, tuning, sizeof(*tuning)) == 0) {
            *at = enc->next;
            kept_count--;
            return enc;
        }
    }
    return NULL;
}

static struct encoder *
make(const struct encoder_kind *kind, const struct encoder_tuning *tuning)
{
    struct encoder *enc = pool_take(&encoder_pool);

    if (enc == NULL)
        return NULL;
    *enc = (struct encoder){ .kind = kind, .tuning = *tuning };
    if (kind->make(enc))
        return enc;
    pool_give(&encoder_pool, enc);
    return NULL;
}

static void
free_encoder(struct encoder *enc)
{
    enc->kind->free(enc);
    pool_give(&encoder_pool, enc);
}

/* NULL: no memory. */
static struct encoder *
take(const struct encoder_kind *kind, const struct encoder_tuning *tuning)
{
    struct encoder *enc = take_kept(kind, tuning);

    if (enc == NULL)
        enc = make(kind, tuning);
    if (enc == NULL || kind->begin(enc))
        return enc;
    free_encoder(enc);
    return NULL;
}

static void
give(struct encoder *enc)
{
    if (enc == NULL)
        return;
    if (kept_count < KEPT_MAX && !enc->kind->is_single && !is_stopping) {
        enc->next = kept;
        kept = enc;
        kept_count++;
        return;
    }
    free_encoder(enc);
}

struct encoding *
encoding_begin(const struct encoder_kind *kind, const struct encoder_tuning *tuning,
               uint64_t memory_max)
{
    size_t memory = kind->memory(tuning);
    uint64_t used = __atomic_add_fetch(&memory_used, memory, __ATOMIC_RELAXED);
    struct encoding *coding = NULL;

    if (memory_max == 0 || used <= memory_max)
        coding = pool_take(&encoding_pool);
    if (coding == NULL)
        __atomic_sub_fetch(&memory_used, memory, __ATOMIC_RELAXED);
    else
        *coding = (struct encoding){ .kind = kind, .tuning = *tuning };
    return coding;
}

void
encoding_end(struct encoding *coding)
{
    if (coding == NULL)
        return;
    __atomic_sub_fetch(&memory_used, coding->kind->memory(&coding->tuning), __ATOMIC_RELAXED);
    give(coding->enc);
    pool_give(&encoding_pool, coding);
}

/* One slice, or nothing, to what fits into a piece of output. */
static enum encoded
feed_some(struct encoder *enc, struct chain *in, struct chain *out, enum encoder_op op)
{
    const struct slice *slice = in->first;
    struct encoder_io io = { 0 };
    size_t given = slice == NULL ? 0 : slice->len;
    enum encoded result;

    io.in = slice == NULL ? "" : slice->ptr;
    io.in_len = given;
    io.out = chain_reserve(out, PIECE);
    io.room = PIECE;
    if (io.out == NULL)
        return ENCODED_FAILED;
    result = enc->kind->run(enc, &io, slice != NULL && slice->next != NULL ? ENCODE_MORE : op);
    if (io.room < PIECE)
        chain_commit(out, PIECE - io.room);
    if (io.in_len < given)
        chain_consume(in, given - io.in_len);
    return result;
}

static enum encoded
feed(struct encoder *enc, struct chain *in, struct chain *out, enum encoder_op op)
{
    size_t room = buffer_default_size();
    enum encoded result = ENCODED;

    do {
        bool is_last_slice = in->first == NULL || in->first->next == NULL;

        if (out->bytes >= room)
            return ENCODED_FULL;
        result = feed_some(enc, in, out, op);
        if (result == ENCODED && is_last_slice && chain_is_empty(in))
            return ENCODED;
    } while (result != ENCODED_FAILED);
    return result;
}

enum encoded
encoding_feed(struct encoding *coding, struct chain *in, struct chain *out, enum encoder_op op)
{
    enum encoded result;

    if (coding->enc == NULL)
        coding->enc = take(coding->kind, &coding->tuning);
    if (coding->enc == NULL)
        return ENCODED_FAILED;
    result = feed(coding->enc, in, out, op);
    if (result == ENCODED && op == ENCODE_END) {
        give(coding->enc);
        coding->enc = NULL;
    }
    return result;
}

/* --- start and end ------------------------------------------------------------- */

static void
stop_thread(void)
{
    is_stopping = true;
    while (kept != NULL) {
        struct encoder *enc = kept;

        kept = enc->next;
        kept_count--;
        free_encoder(enc);
    }
}

static const struct start_hook start_hooks[] = {
    { STOP_THREAD, stop_thread },
};
REGISTER(start_hook, start_hooks);
