/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give listening sockets to a new process, and take them there.
 *
 * For:     -x, and the command that answers it.
 * Owns:    taken sockets until they are claimed.
 * Callers: main takes and finishes; listener_socket.c claims; admin gives.
 * Thread:  boot and control.
 *
 * On the wire, after the command: a message of one line "weir-sockets <count>", then messages of
 * descriptors, each with one byte per descriptor. What a socket is bound to, the kernel
 * tells; nothing else needs to be sent.
 */
#include "weir/net/handover.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/os/fdpass.h"
#include "weir/os/socket.h"
#include "private.h"

#define COMMAND     "_getsocks\n"
#define HEAD        "weir-sockets "
#define TIMEOUT_S   5
#define BATCH       64
#define SOCKETS_MAX 65536

static struct {
    int *fds; /* owns; -1: claimed */
    unsigned count;
} taken;

/* --- taking --------------------------------------------------------------------------------- */

static int
connect_to(const char *path, struct error *err)
{
    struct addr addr = { .family = ADDR_UNIX, .path = path };
    struct timeval timeout = { .tv_sec = TIMEOUT_S };
    struct sockaddr_storage storage;
    socklen_t len = addr_to_sockaddr(&addr, &storage);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1 || len == 0 || connect(fd, (struct sockaddr *)&storage, len) == -1) {
        error_set_errno(err, "cannot connect to %s", path);
        if (fd != -1)
            close(fd);
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    return fd;
}

static bool
receive_count(int fd, unsigned *count, struct error *err)
{
    char line[64];
    size_t len = 0;
    char *end;

    while (len < sizeof(line) - 1 && read(fd, line + len, 1) == 1 && line[len] != '\n')
        len++;
    line[len] = '\0';
    if (strncmp(line, HEAD, strlen(HEAD)) != 0)
        return error_set(err,
                         "the process there does not hand its sockets over (expose-fd listeners?)");
    *count = (unsigned)strtoul(line + strlen(HEAD), &end, 10);
    if (*end != '\0' || *count > SOCKETS_MAX)
        return error_set(err, "cannot make sense of its answer");
    return true;
}

static bool
receive_sockets(int fd, unsigned count, struct error *err)
{
    char bytes[BATCH];

    taken.fds = alloc_array(count + 1, sizeof(taken.fds[0]));
    while (taken.count < count) {
        struct fdpass_message msg = { .data = bytes, .size = sizeof(bytes) };

        if (!fdpass_receive(fd, &msg, err))
            return false;
        if (msg.len == 0)
            return error_set(err, "it closed the connection after %u of %u sockets", taken.count,
                             count);
        for (size_t i = 0; i < msg.fd_count; i++) {
            if (taken.count < count)
                taken.fds[taken.count++] = msg.fds[i];
            else
                close(msg.fds[i]);
        }
    }
    return true;
}

bool
handover_take(const char *path, struct error *err)
{
    unsigned count = 0;
    int fd = connect_to(path, err);
    bool fine;

    if (fd == -1)
        return false;
    fine = write(fd, COMMAND, strlen(COMMAND)) == (ssize_t)strlen(COMMAND)
               ? receive_count(fd, &count, err) && receive_sockets(fd, count, err)
               : error_set_errno(err, "write()");
    close(fd);
    if (!fine)
        (void)error_prefix(err, "cannot take sockets from %s", path);
    return fine;
}

/* --- claiming ------------------------------------------------------------------------------- */

static bool
has_interface(int fd, const char *interface)
{
    char name[IFNAMSIZ] = "";
    socklen_t len = sizeof(name);

    (void)getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len);
    return strcmp(name, interface == NULL ? "" : interface) == 0;
}

static bool
has_option(int fd, int level, int option, bool wanted)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, level, option, &value, &len) == 0 && (value != 0) == wanted;
}

/* Namespaces cannot be told from here; a line that names one gets new sockets. Unix sockets are
 * made anew too: their file is replaced in one step anyway. */
static bool
fits(int fd, const struct bind_conf *conf)
{
    bool is_ipv6 = conf->addr.family == ADDR_IPV6;
    struct addr bound;

    if (conf->namespace_fd != -1 || conf->mptcp || !socket_local_addr(fd, &bound) ||
        !addr_eq(&bound, &conf->addr) || !has_interface(fd, conf->interface))
        return false;
    if (!addr_is_ip(&conf->addr))
        return bound.family == ADDR_ABSTRACT || bound.family == ADDR_ABSTRACT_SHORT;
    if (is_ipv6 && (conf->v6only || conf->v4v6) &&
        !has_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, conf->v6only))
        return false;
    return has_option(fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                      is_ipv6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, conf->transparent);
}

int
handover_claim(const struct bind_conf *conf)
{
    for (unsigned i = 0; i < taken.count; i++) {
        int fd = taken.fds[i];

        if (fd == -1 || !fits(fd, conf))
            continue;
        taken.fds[i] = -1;
        return fd;
    }
    return -1;
}

void
handover_finish(void)
{
    for (unsigned i = 0; i < taken.count; i++) {
        if (taken.fds[i] != -1)
            close(taken.fds[i]);
    }
    alloc_free(taken.fds);
    taken.fds = NULL;
    taken.count = 0;
}

/* --- giving ----------------------------------------------------------------------------------- */

struct gift {
    int *fds; /* owns */
    size_t count, room;
};

static void
add_sockets(struct listener *ln, void *arg)
{
    struct gift *gift = arg;

    if (ln->on_control_thread)
        return;
    for (unsigned i = 0; i < ln->socket_count; i++) {
        if (gift->count == gift->room) {
            gift->room = gift->room * 2 + 16;
            gift->fds = alloc_resize(gift->fds, gift->room * sizeof(gift->fds[0]));
        }
        gift->fds[gift->count++] = ln->sockets[i].fd;
    }
}

/* The control thread must not hang on a peer that does not read. */
static bool
wait_writable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

    return poll(&poll_fd, 1, TIMEOUT_S * 1000) == 1 && (poll_fd.revents & POLLOUT) != 0;
}

static bool
give(int fd, const struct gift *gift, struct error *err)
{
    char bytes[BATCH] = { 0 };
    char head[64];
    int len = snprintf(head, sizeof(head), HEAD "%zu\n", gift->count);

    if (!wait_writable(fd) || write(fd, head, (size_t)len) != len)
        return error_set_errno(err, "cannot hand sockets over");
    for (size_t at = 0; at < gift->count; at += BATCH) {
        size_t count = gift->count - at < BATCH ? gift->count - at : BATCH;

        if (!wait_writable(fd))
            return error_set(err, "cannot hand sockets over: the peer does not read");
        if (!fdpass_send(fd, str_of(bytes, count), gift->fds + at, count, err))
            return false;
    }
    return true;
}

bool
handover_give(int fd, struct error *err)
{
    struct gift gift = { NULL, 0, 0 };
    bool fine;

    listener_for_each(add_sockets, &gift);
    fine = give(fd, &gift, err);
    alloc_free(gift.fds);
    return fine;
}
