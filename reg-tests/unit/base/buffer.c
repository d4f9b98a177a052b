/* SPDX-License-Identifier: Apache-2.0 */
/* Counted buffers and chains of slices. */
#include "weir/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Small, so that tests meet the end of a buffer. */
#define SIZE 1024

static int
use_small_buffers(void **state)
{
    (void)state;
    buffer_set_size(SIZE);
    return 0;
}

/* What the chain holds is `expected`. */
static void
expect(const struct chain *chain, const char *expected, size_t len)
{
    char *all = malloc(len + 1);

    assert_int_equal(chain->bytes, len);
    assert_int_equal(chain_peek(chain, 0, all, len + 1), len);
    assert_memory_equal(all, expected, len);
    free(all);
}

static size_t
count_slices(const struct chain *chain)
{
    size_t count = 0;

    for (const struct slice *slice = chain->first; slice != NULL; slice = slice->next)
        count++;
    return count;
}

static void
test_references(void **state)
{
    struct buffer *buf = buffer_take();

    (void)state;
    assert_int_equal(buffer_default_size(), SIZE);
    assert_int_equal(buf->size, SIZE);
    assert_int_equal(buffer_room(buf), SIZE);
    memset(buf->data, 1, SIZE);
    buffer_hold(buf);
    buffer_drop(buf);
    assert_int_equal(buf->refs, 1);
    buffer_drop(buf);
    buffer_drop(NULL);
}

static void
test_small_pieces_share_a_buffer(void **state)
{
    struct chain chain;

    (void)state;
    chain_init(&chain);
    assert_true(chain_is_empty(&chain));
    assert_true(chain_add_copy(&chain, NULL, 0));
    assert_true(chain_add_copy(&chain, "abc", 3));
    assert_true(chain_add_copy(&chain, "def", 3));
    assert_true(chain_add_static(&chain, "ghi", 3));
    expect(&chain, "abcdefghi", 9);
    assert_int_equal(count_slices(&chain), 1);
    chain_consume(&chain, 4);
    expect(&chain, "efghi", 5);
    chain_consume(&chain, 5);
    assert_null(chain.first);
    assert_null(chain.last);
}

static void
test_a_copy_larger_than_a_buffer(void **state)
{
    static char bytes[5 * SIZE + 100];
    struct chain chain;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7);
    chain_init(&chain);
    assert_true(chain_add_copy(&chain, bytes, 10));
    assert_true(chain_add_copy(&chain, bytes + 10, sizeof(bytes) - 10));
    expect(&chain, bytes, sizeof(bytes));
    assert_int_equal(count_slices(&chain), 6);
    chain_clear(&chain);
    assert_true(chain_is_empty(&chain));
}

static void
test_slices_name_bytes(void **state)
{
    struct buffer *buf = buffer_take();
    struct chain chain;

    (void)state;
    chain_init(&chain);
    memset(buf->data, 'x', SIZE);
    buf->end = SIZE;
    assert_true(chain_add_slice(&chain, buf, buf->data, 0));
    assert_null(chain.first);
    assert_true(chain_add_slice(&chain, buf, buf->data, 10));
    assert_int_equal(buf->refs, 2);
    assert_true(chain_add_slice(&chain, buf, buf->data + 10, 10)); /* grows the first */
    assert_int_equal(buf->refs, 2);
    assert_int_equal(count_slices(&chain), 1);
    assert_true(chain_add_slice(&chain, buf, buf->data + 30, 600));
    assert_int_equal(buf->refs, 3);
    assert_int_equal(count_slices(&chain), 2);
    assert_int_equal(chain.bytes, 620);
    assert_ptr_equal(chain.first->ptr, buf->data);
    chain_consume(&chain, 20);
    assert_int_equal(buf->refs, 2);
    chain_clear(&chain);
    assert_int_equal(buf->refs, 1);
    buffer_drop(buf);
}

