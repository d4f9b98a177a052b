/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log backends (mode log): log lines are shared out among servers, over UDP, or over TCP from a ring for each server.
 *
 * For:     "log backend@name". Owns: sockets for datagrams; ring and sender of each server, from its first line on.
 * Callers: room telemetry, with each line; server tells of those that go or change their address.
 * Thread:  control.
 */
#include "log_backend.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/loop/loop.h"
#include "weir/net/ring_sender.h"
#include "weir/os/socket.h"
#include "weir/telemetry/log_backend.h"
#include "private.h"

#define BUFSIZE_DEFAULT 16384
#define ARENA_TRIM_LINES 1024

/* --- words of server lines ---------------------------------------------------------------------- */

struct log_server_conf {
    uint64_t bufsize; /* 0: not written */
    bool counts_octets;
};
static struct slot log_server_slot = SLOT("log-server", SLOT_SERVER, struct log_server_conf);
REGISTER_SLOT(log_server_slot);

static bool
parse_bufsize(struct parse *parse)
{
    struct log_server_conf *conf = keyword_slot(parse, &log_server_slot);

    if (!parse_size(parse, "a number of bytes", &conf->bufsize))
        return false;
    return (conf->bufsize >= 1024 && conf->bufsize <= 1u << 30) ||
           parse_alert(parse, "'log-bufsize' is between 1k and 1g");
}

static bool
parse_proto(struct parse *parse)
{
    static const char *const names[] = { "legacy", "octet-count", NULL };
    struct log_server_conf *conf = keyword_slot(parse, &log_server_slot);
    int at;

    if (!parse_choice(parse, "legacy or octet-count", names, &at))
        return false;
    conf->counts_octets = at == 1;
    return true;
}

static const struct keyword keywords[] = {
    { "log-bufsize", IN_SERVER, .args = "<bytes>", .parse = parse_bufsize,
      .help = "Log backends over TCP: how many bytes of lines wait for the server." },
    { "log-proto", IN_SERVER, .args = "legacy|octet-count", .parse = parse_proto,
      .help = "Log backends over TCP: how lines end: by a line feed, or behind their length." },
};
REGISTER(keyword, keywords);

/* --- servers -------------------------------------------------------------------------------------- */

/* Over TCP. */
struct log_pipe {
    struct ring *ring;
    struct ring_sender *sender;
    uint64_t bufsize; /* as written when it was made */
    bool counts_octets;
};

static void
close_pipe(struct server *srv)
{
    struct log_pipe *pipe = srv->log_pipe;

    if (pipe == NULL)
        return;
    srv->log_pipe = NULL;
    ring_sender_close(pipe->sender);
    ring_drop(pipe->ring);
    alloc_free(pipe);
}

static struct log_pipe *
pipe_of(struct server *srv)
{
    const struct log_server_conf *conf = slot_of_const(srv->conf->slots, &log_server_slot);
    struct log_pipe *pipe = srv->log_pipe;

    if (pipe != NULL)
        return pipe;
    pipe = srv->log_pipe = alloc_zero(sizeof(*pipe));
    pipe->bufsize = conf->bufsize;
    pipe->counts_octets = conf->counts_octets;
    pipe->ring = ring_new(conf->bufsize != 0 ? conf->bufsize : BUFSIZE_DEFAULT);
    pipe->sender = ring_sender_open(pipe->ring, &srv->addr, conf->counts_octets);
    return pipe;
}

static bool
send_datagram(const struct server *srv, struct str line)
{
    static int fds[2] = { -1, -1 };
    int *fd = &fds[srv->addr.family == ADDR_IPV6];
    struct error err = ERROR_INIT;
    struct sockaddr_storage to;
    socklen_t to_len = addr_to_sockaddr(&srv->addr, &to);
    struct iovec iov[2] = { { (char *)line.ptr, line.len }, { "\n", 1 } };
    struct msghdr message = { .msg_name = &to, .msg_namelen = to_len, .msg_iov = iov,
                              .msg_iovlen = 2 };

    if (!addr_is_ip(&srv->addr))
        return false;
    if (*fd < 0)
        *fd = socket_open(addr_domain(&srv->addr), SOCK_DGRAM, &err);
    return *fd >= 0 && sendmsg(*fd, &message, MSG_NOSIGNAL) >= 0;
}

static void
send_to(struct server *srv, struct str line)
{
    struct server_row *row = server_row(srv);
    bool is_sent = true;

    if (srv->conf->is_datagram)
        is_sent = send_datagram(srv, line);
    else
        ring_write(pipe_of(srv)->ring, line);
    counter_add(&row->lb_total, 1);
    counter_add(&row->sessions, 1);
    counter_add(is_sent ? &row->bytes_in : &row->connect_errors, is_sent ? line.len : 1);
}

