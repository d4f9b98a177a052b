/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and their options. */
#include "weir/os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct addr
loopback(void)
{
    struct addr addr;

    assert_true(addr_parse_host(STR("127.0.0.1"), &addr));
    return addr;
}

static void
test_sockets_do_not_block_nor_leak(void **state)
{
    int fd = socket_open(AF_INET, SOCK_STREAM, NULL);

    (void)state;
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(socket_error(fd), 0);
    close(fd);
    assert_int_equal(socket_error(fd), EBADF);
}

static void
test_errors_name_the_call(void **state)
{
    struct error err = ERROR_INIT;
    struct addr addr = { .family = ADDR_FD, .fd = 3 };

    (void)state;
    assert_int_equal(socket_open(9999, SOCK_STREAM, &err), -1);
    assert_non_null(strstr(err.text, "socket(): "));
    assert_false(socket_set_int(-1, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", &err));
    assert_non_null(strstr(err.text, "SO_REUSEADDR"));
    assert_false(socket_bind(-1, &addr, &err));
    assert_non_null(strstr(err.text, "bind(fd@3)"));
}

static void
test_binding_and_names(void **state)
{
    struct addr addr = loopback(), local, peer;
    int listener = socket_open(AF_INET, SOCK_STREAM, NULL);
    int client = socket_open(AF_INET, SOCK_STREAM, NULL);
    struct sockaddr_storage storage;

    (void)state;
    socklen_t len;

    assert_true(socket_bind(listener, &addr, NULL));
    assert_int_equal(listen(listener, 1), 0);
    assert_true(socket_local_addr(listener, &local));
    assert_true(addr_eq_host(&addr, &local));
    assert_true(local.port > 0);
    assert_false(socket_peer_addr(listener, &peer));
    len = addr_to_sockaddr(&local, &storage);
    connect(client, (struct sockaddr *)&storage, len);
    assert_true(socket_peer_addr(client, &peer));
    assert_true(addr_eq(&peer, &local));
    close(client);
    close(listener);
}

static void
test_options(void **state)
{
    int fd = socket_open(AF_INET, SOCK_STREAM, NULL);
    int value = 0;

    (void)state;
    socklen_t len = sizeof(value);

    socket_set_nodelay(fd);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    assert_true(value != 0);
    socket_set_quickack(fd, false);
    socket_set_linger_reset(fd);
    assert_true(socket_set_nonblocking(fd));
    close(fd);
    errno = 0;
    socket_set_nodelay(fd);
    socket_set_linger_reset(fd);
    assert_int_equal(errno, 0);
    assert_false(socket_set_nonblocking(fd));
}

static void
test_unix_sockets(void **state)
{
    struct addr addr = { .family = ADDR_ABSTRACT, .path = "weir-test-socket" };
    int fd = socket_open(AF_UNIX, SOCK_STREAM, NULL);

    (void)state;
    assert_true(socket_bind(fd, &addr, NULL));
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sockets_do_not_block_nor_leak),
        cmocka_unit_test(test_errors_name_the_call),
        cmocka_unit_test(test_binding_and_names),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_unix_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
