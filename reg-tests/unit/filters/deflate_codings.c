/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISA-L where it is, and zlib, which takes its place: zlib takes out of them what went in, for all
 * formats, sizes of memory, levels and pieces.
 */
#undef WEIR_ISAL
#include "filters/zlib_coding.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_SIZE 200000
#define OUT_PIECE 3000 /* less than what one call may have to say */

static char text[TEXT_SIZE], packed[TEXT_SIZE], inflated[TEXT_SIZE + 1];

static int
fill_text(void **state)
{
    size_t len = 0;

    (void)state;
    for (unsigned i = 0; len + 64 < sizeof(text); i++)
        len += (size_t)snprintf(text + len, 64, "{\"id\":%u,\"name\":\"user %u\",\"ok\":true},\n",
                                i * 2654435761U % 5000, i * 7);
    memset(text + len, 'x', sizeof(text) - len);
    return 0;
}

/* zlib's own words for the formats: gzip, deflate, raw-deflate. */
static int
inflate_all(const char *name, size_t len, size_t *out_len)
{
    int window = name[0] == 'r' ? -15 : name[0] == 'g' ? 15 + 16 : 15;
    z_stream z = { .next_in = (Bytef *)packed, .avail_in = (uInt)len };
    int result;

    assert_int_equal(inflateInit2(&z, window), Z_OK);
    z.next_out = (Bytef *)inflated;
    z.avail_out = sizeof(inflated);
    result = inflate(&z, Z_SYNC_FLUSH);
    *out_len = sizeof(inflated) - z.avail_out;
    inflateEnd(&z);
    return result;
}

static size_t
feed(struct encoder *enc, const char *from, size_t len, size_t done, enum encoder_op op)
{
    struct encoder_io io = { .in = from, .in_len = len };
    enum encoded result;

    do {
        size_t left = io.in_len;

        assert_true(done + OUT_PIECE <= sizeof(packed));
        io.out = packed + done;
        io.room = OUT_PIECE;
        result = enc->kind->run(enc, &io, op);
        assert_int_not_equal(result, ENCODED_FAILED);
        io.in += left - io.in_len;
        done += OUT_PIECE - io.room;
    } while (result == ENCODED_FULL);
    assert_int_equal(io.in_len, 0);
    return done;
}

static void
check_body(struct encoder *enc, size_t piece)
{
    size_t done = 0, out_len;

    assert_true(enc->kind->begin(enc));
    for (size_t at = 0; at < TEXT_SIZE; at += piece) {
        size_t len = TEXT_SIZE - at < piece ? TEXT_SIZE - at : piece;

        done = feed(enc, text + at, len, done, at / piece == 5 ? ENCODE_FLUSH : ENCODE_MORE);
    }
    done = feed(enc, "", 0, done, ENCODE_END);
    assert_in_range(done, 100, TEXT_SIZE / 2);
    assert_int_equal(inflate_all(enc->kind->name, done, &out_len), Z_STREAM_END);
    assert_int_equal(out_len, TEXT_SIZE);
    assert_memory_equal(inflated, text, TEXT_SIZE);
}

static bool
is_deflate(const struct encoder_kind *kind)
{
    return kind->coding != NULL && (kind->coding[0] == 'g' || kind->coding[0] == 'd');
}

static void
test_round(void **state)
{
    static const struct encoder_tuning tunings[] = {
        { 1, 15, 8 }, { 1, 8, 1 }, { 2, 9, 9 }, { 3, 12, 3 }, { 9, 15, 8 },
    };

    (void)state;
    for (unsigned t = 0; t < sizeof(tunings) / sizeof(tunings[0]); t++) {
        FOR_EACH_REGISTERED (encoder_kind, kind, list) {
            struct encoder enc = { .kind = kind, .tuning = tunings[t] };

            if (!is_deflate(kind))
                continue;
            assert_true(kind->make(&enc));
            check_body(&enc, 16384);
            check_body(&enc, 1000); /* an encoder makes many */
            kind->free(&enc);
        }
    }
}

/* What was given is out after a flush, though the end is still to come. */
static void
test_flush(void **state)
{
    (void)state;
    FOR_EACH_REGISTERED (encoder_kind, kind, list) {
        struct encoder enc = { .kind = kind, .tuning = { 1, 15, 8 } };
        size_t len, out_len;

        if (!is_deflate(kind))
            continue;
        assert_true(kind->make(&enc));
        assert_true(kind->begin(&enc));
        len = feed(&enc, "data: 1\n\n", 9, 0, ENCODE_FLUSH);
        assert_int_equal(inflate_all(kind->name, len, &out_len), Z_OK);
        assert_int_equal(out_len, 9);
        assert_memory_equal(inflated, "data: 1\n\n", 9);
        kind->free(&enc);
    }
}

/* maxzlibmem counts with it. */
static void
test_memory(void **state)
{
    static const struct encoder_tuning small = { 1, 9, 1 }, large = { 1, 15, 9 };

    (void)state;
    FOR_EACH_REGISTERED (encoder_kind, kind, list) {
        if (!is_deflate(kind))
            continue;
        assert_true(kind->memory(&small) < kind->memory(&large));
        assert_in_range(kind->memory(&large), 100000, 1000000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, fill_text, NULL);
}