/* Another address: what waits goes there. Gone, or written otherwise: forgotten. */
static void
on_server_changed(struct server *srv, unsigned what)
{
    struct log_pipe *pipe = srv->log_pipe;
    const struct log_server_conf *conf;

    if (pipe == NULL)
        return;
    conf = (what & SERVER_REMOVED) != 0 || srv->conf == NULL
               ? NULL
               : slot_of_const(srv->conf->slots, &log_server_slot);
    if (conf == NULL || srv->conf->is_datagram || conf->bufsize != pipe->bufsize ||
        conf->counts_octets != pipe->counts_octets) {
        close_pipe(srv);
    } else if ((what & SERVER_CHANGED_ADDR) != 0) {
        ring_sender_close(pipe->sender);
        pipe->sender = ring_sender_open(pipe->ring, &srv->addr, conf->counts_octets);
    }
}

static const struct server_observer observers[] = { { on_server_changed } };
REGISTER(server_observer, observers);

/* --- lines ---------------------------------------------------------------------------------------- */

static struct str line_now;

struct str
log_backend_line(void)
{
    return line_now;
}

uint64_t
log_backend_hash(struct str s)
{
    return hash_xxh3(s, 0);
}

static struct server *
choose(const struct proxy_conf *conf, const struct server_set *set)
{
    static struct arena arena;
    static unsigned lines;
    struct eval eval = { .snapshot = conf->snapshot, .backend = conf, .proxy = conf,
                         .arena = &arena, .final = 1, .now_us = loop_here()->now_us };
    const struct balance_conf *balance = balance_of(conf);

    if (lines % ARENA_TRIM_LINES == 0 && lines != 0)
        arena_fini(&arena);
    if (lines++ % ARENA_TRIM_LINES == 0)
        arena_init(&arena);
    return balance->balancer->choose(conf->live, balance, set, &eval, 0, NULL);
}

static void
write_line(void *backend, struct str line)
{
    const struct proxy_conf *conf = backend;
    const struct server_set *set;
    struct server *srv;

    /* A stream that began before a new configuration brings the backend of its own. */
    conf = conf->live == NULL || conf->live->back == NULL ? NULL : conf->live->back->conf;
    if (conf == NULL || conf->mode != MODE_LOG)
        return;
    set = server_set_read(conf->live);
    line_now = line;
    srv = set->usable_count == 0 || set->balancer != balance_of(conf)->balancer
              ? NULL
              : choose(conf, set);
    if (srv != NULL && srv->conf != NULL)
        send_to(srv, line);
}

static void *
find_backend(struct parse *parse, const char *name, struct source_pos pos)
{
    struct proxy_conf *conf = proxy_conf_find(parse->snapshot, str_from(name), SIDE_BACK);

    if (conf == NULL)
        parse_alert_at(parse, pos, "'log': there is no backend '%s'", name);
    else if (conf->mode != MODE_LOG)
        parse_alert_at(parse, pos, "'log': backend '%s' needs 'mode log'", name);
    return conf != NULL && conf->mode == MODE_LOG ? conf : NULL;
}

static const struct log_backend_kind kinds[] = { { find_backend, write_line } };
REGISTER(log_backend_kind, kinds);

/* --- what fits together --------------------------------------------------------------------------- */

static bool
check_proxy(struct parse *parse, const struct proxy_conf *conf)
{
    static const char *const good[] = { "roundrobin", "random", "sticky", "log-hash" };
    const struct balance_conf *balance = balance_of(conf);
    bool is_log = conf->mode == MODE_LOG, fits = false, fine = true;

    for (size_t i = 0; i < 4; i++)
        fits |= strcmp(balance->balancer->name, good[i]) == 0 && (is_log || i < 2);
    fits |= !is_log && strcmp(balance->balancer->name, good[2]) != 0 &&
            strcmp(balance->balancer->name, good[3]) != 0;
    if (!fits)
        fine = parse_alert_at(parse, conf->pos, "backend '%s': 'balance %s' %s", conf->name,
                              balance->balancer->name,
                              is_log ? "is not for 'mode log', which knows roundrobin, random, "
                                       "sticky and log-hash"
                                     : "needs 'mode log'");
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        if (srv->is_datagram && !is_log)
            fine = parse_alert_at(parse, srv->pos,
                                  "server '%s': datagrams (udp@) are for backends in 'mode log'",
                                  srv->name);
        if (is_log && (srv->port_is_offset || srv->addr.port == 0) && srv->addr.family < ADDR_UNIX)
            fine = parse_alert_at(parse, srv->pos, "server '%s' of a log backend needs a port",
                                  srv->name);
    }
    return fine;
}

static bool
on_check(struct parse *parse)
{
    bool fine = true;

    LIST_FOR_EACH (conf, proxy_list(parse->snapshot), struct proxy_conf, link) {
        if (conf->mode == MODE_LOG && proxy_conf_is_front(conf))
            fine = parse_alert_at(parse, conf->pos, "'%s': 'mode log' is for backends", conf->name);
        else if (proxy_conf_is_back(conf))
            fine = check_proxy(parse, conf) && fine;
    }
    return fine;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_BALANCE + 1, on_check, "balance: log backends" },
};
REGISTER(config_hook, hooks);
