/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Make one listening socket: open, options, bind, listen.
 *
 * For:     listener.c.
 * Owns:    nothing; the descriptor belongs to the listener_socket.
 * Callers: listener.c; acceptor.c after a pause.
 * Thread:  control; listener_socket_listen() on the owner's.
 *
 * Options that accepted sockets inherit on Linux (TCP_NODELAY, keep-alive, user timeout, segment
 * size, congestion control, buffer sizes) are set here once, not on each connection.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/config/snapshot.h"
#include "weir/net/handover.h"
#include "weir/net/inherited.h"
#include "weir/net/namespace.h"
#include "weir/os/socket.h"
#include "private.h"

#ifndef TCP_SAVE_SYN
#define TCP_SAVE_SYN 27
#endif

#define BACKLOG_DEFAULT 4096 /* the kernel takes net.core.somaxconn if that is less */
#define TFO_QUEUE       256
#define DEFER_ACCEPT_S  1

/* --- options ------------------------------------------------------------------------------ */

static void
set_int(int fd, int level, int option, int64_t value)
{
    int number = (int)value;

    (void)setsockopt(fd, level, option, &number, sizeof(number));
}

static void
set_signature(int fd, const struct bind_conf *conf)
{
    struct tcp_md5sig sig = { .tcpm_flags = TCP_MD5SIG_FLAG_PREFIX };
    size_t len = strlen(conf->tcp_md5sig);

    if (len > TCP_MD5SIG_MAXKEYLEN)
        len = TCP_MD5SIG_MAXKEYLEN;
    sig.tcpm_addr.ss_family = (__kernel_sa_family_t)addr_domain(&conf->addr);
    sig.tcpm_keylen = (uint16_t)len;
    memcpy(sig.tcpm_key, conf->tcp_md5sig, len);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &sig, sizeof(sig));
}

static void
set_keepalive(int fd, const struct bind_conf *conf)
{
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, conf->keepalive);
    if (!conf->keepalive)
        return;
    if (conf->keepalive_count > 0)
        set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, conf->keepalive_count);
    if (conf->keepalive_idle_s > 0)
        set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, conf->keepalive_idle_s);
    if (conf->keepalive_interval_s > 0)
        set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, conf->keepalive_interval_s);
}

/* Those that a kernel may lack: the socket serves without them. */
static void
tune_tcp(int fd, const struct bind_conf *conf)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_keepalive(fd, conf);
    set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, conf->defer_accept ? DEFER_ACCEPT_S : 0);
    if (conf->mss != 0)
        set_int(fd, IPPROTO_TCP, TCP_MAXSEG, conf->mss);
    if (conf->tcp_ut_ms > 0)
        set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, conf->tcp_ut_ms);
    if (conf->tfo)
        set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, TFO_QUEUE);
    if (conf->tcp_ss != 0)
        set_int(fd, IPPROTO_TCP, TCP_SAVE_SYN, conf->tcp_ss);
    if (conf->cc != NULL)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, conf->cc, (socklen_t)strlen(conf->cc));
    if (conf->tcp_md5sig != NULL)
        set_signature(fd, conf);
}

void
listener_socket_tune(struct listener_socket *socket, const struct bind_conf *conf)
{
    const struct net_conf *global = conf->snapshot != NULL ? net_conf_of(conf->snapshot) : NULL;

    if (addr_is_ip(&conf->addr))
        tune_tcp(socket->fd, conf);
    if (global != NULL && global->rcvbuf_client > 0)
        set_int(socket->fd, SOL_SOCKET, SO_RCVBUF, (int64_t)global->rcvbuf_client);
    if (global != NULL && global->sndbuf_client > 0)
        set_int(socket->fd, SOL_SOCKET, SO_SNDBUF, (int64_t)global->sndbuf_client);
}

static bool
set_reuseport(int fd, const struct bind_conf *conf, struct error *err)
{
    if (conf->snapshot != NULL && net_conf_of(conf->snapshot)->no_reuseport)
        return true;
    return socket_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT", err);
}

