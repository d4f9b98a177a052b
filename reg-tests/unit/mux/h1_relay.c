/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both sides together: a client, the two muxes joined by a stream of a few lines, a server. Client
 * and server are the test; they send messages of all kinds, in pieces of all sizes, and compare
 * what arrives with what was sent.
 *
 * With a number as argument it sends as many usual requests, for measuring:
 *
 *     valgrind --tool=callgrind --callgrind-out-file=/dev/null obj/unit/mux/h1_relay 1000
 */
#include "harness.h"

#include "mux/h1_body.h"
#include "mux/h1_writer.h"
#include "weir/mux/h1_parser.h"

static struct loop *loop;

/* --- the stream ----------------------------------------------------------- */

static struct side front, back;
static struct message *request, *response;

static void
pump(struct endpoint *from, struct endpoint *to)
{
    if (!chain_is_empty(&from->in) && (to->flags & EP_OUT_FULL) == 0) {
        assert_true(endpoint_send_body(to, &from->in));
        endpoint_consumed(from);
    }
    if ((from->flags & EP_IN_ENDED) != 0 && chain_is_empty(&from->in))
        assert_true(endpoint_send_end(to));
    endpoint_flush(to, false);
}

static void
end_exchange(void)
{
    side_close(&back, EP_CLOSE_DONE);
    side_close(&front, EP_CLOSE_DONE);
    message_give(request);
    message_give(response);
    request = response = NULL;
}

static void
forward(struct side *side)
{
    struct message *msg;

    (void)side;
    assert_false(has(&front, EP_IN_BROKEN));
    assert_false(has(&back, EP_IN_BROKEN));
    pump(front.ep, back.ep);
    msg = endpoint_take_message(back.ep);
    if (msg != NULL) {
        assert_true(endpoint_send_head(front.ep, msg));
        if (msg->status < 200)
            message_give(msg);
        else
            response = msg;
    }
    if (response != NULL)
        pump(back.ep, front.ep);
    else
        endpoint_flush(front.ep, false);
    if (has(&front, EP_IN_ENDED | EP_OUT_ENDED) && has(&back, EP_IN_ENDED | EP_OUT_ENDED))
        end_exchange();
}

static void
begin_exchange(struct side *side)
{
    assert_true(has(side, EP_HEAD));
    request = endpoint_take_message(side->ep);
    side_attach(&back, h1_mux.open(back.mc));
    assert_true(endpoint_send_head(back.ep, request));
    forward(side);
}

static void
start(void)
{
    front = (struct side){ .settings = { .max_fields = 50 },
                           .on_stream = begin_exchange,
                           .on_event = forward };
    back = (struct side){ .settings = { .max_fields = 50 }, .on_event = forward };
    side_start(&front, loop, &h1_mux, MUX_FRONT);
    side_start(&back, loop, &h1_mux, MUX_BACK);
}

static void
stop(void)
{
    side_fini(&front);
    side_fini(&back);
}

/* --- what is sent: chance with a seed ------------------------------------- */

static uint32_t seed;

static uint32_t
chance(uint32_t below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % below;
}

/* The body of message `id` is known from the id: both ends can make it. */
static char
body_byte(unsigned id, size_t at)
{
    return (char)('a' + (id * 7 + at + at / 100) % 26);
}

struct text {
    char *bytes;
    size_t len, cap;
};

