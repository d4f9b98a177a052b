/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dial: from settings and an address to a connection that is being established.
 *
 * For:     streams, health checks, peers, everything that weir calls.
 * Owns:    nothing; the connection belongs to the caller.
 * Callers: stream, check, dns, stick.
 * Thread:  owner.
 *
 * What connect() says at once is not different for the caller from what it says later: both come
 * through on_established. Only what keeps us from trying at all returns NULL. A source port range
 * is tried from a random place on, so that threads need not agree.
 */
#include "weir/net/connector.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/crash.h"
#include "weir/base/entropy.h"
#include "weir/loop/loop.h"
#include "weir/net/inherited.h"
#include "weir/net/namespace.h"
#include "weir/net/proxy_protocol.h"
#include "weir/net/transport.h"
#include "weir/os/socket.h"
#include "private.h"

#define SOURCE_PORTS_TRIED_MAX 1024

/* --- options ------------------------------------------------------------------------- */

static void
set_int(int fd, int level, int option, int64_t value)
{
    int number = (int)value;

    (void)setsockopt(fd, level, option, &number, sizeof(number));
}

static void
set_text(int fd, int level, int option, const char *text)
{
    (void)setsockopt(fd, level, option, text, (socklen_t)strlen(text));
}

static void
set_keepalive(int fd, const struct dial_conf *conf)
{
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (conf->keepalive_count > 0)
        set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, conf->keepalive_count);
    if (conf->keepalive_idle_s > 0)
        set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, conf->keepalive_idle_s);
    if (conf->keepalive_interval_s > 0)
        set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, conf->keepalive_interval_s);
}

/* Those that only tune: a kernel without them serves all the same. */
static void
tune_tcp(int fd, const struct dial_conf *conf)
{
    socket_set_nodelay(fd);
    if (conf->keepalive)
        set_keepalive(fd, conf);
    if (conf->tcp_ut_ms > 0)
        set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, conf->tcp_ut_ms);
    if (conf->mss > 0)
        set_int(fd, IPPROTO_TCP, TCP_MAXSEG, conf->mss);
    if (conf->tfo)
        set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
    if (conf->cc != NULL)
        set_text(fd, IPPROTO_TCP, TCP_CONGESTION, conf->cc);
}

static void
tune(int fd, const struct dial_request *request)
{
    const struct dial_conf *conf = request->conf;
    const struct dial_marks *marks = request->marks;
    int64_t tos = marks != NULL && marks->tos >= 0 ? marks->tos : conf->tos;
    int64_t mark = marks != NULL && marks->mark >= 0 ? marks->mark : conf->mark;

    if (addr_is_ip(&request->to)) {
        tune_tcp(fd, conf);
        if (tos >= 0 && request->to.family == ADDR_IPV4)
            set_int(fd, IPPROTO_IP, IP_TOS, tos);
        if (tos >= 0 && request->to.family == ADDR_IPV6)
            set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
    }
    if (mark >= 0)
        set_int(fd, SOL_SOCKET, SO_MARK, mark);
    if (conf->rcvbuf > 0)
        set_int(fd, SOL_SOCKET, SO_RCVBUF, conf->rcvbuf);
    if (conf->sndbuf > 0)
        set_int(fd, SOL_SOCKET, SO_SNDBUF, conf->sndbuf);
}

/* --- source address -------------------------------------------------------------------- */

/* The address that is not ours but that the server shall see; family ADDR_NONE: none. */
static struct addr
foreign_source(const struct dial_request *request)
{
    struct addr source = { .family = ADDR_NONE };

    switch ((enum dial_usesrc)request->conf->usesrc) {
    case USESRC_NONE:
        break;
    case USESRC_CLIENT:
    case USESRC_CLIENTIP:
        if (request->client != NULL)
            source = request->client_src != NULL ? *request->client_src
                                                 : *connection_src(request->client);
        if (request->conf->usesrc == USESRC_CLIENTIP)
            source.port = 0;
        break;
    case USESRC_HEADER:
        source = request->usesrc;
        break;
    case USESRC_ADDR:
        if (request->client != NULL) /* checks come from our own address */
            source = request->conf->usesrc_addr;
        break;
    }
    if (source.family != request->to.family)
        source.family = ADDR_NONE;
    return source;
}

static bool
is_any(const struct addr *addr)
{
    static const struct in6_addr any6 = IN6ADDR_ANY_INIT;

    return addr->family == ADDR_IPV4 ? addr->ip4.s_addr == INADDR_ANY
                                     : memcmp(&addr->ip6, &any6, sizeof(any6)) == 0;
}

/* 0, or the errno of what failed. */
static int
bind_to(int fd, const struct addr *addr)
{
    if (addr->port == 0)
        set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1); /* connect() chooses */
    else
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return socket_bind(fd, addr, NULL) ? 0 : errno;
}

static enum connection_error
bind_source(int fd, const struct dial_request *request, uint16_t port)
{
    struct addr source = foreign_source(request);
    int one = 1, error;

    if (source.family != ADDR_NONE) {
        int level = source.family == ADDR_IPV4 ? IPPROTO_IP : IPPROTO_IPV6;
        int option = source.family == ADDR_IPV4 ? IP_TRANSPARENT : IPV6_TRANSPARENT;

        if (setsockopt(fd, level, option, &one, sizeof(one)) == -1)
            return CONN_ERR_CANNOT_BIND;
    } else {
        source = request->conf->source;
        if (source.family != request->to.family || !addr_is_ip(&source))
            return CONN_ERR_NONE;
        source.port = port;
        if (is_any(&source) && port == 0)
            return CONN_ERR_NONE;
    }
    error = bind_to(fd, &source);
    if (error == EADDRINUSE)
        return CONN_ERR_ADDR_IN_USE;
    return error == 0 ? CONN_ERR_NONE : CONN_ERR_CANNOT_BIND;
}

