/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One bind line as written, and the live listener of each of its addresses.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/config/parse.h"
#include "weir/net/connection.h"
#include "weir/os/addr.h"

struct proxy_conf;
struct listener;

/* What a bind line says; one for each address (port ranges and comma lists are spread out).
 * Immutable. */
struct bind_conf {
    struct list link; /* in the proxy's or the socket's list of binds */
    struct source_pos pos;
    struct snapshot *snapshot; /* that this belongs to: who lets it outlive a turn holds that */
    const char *name;          /* "name" option, or NULL */
    const char *addr_text;     /* as written */
    struct addr addr;
    int64_t id;      /* "id" option; 0: numbered by the proxy */
    int64_t backlog; /* 0: the proxy's or maxconn */
    int64_t maxconn; /* 0: no limit of its own */
    int64_t tcp_ut_ms; /* tcp-ut */
    int64_t mss;
    int64_t tcp_ss; /* keep the SYN packet: 0 no, 1 from IP on, 2 from Ethernet on */
    const char *tcp_md5sig;
    const char *interface;
    const char *namespace;
    int namespace_fd; /* of `namespace`; -1: none */
    int64_t mode;     /* of a unix socket file; -1: untouched */
    int64_t uid, gid; /* -1: untouched */
    int level;        /* of runtime sockets: enum command_level */
    int severity_output;
    bool accept_proxy;
    bool accept_cip; /* NetScaler's header, with this magic number: */
    int64_t cip_magic;
    bool defer_accept;
    bool tfo;
    bool v4v6, v6only;
    bool mptcp;
    bool transparent;
    bool expose_fd;
    const char *cc; /* congestion control */
    /* option clitcpka and its sisters: filled by the owner until CHECK; 0: as the system has it */
    bool keepalive;
    int64_t keepalive_count, keepalive_idle_s, keepalive_interval_s;
    int shards;        /* 0: by thread */
    uint64_t threads;  /* "thread" option: bit set of traffic threads (bit 0: thread 1), 0: all */
    const char *proto; /* mux by name; NULL: by mode */
    const char *guid_prefix;
    const char *label;
    void *slots;               /* SLOT_BIND: TLS settings and others */
    struct listener *listener; /* live; set by ADOPT; holds */
    void *owner_conf;          /* borrows: proxy_conf or runtime socket, same snapshot */
};

/* Reads "addr[,addr...] options..." from parse->words into new bind_confs appended to `binds`.
 * `object` of the parse becomes `outer` of the options. */
bool bind_parse(struct parse *parse, struct list *binds, void *owner_conf);
/* Adds the handshake steps that the line asks for (accept-proxy, accept-netscaler-cip) to a new
 * connection, before handshake_start(). False: out of memory. Owner. */
bool bind_add_handshakes(const struct bind_conf *conf, struct connection *conn);