static void
add(struct text *text, const char *bytes, size_t len)
{
    if (text->len + len > text->cap) {
        text->cap = (text->len + len) * 2;
        text->bytes = realloc(text->bytes, text->cap);
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

__attribute__((format(printf, 2, 3))) static void
add_format(struct text *text, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    add(text, line, (size_t)vsnprintf(line, sizeof(line), format, args));
    va_end(args);
}

static void
add_body(struct text *text, unsigned id, size_t from, size_t len)
{
    for (size_t i = from; i < from + len; i++) {
        char c = body_byte(id, i);

        add(text, &c, 1);
    }
}

static void
add_chunks(struct text *text, unsigned id, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t part = 1 + chance(chance(4) == 0 ? 20000 : 300);

        if (part > len - at)
            part = len - at;
        add_format(text, chance(4) == 0 ? "%zX;ext=\"a;b\"\r\n" : "%zx\r\n", part);
        add_body(text, id, at, part);
        add_format(text, "\r\n");
        at += part;
    }
    add_format(text, "0\r\n%s\r\n", chance(2) == 0 ? "X-Trailer: t\r\n" : "");
}

static void
add_some_fields(struct text *text)
{
    for (uint32_t count = chance(6); count > 0; count--) {
        add_format(text, "X-%u:%s", chance(1000), chance(3) == 0 ? "  " : " ");
        for (uint32_t i = chance(chance(8) == 0 ? 2000 : 40); i > 0; i--)
            add(text, "v", 1);
        add_format(text, "\r\n");
    }
}

/* Headers and body in one of the ways that there are. */
static void
add_rest(struct text *text, unsigned id)
{
    size_t len = chance(3) == 0 ? 0 : chance(chance(5) == 0 ? 100000 : 700);

    add_some_fields(text);
    if (chance(2) == 0) {
        add_format(text, "Content-Length: %zu\r\n", len);
        add_some_fields(text);
        add_format(text, "\r\n");
        add_body(text, id, 0, len);
    } else {
        add_format(text, "Transfer-Encoding: chunked\r\n\r\n");
        add_chunks(text, id, len);
    }
}

/* --- what arrives --------------------------------------------------------- */

/* A reader of messages at the test's end of a socket. */
struct reader {
    struct text text;
    size_t used;
    struct h1_body body;
    struct message *msg; /* whose body is read; NULL: between messages */
    unsigned id;
    size_t at;      /* in the body */
    unsigned count; /* whole messages */
};

static void
read_bytes(struct reader *reader, struct side *side)
{
    static char block[100000];
    ssize_t got;

    while ((got = recv(side->peer, block, chance(2) == 0 ? sizeof(block) : 1 + chance(5000), 0)) >
           0)
        add(&reader->text, block, (size_t)got);
}

/* False: not all of it is there. */
static bool
read_head(struct reader *reader, bool is_response)
{
    const struct h1_limits limits = { .max_fields = 50 };
    char *bytes = reader->text.bytes + reader->used;
    size_t len = reader->text.len - reader->used, head_len;
    struct message *msg = message_take();
    struct h1_error err;
    enum parse_result result;

    if (is_response)
        result = h1_parse_answer(bytes, len, &limits, (struct h1_asked){ 0 }, msg, &head_len, &err);
    else
        result = h1_parse_request(bytes, len, &limits, msg, &head_len, &err);
    assert_int_not_equal(result, PARSE_BAD);
    if (result == PARSE_MORE) {
        message_give(msg);
        return false;
    }
    reader->used += head_len;
    reader->msg = msg;
    reader->at = 0;
    if (!is_response)
        reader->id = (unsigned)strtoul(msg->target.ptr + 1, NULL, 10);
    h1_body_init(&reader->body,
                 (msg->flags & MESSAGE_NO_BODY_EXPECTED) != 0 ? BODY_NONE
                                                              : (enum body_kind)msg->body,
                 msg->body_length, false);
    return true;
}

static bool
read_body(struct reader *reader)
{
    const struct h1_limits limits = { .max_fields = 50 };
    struct h1_error err;

    while (reader->body.state != H1_BODY_ENDED) {
        char *bytes = reader->text.bytes + reader->used;
        size_t len = reader->text.len - reader->used, used, data_len;

        if (reader->body.state == H1_TRAILERS) {
            if (h1_parse_trailers(bytes, len, &limits, NULL, &used, &err) != PARSE_DONE)
                return false;
            reader->used += used;
            break;
        }
        assert_int_not_equal(h1_body_read(&reader->body, bytes, len, &used, &data_len, &err),
                             PARSE_BAD);
        for (size_t i = used - data_len; i < used; i++)
            assert_int_equal(bytes[i], body_byte(reader->id, reader->at++));
        reader->used += used;
        if (used == 0 && reader->body.state != H1_TRAILERS && reader->body.state != H1_BODY_ENDED)
            return false;
    }
    reader->count++;
    return true;
}

/* The next whole message; the caller gives it. NULL: not yet. */
static struct message *
read_message(struct reader *reader, bool is_response)
{
    struct message *msg;

    if (reader->text.len == 0)
        return NULL;
    if (reader->msg == NULL && !read_head(reader, is_response))
        return NULL;
    if (!read_body(reader))
        return NULL;
    msg = reader->msg;
    reader->msg = NULL;
    return msg;
}

static void
reader_fini(struct reader *reader)
{
    message_give(reader->msg);
    free(reader->text.bytes);
}

/* --- together --------------------------------------------------------------- */

/* Sends some of what is left. */
static void
send_some(struct side *side, const struct text *text, size_t *sent)
{
    size_t part = text->len - *sent;
    ssize_t result;

    if (part == 0)
        return;
    if (chance(3) != 0 && part > 50)
        part = 1 + chance(chance(2) == 0 ? 50 : (uint32_t)part);
    result = send(side->peer, text->bytes + *sent, part, MSG_NOSIGNAL);
    *sent += result > 0 ? (size_t)result : 0;
}

static void
answer_request(struct text *answers, unsigned id)
{
    for (uint32_t i = chance(4) == 0 ? 1 + chance(2) : 0; i > 0; i--)
        add_format(answers, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    if (chance(6) == 0) {
        add_format(answers, "HTTP/1.1 204 No Content\r\n\r\n");
        return;
    }
    add_format(answers, "HTTP/1.1 %u Some Reason\r\n", 200 + chance(3));
    add_rest(answers, id);
}

static void
exchange_messages(uint32_t with_seed, unsigned count)
{
    struct reader server = { 0 }, client = { 0 };
    struct text requests = { 0 }, answers = { 0 };
    size_t requests_sent = 0, answers_sent = 0;
    struct message *msg;

    seed = with_seed;
    start();
    for (unsigned id = 0; id < count; id++) {
        add_format(&requests, "%s /%u HTTP/1.1\r\nHost: a\r\n", chance(2) == 0 ? "POST" : "GET",
                   id);
        add_rest(&requests, id);
    }
    for (int turns = 0; client.count < count; turns++) {
        assert_true(turns < 2000000);
        send_some(&front, &requests, &requests_sent);
        ev_run(loop->ev, EVRUN_NOWAIT);
        read_bytes(&server, &back);
        while ((msg = read_message(&server, false)) != NULL) {
            answer_request(&answers, server.id);
            message_give(msg);
        }
        send_some(&back, &answers, &answers_sent);
        ev_run(loop->ev, EVRUN_NOWAIT);
        read_bytes(&client, &front);
        while ((msg = read_message(&client, true)) != NULL) {
            bool is_interim = msg->status < 200;

            client.count -= is_interim;
            client.id += !is_interim;
            message_give(msg);
        }
    }
    assert_int_equal(server.count, count);
    assert_int_equal(client.used, client.text.len);
    reader_fini(&server);
    reader_fini(&client);
    free(requests.bytes);
    free(answers.bytes);
    stop();
}

static void
messages_of_all_kinds(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 30; i++)
        exchange_messages(i * 7919, 40);
}

/* --- the cost --------------------------------------------------------------- */

static const char usual_request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
static const char usual_response[] =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: text/html\r\nContent-Length: 20\r\n"
    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"6542f39b-14\"\r\nAccept-Ranges: bytes\r\n\r\n01234567890123456789";

static long rounds = 10;

static void
usual_exchanges(void **state)
{
    char text[1024];

    (void)state;
    start();
    for (long i = 0; i < rounds; i++) {
        assert_int_equal(send(front.peer, usual_request, sizeof(usual_request) - 1, 0),
                         sizeof(usual_request) - 1);
        ev_run(loop->ev, EVRUN_NOWAIT);
        assert_int_equal(recv(back.peer, text, sizeof(text), 0), sizeof(usual_request) - 1);
        assert_int_equal(send(back.peer, usual_response, sizeof(usual_response) - 1, 0),
                         sizeof(usual_response) - 1);
        ev_run(loop->ev, EVRUN_NOWAIT);
        assert_true(recv(front.peer, text, sizeof(text), 0) > 0);
    }
    assert_int_equal(front.streams, rounds);
    assert_int_equal(back.idle, rounds);
    stop();
}

static int
make_loop(void **state)
{
    (void)state;
    loop = loop_new();
    return loop == NULL;
}

static int
free_loop(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(messages_of_all_kinds),
        cmocka_unit_test(usual_exchanges),
    };
    const struct CMUnitTest cost[] = { cmocka_unit_test(usual_exchanges) };

    if (argc == 1)
        return cmocka_run_group_tests(all, make_loop, free_loop);
    rounds = strtol(argv[1], NULL, 10);
    return cmocka_run_group_tests(cost, make_loop, free_loop);
}
