/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out for what came in, and for what rules made of it. */
#include "mux/h1_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mux/case_map.h"
#include "weir/http/reply.h"
#include "weir/mux/h1_parser.h"

/* The text that a message was parsed from must live as long as it. */
static char parsed[4096];

static struct message *
parse(const char *text, bool is_response, struct h1_asked asked)
{
    struct h1_limits limits = { .max_fields = 50 };
    struct message *msg = message_take();
    struct h1_error err;
    size_t len = strlen(text), head_len;
    enum parse_result result;

    memcpy(parsed, text, len);
    result = is_response ? h1_parse_answer(parsed, len, &limits, asked, msg, &head_len, &err)
                         : h1_parse_request(parsed, len, &limits, msg, &head_len, &err);
    assert_int_equal(result, PARSE_DONE);
    return msg;
}

static struct message *
request(const char *text)
{
    return parse(text, false, (struct h1_asked){ 0 });
}

static struct message *
response(const char *text)
{
    return parse(text, true, (struct h1_asked){ .method = METHOD_GET });
}

/* Writes, compares, and gives the message back. */
static struct h1_written
expect(struct message *msg, unsigned options, const struct case_map *names, const char *expected)
{
    struct chain out = { 0 };
    struct h1_written written;
    char text[65536];
    size_t len;

    assert_true(h1_write_head(&out, msg, options, names, &written));
    len = chain_peek(&out, 0, text, sizeof(text) - 1);
    text[len] = '\0';
    assert_string_equal(text, expected);
    assert_int_equal(out.bytes, strlen(expected));
    chain_clear(&out);
    message_give(msg);
    return written;
}

static void
expect_same(struct message *msg, const char *expected)
{
    expect(msg, 0, NULL, expected);
}

/* --- requests ------------------------------------------------------------- */

