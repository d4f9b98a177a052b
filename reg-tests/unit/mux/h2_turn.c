/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of HTTP/2 are counted, however their bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mux/h2_turn.h"

#define PREFACE 24

/* Preface, SETTINGS of 6 bytes, RST_STREAM (4), RST_STREAM (4), PING (8), DATA (300). */
static const struct {
    unsigned len, type;
} frames[] = { { 6, 4 }, { 4, 3 }, { 4, 3 }, { 8, 6 }, { 300, 0 } };

static char bytes[512];
static size_t ends[5], total;

static int
fill(void **state)
{
    (void)state;
    total = PREFACE;
    memset(bytes, 3, sizeof(bytes));
    for (int i = 0; i < 5; i++) {
        bytes[total] = 0;
        bytes[total + 1] = (char)(frames[i].len >> 8);
        bytes[total + 2] = (char)frames[i].len;
        bytes[total + 3] = (char)frames[i].type;
        total += H2_FRAME_HEAD + frames[i].len;
        ends[i] = total;
    }
    return 0;
}

/* Feeds pieces of `piece` bytes; the ends of turns. */
static size_t
turns_of(size_t piece, struct h2_turn_limit limit, size_t stops[8])
{
    struct h2_turn turn = { 0 };
    size_t at = 0, count = 0;

    h2_turn_begin_client(&turn);
    while (at < total) {
        size_t len = total - at < piece ? total - at : piece;
        size_t taken = h2_turn_take(&turn, bytes + at, len, limit);

        assert_in_range(taken, 1, len);
        at += taken;
        if (taken < len) {
            assert_true(count < 8);
            stops[count++] = at;
        }
    }
    return count;
}

static void
test_no_limit(void **state)
{
    size_t stops[8];

    (void)state;
    for (size_t piece = 1; piece <= total; piece++)
        assert_int_equal(turns_of(piece, (struct h2_turn_limit){ 0, 0 }, stops), 0);
}

static void
test_frames(void **state)
{
    size_t stops[8];

    (void)state;
    assert_int_equal(turns_of(total, (struct h2_turn_limit){ 1, 0 }, stops), 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(stops[i], ends[i]);
    assert_int_equal(turns_of(total, (struct h2_turn_limit){ 2, 0 }, stops), 2);
    assert_int_equal(stops[0], ends[1]);
    assert_int_equal(stops[1], ends[3]);
    assert_int_equal(turns_of(total, (struct h2_turn_limit){ 5, 0 }, stops), 0);
}

static void
test_resets(void **state)
{
    size_t stops[8];

    (void)state;
    assert_int_equal(turns_of(total, (struct h2_turn_limit){ 0, 2 }, stops), 1);
    assert_int_equal(stops[0], ends[2]);
    assert_int_equal(turns_of(total, (struct h2_turn_limit){ 3, 1 }, stops), 2);
    assert_int_equal(stops[0], ends[1]);
    assert_int_equal(stops[1], ends[2]);
}

/* Every stop is the end of a frame, wherever reads were cut. */
static void
test_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= total; piece++) {
        size_t stops[8], count = turns_of(piece, (struct h2_turn_limit){ 1, 0 }, stops);

        for (size_t i = 0; i < count; i++) {
            int at = 0;

            while (at < 5 && ends[at] != stops[i])
                at++;
            assert_true(at < 5);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_resets),
        cmocka_unit_test(test_pieces),
    };

    return cmocka_run_group_tests(tests, fill, NULL);
}
