/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give listening sockets to a new process, and take them there.
 *
 * For:     -x, and the command that answers it.
 * Owns:    taken sockets until they are claimed.
 * Callers: main takes and finishes; listener_socket.c claims; admin gives.
 * Thread:  boot and control.
 *
 * On the wire, as HAProxy speaks it: the command; how many sockets, 4 bytes in the order of the machine; messages
 * with up to 252 descriptors, and for each of them, in order, its namespace and its interface (a byte with the
 * length, then the name) and 4 bytes of flags, which say nothing that the kernel does not; then the
 * taker answers 4 zero bytes.
 */
#include "weir/net/handover.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/text.h"
#include "weir/os/fdpass.h"
#include "weir/os/socket.h"
#include "private.h"

#define COMMAND     "_getsocks\n"
#define TIMEOUT_S   5
#define BATCH       252
#define RECORD_MAX  (1 + 255 + 1 + 255 + 4)
#define SOCKETS_MAX 65536

struct taken_socket {
    int fd; /* owns; -1: claimed */
    struct str namespace, interface; /* in `records`; len 0: none */
};

static struct {
    struct taken_socket *sockets; /* owns */
    unsigned count;
    struct text records; /* owns: what was said about them */
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
    uint32_t number;

    if (recv(fd, &number, sizeof(number), MSG_WAITALL) != sizeof(number) || number > SOCKETS_MAX)
        return error_set(err,
                         "the process there does not hand its sockets over (expose-fd listeners?)");
    *count = number;
    return true;
}

static void
keep_sockets(const struct fdpass_message *msg, unsigned count)
{
    for (size_t i = 0; i < msg->fd_count; i++) {
        if (taken.count < count)
            taken.sockets[taken.count++].fd = msg->fds[i];
        else
            close(msg->fds[i]);
    }
}

/* "<length><name>"; false: it goes over the end. */
static bool
cut_name(struct str *rest, struct str *name)
{
    size_t len = rest->len == 0 ? 0 : (unsigned char)rest->ptr[0];

    if (rest->len < len + 1)
        return false;
    *name = str_slice(*rest, 1, len);
    *rest = str_slice(*rest, len + 1, rest->len);
    return true;
}

/* How many of the first `count` sockets are told about completely. */
static unsigned
read_records(unsigned count)
{
    struct str rest = text_str(&taken.records);

    for (unsigned i = 0; i < count; i++) {
        struct taken_socket *socket = &taken.sockets[i];

        if (!cut_name(&rest, &socket->namespace) || !cut_name(&rest, &socket->interface) || rest.len < 4)
            return i;
        rest = str_slice(rest, 4, rest.len);
    }
    return count;
}

static bool
receive_sockets(int fd, unsigned count, struct error *err)
{
    taken.sockets = alloc_array(count + 1, sizeof(taken.sockets[0]));
    while (taken.count < count || read_records(count) < count) {
        struct fdpass_message msg = { .data = text_reserve(&taken.records, BATCH * RECORD_MAX),
                                      .size = BATCH * RECORD_MAX };

        if (!fdpass_receive(fd, &msg, err))
            return false;
        if (msg.len == 0)
            return error_set(err, "it closed the connection after %u of %u sockets", taken.count,
                             count);
        text_keep(&taken.records, msg.len);
        keep_sockets(&msg, count);
    }
    return true;
}

/* So that the other one knows. It may be gone by now, and we have all. */
static void
acknowledge(int fd)
{
    static const char zeros[4];

    (void)send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL);
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
    if (fine)
        acknowledge(fd);
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

/* Unix sockets are made anew: their file is replaced in one step anyway. */
static bool
fits(const struct taken_socket *socket, const struct bind_conf *conf)
{
    bool is_ipv6 = conf->addr.family == ADDR_IPV6;
    int fd = socket->fd;
    struct addr bound;

    if (!str_eq(socket->namespace, str_from(conf->namespace == NULL ? "" : conf->namespace)) ||
        conf->mptcp || !socket_local_addr(fd, &bound) ||
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
        struct taken_socket *socket = &taken.sockets[i];
        int fd = socket->fd;

        if (fd == -1 || !fits(socket, conf))
            continue;
        socket->fd = -1;
        return fd;
    }
    return -1;
}

void
handover_finish(void)
{
    for (unsigned i = 0; i < taken.count; i++) {
        if (taken.sockets[i].fd != -1)
            close(taken.sockets[i].fd);
    }
    alloc_free(taken.sockets);
    text_fini(&taken.records);
    taken.sockets = NULL;
    taken.count = 0;
}

/* --- giving ----------------------------------------------------------------------------------- */

struct gift {
    int *fds; /* owns */
    const struct bind_conf **confs; /* owns: what each is bound by */
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
            gift->confs = alloc_resize(gift->confs, gift->room * sizeof(gift->confs[0]));
        }
        gift->confs[gift->count] = ln->conf;
        gift->fds[gift->count++] = ln->sockets[i].fd;
    }
}

/* The control thread must not hang on a peer that does not read, or answer. */
static bool
wait_until(int fd, short events)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };

    return poll(&poll_fd, 1, TIMEOUT_S * 1000) == 1 && (poll_fd.revents & events) != 0;
}

static void
add_name(struct text *out, const char *name)
{
    size_t len = name == NULL ? 0 : strnlen(name, 255);

    text_add_char(out, (char)(unsigned char)len);
    text_add(out, str_of(name, len));
}

static bool
give_batch(int fd, const struct gift *gift, size_t at, size_t count, struct error *err)
{
    struct text records = TEXT_INIT;
    bool fine;

    for (size_t i = at; i < at + count; i++) {
        const struct bind_conf *conf = gift->confs[i]; /* NULL: it is about to go */

        add_name(&records, conf == NULL ? NULL : conf->namespace);
        add_name(&records, conf == NULL ? NULL : conf->interface);
        text_add(&records, str_of("\0\0\0", 4));
    }
    fine = fdpass_send(fd, text_str(&records), gift->fds + at, count, err);
    text_fini(&records);
    return fine;
}

static bool
give(int fd, const struct gift *gift, struct error *err)
{
    uint32_t number = (uint32_t)gift->count;
    char answer[4];

    if (!wait_until(fd, POLLOUT) || write(fd, &number, sizeof(number)) != sizeof(number))
        return error_set_errno(err, "cannot hand sockets over");
    for (size_t at = 0; at < gift->count; at += BATCH) {
        size_t count = gift->count - at < BATCH ? gift->count - at : BATCH;

        if (!wait_until(fd, POLLOUT))
            return error_set(err, "cannot hand sockets over: the peer does not read");
        if (!give_batch(fd, gift, at, count, err))
            return false;
    }
    if (!wait_until(fd, POLLIN) || recv(fd, answer, sizeof(answer), MSG_DONTWAIT) <= 0)
        return error_set(err, "the peer did not say that it took the sockets");
    return true;
}

bool
handover_give(int fd, struct error *err)
{
    struct gift gift = { NULL, NULL, 0, 0 };
    bool fine;

    listener_for_each(add_sockets, &gift);
    fine = give(fd, &gift, err);
    alloc_free(gift.fds);
    alloc_free(gift.confs);
    return fine;
}
