/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog messages that come as datagrams.
 *
 * For:     dgram-bind of log-forward sections.
 * Owns:    a socket for each address, found again by it when a configuration is applied.
 * Thread:  control, which log lines leave from in any case.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/net/namespace.h"
#include "weir/os/socket.h"
#include "log_forward.h"

#define MESSAGE_MAX   65535
#define MESSAGES_MOST 256 /* before others have their turn */

struct log_receiver {
    struct list link;
    unsigned refs;
    struct addr addr;
    char *interface; /* owns; NULL: any */
    int namespace_fd;
    bool transparent, v4v6, v6only, is_wanted;
    int fd;
    ev_io io;
    const struct log_forward_conf *conf; /* NULL: not published */
};

static struct list receivers = LIST_INIT(receivers);

/* --- messages -------------------------------------------------------------------------------------- */

static void
on_datagram(struct ev_loop *ev, ev_io *io, int events)
{
    static char bytes[MESSAGE_MAX]; /* control */
    struct log_receiver *receiver = io->data;

    (void)ev;
    (void)events;
    for (unsigned i = 0; i < MESSAGES_MOST; i++) {
        struct sockaddr_storage from;
        socklen_t from_len = sizeof(from);
        ssize_t got =
            recvfrom(receiver->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
        struct addr source;

        if (got < 0)
            return;
        addr_from_sockaddr(&source, &from);
        if (receiver->conf != NULL)
            log_forward_message(receiver->conf, str_of(bytes, (size_t)got), &source);
    }
}

/* --- the socket ------------------------------------------------------------------------------------ */

static bool
set_options(const struct log_receiver *receiver, struct error *err)
{
    bool is_ipv6 = receiver->addr.family == ADDR_IPV6;

    if (is_ipv6 && (receiver->v4v6 || receiver->v6only) &&
        !socket_set_int(receiver->fd, IPPROTO_IPV6, IPV6_V6ONLY, receiver->v6only, "IPV6_V6ONLY", err))
        return false;
    if (receiver->transparent &&
        !socket_set_int(receiver->fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                        is_ipv6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1, "IP_TRANSPARENT", NULL) &&
        !socket_set_int(receiver->fd, IPPROTO_IP, IP_FREEBIND, 1, "IP_TRANSPARENT, IP_FREEBIND", err))
        return false;
    if (receiver->interface != NULL &&
        setsockopt(receiver->fd, SOL_SOCKET, SO_BINDTODEVICE, receiver->interface,
                   (socklen_t)strlen(receiver->interface) + 1) == -1)
        return error_set_errno(err, "setsockopt(SO_BINDTODEVICE, %s)", receiver->interface);
    return true;
}

static bool
open_socket(struct log_receiver *receiver, struct error *err)
{
    char text[ADDR_TEXT_MAX];

    receiver->fd = namespace_socket(receiver->namespace_fd, addr_domain(&receiver->addr), SOCK_DGRAM, err);
    if (receiver->fd < 0)
        return false;
    if (!set_options(receiver, err))
        return false;
    if (socket_bind(receiver->fd, &receiver->addr, NULL))
        return true;
    addr_format(&receiver->addr, text, sizeof(text));
    return error_set(err, "cannot bind socket (%s) [%s]", strerror(errno), text);
}

static void
free_receiver(struct log_receiver *receiver)
{
    if (receiver->fd >= 0 && ev_is_active(&receiver->io))
        ev_io_stop(loop_here()->ev, &receiver->io);
    if (receiver->fd >= 0)
        close(receiver->fd);
    list_remove(&receiver->link);
    alloc_free(receiver->interface);
    alloc_free(receiver);
}

static bool
is_same(const struct log_receiver *receiver, const struct bind_conf *bind)
{
    return addr_eq(&receiver->addr, &bind->addr) && receiver->namespace_fd == bind->namespace_fd &&
           receiver->transparent == bind->transparent && receiver->v4v6 == bind->v4v6 &&
           receiver->v6only == bind->v6only &&
           strcmp(receiver->interface == NULL ? "" : receiver->interface,
                  bind->interface == NULL ? "" : bind->interface) == 0;
}

static struct log_receiver *
new_receiver(const struct bind_conf *bind)
{
    struct log_receiver *receiver = alloc_zero(sizeof(*receiver));

    receiver->addr = bind->addr;
    receiver->interface = bind->interface == NULL ? NULL : alloc_copy(bind->interface);
    receiver->namespace_fd = bind->namespace_fd;
    receiver->transparent = bind->transparent;
    receiver->v4v6 = bind->v4v6;
    receiver->v6only = bind->v6only;
    receiver->fd = -1;
    list_add_last(&receivers, &receiver->link);
    return receiver;
}

/* --- life ------------------------------------------------------------------------------------------- */

struct log_receiver *
log_receiver_adopt(const struct bind_conf *bind, struct error *err)
{
    struct log_receiver *receiver = NULL;

    LIST_FOR_EACH (one, &receivers, struct log_receiver, link) {
        if (is_same(one, bind))
            receiver = one;
    }
    if (receiver == NULL) {
        receiver = new_receiver(bind);
        if (!open_socket(receiver, err)) {
            free_receiver(receiver);
            return NULL;
        }
        ev_io_init(&receiver->io, on_datagram, receiver->fd, EV_READ);
        receiver->io.data = receiver;
    }
    receiver->refs++;
    return receiver;
}

void
log_receiver_publish(struct log_receiver *receiver, const struct log_forward_conf *conf)
{
    receiver->conf = conf;
    receiver->is_wanted = true;
    if (!ev_is_active(&receiver->io))
        ev_io_start(loop_here()->ev, &receiver->io);
}

void
log_receiver_end_publish(void)
{
    LIST_FOR_EACH (receiver, &receivers, struct log_receiver, link) {
        if (!receiver->is_wanted) {
            receiver->conf = NULL;
            ev_io_stop(loop_here()->ev, &receiver->io);
        }
        receiver->is_wanted = false;
    }
}

void
log_receiver_drop(struct log_receiver *receiver)
{
    if (receiver != NULL && --receiver->refs == 0)
        free_receiver(receiver);
}

/* What the kernel holds is taken; what comes later meets a closed port, or another process. */
void
log_receiver_stop_all(void)
{
    LIST_FOR_EACH (receiver, &receivers, struct log_receiver, link) {
        if (receiver->fd < 0)
            continue;
        if (ev_is_active(&receiver->io)) {
            on_datagram(loop_here()->ev, &receiver->io, EV_READ);
            ev_io_stop(loop_here()->ev, &receiver->io);
        }
        close(receiver->fd);
        receiver->fd = -1;
    }
}
