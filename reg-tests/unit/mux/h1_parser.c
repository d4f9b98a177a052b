/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP/1: what is understood, and how; what is refused, and with which status.
 *
 * Each example is parsed whole, then at every split point (the first part must ask for more, and
 * change nothing), then byte after byte. Bytes live in memory of exactly their size.
 */
#include "weir/mux/h1_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mux/h1_scan.h"

enum how {
    REQUEST = 0,
    RESPONSE = 1 << 0,
    UNSAFE = 1 << 1,
    TO_HEAD = 1 << 2,
    TO_CONNECT = 1 << 3,
    TO_UPGRADE = 1 << 4,
    TO_WEBSOCKET = 1 << 5,
    ANY_PAYLOAD = 1 << 6,
    KEEP_INSECURE = 1 << 7,
    MORE = 1 << 8, /* never complete */
};

struct example {
    unsigned how;
    const char *bytes;
    size_t len;
    const char *dump; /* NULL: refused with `status` */
    int status;
};

#define OK(how_, bytes_, dump_)                                                                    \
    {                                                                                              \
        (how_), (bytes_), sizeof(bytes_) - 1, (dump_), 0                                           \
    }
#define BAD(how_, status_, bytes_)                                                                 \
    {                                                                                              \
        (how_), (bytes_), sizeof(bytes_) - 1, NULL, (status_)                                      \
    }
#define UNFINISHED(how_, bytes_)                                                                   \
    {                                                                                              \
        (how_) | MORE, (bytes_), sizeof(bytes_) - 1, NULL, 0                                       \
    }

/* --- what a message says, as text ----------------------------------------- */

static size_t
dump_flags(char *to, unsigned flags)
{
    static const struct {
        unsigned flag;
        char letter;
    } letters[] = {
        { MESSAGE_CLOSE, 'C' },
        { MESSAGE_KEEP_ALIVE, 'K' },
        { MESSAGE_UPGRADE, 'U' },
        { MESSAGE_WEBSOCKET, 'W' },
        { MESSAGE_EXPECT_CONTINUE, 'E' },
        { MESSAGE_TE_TRAILERS, 'T' },
        { MESSAGE_ABSOLUTE_FORM, 'A' },
        { MESSAGE_UNSAFE_ACCEPTED, '!' },
        { MESSAGE_NO_BODY_EXPECTED, 'N' },
        { MESSAGE_TUNNEL, 'R' },
    };
    size_t len = 0;

    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        if ((flags & letters[i].flag) != 0)
            to[len++] = letters[i].letter;
    }
    to[len] = '\0';
    return len;
}

/* "GET /path 1.1 body flags|name: value|..." */
static void
dump(const struct message *msg, char *to, size_t size)
{
    static const char *const bodies[] = { "-", "length", "chunked", "close" };
    char flags[16];
    size_t len;

    dump_flags(flags, msg->flags);
    if ((msg->flags & MESSAGE_IS_RESPONSE) != 0)
        len = (size_t)snprintf(to, size, "%u %.*s %u.%u ", msg->status, STR_ARG(msg->reason),
                               msg->version_major, msg->version_minor);
    else
        len = (size_t)snprintf(to, size, "%.*s %.*s %u.%u ", STR_ARG(msg->method_text),
                               STR_ARG(msg->path), msg->version_major, msg->version_minor);
    if (msg->body == BODY_LENGTH)
        len += (size_t)snprintf(to + len, size - len, "%llu", (unsigned long long)msg->body_length);
    else
        len += (size_t)snprintf(to + len, size - len, "%s", bodies[msg->body]);
    len += (size_t)snprintf(to + len, size - len, " %s", flags);
    for (uint32_t i = 0; i < msg->count; i++) {
        const struct field *field = &msg->fields[i];

        if (field->name_len != 0)
            len += (size_t)snprintf(to + len, size - len, "|%.*s: %.*s", (int)field->name_len,
                                    field->name, (int)field->value_len, field->value);
        assert_true(field->name_len == 0 ||
                    field->id == field_name_find(field->name, field->name_len));
    }
}

/* --- one example ---------------------------------------------------------- */

static enum parse_result
parse(const struct example *e, char *bytes, size_t len, struct message *msg, size_t *head_len,
      struct h1_error *err)
{
    struct h1_limits limits = {
        .max_fields = 20,
        .accept_unsafe = (e->how & UNSAFE) != 0,
        .any_payload = (e->how & ANY_PAYLOAD) != 0,
        .keep_insecure = (e->how & KEEP_INSECURE) != 0,
    };
    struct message request = { .method = METHOD_GET };

    if ((e->how & RESPONSE) == 0)
        return h1_parse_request(bytes, len, &limits, msg, head_len, err);
    if ((e->how & TO_HEAD) != 0)
        request.method = METHOD_HEAD;
    if ((e->how & TO_CONNECT) != 0)
        request.method = METHOD_CONNECT;
    if ((e->how & (TO_UPGRADE | TO_WEBSOCKET)) != 0)
        request.flags |= MESSAGE_UPGRADE;
    if ((e->how & TO_WEBSOCKET) != 0)
        request.flags |= MESSAGE_WEBSOCKET;
    return h1_parse_response(bytes, len, &limits, &request, msg, head_len, err);
}

/* Parses, and compares if it is complete. Returns what the parser said. */
static enum parse_result
check(const struct example *e, char *bytes, size_t len)
{
    struct message *msg = message_take();
    struct h1_error err = { 0 };
    size_t head_len = 0;
    char text[4096];
    enum parse_result result = parse(e, bytes, len, msg, &head_len, &err);

    if (result == PARSE_DONE) {
        dump(msg, text, sizeof(text));
        if (e->dump == NULL || strcmp(text, e->dump) != 0)
            print_error("of: %.*s\n", (int)e->len, e->bytes);
        assert_non_null(e->dump);
        assert_string_equal(text, e->dump);
        assert_true(head_len > 0 && head_len <= len);
        assert_int_equal(msg->head_bytes, head_len);
    } else if (result == PARSE_BAD) {
        if (e->dump != NULL || err.status != e->status)
            print_error("of: %.*s: %s\n", (int)e->len, e->bytes, err.text);
        assert_null(e->dump);
        assert_int_equal(err.status, e->status);
        assert_non_null(err.text);
        assert_true(err.offset <= len);
    }
    message_give(msg);
    return result;
}

