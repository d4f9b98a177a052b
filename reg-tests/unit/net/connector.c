/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialling: connected, refused, hanging, from a source, with PROXY headers, to unix sockets and
 * socket pairs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/net/connector.h"
#include "weir/net/inherited.h"
#include "weir/net/proxy_protocol.h"
#include "weir/os/socket.h"

/* --- what the caller hears ------------------------------------------------------------------ */

static unsigned established, writable;
static bool must_not_be_called;
static struct connection *in_hand;
static enum connection_error said;

static void
on_established(struct connection *conn)
{
    assert_false(must_not_be_called);
    established++;
    said = conn->err;
    loop_stop(loop_here());
}

static void
on_writable(struct connection *conn)
{
    struct iovec iov = { (void *)(uintptr_t) "late", 4 };
    size_t sent;

    writable++;
    assert_int_equal(connection_write(conn, &iov, 1, false, &sent), IO_OK);
}

static const struct connection_owner caller = { .on_established = on_established,
                                                .on_writable = on_writable };

static struct connection *
dial(const struct dial_conf *conf, const struct addr *to, struct connection *client)
{
    struct dial_request request = { .conf = conf, .to = *to, .client = client };
    enum connection_error err;
    struct connection *conn;

    established = writable = 0;
    must_not_be_called = true; /* not inside the call */
    conn = connector_dial(loop_here(), &request, &caller, NULL, &err);
    must_not_be_called = false;
    said = err;
    return conn;
}

/* --- servers -------------------------------------------------------------------------------- */

static int
serve(struct addr *addr, int backlog)
{
    int fd = socket_open(addr_domain(addr), SOCK_STREAM, NULL);

    assert_true(socket_bind(fd, addr, NULL) && listen(fd, backlog) == 0);
    if (addr_is_ip(addr))
        assert_true(socket_local_addr(fd, addr));
    return fd;
}

static struct addr
loopback(void)
{
    return (struct addr){ .family = ADDR_IPV4, .ip4 = { htonl(INADDR_LOOPBACK) } };
}

/* What the server reads first. */
static size_t
take(int listening, char *to, size_t size)
{
    int fd = accept(listening, NULL, NULL);
    ssize_t got = recv(fd, to, size - 1, 0);

    assert_true(fd != -1 && got >= 0);
    to[got] = '\0';
    close(fd);
    return (size_t)got;
}

/* --- tests ---------------------------------------------------------------------------------- */

static void
connects(void **state)
{
    struct addr addr = loopback();
    int server = serve(&addr, 10);
    struct connection *conn = dial(NULL, &addr, NULL);
    struct iovec iov = { (void *)(uintptr_t) "early", 5 };
    char got[16];
    size_t sent;

    (void)state;
    assert_non_null(conn);
    /* Written before it is connected: asked for again when it is. */
    assert_int_equal(connection_write(conn, &iov, 1, false, &sent), IO_WAIT);
    loop_run(loop_here());
    assert_int_equal(established, 1);
    assert_int_equal(said, CONN_ERR_NONE);
    assert_int_equal(writable, 1);
    assert_true(addr_eq(connection_dst(conn), &addr));
    assert_int_not_equal(connection_src(conn)->port, 0);
    take(server, got, sizeof(got));
    assert_string_equal(got, "late");
    connection_close(conn);
    close(server);
}

static void
refusal_is_told_later(void **state)
{
    struct addr addr = loopback(), path = { .family = ADDR_UNIX, .path = "/nowhere/at/all" };
    struct connection *conn;

    (void)state;
    close(serve(&addr, 1));
    conn = dial(NULL, &addr, NULL);
    assert_non_null(conn);
    loop_run(loop_here());
    assert_int_equal(established, 1);
    assert_int_equal(said, CONN_ERR_REFUSED);
    assert_true((conn->flags & CONN_FAILED) != 0);
    connection_close(conn);

    /* connect() itself says no. */
    conn = dial(NULL, &path, NULL);
    assert_non_null(conn);
    loop_run(loop_here());
    assert_int_equal(said, CONN_ERR_REFUSED);
    connection_close(conn);
}

