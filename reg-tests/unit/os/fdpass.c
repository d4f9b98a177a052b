/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors over unix sockets. */
#include "weir/os/fdpass.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_descriptors_arrive(void **state)
{
    char data[16], byte;
    struct fdpass_message msg = { .data = data, .size = sizeof(data) };
    int pair[2], ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(pipe(ends), 0);
    assert_true(fdpass_send(pair[0], STR("pipe"), ends, 2, NULL));
    close(ends[0]);
    close(ends[1]);
    assert_true(fdpass_receive(pair[1], &msg, NULL));
    assert_int_equal(msg.len, 4);
    assert_memory_equal(data, "pipe", 4);
    assert_int_equal(msg.fd_count, 2);
    assert_true(fcntl(msg.fds[0], F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(msg.fds[1], "x", 1), 1);
    assert_int_equal(read(msg.fds[0], &byte, 1), 1);
    close(msg.fds[0]);
    close(msg.fds[1]);
    assert_true(fdpass_send(pair[0], STR("none"), NULL, 0, NULL));
    assert_true(fdpass_receive(pair[1], &msg, NULL));
    assert_int_equal(msg.fd_count, 0);
    assert_int_equal(msg.len, 4);
    close(pair[0]);
    assert_true(fdpass_receive(pair[1], &msg, NULL));
    assert_int_equal(msg.len, 0);
    close(pair[1]);
}

static void
test_as_many_as_one_message_takes(void **state)
{
    char data[16];
    struct fdpass_message msg = { .data = data, .size = sizeof(data) };
    int pair[2], fds[FDPASS_MAX];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int i = 0; i < FDPASS_MAX; i++)
        fds[i] = pair[0];
    assert_true(fdpass_send(pair[0], STR("x"), fds, FDPASS_MAX, NULL));
    assert_true(fdpass_receive(pair[1], &msg, NULL));
    assert_int_equal(msg.fd_count, FDPASS_MAX);
    for (size_t i = 0; i < msg.fd_count; i++)
        close(msg.fds[i]);
    close(pair[0]);
    close(pair[1]);
}

static void
test_a_set_with_holes_is_refused(void **state)
{
    char data[16];
    struct fdpass_message msg = { .data = data, .size = sizeof(data) };
    struct rlimit before, low;
    struct error err = ERROR_INIT;
    int pair[2], fds[8];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int i = 0; i < 8; i++)
        fds[i] = pair[0];
    assert_true(fdpass_send(pair[0], STR("x"), fds, 8, NULL));
    getrlimit(RLIMIT_NOFILE, &before);
    low = before;
    low.rlim_cur = (rlim_t)pair[1] + 4;
    setrlimit(RLIMIT_NOFILE, &low);
    assert_false(fdpass_receive(pair[1], &msg, &err));
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(msg.fd_count, 0);
    assert_non_null(strstr(err.text, "some were lost"));
    close(pair[0]);
    close(pair[1]);
}

static void
test_a_closed_peer_is_an_error(void **state)
{
    struct error err = ERROR_INIT;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[1]);
    assert_false(fdpass_send(pair[0], STR("x"), pair, 1, &err));
    assert_non_null(strstr(err.text, "sendmsg()"));
    close(pair[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_arrive),
        cmocka_unit_test(test_as_many_as_one_message_takes),
        cmocka_unit_test(test_a_set_with_holes_is_refused),
        cmocka_unit_test(test_a_closed_peer_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