static void
requests(void **state)
{
    struct h1_written written;

    (void)state;
    expect_same(request("GET / HTTP/1.1\r\nHost: a\r\nX-Foo:  bar  \r\nEmpty:\r\n\r\n"),
                "GET / HTTP/1.1\r\nhost: a\r\nx-foo: bar\r\nempty: \r\n\r\n");
    expect_same(request("GET\t/x  HTTP/1.1\nHost: a\nX: a\n b\n\n"),
                "GET /x HTTP/1.1\r\nhost: a\r\nx: a  b\r\n\r\n");
    expect_same(request("GET http://a/x?y HTTP/1.1\r\nHost: a\r\n\r\n"),
                "GET http://a/x?y HTTP/1.1\r\nhost: a\r\n\r\n");
    expect_same(request("GET / HTTP/1.9\r\n\r\n"), "GET / HTTP/1.1\r\n\r\n");
    expect_same(request("GET / HTTP/1.0\r\n\r\n"),
                "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    expect(request("GET / HTTP/1.0\r\n\r\n"), H1_WRITE_CLOSE, NULL, "GET / HTTP/1.0\r\n\r\n");
    written = expect(request("GET / HTTP/1.1\r\n\r\n"), H1_WRITE_CLOSE, NULL,
                     "GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert_true(written.closes);
    assert_int_equal(written.framing, BODY_NONE);
    expect(request("GET / HTTP/1.1\r\n\r\n"), H1_WRITE_CLOSE | H1_WRITE_HIDE_CLOSE, NULL,
           "GET / HTTP/1.1\r\n\r\n");
    expect_same(request("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"),
                "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n");
}

static void
hop_by_hop_fields_end_here(void **state)
{
    (void)state;
    expect_same(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Foo\r\nX-Foo: 1\r\n"
                        "Keep-Alive: 5\r\nProxy-Connection: close\r\nTE: gzip, trailers\r\n"
                        "Accept: b\r\n\r\n"),
                "GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\naccept: b\r\n\r\n");
    expect_same(request("GET / HTTP/1.1\r\nUpgrade: foo\r\nX: y\r\n\r\n"),
                "GET / HTTP/1.1\r\nx: y\r\n\r\n");
    expect_same(response("HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nConnection: upgrade\r\n"
                         "Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\n"),
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
    expect_same(
        response("HTTP/1.1 426 U\r\nUpgrade: TLS/1.0\r\nConnection: upgrade\r\n"
                 "Content-Length: 2\r\n\r\n"),
        "HTTP/1.1 426 U\r\ncontent-length: 2\r\nconnection: Upgrade\r\nupgrade: TLS/1.0\r\n\r\n");
}

static void
request_bodies(void **state)
{
    struct h1_written written;
    struct message *msg;

    (void)state;
    written = expect(request("POST / HTTP/1.1\r\nContent-Length: 005\r\nX: y\r\n\r\n"), 0, NULL,
                     "POST / HTTP/1.1\r\ncontent-length: 5\r\nx: y\r\n\r\n");
    assert_int_equal(written.framing, BODY_LENGTH);
    assert_int_equal(written.length, 5);
    written = expect(request("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nX: y\r\n\r\n"), 0,
                     NULL, "POST / HTTP/1.1\r\nx: y\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_int_equal(written.framing, BODY_CHUNKED);
    expect_same(
        request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
    expect_same(request("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
    expect_same(request("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
                "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n");

    /* A rule takes the length away, or changes it: neither moves the end of the body. */
    msg = request("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
    message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    expect_same(msg, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
    msg = request("POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n");
    message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    expect(msg, H1_WRITE_CLOSE, NULL, "POST / HTTP/1.0\r\ncontent-length: 5\r\n\r\n");
    msg = request("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
    message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    assert_true(message_add_field_copy(msg, STR("Content-Length"), STR("7")));
    expect_same(msg, "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\n");
    msg = request("GET / HTTP/1.1\r\n\r\n");
    assert_true(message_add_field_copy(msg, STR("Content-Length"), STR("7")));
    assert_true(message_add_field_copy(msg, STR("Transfer-Encoding"), STR("chunked")));
    expect_same(msg, "GET / HTTP/1.1\r\n\r\n");
}

static void
rules_change_fields(void **state)
{
    struct message *msg =
        request("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n");

    (void)state;
    message_remove_field(msg, 2);
    message_replace_value(msg, 3, STR("three"));
    assert_true(message_add_field(msg, FIELD_OTHER, STR("e"), STR("5")));
    message_set_target(msg, STR("/new"));
    expect_same(msg, "GET /new HTTP/1.1\r\nhost: a\r\na: 1\r\nc: three\r\nd: 4\r\ne: 5\r\n\r\n");
    msg = request("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n");
    message_remove_field(msg, 0);
    message_remove_field(msg, 1);
    expect_same(msg, "GET / HTTP/1.1\r\n\r\n");
}

static void
rules_change_the_connection(void **state)
{
    struct message *msg = request("GET / HTTP/1.1\r\n\r\n");
    struct h1_written written;

    (void)state;
    assert_true(message_add_field_copy(msg, STR("Connection"), STR("close, foo")));
    written =
        expect(msg, 0, NULL, "GET / HTTP/1.1\r\nconnection: foo\r\nconnection: close\r\n\r\n");
    assert_true(written.closes);
    msg = response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    assert_true(message_add_field_copy(msg, STR("Keep-Alive"), STR("timeout=7")));
    assert_true(message_add_field_copy(msg, STR("Connection"), STR("keep-alive")));
    written = expect(msg, 0, NULL,
                     "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nkeep-alive: timeout=7\r\n\r\n");
    assert_false(written.closes);
    msg = request("GET / HTTP/1.1\r\n\r\n");
    msg->flags |= MESSAGE_FORCE_CLOSE;
    expect_same(msg, "GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
}

#define UPGRADE "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"

static void
upgrades(void **state)
{
    struct message *msg;
    struct h1_written written;

    (void)state;
    expect_same(request("GET / HTTP/1.1\r\n" UPGRADE "\r\n"),
                "GET / HTTP/1.1\r\nsec-websocket-key: x\r\nconnection: Upgrade\r\n"
                "upgrade: websocket\r\n\r\n");
    msg = request("GET / HTTP/1.1\r\n" UPGRADE "\r\n");
    message_remove_fields_id(msg, FIELD_UPGRADE);
    expect_same(msg, "GET / HTTP/1.1\r\nsec-websocket-key: x\r\n\r\n");

    msg = request("GET / HTTP/1.1\r\n\r\n");
    assert_true(message_add_field_copy(msg, STR("Upgrade"), STR("foo")));
    assert_true(message_add_field_copy(msg, STR("Connection"), STR("upgrade")));
    expect_same(msg, "GET / HTTP/1.1\r\nconnection: Upgrade\r\nupgrade: foo\r\n\r\n");

    /* A rule puts something else in the place of "upgrade". */
    msg = request("GET / HTTP/1.1\r\n" UPGRADE "\r\n");
    message_remove_fields_id(msg, FIELD_CONNECTION);
    assert_true(message_add_field_copy(msg, STR("Connection"), STR("close")));
    expect_same(msg, "GET / HTTP/1.1\r\nsec-websocket-key: x\r\nconnection: close\r\n\r\n");

    msg = parse("HTTP/1.0 101 S\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n", true,
                (struct h1_asked){ .method = METHOD_GET, .upgrade = true });
    written = expect(msg, H1_WRITE_CLOSE, NULL,
                     "HTTP/1.1 101 S\r\nconnection: Upgrade\r\nupgrade: foo\r\n\r\n");
    assert_int_equal(written.framing, BODY_NONE);
    msg = parse("HTTP/1.1 200 OK\r\n\r\n", true, (struct h1_asked){ .method = METHOD_CONNECT });
    expect(msg, H1_WRITE_CLOSE, NULL, "HTTP/1.1 200 OK\r\n\r\n");
}

/* The flag says what was sent, because the answer is judged by it. */
static void
upgrade_flag_follows(void **state)
{
    struct message *msg = request("GET / HTTP/1.1\r\n" UPGRADE "\r\n");
    struct chain out = { 0 };
    struct h1_written written;

    (void)state;
    assert_true(h1_write_head(&out, msg, 0, NULL, &written));
    assert_true((msg->flags & MESSAGE_UPGRADE) != 0);
    message_remove_fields_id(msg, FIELD_UPGRADE);
    assert_true(h1_write_head(&out, msg, 0, NULL, &written));
    assert_true((msg->flags & MESSAGE_UPGRADE) == 0);
    chain_clear(&out);
    message_give(msg);
}

/* --- responses ------------------------------------------------------------ */

static void
responses(void **state)
{
    struct h1_written written;

    (void)state;
    expect_same(
        response("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nserver: x\r\ncontent-length: 2\r\n\r\n");
    expect_same(response("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n"),
                "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n");
    expect_same(response("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n"),
                "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n");
    expect(response("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n"), H1_WRITE_CLOSE, NULL,
           "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n");
    expect(response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), H1_WRITE_CLOSE, NULL,
           "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n");
    expect(response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), H1_WRITE_FOR_1_0, NULL,
           "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n");
    written = expect(response("HTTP/1.1 200 OK\r\n\r\n"), 0, NULL,
                     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_false(written.closes);
    assert_int_equal(written.framing, BODY_CHUNKED);
    written = expect(response("HTTP/1.1 200 OK\r\n\r\n"), H1_WRITE_FOR_1_0, NULL,
                     "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    assert_true(written.closes);
    assert_int_equal(written.framing, BODY_CLOSE);
    written = expect(response("HTTP/1.0 200 OK\r\n\r\n"), 0, NULL, "HTTP/1.0 200 OK\r\n\r\n");
    assert_true(written.closes);
    written = expect(response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                     H1_WRITE_FOR_1_0, NULL, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
    assert_int_equal(written.framing, BODY_CLOSE);
    expect_same(response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
}

static void
bodiless_responses(void **state)
{
    struct h1_asked head = { .method = METHOD_HEAD };
    struct h1_written written;

    (void)state;
    written = expect(parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true, head), 0, NULL,
                     "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
    assert_int_equal(written.framing, BODY_NONE);
    expect_same(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, head),
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    expect_same(parse("HTTP/1.1 200 OK\r\n\r\n", true, head), "HTTP/1.1 200 OK\r\n\r\n");
    expect_same(response("HTTP/1.1 204 N\r\nContent-Length: 2\r\n\r\n"), "HTTP/1.1 204 N\r\n\r\n");
    expect_same(response("HTTP/1.1 304 N\r\nContent-Length: 2\r\n\r\n"),
                "HTTP/1.1 304 N\r\ncontent-length: 2\r\n\r\n");
    expect(response("HTTP/1.1 103 E\r\nLink: x\r\nConnection: close\r\n\r\n"), H1_WRITE_CLOSE, NULL,
           "HTTP/1.1 103 E\r\nlink: x\r\n\r\n");
}

static void
replies(void **state)
{
    struct message *msg = reply_to_message(reply_builtin(400));
    struct h1_written written = expect(msg, 0, NULL,
                                       "HTTP/1.1 400 Bad request\r\ncontent-length: 90\r\n"
                                       "cache-control: no-cache\r\ncontent-type: text/html\r\n"
                                       "connection: close\r\n\r\n");

    (void)state;
    assert_true(written.closes);
    expect_same(reply_to_message(reply_builtin(503)),
                "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 107\r\n"
                "cache-control: no-cache\r\ncontent-type: text/html\r\n\r\n");
    msg = message_take();
    msg->flags = MESSAGE_IS_RESPONSE | MESSAGE_LOCAL;
    msg->version_major = msg->version_minor = 1;
    msg->status = 302;
    msg->reason = STR("Found");
    written = expect(msg, 0, NULL, "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n");
    assert_int_equal(written.framing, BODY_LENGTH);
    assert_int_equal(written.length, 0);
}

/* --- size, letters, chunks ------------------------------------------------ */

static void
large_heads(void **state)
{
    struct message *msg = request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    char *expected = malloc(60000), *value = malloc(7000);
    size_t len = (size_t)sprintf(expected, "GET / HTTP/1.1\r\nhost: a\r\n");

    (void)state;
    memset(value, 'v', 7000);
    for (int i = 0; i < 7; i++) {
        char name[8];

        snprintf(name, sizeof(name), "x-%d", i);
        assert_true(message_add_field_copy(msg, str_from(name), str_of(value, 7000)));
        len += (size_t)sprintf(expected + len, "%s: %.*s\r\n", name, 7000, value);
    }
    sprintf(expected + len, "\r\n");
    assert_true(len > 2 * buffer_default_size());
    expect_same(msg, expected);
    free(expected);
    free(value);
}

static void
adjusted_letters(void **state)
{
    struct arena arena = { 0 };
    struct case_map *map = NULL;
    char name[8], capital[8];

    (void)state;
    assert_true(case_map_add(&map, &arena, STR("host"), STR("Host")));
    assert_true(case_map_add(&map, &arena, STR("x-foo"), STR("X-FoO")));
    assert_true(case_map_add(&map, &arena, STR("content-length"), STR("Content-Length")));
    assert_true(case_map_add(&map, &arena, STR("connection"), STR("Connection")));
    assert_true(case_map_add(&map, &arena, STR("transfer-encoding"), STR("Transfer-Encoding")));
    assert_false(case_map_add(&map, &arena, STR("host"), STR("HOST")));
    expect(
        request("POST / HTTP/1.1\r\nHost: a\r\nx-foo: 1\r\nX-Bar: 2\r\nContent-Length: 3\r\n\r\n"),
        H1_WRITE_CLOSE, map,
        "POST / HTTP/1.1\r\nHost: a\r\nX-FoO: 1\r\nx-bar: 2\r\nContent-Length: 3\r\n"
        "Connection: close\r\n\r\n");
    expect(response("HTTP/1.1 200 OK\r\n\r\n"), 0, map,
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "a-%d", i);
        snprintf(capital, sizeof(capital), "A-%d", i);
        assert_true(case_map_add(&map, &arena, str_from(name), str_from(capital)));
    }
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "a-%d", i);
        assert_int_equal(case_map_find(map, str_from(name)).ptr[0], 'A');
    }
    assert_true(str_eq(case_map_find(map, STR("b")), STR("b")));
    assert_true(str_eq(case_map_find(NULL, STR("b")), STR("b")));
    arena_fini(&arena);
}

static void
chunks(void **state)
{
    struct message *msg = message_take();
    struct chain out = { 0 };
    char text[128];
    size_t len;

    (void)state;
    len = h1_format_chunk_head(text, 0x1aB);
    assert_true(str_eq_nocase(str_of(text, len), STR("1ab\r\n")));
    len = h1_format_chunk_head(text, UINT64_MAX);
    assert_true(len <= H1_CHUNK_HEAD_MAX);
    assert_true(h1_write_last_chunk(&out, NULL));
    assert_true(h1_write_last_chunk(&out, msg));
    assert_true(message_add_trailer(msg, STR("x-t"), STR("v")));
    assert_true(message_add_trailer(msg, STR("x-u"), STR("")));
    assert_true(h1_write_last_chunk(&out, msg));
    len = chain_peek(&out, 0, text, sizeof(text));
    assert_true(str_eq(str_of(text, len), STR("0\r\n\r\n0\r\n\r\n0\r\nx-t: v\r\nx-u: \r\n\r\n")));
    chain_clear(&out);
    message_give(msg);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(hop_by_hop_fields_end_here),
        cmocka_unit_test(request_bodies),
        cmocka_unit_test(rules_change_fields),
        cmocka_unit_test(rules_change_the_connection),
        cmocka_unit_test(upgrades),
        cmocka_unit_test(upgrade_flag_follows),
        cmocka_unit_test(responses),
        cmocka_unit_test(bodiless_responses),
        cmocka_unit_test(replies),
        cmocka_unit_test(large_heads),
        cmocka_unit_test(adjusted_letters),
        cmocka_unit_test(chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
