/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inherited sockets: fd@N and sockpair@N.
 *
 * For:     sockets of systemd and of the master; the master's own command line.
 * Owns:    nothing; what it returns belongs to the caller.
 * Callers: listener_socket.c, acceptor.c, connector.c.
 * Thread:  as in the header.
 */
#include "weir/net/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/os/fdpass.h"
#include "weir/os/socket.h"

static int
get_int(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

int
inherited_listener(const struct addr *addr, struct error *err)
{
    int fd = fcntl(addr->fd, F_DUPFD_CLOEXEC, 3);

    if (fd == -1) {
        error_set_errno(err, "descriptor %d", addr->fd);
        return -1;
    }
    if (get_int(fd, SO_TYPE) != SOCK_STREAM)
        error_set(err, "descriptor %d is not a stream socket", addr->fd);
    else if (addr->family == ADDR_FD && get_int(fd, SO_ACCEPTCONN) != 1 && listen(fd, 1024) == -1)
        error_set_errno(err, "descriptor %d does not listen", addr->fd);
    else if (!socket_set_nonblocking(fd))
        error_set_errno(err, "descriptor %d", addr->fd);
    else
        return fd;
    close(fd);
    return -1;
}

int
sockpair_accept(int fd)
{
    char byte;
    struct fdpass_message msg = { .data = &byte, .size = sizeof(byte) };

    if (!fdpass_receive(fd, &msg, NULL))
        return -1;
    if (msg.fd_count == 1 && socket_set_nonblocking(msg.fds[0]))
        return msg.fds[0];
    for (size_t i = 0; i < msg.fd_count; i++)
        close(msg.fds[i]);
    errno = msg.len == 0 && msg.fd_count == 0 ? ENOTCONN : ECONNABORTED;
    return -1;
}

int
sockpair_connect(int fd)
{
    int pair[2], before;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1)
        return -1;
    if (fdpass_send(fd, STR("c"), &pair[1], 1, NULL)) {
        close(pair[1]);
        return pair[0];
    }
    before = errno;
    close(pair[0]);
    close(pair[1]);
    errno = before;
    return -1;
}
