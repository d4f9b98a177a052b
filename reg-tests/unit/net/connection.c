/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections over socket pairs: bytes, ends, backpressure, closing inside callbacks, handshakes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/buffer.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/net/handshake.h"
#include "weir/net/netscaler.h"
#include "weir/net/proxy_protocol.h"
#include "weir/net/splice.h"
#include "weir/net/transport.h"

/* --- what a test hears ------------------------------------------------------------------- */

static struct {
    unsigned readable, writable, established;
    char got[65536];
    size_t got_len;
    enum io last_io;
} heard;

static bool is_running;

static void
stop(void)
{
    if (is_running) /* some callbacks come at once, before run() */
        loop_stop(loop_here());
}

static void
run(void)
{
    is_running = true;
    loop_run(loop_here());
    is_running = false;
}

static void
hear_readable(struct connection *conn)
{
    size_t got;

    heard.readable++;
    heard.last_io =
        connection_read(conn, heard.got + heard.got_len, sizeof(heard.got) - heard.got_len, &got);
    heard.got_len += got;
    stop();
}

static void
hear_writable(struct connection *conn)
{
    (void)conn;
    heard.writable++;
    stop();
}

static void
hear_established(struct connection *conn)
{
    (void)conn;
    heard.established++;
    stop();
}

static const struct connection_owner listener = { hear_readable, hear_writable, hear_established };

static struct connection *
open_pair(int *other, unsigned flags)
{
    struct connection *conn;
    int pair[2];

    memset(&heard, 0, sizeof(heard));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    conn = connection_new(loop_here(), pair[0], flags);
    assert_non_null(conn);
    connection_set_owner(conn, &listener, NULL);
    *other = pair[1];
    return conn;
}

static void
say(int fd, const char *bytes, size_t len)
{
    assert_int_equal(write(fd, bytes, len), len);
}

/* Two turns in which nothing is expected. */
static void
on_pause(struct timer *timer)
{
    (void)timer;
    stop();
}

static void
run_idle(void)
{
    struct timer timer;

    timer_init(&timer, on_pause);
    timer_set(loop_here(), &timer, 0);
    run();
    timer_set(loop_here(), &timer, 0);
    run();
}

/* --- bytes ------------------------------------------------------------------------------- */

static void
struct_stays_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct connection) <= 256);
}

static void
bytes_come_and_go(void **state)
{
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);
    struct iovec iov[2] = { { (void *)(uintptr_t) "ab", 2 }, { (void *)(uintptr_t) "cde", 3 } };
    char got[16];
    size_t sent;

    (void)state;
    assert_int_equal(loop_here()->load, 1);
    connection_start(conn);
    say(other, "hello", 5);
    run();
    assert_int_equal(heard.last_io, IO_OK);
    assert_memory_equal(heard.got, "hello", 5);
    assert_int_equal(connection_read(conn, got, sizeof(got), &sent), IO_WAIT);
    assert_int_equal(connection_write(conn, iov, 2, false, &sent), IO_OK);
    assert_int_equal(sent, 5);
    assert_int_equal(read(other, got, sizeof(got)), 5);
    assert_memory_equal(got, "abcde", 5);
    connection_close(conn);
    assert_int_equal(loop_here()->load, 0);
    assert_int_equal(read(other, got, sizeof(got)), 0);
    close(other);
}

static void
end_of_the_peer_is_told_once(void **state)
{
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);
    struct iovec iov = { (void *)(uintptr_t) "x", 1 };
    size_t sent;
    char got;

    (void)state;
    connection_start(conn);
    shutdown(other, SHUT_WR);
    run();
    assert_int_equal(heard.last_io, IO_CLOSED);
    assert_true((conn->flags & CONN_READ_CLOSED) != 0);
    run_idle();
    assert_int_equal(heard.readable, 1);
    /* Our side is still open. */
    assert_int_equal(connection_write(conn, &iov, 1, false, &sent), IO_OK);
    assert_int_equal(read(other, &got, 1), 1);
    connection_shut_write(conn);
    assert_int_equal(read(other, &got, 1), 0);
    assert_int_equal(connection_write(conn, &iov, 1, false, &sent), IO_CLOSED);
    connection_close(conn);
    close(other);
}

static void
write_to_a_peer_that_is_gone(void **state)
{
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);
    struct iovec iov = { (void *)(uintptr_t) "x", 1 };
    size_t sent;

    (void)state;
    connection_start(conn);
    close(other);
    assert_int_equal(connection_write(conn, &iov, 1, false, &sent), IO_CLOSED);
    assert_int_equal(conn->err, CONN_ERR_PIPE);
    assert_int_equal(conn->os_errno, EPIPE);
    connection_close(conn);
}

