/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content codings that bodies can be put into: gzip, deflate, brotli, zstd.
 *
 * An encoding is one body; while it is fed it has an encoder, whose memory is large. Encoders that a
 * thread needs no more are kept for the next bodies: a short one, fed in one go, finds it in the cache.
 *
 * Thread: owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/buffer.h"
#include "weir/base/registry.h"

enum encoder_op {
    ENCODE_MORE,  /* more follows */
    ENCODE_FLUSH, /* what was given must come out now */
    ENCODE_END,
};

enum encoded {
    ENCODED,      /* all of the input is taken, and all of the operation's output is out */
    ENCODED_FULL, /* call again with more room */
    ENCODED_FAILED,
};

struct encoder_io {
    const char *in;
    size_t in_len;
    char *out;
    size_t room;
};

/* The same for all of a process; an encoder is made for one. */
struct encoder_tuning {
    int64_t level;        /* 1 (quick) to 9 */
    int64_t window_bits;  /* gzip and deflate look back so far: 8 to 15 */
    int64_t memory_level; /* of gzip and deflate: 1 to 9 */
};

struct encoder {
    const struct encoder_kind *kind;
    struct encoder *next; /* among those that are kept */
    void *state;          /* the library's */
    struct encoder_tuning tuning;
};

struct encoder_kind {
    const char *name;   /* in the configuration */
    const char *coding; /* in header fields; NULL: bodies stay as they are */
    size_t (*memory)(const struct encoder_tuning *tuning); /* bytes of an encoder, about */
    bool (*make)(struct encoder *enc);  /* once; false: no memory */
    bool (*begin)(struct encoder *enc); /* each body */
    enum encoded (*run)(struct encoder *enc, struct encoder_io *io, enum encoder_op op);
    void (*free)(struct encoder *enc);
    bool is_single; /* serves one body only: not kept */
};
REGISTRY(encoder_kind, struct encoder_kind);

const struct encoder_kind *encoder_kind_find(const char *name);

struct encoding {
    const struct encoder_kind *kind;
    struct encoder_tuning tuning;
    struct encoder *enc; /* owns; from the first bytes to the end */
};
/* NULL: no memory, or the limit is reached (0: none). */
struct encoding *encoding_begin(const struct encoder_kind *kind,
                                const struct encoder_tuning *tuning, uint64_t memory_max);
/* NULL is fine. */
void encoding_end(struct encoding *coding);
/* Takes from `in` until it is empty or `out` holds a buffer full. After ENCODE_END came out, only
 * encoding_end() follows. */
enum encoded encoding_feed(struct encoding *coding, struct chain *in, struct chain *out,
                           enum encoder_op op);
/* Any thread: bytes of encoders in use, or promised to an encoding. */
uint64_t encoder_memory(void);
