/* SPDX-License-Identifier: Apache-2.0 */
/* Memory freed all at once. */
#include "weir/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_building(void **state)
{
    struct arena arena;
    char *last = NULL;

    (void)state;
    arena_init(&arena);
    for (size_t size = 1; size < 3000; size += 7) {
        char *bytes = arena_zero(&arena, size);

        assert_int_equal((uintptr_t)bytes % 16, 0);
        assert_ptr_not_equal(bytes, last);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, size);
        last = bytes;
    }
    assert_true(arena.used_bytes > 3000 * 3000 / 7 / 2);
    arena_fini(&arena);
    assert_null(arena.chunks);
    arena_fini(&arena);
}

static void
test_texts(void **state)
{
    struct arena arena = { 0 };
    char *a = arena_copy(&arena, "hello");
    char *b = arena_copy_str(&arena, str_of("hello", 2));
    char *c = arena_copy_str(&arena, STR_NONE);
    char *d = arena_printf(&arena, "%s %d %5000s", "x", 7, "y");

    (void)state;
    assert_string_equal(a, "hello");
    assert_string_equal(b, "he");
    assert_string_equal(c, "");
    assert_int_equal(strlen(d), 5004);
    arena_fini(&arena);
}

static void
test_large_pieces_leave_the_newest_chunk_in_use(void **state)
{
    struct arena arena = { 0 };
    char *before = arena_zero(&arena, 16);
    char *large = arena_zero(&arena, 1000000);
    char *after = arena_zero(&arena, 16);

    (void)state;
    memset(large, 1, 1000000);
    assert_ptr_equal(after, before + 16);
    arena_fini(&arena);
}

static void
test_taking(void **state)
{
    struct arena arena = { 0 };
    char *pieces[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        pieces[i] = arena_take(&arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 8, 0);
        memset(pieces[i], (int)(i & 0x7f), i);
    }
    for (size_t i = 1; i < 1000; i++) {
        assert_int_equal(pieces[i][0], i & 0x7f);
        assert_int_equal(pieces[i][i - 1], i & 0x7f);
    }
    arena_give(&arena);
    assert_null(arena.chunks);
    arena_give(&arena);
}

static void
test_taking_large_pieces(void **state)
{
    struct arena arena = { 0 };
    char *first = arena_take(&arena, 8);
    char *large = arena_take(&arena, 100000);
    char *medium = arena_take(&arena, 4080);

    (void)state;
    assert_non_null(first);
    assert_non_null(large);
    assert_non_null(medium);
    memset(large, 1, 100000);
    memset(medium, 2, 4080);
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_take(&arena, SIZE_MAX - 7));
    arena_give(&arena);
}

static void
test_reserving(void **state)
{
    struct arena arena = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char *room = arena_reserve(&arena, 300);
        char *piece;

        assert_non_null(room);
        memset(room, 1, 300);
        arena_keep(&arena, (size_t)i % 301);
        piece = arena_take(&arena, 8);
        assert_true(piece >= room + i % 301 || piece < room);
        memset(piece, 2, 8);
        assert_true(i % 301 == 0 || room[i % 301 - 1] == 1);
    }
    assert_non_null(arena_reserve(&arena, 100000));
    arena_keep(&arena, 100000);
    arena_give(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_large_pieces_leave_the_newest_chunk_in_use),
        cmocka_unit_test(test_taking),
        cmocka_unit_test(test_taking_large_pieces),
        cmocka_unit_test(test_reserving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