static size_t
read_all(int fd)
{
    static char sink[65536];
    size_t all = 0;
    ssize_t got;

    while ((got = read(fd, sink, sizeof(sink))) > 0)
        all += (size_t)got;
    return all;
}

static void
chain_waits_and_goes_on(void **state)
{
    enum { BYTES = 3000000 };
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);
    struct chain chain;
    size_t all = 0;
    unsigned waits = 0;

    (void)state;
    chain_init(&chain);
    for (size_t i = 0; i < BYTES / 10000; i++) {
        char *room = chain_reserve(&chain, 10000);

        memset(room, 'x', 10000);
        chain_commit(&chain, 10000);
    }
    connection_start(conn);
    while (connection_write_chain(conn, &chain, false) == IO_WAIT) {
        waits++;
        assert_true((conn->flags & CONN_WANT_WRITE) != 0);
        all += read_all(other);
        run();
        assert_int_equal(heard.writable, waits);
    }
    assert_true(waits > 0 && chain_is_empty(&chain));
    all += read_all(other);
    assert_int_equal(all, BYTES);
    run_idle(); /* writing interest is gone again */
    assert_int_equal(heard.writable, waits);
    connection_close(conn);
    close(other);
}

static void
stopped_reading_hears_nothing(void **state)
{
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);

    (void)state;
    connection_start(conn);
    connection_stop_reading(conn);
    say(other, "a", 1);
    run_idle();
    run_idle();
    assert_int_equal(heard.readable, 0);
    connection_resume_reading(conn);
    run();
    assert_int_equal(heard.readable, 1);
    assert_int_equal(heard.got_len, 1);
    connection_close(conn);
    close(other);
}

/* --- closing inside ---------------------------------------------------------------------- */

static void
close_readable(struct connection *conn)
{
    heard.readable++;
    connection_close(conn);
    stop();
}

static void
close_writable(struct connection *conn)
{
    heard.writable++;
    connection_close(conn);
    stop();
}

static void
close_established(struct connection *conn)
{
    heard.established++;
    connection_close(conn);
}

static void
closing_inside_callbacks(void **state)
{
    static const struct connection_owner closers = { close_readable, close_writable,
                                                     close_established };
    static const struct connection_owner write_closer = { NULL, close_writable, NULL };
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);

    (void)state;
    connection_set_owner(conn, &closers, NULL);
    connection_start(conn);
    say(other, "a", 1);
    run();
    assert_int_equal(heard.readable, 1);
    close(other);

    /* Readable and writable in one event: the second callback does not come. */
    conn = open_pair(&other, CONN_INCOMING);
    connection_set_owner(conn, &closers, NULL);
    connection_start(conn);
    connection_want_write(conn);
    say(other, "a", 1);
    run();
    assert_int_equal(heard.readable, 1);
    assert_int_equal(heard.writable, 0);
    close(other);

    conn = open_pair(&other, CONN_INCOMING);
    connection_set_owner(conn, &write_closer, NULL);
    connection_start(conn);
    connection_want_write(conn);
    run();
    assert_int_equal(heard.writable, 1);
    close(other);

    conn = open_pair(&other, CONN_INCOMING);
    connection_set_owner(conn, &closers, NULL);
    handshake_start(conn);
    assert_int_equal(heard.established, 1);
    close(other);
    assert_int_equal(loop_here()->load, 0);
}

/* --- handshakes --------------------------------------------------------------------------- */

static void
without_steps_it_is_established_at_once(void **state)
{
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);

    (void)state;
    handshake_start(conn);
    assert_int_equal(heard.established, 1);
    assert_true((conn->flags & CONN_ESTABLISHED) != 0);
    say(other, "a", 1);
    run();
    assert_int_equal(heard.readable, 1);
    connection_close(conn);
    close(other);
}

static enum io
count_down(struct connection *conn)
{
    unsigned *left = handshake_data(conn);
    char byte;

    if (recv(conn->fd, &byte, 1, 0) != 1)
        return IO_WAIT;
    return --*left == 0 ? IO_OK : IO_WAIT;
}

static unsigned dropped;

static void
drop_count(void *data)
{
    (void)data;
    dropped++;
}

