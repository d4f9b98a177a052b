/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS hello, whole, in pieces, cut short and spoilt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "weir/tls/hello.h"

/* TLS 1.2, server name "a.example", ALPN "h2" and "http/1.1", an empty ticket. */
static const uint8_t client_hello[] = {
    0x16, 0x03, 0x01, 0x00, 0x95, 0x01, 0x00, 0x00, 0x91, 0x03, 0x03, 0x52, 0x52, 0x52,
    0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52,
    0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52, 0x52,
    0x52, 0x00, 0x00, 0x04, 0x13, 0x01, 0xc0, 0x2f, 0x01, 0x00, 0x00, 0x64, 0x00, 0x00,
    0x00, 0x0e, 0x00, 0x0c, 0x00, 0x00, 0x09, 0x61, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70,
    0x6c, 0x65, 0x00, 0x10, 0x00, 0x0e, 0x00, 0x0c, 0x02, 0x68, 0x32, 0x08, 0x68, 0x74,
    0x74, 0x70, 0x2f, 0x31, 0x2e, 0x31, 0x00, 0x0a, 0x00, 0x06, 0x00, 0x04, 0x00, 0x1d,
    0x00, 0x17, 0x00, 0x23, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03,
    0x00, 0x33, 0x00, 0x26, 0x00, 0x24, 0x00, 0x1d, 0x00, 0x20, 0x78, 0x78, 0x78, 0x78,
    0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78,
    0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78, 0x78,
};

static struct arena arena;

static enum hello_state
parse(const void *bytes, size_t len, struct hello *out)
{
    return hello_parse(str_of(bytes, len), &arena, out);
}

static void
assert_says_all(const struct hello *hello)
{
    assert_int_equal(hello->type, HELLO_CLIENT);
    assert_int_equal(hello->version, 0x0303);
    assert_true(str_eq(hello->server_name, STR("a.example")));
    assert_true(str_eq(hello_first_alpn(hello), STR("h2")));
    assert_int_equal(hello->ciphers.len, 4);
    assert_int_equal(hello->groups.len, 4);
    assert_int_equal(hello->signatures.len, 2);
    assert_int_equal(hello->key_shares.len, 36);
    assert_int_equal(hello->ticket, TICKET_EMPTY);
}

static void
reads_a_whole_one(void **state)
{
    struct hello hello;

    (void)state;
    assert_int_equal(parse(client_hello, sizeof(client_hello), &hello), HELLO_WHOLE);
    assert_says_all(&hello);
}

static void
every_part_asks_for_more(void **state)
{
    struct hello hello;

    (void)state;
    for (size_t len = 0; len < sizeof(client_hello); len++)
        assert_int_equal(parse(client_hello, len, &hello), HELLO_SHORT);
}

/* RFC 8446 5.1: a message may be cut over records anywhere. */
static size_t
cut_into_records(uint8_t *to, size_t piece)
{
    const uint8_t *message = client_hello + 5;
    size_t len = sizeof(client_hello) - 5, out = 0;

    for (size_t at = 0; at < len; at += piece) {
        size_t part = len - at < piece ? len - at : piece;

        memcpy(to + out, (const uint8_t[]){ 22, 3, 1, 0, (uint8_t)part }, 5);
        memcpy(to + out + 5, message + at, part);
        out += 5 + part;
    }
    return out;
}

static void
joins_records(void **state)
{
    uint8_t bytes[6 * sizeof(client_hello)];
    struct hello hello;

    (void)state;
    for (size_t piece = 1; piece < 200; piece++) {
        size_t len = cut_into_records(bytes, piece);

        assert_int_equal(parse(bytes, len, &hello), HELLO_WHOLE);
        assert_says_all(&hello);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(parse(bytes, cut, &hello), HELLO_SHORT);
    }
}

static void
what_follows_is_not_looked_at(void **state)
{
    uint8_t bytes[sizeof(client_hello) + 3];
    struct hello hello;

    (void)state;
    memcpy(bytes, client_hello, sizeof(client_hello));
    memcpy(bytes + sizeof(client_hello), "any", 3);
    assert_int_equal(parse(bytes, sizeof(bytes), &hello), HELLO_WHOLE);
    assert_says_all(&hello);
}

static void
lengths_that_lie_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } spoilt[] = {
        { 0, 23 },    /* not a handshake */
        { 1, 2 },     /* SSL 2 */
        { 3, 0xff },  /* a record longer than records are */
        { 5, 3 },     /* no hello */
        { 9, 4 },     /* a version that is none */
        { 43, 0xff }, /* a session id longer than the message */
        { 44, 0xff }, /* ciphers, the same */
        { 52, 0x7f }, /* extensions, the same */
    };
    struct hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof(spoilt) / sizeof(*spoilt); i++) {
        uint8_t bytes[sizeof(client_hello)];

        memcpy(bytes, client_hello, sizeof(bytes));
        bytes[spoilt[i].at] = spoilt[i].byte;
        assert_int_equal(parse(bytes, sizeof(bytes), &hello), HELLO_NOT);
    }
}

static void
every_spoilt_byte_is_survived(void **state)
{
    struct hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof(client_hello); i++) {
        uint8_t bytes[sizeof(client_hello)];

        memcpy(bytes, client_hello, sizeof(bytes));
        for (int value = 0; value < 256; value++) {
            bytes[i] = (uint8_t)value;
            (void)parse(bytes, sizeof(bytes), &hello);
        }
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_whole_one),
        cmocka_unit_test(every_part_asks_for_more),
        cmocka_unit_test(joins_records),
        cmocka_unit_test(what_follows_is_not_looked_at),
        cmocka_unit_test(lengths_that_lie_are_refused),
        cmocka_unit_test(every_spoilt_byte_is_survived),
    };
    int failed;

    arena_init(&arena);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
