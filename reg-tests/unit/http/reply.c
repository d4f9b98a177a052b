/* SPDX-License-Identifier: Apache-2.0 */
/* Error files and built-in pages. */
#include "weir/http/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
whole_file(void **state)
{
    struct arena arena = { 0 };
    struct error err = ERROR_INIT;
    struct reply reply;
    struct message *msg;

    (void)state;
    assert_true(reply_parse(STR("HTTP/1.0 503 Service Unavailable\r\nCache-Control: no-cache\r\n"
                                "X-Foo:  BAR \nContent-Length: 5\r\n\r\nhello"),
                            &arena, &reply, &err));
    assert_int_equal(reply.status, 503);
    assert_int_equal(reply.version_minor, 0);
    assert_true(str_eq(reply.reason, STR("Service Unavailable")));
    assert_int_equal(reply.field_count, 2);
    assert_true(str_eq(field_name_str(&reply.fields[1]), STR("x-foo")));
    assert_true(str_eq(field_value(&reply.fields[1]), STR("BAR")));
    assert_true(str_eq(reply.body, STR("hello")));

    msg = reply_to_message(&reply);
    assert_non_null(msg);
    assert_int_equal(msg->count, 3);
    assert_int_equal(msg->fields[0].id, FIELD_CONTENT_LENGTH);
    assert_true(str_eq(field_value(&msg->fields[0]), STR("5")));
    assert_int_equal(msg->body, BODY_LENGTH);
    assert_int_equal(msg->body_length, 5);
    assert_int_equal(msg->version_minor, 0);
    message_give(msg);
    arena_fini(&arena);
}

static void
odd_files(void **state)
{
    struct arena arena = { 0 };
    struct error err = ERROR_INIT;
    struct reply reply;

    (void)state;
    assert_true(reply_parse(STR(""), &arena, &reply, &err));
    assert_int_equal(reply.status, 0);
    assert_true(reply_parse(STR("HTTP/1.1 403 Nope\nX: y\n\nbody"), &arena, &reply, &err));
    assert_int_equal(reply.version_minor, 1);
    assert_true(str_eq(reply.body, STR("body")));
    assert_true(reply_parse(STR("HTTP/1.1 403\r\n\r\n"), &arena, &reply, &err));
    assert_int_equal(reply.reason.len, 0);
    arena_fini(&arena);
}

static void
bad_files(void **state)
{
    static const char *const bad[] = {
        "HTTP/1.1 403 Nope",
        "HTTP/1.1 403 Nope\r\n",
        "HTTP/1.1 403 Nope\r\nX: y\r\n",
        "HTTP/1.1 403 Nope\r\nfoo\r\n\r\n",
        "HTTP/1.1 403 Nope\r\nfoo bar: x\r\n\r\n",
        "HTTP/1.1 403 Nope\r\n: x\r\n\r\n",
        "HTTP/1.1 403 Nope\r\nX: a\rb\r\n\r\n",
        "HTTP/1.1 403 Nope\r\nContent-Length: 9\r\n\r\nabc",
        "HTTP/1.1 403 Nope\r\nContent-Length: x\r\n\r\nabc",
        "HTTP/1.1 403 Nope\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        "HTTP/2.0 403 Nope\r\n\r\n",
        "HTTP/1.1 4033 Nope\r\n\r\n",
        "HTTP/1.1 099 Nope\r\n\r\n",
        "HTTP/1.1 4x3 Nope\r\n\r\n",
        "abc\r\n\r\n",
        "\r\n\r\n",
    };
    struct arena arena = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct error err = ERROR_INIT;
        struct reply reply;

        assert_false(reply_parse(str_from(bad[i]), &arena, &reply, &err));
        assert_string_not_equal(err.text, "");
    }
    arena_fini(&arena);
}

/* The lengths are those that HAProxy 2.6 announces. */
static void
builtin_pages(void **state)
{
    static const struct {
        int status;
        const char *reason;
        unsigned length;
        bool closes;
    } pages[] = {
        { 200, "OK", 58, false },
        { 400, "Bad request", 90, true },
        { 401, "Unauthorized", 112, false },
        { 403, "Forbidden", 93, false },
        { 404, "Not Found", 83, false },
        { 405, "Method Not Allowed", 146, false },
        { 407, "Unauthorized", 112, false },
        { 408, "Request Time-out", 110, true },
        { 410, "Gone", 114, false },
        { 413, "Payload Too Large", 106, false },
        { 421, "Misdirected Request", 104, false },
        { 422, "Unprocessable Content", 116, false },
        { 425, "Too Early", 80, false },
        { 429, "Too Many Requests", 117, false },
        { 500, "Internal Server Error", 97, false },
        { 501, "Not Implemented", 136, false },
        { 502, "Bad Gateway", 107, false },
        { 503, "Service Unavailable", 107, false },
        { 504, "Gateway Time-out", 92, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        const struct reply *reply = reply_builtin(pages[i].status);

        assert_non_null(reply);
        assert_int_equal(reply->status, pages[i].status);
        assert_true(str_eq(reply->reason, str_from(pages[i].reason)));
        assert_int_equal(reply->body.len, pages[i].length);
        assert_int_equal(reply->field_count, pages[i].closes ? 3 : 2);
    }
    assert_non_null(reply_builtin(414));
    assert_non_null(reply_builtin(431));
    assert_null(reply_builtin(418));
    assert_true(str_eq(reply_builtin(503)->body,
                       STR("<html><body><h1>503 Service Unavailable</h1>\n"
                           "No server is available to handle this request.\n</body></html>\n")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_file),
        cmocka_unit_test(odd_files),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(builtin_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