static void
steps_run_in_order(void **state)
{
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);
    struct iovec iov = { (void *)(uintptr_t) "x", 1 };
    unsigned first = 2, second = 1;
    size_t sent;

    (void)state;
    dropped = 0;
    assert_true(handshake_add_owned(conn, count_down, &first, drop_count));
    assert_true(handshake_add(conn, count_down, &second));
    handshake_start(conn);
    assert_int_equal(heard.established, 0);
    /* What is written early waits, and is asked for when the time has come. */
    assert_int_equal(connection_write(conn, &iov, 1, false, &sent), IO_WAIT);
    say(other, "abc", 3);
    run();
    assert_int_equal(first, 0);
    assert_int_equal(second, 0);
    assert_int_equal(dropped, 1);
    assert_int_equal(heard.established, 1);
    assert_int_equal(heard.writable, 1);
    assert_int_equal(heard.readable, 0);
    connection_close(conn);
    close(other);

    /* Closed in the middle: data is given back all the same. */
    conn = open_pair(&other, CONN_INCOMING);
    assert_true(handshake_add_owned(conn, count_down, &first, drop_count));
    handshake_start(conn);
    connection_close(conn);
    assert_int_equal(dropped, 2);
    close(other);
}

static void
proxy_header_byte_by_byte(void **state)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 198.51.100.2 1024 443\r\nGET /";
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_true(handshake_add(conn, proxy_header_receive, NULL));
    handshake_start(conn);
    for (size_t i = 0; i < sizeof(header) - 1; i++) {
        say(other, header + i, 1);
        if (heard.established == 0)
            run_idle();
    }
    assert_int_equal(heard.established, 1);
    assert_int_equal(conn->err, CONN_ERR_NONE);
    addr_format(connection_src(conn), text, sizeof(text));
    assert_string_equal(text, "192.0.2.1:1024");
    addr_format(connection_dst(conn), text, sizeof(text));
    assert_string_equal(text, "198.51.100.2:443");
    assert_null(conn->proxy_header);
    assert_true((conn->flags & CONN_PROXY_RECEIVED) != 0);
    run();
    assert_memory_equal(heard.got, "GET /", 5);
    connection_close(conn);
    close(other);
}

static void
proxy_tlvs_are_kept(void **state)
{
    static char many[1000];
    int other;
    struct addr a4 = { .family = ADDR_IPV4, .port = 1 };
    uint8_t header[2048];

    (void)state;
    for (size_t value_len = 3; value_len <= sizeof(many); value_len += sizeof(many) - 3) {
        struct proxy_tlv tlv = { PROXY_TLV_UNIQUE_ID, { many, value_len } };
        struct connection *conn = open_pair(&other, CONN_INCOMING);
        size_t len = proxy_header_format_v2(header, &a4, &a4);
        struct str value;

        len = proxy_header_add_tlv(header, len, sizeof(header), &tlv);
        assert_true(handshake_add(conn, proxy_header_receive, NULL));
        say(other, (char *)header, len);
        handshake_start(conn);
        assert_int_equal(heard.established, 1);
        assert_non_null(conn->proxy_header);
        assert_true(proxy_header_find_tlv(conn->proxy_header, PROXY_TLV_UNIQUE_ID, &value));
        assert_int_equal(value.len, value_len);
        connection_close(conn);
        close(other);
    }
}