/* Those that decide who can connect at all. */
static bool
set_identity(int fd, const struct bind_conf *conf, struct error *err)
{
    int level = conf->addr.family == ADDR_IPV6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int transparent = conf->addr.family == ADDR_IPV6 ? IPV6_TRANSPARENT : IP_TRANSPARENT;

    if (!addr_is_ip(&conf->addr))
        return true;
    if (!socket_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", err) ||
        !set_reuseport(fd, conf, err))
        return false;
    if (conf->addr.family == ADDR_IPV6 && (conf->v4v6 || conf->v6only) &&
        !socket_set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, conf->v6only, "IPV6_V6ONLY", err))
        return false;
    /* Without the right to be transparent, foreign addresses can still be listened on. */
    if (conf->transparent && !socket_set_int(fd, level, transparent, 1, "IP_TRANSPARENT", NULL) &&
        !socket_set_int(fd, IPPROTO_IP, IP_FREEBIND, 1, "IP_TRANSPARENT, IP_FREEBIND", err))
        return false;
    if (conf->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, conf->interface,
                                              (socklen_t)strlen(conf->interface) + 1) == -1)
        return error_set_errno(err, "setsockopt(SO_BINDTODEVICE, %s)", conf->interface);
    return true;
}

/* --- opening -------------------------------------------------------------------------------- */

static int
open_socket(const struct bind_conf *conf, struct error *err)
{
    if (conf->mptcp)
        return socket_open_mptcp(addr_domain(&conf->addr), err);
    return namespace_socket(conf->namespace_fd, addr_domain(&conf->addr), SOCK_STREAM, err);
}

/* In HAProxy's words, which tools look for. */
static bool
bind_ip(struct listener *ln, int fd, struct error *err)
{
    if (socket_bind(fd, &ln->addr, NULL))
        return true;
    return error_set(err, "cannot bind socket (%s) [%s]", strerror(errno), ln->addr_text);
}

bool
listener_socket_listen(struct listener_socket *socket, const struct bind_conf *conf)
{
    return listen(socket->fd, conf->backlog > 0 ? (int)conf->backlog : BACKLOG_DEFAULT) == 0;
}

/* The next sockets of the address get the port that the system chose for the first. */
static void
note_port(struct listener *ln, int fd)
{
    struct addr bound;

    if (!addr_is_ip(&ln->addr) || ln->addr.port != 0 || !socket_local_addr(fd, &bound))
        return;
    ln->addr.port = bound.port;
    addr_format(&ln->addr, ln->addr_text, sizeof(ln->addr_text));
}

static bool
bind_and_listen(struct listener_socket *socket, const struct bind_conf *conf, struct error *err)
{
    struct listener *ln = socket->ln;
    bool fine;

    if (!set_identity(socket->fd, conf, err))
        return false;
    listener_socket_tune(socket, conf);
    if (conf->addr.family == ADDR_UNIX)
        fine = unix_file_bind(ln, socket->fd, conf, err);
    else
        fine = bind_ip(ln, socket->fd, err);
    if (!fine)
        return false;
    if (!listener_socket_listen(socket, conf))
        return error_set(err, "cannot listen to socket (%s) [%s]", strerror(errno), ln->addr_text);
    note_port(ln, socket->fd);
    return true;
}

bool
listener_socket_open(struct listener_socket *socket, const struct bind_conf *conf,
                     struct error *err)
{
    if (conf->addr.family == ADDR_FD || conf->addr.family == ADDR_SOCKPAIR) {
        socket->fd = inherited_listener(&conf->addr, err);
        return socket->fd != -1;
    }
    socket->fd = handover_claim(conf);
    if (socket->fd != -1) {
        listener_socket_tune(socket, conf);
        return true;
    }
    socket->fd = open_socket(conf, err);
    if (socket->fd == -1)
        return false;
    if (bind_and_listen(socket, conf, err))
        return true;
    close(socket->fd);
    socket->fd = -1;
    return false;
}