static char *
copy_of(const char *bytes, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);

    memcpy(copy, bytes, len);
    return copy;
}

static void
check_whole(const struct example *e)
{
    char *bytes = copy_of(e->bytes, e->len);
    enum parse_result expected = (e->how & MORE) != 0 ? PARSE_MORE
                                 : e->dump != NULL    ? PARSE_DONE
                                                      : PARSE_BAD;
    enum parse_result result = check(e, bytes, e->len);

    if (result != expected)
        print_error("of: %.*s\n", (int)e->len, e->bytes);
    assert_int_equal(result, expected);
    free(bytes);
}

/* The first part in memory of its own; then the whole, after the first part was looked at. */
static void
check_split(const struct example *e, size_t at)
{
    char *first = copy_of(e->bytes, at);
    char *all = copy_of(e->bytes, e->len);
    enum parse_result result = check(e, first, at);

    assert_true(result != PARSE_BAD || e->dump == NULL);
    memcpy(all, first, at);
    if (result != PARSE_BAD)
        check(e, all, e->len);
    free(first);
    free(all);
}

static void
check_bytewise(const struct example *e)
{
    char *bytes = copy_of(e->bytes, e->len);
    enum parse_result result = PARSE_MORE;

    for (size_t len = 0; len <= e->len && result == PARSE_MORE; len++)
        result = check(e, bytes, len);
    assert_int_equal(result == PARSE_MORE, (e->how & MORE) != 0);
    free(bytes);
}

static void
check_all(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *e = &examples[i];

        check_whole(e);
        for (size_t at = 0; at < e->len; at++)
            check_split(e, at);
        check_bytewise(e);
    }
}

#define CHECK_ALL(examples) check_all((examples), sizeof(examples) / sizeof((examples)[0]))

/* --- start lines of requests ---------------------------------------------- */

#define H "Host: a\r\n\r\n"
#define D "|host: a"