static void
bad_beginnings_fail_with_a_reason(void **state)
{
    static const struct {
        const char *bytes;
        bool ends;
        enum connection_error err;
    } cases[] = {
        { "GET / HTTP/1.1\r\n", false, CONN_ERR_PROXY_HEADER },
        { "PROXY TCP4 1.2.3.4\r\n", false, CONN_ERR_PROXY_BAD },
        { "", true, CONN_ERR_PROXY_EMPTY },
        { "PROXY TC", true, CONN_ERR_PROXY_TRUNCATED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int other;
        struct connection *conn = open_pair(&other, CONN_INCOMING);

        assert_true(handshake_add(conn, proxy_header_receive, NULL));
        say(other, cases[i].bytes, strlen(cases[i].bytes));
        handshake_start(conn);
        if (cases[i].ends)
            close(other);
        if (heard.established == 0)
            run();
        assert_int_equal(heard.established, 1);
        assert_int_equal(conn->err, cases[i].err);
        assert_true((conn->flags & CONN_FAILED) != 0);
        connection_close(conn);
        if (!cases[i].ends)
            close(other);
    }
}

static void
netscaler_header_in_two_parts(void **state)
{
    static const char header[] =
        "\0\0\x03\xe7\0\0\0\x28\x45\0\0\x28\0\0\0\0\x40\x06\0\0\xc0\0\x02\x01\xc6\x33\x64\x02"
        "\x04\0\x01\xbb\0\0\0\0\0\0\0\0\x50\x02\0\0\0\0\0\0";
    int other;
    struct connection *conn = open_pair(&other, CONN_INCOMING);
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_true(netscaler_header_expect(conn, 999));
    handshake_start(conn);
    say(other, header, 10);
    run_idle();
    say(other, header + 10, sizeof(header) - 11);
    run();
    assert_int_equal(heard.established, 1);
    assert_int_equal(conn->err, CONN_ERR_NONE);
    addr_format(connection_src(conn), text, sizeof(text));
    assert_string_equal(text, "192.0.2.1:1024");
    connection_close(conn);
    close(other);
}

/* --- errors ---------------------------------------------------------------------------------- */

static void
every_error_has_its_words(void **state)
{
    (void)state;
    for (int err = 0; err < CONN_ERR_COUNT; err++) {
        assert_non_null(connection_error_name((enum connection_error)err));
        assert_non_null(connection_error_text((enum connection_error)err));
        assert_int_equal(connection_error_id((enum connection_error)err) == 0, err == 0);
    }
    assert_int_equal(connection_error_id(CONN_ERR_PROXY_HEADER), 15);
    assert_string_equal(connection_error_name(CONN_ERR_REFUSED), "EREFUSED");
    assert_int_equal(connection_error_of(ECONNREFUSED), CONN_ERR_REFUSED);
    assert_int_equal(connection_error_of(EIO), CONN_ERR_SOCKET);
}

/* --- splice ------------------------------------------------------------------------------------
 */

static void
splice_moves_bytes(void **state)
{
    static char block[20000];
    int from_other, to_other;
    struct connection *from = open_pair(&from_other, CONN_INCOMING);
    struct connection *to = open_pair(&to_other, CONN_INCOMING);
    struct splice_pipe *pipe;
    size_t got, sent;

    (void)state;
    connection_start(from);
    connection_start(to);
    assert_true(splice_is_possible(from) && splice_is_possible(to));
    pipe = splice_pipe_take();
    assert_non_null(pipe);
    assert_int_equal(splice_pipes_used(), 1);
    assert_int_equal(splice_read(from, pipe, 65536, &got), IO_WAIT);
    say(from_other, block, sizeof(block));
    assert_int_equal(splice_read(from, pipe, 65536, &got), IO_OK);
    assert_true(got > 0 && pipe->bytes == got);
    assert_int_equal(splice_write(to, pipe, false, &sent), IO_OK);
    assert_int_equal(sent, got);
    assert_int_equal(read_all(to_other), got);
    splice_pipe_give(pipe);
    assert_int_equal(splice_pipes_free(), 1);
    assert_ptr_equal(splice_pipe_take(), pipe);
    splice_configure(1, 0);
    assert_null(splice_pipe_take());
    splice_pipe_give(pipe);
    splice_configure(0, 0);
    assert_null(splice_pipe_take());
    splice_configure(-1, 0);
    shutdown(from_other, SHUT_WR);
    pipe = splice_pipe_take();
    while (splice_read(from, pipe, 65536, &got) == IO_OK)
        pipe->bytes = (uint32_t)(pipe->bytes - read(pipe->read_fd, block, sizeof(block)));
    assert_true((from->flags & CONN_READ_CLOSED) != 0);
    splice_pipe_give(pipe);
    connection_close(from);
    connection_close(to);
    close(from_other);
    close(to_other);
}

static int
begin(void **state)
{
    (void)state;
    thread_table_init(0);
    thread_start_all();
    return 0;
}

static int
end(void **state)
{
    (void)state;
    thread_stop_all();
    thread_table_fini();
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(struct_stays_small),
        cmocka_unit_test(bytes_come_and_go),
        cmocka_unit_test(end_of_the_peer_is_told_once),
        cmocka_unit_test(write_to_a_peer_that_is_gone),
        cmocka_unit_test(chain_waits_and_goes_on),
        cmocka_unit_test(stopped_reading_hears_nothing),
        cmocka_unit_test(closing_inside_callbacks),
        cmocka_unit_test(without_steps_it_is_established_at_once),
        cmocka_unit_test(steps_run_in_order),
        cmocka_unit_test(proxy_header_byte_by_byte),
        cmocka_unit_test(proxy_tlvs_are_kept),
        cmocka_unit_test(bad_beginnings_fail_with_a_reason),
        cmocka_unit_test(netscaler_header_in_two_parts),
        cmocka_unit_test(every_error_has_its_words),
        cmocka_unit_test(splice_moves_bytes),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