static void
test_a_small_slice_is_copied_behind_an_open_tail(void **state)
{
    struct buffer *buf = buffer_take();
    struct chain chain;

    (void)state;
    chain_init(&chain);
    memcpy(buf->data, "body", 4);
    buf->end = 4;
    assert_true(chain_add_copy(&chain, "head ", 5));
    assert_true(chain_add_slice(&chain, buf, buf->data, 4));
    assert_int_equal(buf->refs, 1);
    buffer_drop(buf);
    assert_int_equal(count_slices(&chain), 1);
    expect(&chain, "head body", 9);
    chain_clear(&chain);
}

/* A buffer that somebody else holds may still be filled by him: we must not write there. */
static void
test_a_shared_tail_is_not_written_to(void **state)
{
    struct buffer *buf = buffer_take();
    struct chain chain;

    (void)state;
    chain_init(&chain);
    memcpy(buf->data, "ours", 4);
    buf->end = 4;
    assert_true(chain_add_slice(&chain, buf, buf->data, 4));
    assert_true(chain_add_copy(&chain, "more", 4));
    assert_int_equal(buf->end, 4);
    expect(&chain, "oursmore", 8);
    chain_clear(&chain);
    /* Alone, but the slice does not end where the bytes of the buffer end. */
    assert_true(chain_add_slice(&chain, buf, buf->data, 2));
    buffer_drop(buf);
    assert_true(chain_add_copy(&chain, "more", 4));
    assert_memory_equal(buf->data, "ours", 4);
    expect(&chain, "oumore", 6);
    chain_clear(&chain);
}

static void
test_static_bytes(void **state)
{
    static const char bytes[] = "HTTP/1.1 200 OK";
    struct chain chain;

    (void)state;
    chain_init(&chain);
    assert_true(chain_add_static(&chain, bytes, 0));
    assert_true(chain_add_static(&chain, bytes, 15));
    assert_ptr_equal(chain.first->ptr, bytes);
    assert_true(chain_add_copy(&chain, "!", 1));
    expect(&chain, "HTTP/1.1 200 OK!", 16);
    chain_clear(&chain);
}

static void
test_reserving(void **state)
{
    struct chain chain;
    char *room;

    (void)state;
    chain_init(&chain);
    room = chain_reserve(&chain, SIZE);
    assert_non_null(room);
    chain_commit(&chain, 0);
    assert_null(chain.first);
    room = chain_reserve(&chain, 100);
    memcpy(room, "abc", 3);
    chain_commit(&chain, 3);
    assert_ptr_equal(chain_reserve(&chain, 100), room + 3);
    chain_commit(&chain, 0);
    assert_int_equal(count_slices(&chain), 1);
    room = chain_reserve(&chain, SIZE);
    memset(room, 'x', SIZE);
    chain_commit(&chain, 0);
    assert_int_equal(count_slices(&chain), 1);
    room = chain_reserve(&chain, SIZE);
    memset(room, 'x', SIZE);
    chain_commit(&chain, SIZE);
    assert_int_equal(count_slices(&chain), 2);
    assert_int_equal(chain.bytes, SIZE + 3);
    chain_clear(&chain);
}

static void
test_moving(void **state)
{
    struct chain from, to;

    (void)state;
    chain_init(&from);
    chain_init(&to);
    chain_move(&to, &from);
    assert_true(chain_add_copy(&from, "abcdef", 6));
    assert_true(chain_move_some(&to, &from, 0));
    assert_null(to.first);
    assert_true(chain_move_some(&to, &from, 2));
    expect(&to, "ab", 2);
    expect(&from, "cdef", 4);
    assert_true(chain_move_some(&to, &from, 100));
    expect(&to, "abcdef", 6);
    assert_null(from.first);
    assert_true(chain_add_static(&from, "123456", 6));
    chain_move(&to, &from);
    expect(&to, "abcdef123456", 12);
    assert_true(chain_move_some(&from, &to, 9));
    expect(&from, "abcdef123", 9);
    expect(&to, "456", 3);
    chain_clear(&from);
    chain_clear(&to);
}

