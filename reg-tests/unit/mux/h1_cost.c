/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parsing and writing of one exchange costs, without sockets: request and response heads of a
 * usual benchmark. The count of rounds is the first argument; the cost of one is the difference of
 * two runs:
 *
 *     valgrind --tool=callgrind --callgrind-out-file=/dev/null obj/unit/mux/h1_cost 1000
 */
#include "mux/h1_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "weir/mux/h1_parser.h"

static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
static const char response[] =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/html\r\n"
    "Content-Length: 20\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Connection: keep-alive\r\nETag: \"6542f39b-14\"\r\n"
    "Accept-Ranges: bytes\r\n\r\n01234567890123456789";

static long rounds = 100;

static struct message *
parse(struct buffer *buf, const char *text, size_t len, bool is_response)
{
    const struct h1_limits limits = { .max_fields = 101 };
    struct message *msg = message_take();
    char *bytes = buf->data + buf->end;
    struct h1_error err;
    size_t head_len;

    memcpy(bytes, text, len);
    buf->end += (uint32_t)len;
    if (is_response)
        assert_int_equal(
            h1_parse_answer(bytes, len, &limits, (struct h1_asked){ 0 }, msg, &head_len, &err),
            PARSE_DONE);
    else
        assert_int_equal(h1_parse_request(bytes, len, &limits, msg, &head_len, &err), PARSE_DONE);
    msg->head = buffer_hold(buf);
    return msg;
}

static void
pass_on(const char *text, size_t len, bool is_response)
{
    struct buffer *buf = buffer_take();
    struct chain out = { 0 };
    struct h1_written written;
    struct message *msg = parse(buf, text, len, is_response);

    assert_true(h1_write_head(&out, msg, 0, NULL, &written));
    assert_true(chain_add_copy(&out, text + msg->head_bytes, len - msg->head_bytes));
    chain_clear(&out);
    message_give(msg);
    buffer_drop(buf);
}

static void
exchanges(void **state)
{
    (void)state;
    for (long i = 0; i < rounds; i++) {
        pass_on(request, sizeof(request) - 1, false);
        pass_on(response, sizeof(response) - 1, true);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(exchanges) };

    if (argc > 1)
        rounds = strtol(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