/* --- sockets -------------------------------------------------------------------------------- */

static int
open_socket(const struct dial_request *request, enum connection_error *err)
{
    const struct dial_conf *conf = request->conf;
    int fd;

    if (request->to.family == ADDR_SOCKPAIR)
        fd = sockpair_connect(request->to.fd);
    else if (conf->mptcp && addr_is_ip(&request->to))
        fd = socket_open_mptcp(addr_domain(&request->to), NULL);
    else
        fd = namespace_socket(conf->namespace_fd, addr_domain(&request->to), SOCK_STREAM, NULL);
    if (fd == -1) {
        *err = connection_error_of(errno);
        return -1;
    }
    if (conf->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, conf->interface,
                                              (socklen_t)strlen(conf->interface) + 1) == -1) {
        *err = CONN_ERR_CANNOT_BIND;
        close(fd);
        return -1;
    }
    tune(fd, request);
    return fd;
}

/* 0: connected; EINPROGRESS: it goes on; otherwise why not. */
static int
connect_to(int fd, const struct addr *to)
{
    struct sockaddr_storage storage;
    socklen_t len = addr_to_sockaddr(to, &storage);

    if (to->family == ADDR_SOCKPAIR)
        return 0;
    if (len == 0)
        return EAFNOSUPPORT;
    if (connect(fd, (struct sockaddr *)&storage, len) == 0)
        return 0;
    return errno == EINTR ? EINPROGRESS : errno;
}

/* A socket whose connect() has been called; *result is what it said. */
static int
dial_once(const struct dial_request *request, uint16_t port, int *result,
          enum connection_error *err)
{
    int fd = open_socket(request, err);

    if (fd == -1)
        return -1;
    *err = bind_source(fd, request, port);
    if (*err != CONN_ERR_NONE) {
        close(fd);
        return -1;
    }
    *result = connect_to(fd, &request->to);
    return fd;
}

/* The same from the first free port of a range. */
static int
dial_from_range(const struct dial_request *request, int *result, enum connection_error *err)
{
    unsigned low = request->conf->source_port_low;
    unsigned count = request->conf->source_port_high - low + 1u;
    unsigned first = (unsigned)entropy_below(count);
    unsigned tries = count < SOURCE_PORTS_TRIED_MAX ? count : SOURCE_PORTS_TRIED_MAX;

    for (unsigned i = 0; i < tries; i++) {
        int fd = dial_once(request, (uint16_t)(low + (first + i) % count), result, err);

        if (fd != -1 && *result != EADDRNOTAVAIL && *result != EADDRINUSE)
            return fd;
        if (fd != -1)
            close(fd);
        else if (*err != CONN_ERR_ADDR_IN_USE)
            return -1;
    }
    *err = CONN_ERR_PORT_RANGE;
    return -1;
}

static int
dial(const struct dial_request *request, int *result, enum connection_error *err)
{
    const struct dial_conf *conf = request->conf;

    if (conf->source_port_low != conf->source_port_high)
        return dial_from_range(request, result, err);
    return dial_once(request, conf->source_port_low, result, err);
}

/* --- connections ------------------------------------------------------------------------------ */

static const struct dial_conf plain_conf = DIAL_CONF_INIT;

/* What connect() has said. */
static void
begin(struct connection *conn, int result)
{
    if (result == EINPROGRESS) {
        connection_update_interest(conn);
        return;
    }
    if (result != 0)
        (void)connection_read_failed(conn, result);
    connection_wake(conn);
}

struct connection *
connector_dial(struct loop *loop, const struct dial_request *request,
               const struct connection_owner *owner, void *owner_data, enum connection_error *err)
{
    struct dial_request full = *request;
    struct connection *conn;
    int result, fd;

    if (full.conf == NULL)
        full.conf = &plain_conf;
    if (full.conf->socks4.family != ADDR_NONE) {
        *err = CONN_ERR_NO_PROTOCOL;
        if (request->to.family != ADDR_IPV4)
            return NULL; /* the protocol has no words for others */
        full.to = full.conf->socks4;
    }
    fd = dial(&full, &result, err);
    if (fd == -1)
        return NULL;
    *err = CONN_ERR_NO_MEMORY;
    conn = connection_new(loop, fd, CONN_CONNECTING | CONN_ADDR_DST);
    if (conn == NULL) {
        close(fd);
        return NULL;
    }
    conn->dst = request->to;
    connection_set_owner(conn, owner, owner_data);
    if ((full.conf->socks4.family != ADDR_NONE && !socks4_ask_later(conn, &request->to)) ||
        (full.transport != NULL &&
         !connection_set_transport(conn, full.transport, full.transport_conf)) ||
        !proxy_header_send_later(conn, &full)) {
        connection_close(conn);
        return NULL;
    }
    *err = CONN_ERR_NONE;
    begin(conn, result);
    return conn;
}