static void
request_lines(void **state)
{
    static const struct example examples[] = {
        OK(REQUEST, "GET / HTTP/1.1\r\n" H, "GET / 1.1 - " D),
        OK(REQUEST, "GET /a?b=c&d HTTP/1.1\r\n" H "rest", "GET /a?b=c&d 1.1 - " D),
        OK(REQUEST, "get / HTTP/1.1\r\n" H, "get / 1.1 - " D),
        OK(REQUEST, "PROPFIND / HTTP/1.1\r\n" H, "PROPFIND / 1.1 - " D),
        OK(REQUEST, "M-SEARCH.~!#$%&'*+^_`| / HTTP/1.1\r\n" H, "M-SEARCH.~!#$%&'*+^_`| / 1.1 - " D),
        OK(REQUEST, "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 - C"),
        OK(REQUEST, "GET / HTTP/1.2\r\n" H, "GET / 1.2 - " D),
        OK(REQUEST, "GET / HTTP/1.9\r\n" H, "GET / 1.9 - " D),
        OK(REQUEST,
           "GET / HTTP/1.1\n"
           "Host: a\n\n",
           "GET / 1.1 - " D),
        OK(REQUEST, "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / 1.1 - " D),
        OK(REQUEST, "\r\n\r\nGET / HTTP/1.1\r\n" H, "GET / 1.1 - " D),
        OK(REQUEST, "\n\nGET / HTTP/1.1\r\n" H, "GET / 1.1 - " D),
        OK(REQUEST, "GET  / HTTP/1.1\r\n" H, "GET / 1.1 - " D),
        OK(REQUEST, "GET /  HTTP/1.1\r\n" H, "GET / 1.1 - " D),
        OK(REQUEST, "GET\t/ \tHTTP/1.1\r\n" H, "GET / 1.1 - " D),
        OK(REQUEST, "GET /a\"<>\\^`{|}b HTTP/1.1\r\n" H, "GET /a\"<>\\^`{|}b 1.1 - " D),
        OK(REQUEST, "GET //a/b HTTP/1.1\r\n" H, "GET //a/b 1.1 - " D),
        OK(REQUEST, "GET /0123456789abcdef0123456789abcdef HTTP/1.1\r\n" H,
           "GET /0123456789abcdef0123456789abcdef 1.1 - " D),
        OK(REQUEST, "GET / HTTP/1.1\r\n\r\n", "GET / 1.1 - "),
        UNFINISHED(REQUEST, ""),
        UNFINISHED(REQUEST, "\r\n"),
        UNFINISHED(REQUEST, "GET / HTTP/1.1\r\n"),
        UNFINISHED(REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n"),
        UNFINISHED(REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n\r"),
        UNFINISHED(REQUEST, "GET / HTTP/1.1\r\nHost: a\r\nX: b"),
        BAD(REQUEST, 400, "GET / HTTP/1.1 \r\n" H),
        BAD(REQUEST, 400, " GET / HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "\r\rGET / HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "\rGET / HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "G{T / HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "G:T / HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET\r\n" H),
        BAD(REQUEST, 400, "GET \r\n" H),
        BAD(REQUEST, 400, "GET /\r\n" H),
        BAD(REQUEST, 400, "GET / \r\n" H),
        BAD(REQUEST, 400, "GET / HTTP/1.1\rX\n" H),
        BAD(REQUEST, 400, "GET / HTTP/1.1\r\r\n" H),
        BAD(REQUEST, 400, "GET / HTTP/1.1x\r\n" H),
        BAD(REQUEST, 400, "GET / HTTP/1.10\r\n" H),
        BAD(REQUEST, 400, "GET / HTTP/11.1\r\n" H),
        BAD(REQUEST, 400, "GET / HTTP/1.\r\n" H),
        BAD(REQUEST, 400, "GET / HTTP/1\r\n" H),
        BAD(REQUEST, 400, "GET / HTTP/.1\r\n" H),
        BAD(REQUEST, 400, "GET / HTTP1.1\r\n" H),
        BAD(REQUEST, 400, "GET / http/1.1\r\n" H),
        BAD(REQUEST, 400, "GET / FOO/1.1\r\n" H),
        BAD(REQUEST, 400, "GET / X\r\n\r\n"),
        BAD(REQUEST, 400, "GET / / HTTP/1.1\r\n" H),
        BAD(REQUEST, 505, "GET / HTTP/0.9\r\n" H),
        BAD(REQUEST, 505, "GET / HTTP/2.0\r\n" H),
        BAD(REQUEST, 505, "GET / HTTP/3.0\r\n" H),
        BAD(REQUEST, 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        BAD(REQUEST, 400, "GET /\xe9 HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET /a#b HTTP/1.1\r\n" H),
        BAD(REQUEST, 400,
            "GET /a\x01"
            "b HTTP/1.1\r\n" H),
        BAD(REQUEST, 400,
            "GET /a\x7f"
            "b HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET /a\0b HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        OK(UNSAFE, "GET /\xe9 HTTP/1.1\r\n" H, "GET /\xe9 1.1 - !" D),
        OK(UNSAFE, "GET /a#b HTTP/1.1\r\n" H, "GET /a#b 1.1 - !" D),
        OK(UNSAFE, "GET /\r\n", "GET / 0.9 - C!"),
        OK(UNSAFE, "GET / HTTP/0.9\r\n\r\n", "GET / 0.9 - C!"),
        OK(UNSAFE, "GET / HTTP/2.0\r\n" H, "GET / 2.0 - !" D),
        OK(UNSAFE, "GET / HTTP/1.10\r\n" H, "GET / 1.10 - !" D),
        BAD(UNSAFE, 400,
            "GET /a\x01"
            "b HTTP/1.1\r\n" H),
        BAD(UNSAFE, 400, "POST /\r\n"),
        BAD(UNSAFE, 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    };

    (void)state;
    CHECK_ALL(examples);
}

/* Every byte in every place: 256 requests for each. */
static void
single_bytes(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        bool token = byte_is((char)c, BYTE_TOKEN);
        struct {
            const char *format;
            bool is_fine;
        } places[] = {
            { "G%cT / HTTP/1.1\r\n\r\n", token || c == ' ' || c == '\t' },
            { "GET /a%cb HTTP/1.1\r\n\r\n", byte_is((char)c, BYTE_TARGET) },
            { "GET / HTTP/1.1\r\nX%cY: a\r\n\r\n", token || c == ':' },
            { "GET / HTTP/1.1\r\nA-Long-Name-That-Is-Read-Wide%cY: a\r\n\r\n", token || c == ':' },
            { "GET / HTTP/1.1\r\nX: a%cb\r\n\r\n", byte_is((char)c, BYTE_VALUE) },
            { "GET / HTTP/1.1\r\nX: a long value that is read wide%cb\r\n\r\n",
              byte_is((char)c, BYTE_VALUE) },
            { "GET / HTTP/1.1\r\nHost: a%cb\r\n\r\n", byte_is((char)c, BYTE_HOST) },
            { "GET http://a%cb/ HTTP/1.1\r\n\r\n", byte_is((char)c, BYTE_AUTHORITY) || c == '/' },
        };

        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            char text[128];
            int len = snprintf(text, sizeof(text), places[i].format, c == 0 ? 1 : c);
            char *bytes = copy_of(text, (size_t)len);
            struct h1_limits limits = { .max_fields = 20 };
            struct message *msg = message_take();
            struct h1_error err;
            size_t head_len;

            if (c == 0)
                *(char *)memchr(bytes, 1, (size_t)len) = 0;
            /* "G T / HTTP/1.1" has a target that is none, and so on: not what is tested here. */
            if (i != 0 || (c != ' ' && c != '\t')) {
                enum parse_result result =
                    h1_parse_request(bytes, (size_t)len, &limits, msg, &head_len, &err);

                if ((result == PARSE_DONE) != places[i].is_fine)
                    print_error("place %zu, byte 0x%02x\n", i, (unsigned)c);
                assert_int_equal(result == PARSE_DONE, places[i].is_fine && !(i == 4 && c == '\n'));
            }
            message_give(msg);
            free(bytes);
        }
    }
}

static void
forms(void **state)
{
    static const struct example examples[] = {
        OK(REQUEST, "OPTIONS * HTTP/1.1\r\n" H, "OPTIONS * 1.1 - " D),
        OK(REQUEST, "GET http://a/x?y HTTP/1.1\r\n" H, "GET /x?y 1.1 - A" D),
        OK(REQUEST, "GET http://a HTTP/1.1\r\n" H, "GET / 1.1 - A" D),
        OK(REQUEST, "OPTIONS http://a HTTP/1.1\r\n" H, "OPTIONS * 1.1 - A" D),
        OK(REQUEST, "GET http://A/x HTTP/1.1\r\n" H, "GET /x 1.1 - A" D),
        OK(REQUEST, "GET http://a:80/x HTTP/1.1\r\n" H, "GET /x 1.1 - A" D),
        OK(REQUEST, "GET http://a/x HTTP/1.1\r\nHost: a:80\r\n\r\n", "GET /x 1.1 - A|host: a:80"),
        OK(REQUEST, "GET https://a:443/x HTTP/1.1\r\n" H, "GET /x 1.1 - A" D),
        OK(REQUEST, "GET http://a:8080/x HTTP/1.1\r\n\r\n", "GET /x 1.1 - A|host: a:8080"),
        OK(REQUEST, "GET http://u:p@a:81/x HTTP/1.1\r\n\r\n", "GET /x 1.1 - A|host: a:81"),
        OK(REQUEST, "GET http://u:p@a/x HTTP/1.1\r\n" H, "GET /x 1.1 - A" D),
        OK(REQUEST, "GET http:///x HTTP/1.1\r\n" H, "GET /x 1.1 - A" D),
        OK(REQUEST, "GET ftp://a/x HTTP/1.1\r\n" H, "GET /x 1.1 - A" D),
        OK(REQUEST, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "CONNECT  1.1 - |host: a:443"),
        OK(REQUEST, "CONNECT a:443 HTTP/1.1\r\n" H, "CONNECT  1.1 - " D),
        OK(REQUEST, "CONNECT a:443 HTTP/1.1\r\n\r\n", "CONNECT  1.1 - "),
        OK(REQUEST, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]\r\n\r\n",
           "CONNECT  1.1 - |host: [::1]"),
        OK(REQUEST, "CONNECT a:443 HTTP/1.1\r\nContent-Length: 3\r\n" H "abc", "CONNECT  1.1 - " D),
        OK(REQUEST, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / 1.1 - " D),
        OK(REQUEST, "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / 1.1 - |host: "),
        OK(REQUEST, "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", "GET / 1.1 - |host: a:99999"),
        BAD(REQUEST, 400, "GET a HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET * HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET foo:bar HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET http://a?x HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET http://b/x HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET http://a:8080/x HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "GET http://a,b/x HTTP/1.1\r\n\r\n"),
        BAD(REQUEST, 400, "CONNECT a HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "CONNECT a: HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "CONNECT / HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "CONNECT http://a:443/ HTTP/1.1\r\n" H),
        BAD(REQUEST, 400, "CONNECT a:443 HTTP/1.1\r\nHost: b\r\n\r\n"),
        BAD(REQUEST, 400, "CONNECT a:443 HTTP/1.1\r\nHost: a:444\r\n\r\n"),
        BAD(REQUEST, 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        BAD(REQUEST, 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        BAD(REQUEST, 400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
        BAD(REQUEST, 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        BAD(REQUEST, 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        BAD(REQUEST, 400, "GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n"),
        OK(UNSAFE, "GET a HTTP/1.1\r\n" H, "GET a 1.1 - !" D),
        OK(UNSAFE, "GET * HTTP/1.1\r\n" H, "GET * 1.1 - !" D),
        OK(UNSAFE, "GET http://b/x HTTP/1.1\r\n" H, "GET /x 1.1 - A!" D),
        OK(UNSAFE, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "GET / 1.1 - !|host: a,b"),
        OK(UNSAFE, "CONNECT a HTTP/1.1\r\n" H, "CONNECT a 1.1 - !" D),
        BAD(UNSAFE, 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    };

    (void)state;
    CHECK_ALL(examples);
}

/* --- fields --------------------------------------------------------------- */

#define R "GET / HTTP/1.1\r\n"

static void
fields(void **state)
{
    static const struct example examples[] = {
        OK(REQUEST, R "X-Foo:  bar  \r\nEmpty:\r\nTab:\ta\t\r\n\r\n",
           "GET / 1.1 - |x-foo: bar|empty: |tab: a"),
        OK(REQUEST, R "A-NAME-LONGER-THAN-SIXTEEN-BYTES: v\r\n\r\n",
           "GET / 1.1 - |a-name-longer-than-sixteen-bytes: v"),
        OK(REQUEST, R "SIXTEEN-BYTES-XX: v\r\n\r\n", "GET / 1.1 - |sixteen-bytes-xx: v"),
        OK(REQUEST, R "X_Y.Z!~: v\r\n\r\n", "GET / 1.1 - |x_y.z!~: v"),
        OK(REQUEST, R "X:v\r\n\r\n", "GET / 1.1 - |x: v"),
        OK(REQUEST, R "X: UPPER Stays\r\n\r\n", "GET / 1.1 - |x: UPPER Stays"),
        OK(REQUEST, R "X: a:b: c\r\n\r\n", "GET / 1.1 - |x: a:b: c"),
        OK(REQUEST, R "X: \x01\x7f\xe9\x80\xff\r\n\r\n", "GET / 1.1 - |x: \x01\x7f\xe9\x80\xff"),
        OK(REQUEST, R "X: a\r\n  b\r\n\tc\r\nY: 1\r\n\r\n", "GET / 1.1 - |x: a    b  \tc|y: 1"),
        OK(REQUEST, R "X: a\n b\nY: 1\r\n\r\n", "GET / 1.1 - |x: a  b|y: 1"),
        OK(REQUEST, R "X:\r\n a\r\n\r\n", "GET / 1.1 - |x: a"),
        OK(REQUEST, R "X: a\r\n \r\nY: 1\r\n\r\n", "GET / 1.1 - |x: a|y: 1"),
        OK(REQUEST, R "Cookie: a\r\nCookie: b\r\n\r\n", "GET / 1.1 - |cookie: a|cookie: b"),
        BAD(REQUEST, 400, R "X: a\rb\r\n\r\n"),
        BAD(REQUEST, 400, R "X: a\r\r\n\r\n"),
        BAD(REQUEST, 400, R "X : a\r\n\r\n"),
        BAD(REQUEST, 400, R "X\t: a\r\n\r\n"),
        BAD(REQUEST, 400, R " X: a\r\n\r\n"),
        BAD(REQUEST, 400, R "\tX: a\r\n\r\n"),
        BAD(REQUEST, 400, R "X: a\0b\r\n\r\n"),
        BAD(REQUEST, 400, R "X\0: a\r\n\r\n"),
        BAD(REQUEST, 400, R "X(y: a\r\n\r\n"),
        BAD(REQUEST, 400, R "X\xe9: a\r\n\r\n"),
        BAD(REQUEST, 400, R ": a\r\n\r\n"),
        BAD(REQUEST, 400, R "foo\r\n\r\n"),
        BAD(REQUEST, 400, R "foo\n\n"),
        BAD(REQUEST, 400, R "Host: a\r\n\rX"),
        BAD(REQUEST, 400,
            R "1: a\r\n2: a\r\n3: a\r\n4: a\r\n5: a\r\n6: a\r\n7: a\r\n8: a\r\n9: a\r\n"
              "10: a\r\n11: a\r\n12: a\r\n13: a\r\n14: a\r\n15: a\r\n16: a\r\n17: a\r\n"
              "18: a\r\n19: a\r\n20: a\r\n\r\n"),
        OK(REQUEST,
           R "1: a\r\n2: a\r\n3: a\r\n4: a\r\n5: a\r\n6: a\r\n7: a\r\n8: a\r\n9: a\r\n"
             "10: a\r\n11: a\r\n12: a\r\n13: a\r\n14: a\r\n15: a\r\n16: a\r\n17: a\r\n"
             "18: a\r\n19: a\r\n\r\n",
           "GET / 1.1 - |1: a|2: a|3: a|4: a|5: a|6: a|7: a|8: a|9: a|10: a|11: a|12: a|13: a|14: a"
           "|15: a|16: a|17: a|18: a|19: a"),
        OK(UNSAFE, R "X : a\r\nY: b\r\n\r\n", "GET / 1.1 - !|y: b"),
        OK(UNSAFE, R "X(y: a\r\n fold\r\nY: b\r\n\r\n", "GET / 1.1 - !|y: b"),
        OK(UNSAFE, R "X\xe9: a\r\nY: b\r\n\r\n", "GET / 1.1 - !|y: b"),
        BAD(UNSAFE, 400, R ": a\r\n\r\n"),
        BAD(UNSAFE, 400, R "foo\r\nY: b\r\n\r\n"),
        BAD(UNSAFE, 400, R " X: a\r\n\r\n"),
        BAD(UNSAFE, 400, R "X: a\rb\r\n\r\n"),
    };

    (void)state;
    CHECK_ALL(examples);
}

/* A NUL makes a dump end early, so it is looked at by hand. */
static void
nul_in_value(void **state)
{
    char bytes[] = R "X: a\0b\r\n\r\n";
    struct h1_limits limits = { .max_fields = 20, .accept_unsafe = true };
    struct message *msg = message_take();
    struct h1_error err;
    size_t head_len;

    (void)state;
    assert_int_equal(h1_parse_request(bytes, sizeof(bytes) - 1, &limits, msg, &head_len, &err),
                     PARSE_DONE);
    assert_int_equal(msg->count, 1);
    assert_true(str_eq(field_value(&msg->fields[0]), STR("a\0b")));
    assert_true((msg->flags & MESSAGE_UNSAFE_ACCEPTED) != 0);
    message_give(msg);
}

/* Which fields may be copied as they stand. */
static void
verbatim(void **state)
{
    char bytes[] = R "A: 1\r\nB:2\r\nC:  3\r\nD: 4 \r\nE: 5\nF:\r\nG: 7\r\n fold\r\nH: 8\r\n\r\n";
    const char *expected = "10000001";
    struct h1_limits limits = { .max_fields = 20 };
    struct message *msg = message_take();
    struct h1_error err;
    size_t head_len;

    (void)state;
    assert_int_equal(h1_parse_request(bytes, sizeof(bytes) - 1, &limits, msg, &head_len, &err),
                     PARSE_DONE);
    for (uint32_t i = 0; i < msg->count; i++) {
        assert_true((msg->fields[i].flags & FIELD_RECEIVED) != 0);
        assert_int_equal((msg->fields[i].flags & FIELD_VERBATIM) != 0, expected[i] == '1');
    }
    message_give(msg);
}

/* --- the connection ------------------------------------------------------- */

static void
connection(void **state)
{
    static const struct example examples[] = {
        OK(REQUEST, R "Connection: close\r\n\r\n", "GET / 1.1 - C"),
        OK(REQUEST, R "Connection: Keep-Alive\r\n\r\n", "GET / 1.1 - "),
        OK(REQUEST, R "Connection: close, keep-alive\r\n\r\n", "GET / 1.1 - C"),
        OK(REQUEST, R "Connection: close\r\nConnection: keep-alive\r\n\r\n", "GET / 1.1 - C"),
        OK(REQUEST, R "Connection: ,close,,\r\n\r\n", "GET / 1.1 - C"),
        OK(REQUEST, R "Connection:\r\n\r\n", "GET / 1.1 - "),
        OK(REQUEST, R "Connection: \"close\"\r\n\r\n", "GET / 1.1 - |connection: \"close\""),
        OK(REQUEST, R "Connection: foo bar\r\n\r\n", "GET / 1.1 - |connection: foo bar"),
        OK(REQUEST, R "X-Foo: 1\r\nConnection: Keep-Alive, X-Foo\r\nx-bar: 2\r\n\r\n",
           "GET / 1.1 - |connection: X-Foo|x-bar: 2"),
        OK(REQUEST, R "Connection: a, close, b\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n",
           "GET / 1.1 - C|connection: a,b|c: 3"),
        OK(REQUEST,
           R "Connection: host, content-length, te\r\nTE: trailers\r\nContent-Length: 0\r\n" H,
           "GET / 1.1 0 T|connection: host, content-length, te|te: trailers|content-length: 0" D),
        OK(REQUEST, R "Connection: cookie\r\nCookie: x\r\n\r\n", "GET / 1.1 - |connection: cookie"),
        OK(REQUEST, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / 1.0 - K"),
        OK(REQUEST, "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET / 1.0 - C"),
        OK(REQUEST, "GET / HTTP/1.0\r\nConnection: foo\r\n\r\n", "GET / 1.0 - C|connection: foo"),
        OK(REQUEST, R "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\n\r\n",
           "GET / 1.1 - |keep-alive: timeout=5|proxy-connection: close"),
        OK(REQUEST, R "TE: trailers\r\n\r\n", "GET / 1.1 - T|te: trailers"),
        OK(REQUEST, R "TE: gzip, Trailers;q=0.5\r\n\r\n", "GET / 1.1 - T|te: Trailers"),
        OK(REQUEST, R "TE: gzip\r\n\r\n", "GET / 1.1 - "),
        OK(REQUEST, R "TE: trailers\r\nTE: trailers\r\n\r\n", "GET / 1.1 - T|te: trailers"),
        OK(REQUEST, R "Expect: 100-Continue\r\n\r\n", "GET / 1.1 - E|expect: 100-Continue"),
        OK(REQUEST, R "Expect: foo\r\n\r\n", "GET / 1.1 - |expect: foo"),
    };

    (void)state;
    CHECK_ALL(examples);
}

#define WS   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define WS_D "|connection: Upgrade|upgrade: websocket"

static void
upgrades(void **state)
{
    static const struct example examples[] = {
        OK(REQUEST, R "Upgrade: foo\r\n\r\n", "GET / 1.1 - |upgrade: foo"),
        OK(REQUEST, R "Connection: Upgrade\r\n\r\n", "GET / 1.1 - |connection: Upgrade"),
        OK(REQUEST, R "Connection: keep-alive, Upgrade\r\nUpgrade: foo\r\n\r\n",
           "GET / 1.1 - U|connection: Upgrade|upgrade: foo"),
        OK(REQUEST, R WS "Sec-WebSocket-Key: x\r\n\r\n",
           "GET / 1.1 - UW" WS_D "|sec-websocket-key: x"),
        OK(REQUEST, R "Connection: Upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n",
           "GET / 1.1 - U|connection: Upgrade|upgrade: a"),
        OK(REQUEST,
           R "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
           "GET / 1.1 - |connection: Upgrade, HTTP2-Settings"),
        OK(REQUEST, R "Connection: Upgrade\r\nUpgrade: h2c, foo\r\n\r\n",
           "GET / 1.1 - |connection: Upgrade"),
        OK(REQUEST, "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n",
           "GET / 1.0 - C|connection: Upgrade"),
        OK(REQUEST, "POST / HTTP/1.1\r\nContent-Length: 3\r\n" WS "\r\nabc",
           "POST / 1.1 3 |content-length: 3|connection: Upgrade"),
        OK(REQUEST,
           "POST / HTTP/1.1\r\nContent-Length: 0\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
           "POST / 1.1 0 U|content-length: 0|connection: Upgrade|upgrade: x"),
        BAD(REQUEST, 400, R WS "\r\n"),
        OK(UNSAFE, R WS "\r\n", "GET / 1.1 - UW!" WS_D),
        OK(RESPONSE | TO_UPGRADE,
           "HTTP/1.1 101 S\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\nxyz",
           "101 S 1.1 - UNR|upgrade: foo|connection: upgrade"),
        OK(RESPONSE | TO_WEBSOCKET, "HTTP/1.1 101 S\r\n" WS "Sec-WebSocket-Accept: x\r\n\r\n",
           "101 S 1.1 - UWNR" WS_D "|sec-websocket-accept: x"),
        BAD(RESPONSE, 400, "HTTP/1.1 101 S\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n"),
        BAD(RESPONSE | TO_UPGRADE, 400, "HTTP/1.1 101 S\r\n\r\n"),
        BAD(RESPONSE | TO_UPGRADE, 400, "HTTP/1.1 101 S\r\nUpgrade: foo\r\n\r\n"),
        BAD(RESPONSE | TO_UPGRADE, 400, "HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n"),
        BAD(RESPONSE | TO_WEBSOCKET, 400, "HTTP/1.1 101 S\r\n" WS "\r\n"),
        OK(RESPONSE | TO_WEBSOCKET | UNSAFE, "HTTP/1.1 101 S\r\n" WS "\r\n",
           "101 S 1.1 - UW!NR" WS_D),
        OK(RESPONSE, "HTTP/1.1 200 OK\r\nUpgrade: h2,h2c\r\nContent-Length: 0\r\n\r\n",
           "200 OK 1.1 0 |upgrade: h2,h2c|content-length: 0"),
    };

    (void)state;
    CHECK_ALL(examples);
}

/* --- framing -------------------------------------------------------------- */

#define P    "POST / HTTP/1.1\r\n"
#define TE   "Transfer-Encoding: chunked\r\n"
#define TE_D "|transfer-encoding: chunked"
#define CL   "Content-Length: 5\r\n"

static void
request_bodies(void **state)
{
    static const struct example examples[] = {
        OK(REQUEST, P CL "\r\nhello", "POST / 1.1 5 |content-length: 5"),
        OK(REQUEST, P "Content-Length: 0\r\n\r\n", "POST / 1.1 0 |content-length: 0"),
        OK(REQUEST, P CL CL "\r\nhello", "POST / 1.1 5 |content-length: 5"),
        OK(REQUEST, P "Content-Length: 5, 5\r\n\r\n", "POST / 1.1 5 |content-length: 5"),
        OK(REQUEST, P "Content-Length: 005\r\n\r\n", "POST / 1.1 5 |content-length: 5"),
        OK(REQUEST, P "Content-Length: 5 \t\r\n\r\n", "POST / 1.1 5 |content-length: 5"),
        OK(REQUEST, P CL "Content-Length: 05\r\n\r\n", "POST / 1.1 5 |content-length: 5"),
        OK(REQUEST, P "\r\n", "POST / 1.1 - "),
        OK(REQUEST, R CL "\r\n", "GET / 1.1 5 |content-length: 5"),
        OK(REQUEST, P TE "\r\n", "POST / 1.1 chunked " TE_D),
        OK(REQUEST, P "Transfer-Encoding: Chunked\r\n\r\n",
           "POST / 1.1 chunked |transfer-encoding: Chunked"),
        OK(REQUEST, P "Transfer-Encoding:\r\n chunked\r\n\r\n", "POST / 1.1 chunked " TE_D),
        OK(REQUEST, P TE CL "\r\n", "POST / 1.1 chunked C" TE_D),
        OK(REQUEST, P CL TE "\r\n", "POST / 1.1 chunked C" TE_D),
        OK(KEEP_INSECURE, P CL TE "\r\n", "POST / 1.1 chunked " TE_D),
        OK(REQUEST, "POST / HTTP/1.0\r\nConnection: keep-alive\r\n" CL "\r\n",
           "POST / 1.0 5 K|content-length: 5"),
        OK(REQUEST, "POST / HTTP/1.0\r\nConnection: keep-alive\r\n" TE "\r\n",
           "POST / 1.0 chunked C" TE_D),
        OK(REQUEST, "GET / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
           "GET / 1.0 0 C|content-length: 0"),
        BAD(REQUEST, 413, "GET / HTTP/1.0\r\n" CL "\r\n"),
        BAD(REQUEST, 413, "HEAD / HTTP/1.0\r\n" CL "\r\n"),
        BAD(REQUEST, 413, "DELETE / HTTP/1.0\r\n" TE "\r\n"),
        OK(ANY_PAYLOAD, "GET / HTTP/1.0\r\n" CL "\r\n", "GET / 1.0 5 C|content-length: 5"),
        BAD(REQUEST, 400, P CL "Content-Length: 6\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: 5, 6\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: 5,\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length:\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: +5\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: -5\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: 5x\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: 0x5\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: 18446744073709551621\r\n\r\n"),
        BAD(REQUEST, 400, P "Content-Length: 9223372036854775807\r\n\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding:\r\n\r\n"),
        BAD(REQUEST, 400, P TE TE "\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: chunked, chunked\r\n\r\n"),
        BAD(REQUEST, 422, P "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        BAD(REQUEST, 422, P "Transfer-Encoding: gzip\r\n" TE "\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: gzip\r\n\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: chunked, gzip\r\n\r\n"),
        BAD(REQUEST, 400, P TE "Transfer-Encoding: gzip\r\n\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: identity\r\n\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: chunked,\r\n\r\n"),
        BAD(REQUEST, 422, P "Transfer-Encoding: ,chunked\r\n\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: chunked;a=b\r\n\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: \"chunked\"\r\n\r\n"),
        BAD(REQUEST, 400, P "Transfer-Encoding: x chunked\r\n\r\n"),
        BAD(REQUEST, 400,
            P "Transfer-Encoding:\x0b"
              "chunked\r\n\r\n"),
        BAD(REQUEST, 400, P CL "Transfer-Encoding: foo\r\n\r\n"),
        BAD(UNSAFE, 400, P TE TE "\r\n"),
        BAD(UNSAFE, 400, P "Content-Length: x\r\n\r\n"),
    };

    (void)state;
    CHECK_ALL(examples);
}

#define S "HTTP/1.1 200 OK\r\n"

static void
responses(void **state)
{
    static const struct example examples[] = {
        OK(RESPONSE, S CL "\r\nhello", "200 OK 1.1 5 |content-length: 5"),
        OK(RESPONSE, S "\r\n", "200 OK 1.1 close C"),
        OK(RESPONSE, S TE "\r\n", "200 OK 1.1 chunked " TE_D),
        OK(RESPONSE, S TE CL "\r\n", "200 OK 1.1 chunked C" TE_D),
        OK(RESPONSE, S "Connection: close\r\n" CL "\r\n", "200 OK 1.1 5 C|content-length: 5"),
        OK(RESPONSE, "HTTP/1.0 200 OK\r\n" CL "\r\n", "200 OK 1.0 5 C|content-length: 5"),
        OK(RESPONSE, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CL "\r\n",
           "200 OK 1.0 5 K|content-length: 5"),
        OK(RESPONSE, "HTTP/1.0 200 OK\r\n" TE "\r\n", "200 OK 1.0 chunked C" TE_D),
        OK(RESPONSE, "HTTP/1.1 200\r\n" CL "\r\n", "200  1.1 5 |content-length: 5"),
        OK(RESPONSE, "HTTP/1.1 200 \r\n" CL "\r\n", "200  1.1 5 |content-length: 5"),
        OK(RESPONSE, "HTTP/1.1  200  two  words \r\n" CL "\r\n",
           "200 two  words  1.1 5 |content-length: 5"),
        OK(RESPONSE, "HTTP/1.1 200 O\x01\xe9K\r\n" CL "\r\n",
           "200 O\x01\xe9K 1.1 5 |content-length: 5"),
        OK(RESPONSE, "\r\n" S CL "\r\n", "200 OK 1.1 5 |content-length: 5"),
        OK(RESPONSE, "HTTP/1.1 200 OK\nContent-Length: 5\n\n", "200 OK 1.1 5 |content-length: 5"),
        OK(RESPONSE, "HTTP/1.1 600 Odd\r\n" CL "\r\n", "600 Odd 1.1 5 |content-length: 5"),
        OK(RESPONSE, "HTTP/1.1 999 Odd\r\n" CL "\r\n", "999 Odd 1.1 5 |content-length: 5"),
        OK(RESPONSE, "HTTP/1.2 200 OK\r\n" CL "\r\n", "200 OK 1.2 5 |content-length: 5"),
        OK(RESPONSE | TO_HEAD, S CL "\r\n", "200 OK 1.1 5 N|content-length: 5"),
        OK(RESPONSE | TO_HEAD, S TE "\r\n", "200 OK 1.1 chunked N" TE_D),
        OK(RESPONSE | TO_HEAD, S "\r\n", "200 OK 1.1 close N"),
        OK(RESPONSE, "HTTP/1.1 204 N\r\n" CL "\r\n", "204 N 1.1 - N"),
        OK(RESPONSE, "HTTP/1.1 204 N\r\n" TE "\r\n", "204 N 1.1 - N"),
        OK(RESPONSE, "HTTP/1.1 304 N\r\n" CL "\r\n", "304 N 1.1 5 N|content-length: 5"),
        OK(RESPONSE, "HTTP/1.1 304 N\r\n\r\n", "304 N 1.1 close N"),
        OK(RESPONSE, "HTTP/1.1 100 Continue\r\n\r\n", "100 Continue 1.1 - N"),
        OK(RESPONSE, "HTTP/1.1 103 Early\r\nLink: x\r\n" CL "Connection: close\r\n\r\n",
           "103 Early 1.1 - N|link: x"),
        OK(RESPONSE | TO_CONNECT, S "\r\nxyz", "200 OK 1.1 - NR"),
        OK(RESPONSE | TO_CONNECT, S CL TE "\r\nxyz", "200 OK 1.1 - NR"),
        OK(RESPONSE | TO_CONNECT, "HTTP/1.1 403 No\r\n" CL "\r\n",
           "403 No 1.1 5 |content-length: 5"),
        OK(RESPONSE, S "X: a\r\n b\r\n" CL "\r\n", "200 OK 1.1 5 |x: a   b|content-length: 5"),
        OK(RESPONSE, S "Host: a,b\r\nHost: c\r\n" CL "\r\n",
           "200 OK 1.1 5 |host: a,b|host: c|content-length: 5"),
        OK(RESPONSE, S "TE: gzip\r\nExpect: 100-continue\r\n" CL "\r\n",
           "200 OK 1.1 5 |te: gzip|expect: 100-continue|content-length: 5"),
        UNFINISHED(RESPONSE, S "Content-Le"),
        BAD(RESPONSE, 400, "HTTP/1.1 20 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 2000 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 099 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 2x0 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 200OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 99999 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1\r\n\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 \r\n\r\n"),
        BAD(RESPONSE, 505, "HTTP/2.0 200 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 505, "HTTP/0.9 200 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "http/1.1 200 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "ICY 200 OK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 200 O\rK\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, "HTTP/1.1 200 O\0K\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, S "X : a\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, S "X: a\0b\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, S CL "Content-Length: 6\r\n\r\n"),
        BAD(RESPONSE, 400, S "Transfer-Encoding:\r\n" CL "\r\n"),
        BAD(RESPONSE, 400, S "Transfer-Encoding: gzip\r\n\r\n"),
        BAD(RESPONSE, 400, S "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        BAD(RESPONSE, 400, S TE TE "\r\n"),
        BAD(RESPONSE, 400, "garbage\r\n\r\n"),
        OK(RESPONSE | UNSAFE, "HTTP/1.1 2000 OK\r\n" CL "\r\n",
           "2000 OK 1.1 5 !|content-length: 5"),
        OK(RESPONSE | UNSAFE, S "X : a\r\n" CL "\r\n", "200 OK 1.1 5 !|content-length: 5"),
        OK(RESPONSE | UNSAFE, S TE TE "\r\n", "200 OK 1.1 chunked !" TE_D TE_D),
        OK(RESPONSE | UNSAFE, S "Transfer-Encoding:\r\n" CL "\r\n",
           "200 OK 1.1 5 !|content-length: 5"),
        OK(RESPONSE | UNSAFE, "HTTP/2.0 200 OK\r\n" CL "\r\n", "200 OK 2.0 5 !|content-length: 5"),
        BAD(RESPONSE | UNSAFE, 400, "HTTP/1.1 99999 OK\r\n" CL "\r\n"),
        BAD(RESPONSE | UNSAFE, 400, S "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    };

    (void)state;
    CHECK_ALL(examples);
}

/* --- trailers, unfinished heads ------------------------------------------- */

static enum parse_result
parse_trailers(const char *text, struct message *msg, size_t *size)
{
    struct h1_limits limits = { .max_fields = 4, .accept_unsafe = true };
    size_t len = strlen(text);
    char *bytes = copy_of(text, len);
    struct h1_error err;
    enum parse_result result = h1_parse_trailers(bytes, len, &limits, msg, size, &err);

    free(bytes);
    return result;
}

static void
trailers(void **state)
{
    struct message *msg = message_take();
    size_t size;

    (void)state;
    assert_int_equal(parse_trailers("\r\n", msg, &size), PARSE_DONE);
    assert_int_equal(size, 2);
    assert_int_equal(parse_trailers("\r", msg, &size), PARSE_MORE);
    assert_int_equal(parse_trailers("", msg, &size), PARSE_MORE);
    assert_int_equal(parse_trailers("X-T: v\r\n", NULL, &size), PARSE_MORE);
    assert_int_equal(parse_trailers("X-T: v\r\n\r\nrest", NULL, &size), PARSE_DONE);
    assert_int_equal(size, 10);
    assert_int_equal(msg->trailer_count, 0);
    assert_int_equal(parse_trailers("Host: z\r\nX-T: v\r\nContent-Length: 3\r\nX-U:\r\n w\r\n"
                                    "Transfer-Encoding: chunked\r\n\r\n",
                                    msg, &size),
                     PARSE_DONE);
    assert_int_equal(msg->trailer_count, 2);
    assert_true(str_eq(field_name_str(&msg->trailers[0]), STR("x-t")));
    assert_true(str_eq(field_value(&msg->trailers[0]), STR("v")));
    assert_true(str_eq(field_value(&msg->trailers[1]), STR("w")));
    message_clear(msg);
    assert_int_equal(parse_trailers("X-T : v\r\n\r\n", msg, &size), PARSE_BAD);
    assert_int_equal(parse_trailers("X-T\r\n\r\n", msg, &size), PARSE_BAD);
    assert_int_equal(parse_trailers("a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", msg, &size), PARSE_BAD);
    message_give(msg);
}

static void
unfinished(void **state)
{
    const char *head = "GET / HTTP/1.1\r\nLong: 123456789\r\nX: 1\r\n\r\n";
    size_t len = strlen(head);
    struct str name = h1_longest_field(head, len);

    (void)state;
    for (size_t known = 0; known < len; known++) {
        for (size_t all = known; all < len; all++)
            assert_false(h1_has_head_end(head, all, known));
        assert_true(h1_has_head_end(head, len, known));
    }
    assert_true(h1_has_head_end("a\n\nb", 4, 0));
    assert_true(str_eq(name, STR("Long")));
    assert_int_equal(h1_longest_field("GET / HT", 8).len, 0);
    assert_int_equal(h1_longest_field("", 0).len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines),  cmocka_unit_test(single_bytes),
        cmocka_unit_test(forms),          cmocka_unit_test(fields),
        cmocka_unit_test(nul_in_value),   cmocka_unit_test(verbatim),
        cmocka_unit_test(connection),     cmocka_unit_test(upgrades),
        cmocka_unit_test(request_bodies), cmocka_unit_test(responses),
        cmocka_unit_test(trailers),       cmocka_unit_test(unfinished),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
