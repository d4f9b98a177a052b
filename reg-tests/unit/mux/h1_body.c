/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: framing off, at every split point. */
#include "mux/h1_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct example {
    const char *bytes;
    size_t len;
    const char *data;         /* NULL: refused */
    enum parse_result result; /* after all bytes */
    size_t rest;              /* bytes that are not the body's (trailers) */
    bool is_lax;
};

#define OK(bytes_, data_, rest_)                                                                   \
    {                                                                                              \
        (bytes_), sizeof(bytes_) - 1, (data_), PARSE_DONE, (rest_), false                          \
    }
#define PART(bytes_, data_)                                                                        \
    {                                                                                              \
        (bytes_), sizeof(bytes_) - 1, (data_), PARSE_MORE, 0, false                                \
    }
#define BAD(bytes_)                                                                                \
    {                                                                                              \
        (bytes_), sizeof(bytes_) - 1, NULL, PARSE_BAD, 0, false                                    \
    }
#define LAX(bytes_, data_, rest_)                                                                  \
    {                                                                                              \
        (bytes_), sizeof(bytes_) - 1, (data_), PARSE_DONE, (rest_), true                           \
    }

/* Feeds bytes until nothing goes any further. */
static enum parse_result
feed(struct h1_body *body, const char *bytes, size_t len, char *data, size_t *data_len,
     size_t *used)
{
    struct h1_error err = { 0 };
    enum parse_result result;

    *used = 0;
    do {
        char *copy = malloc(len - *used + 1);
        size_t used_now, data_now;

        memcpy(copy, bytes + *used, len - *used);
        result = h1_body_read(body, copy, len - *used, &used_now, &data_now, &err);
        if (result != PARSE_BAD) {
            assert_true(data_now <= used_now && used_now <= len - *used);
            memcpy(data + *data_len, copy + used_now - data_now, data_now);
            *data_len += data_now;
            *used += used_now;
        } else {
            assert_int_equal(err.status, 400);
            assert_non_null(err.text);
        }
        free(copy);
        if (used_now == 0)
            break;
    } while (result == PARSE_MORE && *used < len);
    return result;
}

static void
check_split(const struct example *e, size_t at)
{
    struct h1_body body;
    char data[256];
    size_t data_len = 0, used = 0, more;
    enum parse_result result;

    h1_body_init(&body, BODY_CHUNKED, 0, e->is_lax);
    result = feed(&body, e->bytes, at, data, &data_len, &used);
    if (result == PARSE_MORE) {
        assert_int_equal(used, at);
        result = feed(&body, e->bytes + at, e->len - at, data, &data_len, &more);
        used += more;
    }
    if (result != e->result)
        print_error("of: %.*s at %zu\n", (int)e->len, e->bytes, at);
    assert_int_equal(result, e->result);
    if (e->data == NULL)
        return;
    assert_int_equal(data_len, strlen(e->data));
    assert_memory_equal(data, e->data, data_len);
    if (result == PARSE_DONE) {
        assert_int_equal(body.state, H1_TRAILERS);
        assert_int_equal(at > used ? at - used + e->len - at : e->len - used, e->rest);
    }
}