static void
closing_before_it_is_told(void **state)
{
    struct addr addr = loopback(), path = { .family = ADDR_UNIX, .path = "/nowhere/at/all" };
    struct connection *conn;
    int server = serve(&addr, 10);

    (void)state;
    conn = dial(NULL, &path, NULL);
    connection_close(conn);
    must_not_be_called = true;
    conn = dial(NULL, &addr, NULL);
    connection_close(conn);
    conn = dial(NULL, &addr, NULL);
    loop_run(loop_here()); /* the third one alone speaks */
    assert_int_equal(established, 1);
    connection_close(conn);
    close(server);
}

static void
give_up(struct timer *timer)
{
    (void)timer;
    assert_int_equal(established, 0);
    connection_close(in_hand);
    loop_stop(loop_here());
}

static void
a_hanging_one_can_be_closed(void **state)
{
    struct addr addr = loopback();
    int server = serve(&addr, 0), fill[2];
    struct timer timer;

    (void)state;
    /* The queue holds one; more SYNs are dropped. */
    for (int i = 0; i < 2; i++) {
        struct sockaddr_storage storage;
        socklen_t len = addr_to_sockaddr(&addr, &storage);

        fill[i] = socket_open(AF_INET, SOCK_STREAM, NULL);
        (void)!connect(fill[i], (struct sockaddr *)&storage, len);
    }
    in_hand = dial(NULL, &addr, NULL);
    assert_non_null(in_hand);
    timer_init(&timer, give_up);
    timer_set(loop_here(), &timer, loop_now_ms(loop_here()) + 20);
    loop_run(loop_here());
    assert_int_equal(established, 0);
    close(fill[0]);
    close(fill[1]);
    close(server);
}

/* The first of two neighbouring ports that nobody uses. */
static uint16_t
two_free_ports(void)
{
    for (;;) {
        struct addr low = loopback(), high;
        int first = serve(&low, 1), second = socket_open(AF_INET, SOCK_STREAM, NULL);
        bool fine;

        high = low;
        high.port++;
        fine = high.port != 0 && socket_bind(second, &high, NULL);
        close(first);
        close(second);
        if (fine)
            return low.port;
    }
}

static void
source_address_and_ports(void **state)
{
    struct addr addr = loopback();
    int server = serve(&addr, 10);
    struct dial_conf conf = DIAL_CONF_INIT;
    uint16_t port = two_free_ports();
    struct connection *first, *second, *third;

    (void)state;
    conf.source = loopback();
    conf.source.ip4.s_addr = htonl(INADDR_LOOPBACK + 1);
    first = dial(&conf, &addr, NULL);
    loop_run(loop_here());
    assert_int_equal(said, CONN_ERR_NONE);
    assert_true(addr_eq_host(connection_src(first), &conf.source));
    connection_close(first);

    /* Two ports: the third connection finds none. */
    conf.source_port_low = port;
    conf.source_port_high = (uint16_t)(port + 1);
    first = dial(&conf, &addr, NULL);
    loop_run(loop_here());
    second = dial(&conf, &addr, NULL);
    loop_run(loop_here());
    assert_int_equal(said, CONN_ERR_NONE);
    assert_int_equal(connection_src(first)->port + connection_src(second)->port, 2 * port + 1);
    third = dial(&conf, &addr, NULL);
    assert_null(third);
    assert_int_equal(said, CONN_ERR_PORT_RANGE);
    connection_close(first);
    connection_close(second);

    conf.source = (struct addr){ .family = ADDR_IPV4, .ip4 = { htonl(0xc0000201) } }; /* not ours */
    conf.source_port_low = conf.source_port_high = 0;
    assert_null(dial(&conf, &addr, NULL));
    assert_int_equal(said, CONN_ERR_CANNOT_BIND);
    close(server);
}

static struct connection *
client_from(const char *src, const char *dst, int *other)
{
    struct connection *client;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    client = connection_new(loop_here(), pair[0], CONN_INCOMING | CONN_ADDR_SRC | CONN_ADDR_DST);
    assert_true(addr_parse_host(str_from(src), &client->src));
    assert_true(addr_parse_host(str_from(dst), &client->dst));
    client->src.port = 1000;
    client->dst.port = 80;
    *other = pair[1];
    return client;
}

