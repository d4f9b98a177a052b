/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Make sockets and set options; name the failed call.
 *
 * For:     listeners and dials.
 * Owns:    nothing; descriptors belong to the caller.
 * Callers: net, dns, telemetry.
 * Thread:  any.
 */
#include "weir/os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

int
socket_open(int domain, int type, struct error *err)
{
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1)
        error_set_errno(err, "socket()");
    return fd;
}

int
socket_open_mptcp(int domain, struct error *err)
{
    int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_MPTCP);

    if (fd == -1)
        error_set_errno(err, "socket(IPPROTO_MPTCP)");
    return fd;
}

bool
socket_set_int(int fd, int level, int option, int value, const char *name, struct error *err)
{
    if (setsockopt(fd, level, option, &value, sizeof(value)) == 0)
        return true;
    return error_set_errno(err, "setsockopt(%s, %d)", name, value);
}

static void
set_quietly(int fd, int level, int option, int value)
{
    int before = errno;

    if (setsockopt(fd, level, option, &value, sizeof(value)) == -1)
        errno = before;
}

void
socket_set_nodelay(int fd)
{
    set_quietly(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void
socket_set_quickack(int fd, bool on)
{
    set_quietly(fd, IPPROTO_TCP, TCP_QUICKACK, on);
}

void
socket_set_linger_reset(int fd)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    int before = errno;

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == -1)
        errno = before;
}

void
socket_set_reset_hops(int fd, int hops)
{
    int before = errno;

    (void)setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
    socket_set_linger_reset(fd);
    errno = before;
}

void
socket_set_silent(int fd)
{
    int on = 1, before = errno;

    if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == -1)
        socket_set_reset_hops(fd, 1);
    errno = before;
}

void
socket_set_tos(int fd, int tos)
{
    int before = errno;

    (void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    errno = before;
}

bool
socket_set_mark(int fd, unsigned mark)
{
    int before = errno;
    bool is_set = setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;

    errno = before;
    return is_set;
}

bool
socket_bind(int fd, const struct addr *addr, struct error *err)
{
    struct sockaddr_storage storage;
    socklen_t len = addr_to_sockaddr(addr, &storage);
    char text[ADDR_TEXT_MAX];

    if (len > 0 && bind(fd, (struct sockaddr *)&storage, len) == 0)
        return true;
    if (len == 0)
        errno = EAFNOSUPPORT;
    addr_format(addr, text, sizeof(text));
    return error_set_errno(err, "bind(%s)", text);
}

int
socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        return errno;
    return error;
}

bool
socket_local_addr(int fd, struct addr *out)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);

    if (getsockname(fd, (struct sockaddr *)&storage, &len) == -1)
        return false;
    addr_from_sockaddr(out, &storage);
    return true;
}

bool
socket_peer_addr(int fd, struct addr *out)
{
    struct sockaddr_storage storage = { 0 };
    socklen_t len = sizeof(storage);

    if (getpeername(fd, (struct sockaddr *)&storage, &len) == -1)
        return false;
    addr_from_sockaddr(out, &storage);
    return true;
}

bool
socket_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != -1;
}