static void
chunked(void **state)
{
    static const struct example examples[] = {
        OK("5\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("5\r\nhello\r\n0\r\nX: y\r\n\r\nGET", "hello", 11),
        OK("0\r\n\r\n", "", 2),
        OK("00\r\n\r\n", "", 2),
        OK("05\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("0000000000000000000000000005\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("A\r\nhellohello\r\n1\r\nx\r\n0\r\n\r\n", "hellohellox", 2),
        OK("a\r\nhellohello\r\n0\r\n\r\n", "hellohello", 2),
        OK("5;ext\r\nhello\r\n0;ext\r\n\r\n", "hello", 2),
        OK("5;ext=val;b\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("5;ext=\"v\\\"a;l\"\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("5;ext=\"v\\\\\";c\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("5 ;ext\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("5 \t\r\nhello\r\n0\r\n\r\n", "hello", 2),
        OK("5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n", 2),
        PART("", ""),
        PART("5", ""),
        PART("5\r", ""),
        PART("5\r\nhel", "hel"),
        PART("5\r\nhello", "hello"),
        PART("5\r\nhello\r", "hello"),
        PART("5\r\nhello\r\n", "hello"),
        PART("fffffffffffff\r\nhello", "hello"),
        BAD("\r\n"),
        BAD(" 5\r\nhello\r\n0\r\n\r\n"),
        BAD(";\r\n"),
        BAD("g\r\n"),
        BAD("5g\r\n"),
        BAD("0x5\r\nhello\r\n0\r\n\r\n"),
        BAD("+5\r\nhello\r\n0\r\n\r\n"),
        BAD("-5\r\nhello\r\n0\r\n\r\n"),
        BAD("5 5\r\nhello\r\n0\r\n\r\n"),
        BAD("5,\r\nhello\r\n0\r\n\r\n"),
        BAD("5\nhello\r\n0\r\n\r\n"),
        BAD("5\rhello\r\n0\r\n\r\n"),
        BAD("5\r\rhello\r\n0\r\n\r\n"),
        BAD("5\r\nhello\n0\r\n\r\n"),
        BAD("5\r\nhello\rX0\r\n\r\n"),
        BAD("5\r\nhelloX\r\n0\r\n\r\n"),
        BAD("5\r\nhello\r\n\r\n0\r\n\r\n"),
        BAD("5\r\nhell0\r\n0\n\r\n"),
        BAD("5;a\nb\r\nhello\r\n0\r\n\r\n"),
        BAD("5;a\rb\r\nhello\r\n0\r\n\r\n"),
        BAD("5;a\0b\r\nhello\r\n0\r\n\r\n"),
        BAD("5;a=\"val\r\nhello\r\n0\r\n\r\n"),
        BAD("5;a=\"v\n\"\r\nhello\r\n0\r\n\r\n"),
        BAD("5;a=\"v\\\n\"\r\nhello\r\n0\r\n\r\n"),
        BAD("10000000000000\r\nhello"),
        BAD("ffffffffffffffff\r\nhello"),
        BAD("10000000000000005\r\nhello\r\n0\r\n\r\n"),
        LAX("5\nhello\n0\n\n", "hello", 1),
        LAX("5\r\nhello\n0\r\n\r\n", "hello", 2),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        for (size_t at = 0; at <= examples[i].len; at++)
            check_split(&examples[i], at);
    }
}

static void
endless_size_lines(void **state)
{
    static const char *const starts[] = { "5;", "5 ", "0", "5;\"" };
    static const char fill[] = { 'x', ' ', '0', 'x' };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct h1_body body;
        char data[8], bytes[10000];
        size_t data_len = 0, used;

        memset(bytes, fill[i], sizeof(bytes));
        memcpy(bytes, starts[i], strlen(starts[i]));
        h1_body_init(&body, BODY_CHUNKED, 0, true);
        assert_int_equal(feed(&body, bytes, sizeof(bytes), data, &data_len, &used), PARSE_BAD);
        h1_body_init(&body, BODY_CHUNKED, 0, true);
        assert_int_equal(feed(&body, bytes, 4000, data, &data_len, &used), PARSE_MORE);
    }
}

static void
counted(void **state)
{
    struct h1_body body;
    struct h1_error err;
    size_t used, data_len;

    (void)state;
    h1_body_init(&body, BODY_LENGTH, 5, false);
    assert_int_equal(h1_body_read(&body, "hel", 3, &used, &data_len, &err), PARSE_MORE);
    assert_int_equal(used, 3);
    assert_int_equal(data_len, 3);
    assert_int_equal(h1_body_read(&body, "loGET", 5, &used, &data_len, &err), PARSE_DONE);
    assert_int_equal(used, 2);
    assert_int_equal(data_len, 2);
    assert_int_equal(h1_body_read(&body, "GET", 3, &used, &data_len, &err), PARSE_DONE);
    assert_int_equal(used, 0);
    h1_body_init(&body, BODY_LENGTH, 0, false);
    assert_int_equal(body.state, H1_BODY_ENDED);
    h1_body_init(&body, BODY_NONE, 7, false);
    assert_int_equal(body.state, H1_BODY_ENDED);
}

static void
until_close(void **state)
{
    struct h1_body body;
    struct h1_error err;
    size_t used, data_len;

    (void)state;
    h1_body_init(&body, BODY_CLOSE, 0, false);
    assert_int_equal(h1_body_read(&body, "hello", 5, &used, &data_len, &err), PARSE_MORE);
    assert_int_equal(used, 5);
    assert_int_equal(data_len, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunked),
        cmocka_unit_test(endless_size_lines),
        cmocka_unit_test(counted),
        cmocka_unit_test(until_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