static void
proxy_headers_go_first(void **state)
{
    struct addr addr = loopback();
    int server = serve(&addr, 10), other;
    struct connection *client = client_from("192.0.2.1", "192.0.2.2", &other), *conn;
    struct dial_conf conf = DIAL_CONF_INIT;
    struct proxy_header header;
    char got[1024], expected[128];
    size_t len;

    (void)state;
    conf.send_proxy = true;
    conn = dial(&conf, &addr, client);
    loop_run(loop_here());
    assert_int_equal(said, CONN_ERR_NONE);
    take(server, got, sizeof(got));
    assert_string_equal(got, "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n");
    connection_close(conn);

    /* A check speaks for itself. */
    conn = dial(&conf, &addr, NULL);
    loop_run(loop_here());
    take(server, got, sizeof(got));
    snprintf(expected, sizeof(expected), "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\n",
             connection_src(conn)->port, addr.port);
    assert_string_equal(got, expected);
    connection_close(conn);

    conf.send_proxy_v2 = true;
    conf.proxy_v2_options = PROXY_V2_CRC32C | PROXY_V2_UNIQUE_ID;
    conn = dial(&conf, &addr, client);
    connection_close(client); /* the server may take longer than the client waits */
    loop_run(loop_here());
    len = take(server, got, sizeof(got));
    assert_int_equal(proxy_header_parse((uint8_t *)got, len, &header), PARSE_DONE);
    assert_int_equal(header.size, len);
    assert_int_equal(header.src.port, 1000);
    assert_int_equal(header.tlvs_len, 3 + 7);
    connection_close(conn);

    conn = dial(&conf, &addr, NULL);
    loop_run(loop_here());
    len = take(server, got, sizeof(got));
    assert_int_equal(proxy_header_parse((uint8_t *)got, len, &header), PARSE_DONE);
    assert_true(header.is_local);
    connection_close(conn);
    close(other);
    close(server);
}

static void
unix_and_abstract(void **state)
{
    char name[64];
    struct addr addr = { .family = ADDR_ABSTRACT, .path = name };
    struct connection *conn;
    char got[16];
    int server;

    (void)state;
    snprintf(name, sizeof(name), "weir-connector-%d", (int)getpid());
    server = serve(&addr, 10);
    conn = dial(NULL, &addr, NULL);
    assert_non_null(conn);
    loop_run(loop_here());
    assert_int_equal(said, CONN_ERR_NONE);
    assert_int_equal(established, 1);
    on_writable(conn);
    take(server, got, sizeof(got));
    assert_string_equal(got, "late");
    connection_close(conn);
    close(server);
}

static void
socket_pairs(void **state)
{
    struct addr addr = { .family = ADDR_SOCKPAIR };
    struct connection *conn;
    int pair[2], peer;
    char got[16] = "";

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    addr.fd = pair[0];
    assert_int_equal(sockpair_accept(pair[1]), -1);
    conn = dial(NULL, &addr, NULL);
    assert_non_null(conn);
    loop_run(loop_here());
    assert_int_equal(said, CONN_ERR_NONE);
    peer = sockpair_accept(pair[1]);
    assert_int_not_equal(peer, -1);
    on_writable(conn);
    assert_int_equal(read(peer, got, sizeof(got)), 4);
    assert_string_equal(got, "late");
    connection_close(conn);
    close(peer);
    close(pair[0]);
    assert_int_equal(sockpair_accept(pair[1]), -1);
    close(pair[1]);
}

static int
begin(void **state)
{
    (void)state;
    thread_table_init(0);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    thread_table_fini();
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects),
        cmocka_unit_test(refusal_is_told_later),
        cmocka_unit_test(closing_before_it_is_told),
        cmocka_unit_test(a_hanging_one_can_be_closed),
        cmocka_unit_test(source_address_and_ports),
        cmocka_unit_test(proxy_headers_go_first),
        cmocka_unit_test(unix_and_abstract),
        cmocka_unit_test(socket_pairs),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