static void
test_vectors_and_peeking(void **state)
{
    struct iovec iov[4];
    struct chain chain;
    char some[8];

    (void)state;
    chain_init(&chain);
    assert_int_equal(chain_to_iovec(&chain, iov, 4), 0);
    assert_true(chain_add_static(&chain, "abc", 3));
    assert_true(chain_add_static(&chain, "defg", 4));
    assert_true(chain_add_static(&chain, "hi", 2));
    assert_int_equal(chain_to_iovec(&chain, iov, 2), 2);
    assert_int_equal(chain_to_iovec(&chain, iov, 4), 3);
    assert_memory_equal(iov[1].iov_base, "defg", 4);
    assert_int_equal(iov[1].iov_len, 4);
    assert_int_equal(chain_peek(&chain, 2, some, 4), 4);
    assert_memory_equal(some, "cdef", 4);
    assert_int_equal(chain_peek(&chain, 8, some, 4), 1);
    assert_int_equal(chain_peek(&chain, 9, some, 4), 0);
    chain_clear(&chain);
}

/* Any order of operations keeps the bytes: two chains beside two plain arrays. */
#define MODEL_MAX 20000

struct model {
    struct chain chain;
    char bytes[MODEL_MAX];
    size_t len;
};

static void
model_add(struct model *model, const char *ptr, size_t len, int how)
{
    struct buffer *buf;

    if (model->len + len > MODEL_MAX || len > SIZE)
        return;
    memcpy(model->bytes + model->len, ptr, len);
    model->len += len;
    if (how == 0) {
        assert_true(chain_add_copy(&model->chain, ptr, len));
    } else if (how == 1) {
        memcpy(chain_reserve(&model->chain, len), ptr, len);
        chain_commit(&model->chain, len);
    } else {
        buf = buffer_take();
        memcpy(buf->data, ptr, len);
        buf->end = (uint32_t)len;
        assert_true(chain_add_slice(&model->chain, buf, buf->data, len / 2));
        assert_true(chain_add_slice(&model->chain, buf, buf->data + len / 2, len - len / 2));
        buffer_drop(buf);
    }
}

static void
model_remove(struct model *model, size_t len)
{
    memmove(model->bytes, model->bytes + len, model->len - len);
    model->len -= len;
}

static void
test_random_operations(void **state)
{
    static struct model a, b;
    static char noise[SIZE];

    (void)state;
    srandom(7);
    for (size_t i = 0; i < SIZE; i++)
        noise[i] = (char)random();
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)random() % (random() % 2 ? SIZE : 40);
        int what = (int)(random() % 6);

        if (what < 3) {
            model_add(&a, noise, len, what);
        } else if (what == 3) {
            len = len < a.len ? len : a.len;
            chain_consume(&a.chain, len);
            model_remove(&a, len);
        } else if (what == 4 && len <= a.len && b.len + len <= MODEL_MAX) {
            assert_true(chain_move_some(&b.chain, &a.chain, len));
            memcpy(b.bytes + b.len, a.bytes, len);
            b.len += len;
            model_remove(&a, len);
        } else {
            len = b.len < 900 ? b.len : 900;
            chain_consume(&b.chain, len);
            model_remove(&b, len);
        }
        expect(&a.chain, a.bytes, a.len);
        expect(&b.chain, b.bytes, b.len);
    }
    chain_clear(&a.chain);
    chain_clear(&b.chain);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_small_pieces_share_a_buffer),
        cmocka_unit_test(test_a_copy_larger_than_a_buffer),
        cmocka_unit_test(test_slices_name_bytes),
        cmocka_unit_test(test_a_small_slice_is_copied_behind_an_open_tail),
        cmocka_unit_test(test_a_shared_tail_is_not_written_to),
        cmocka_unit_test(test_static_bytes),
        cmocka_unit_test(test_reserving),
        cmocka_unit_test(test_moving),
        cmocka_unit_test(test_vectors_and_peeking),
        cmocka_unit_test(test_random_operations),
    };

    return cmocka_run_group_tests(tests, use_small_buffers, NULL);
}
