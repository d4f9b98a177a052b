/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of outgoing connections: source, interface, send-proxy and so on, the same on
 * server lines, in proxies and wherever else weir dials.
 *
 * The keywords are registered by room net (dial_conf.c). A room whose objects have a dial_conf only
 * says where it is:
 *
 *     static struct dial_conf *server_dial(struct parse *parse) { return &((struct server_conf
 * *)parse->object)->dial; } static const struct dial_place places[] = { { IN_SERVER, server_dial }
 * }; REGISTER(dial_place, places);
 *
 * The words of IN_SERVER lines: source, interface, namespace, tfo, send-proxy, send-proxy-v2,
 * proxy-v2-options, tcp-ut, cc, socks4 and their "no-" forms. Of proxies (IN_BACK): source.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/registry.h"
#include "weir/os/addr.h"

struct parse;

enum dial_usesrc { USESRC_NONE, USESRC_CLIENT, USESRC_CLIENTIP, USESRC_HEADER, USESRC_ADDR };

/* Immutable. */
struct dial_conf {
    struct addr source;                         /* ADDR_NONE: the system chooses */
    uint16_t source_port_low, source_port_high; /* 0: any */
    const char *interface;
    const char *namespace;
    int namespace_fd;          /* of `namespace`; -1: none */
    int usesrc;                /* enum dial_usesrc */
    const char *usesrc_header; /* with hdr_ip(name,occ) */
    int usesrc_occurrence;
    struct addr usesrc_addr;
    bool mptcp; /* the address said mptcp@ */
    bool tfo;
    bool send_proxy; /* v1 */
    bool send_proxy_v2;
    unsigned proxy_v2_options; /* set of enum proxy_v2_option */
    int64_t tcp_ut_ms;
    int64_t mss;
    bool keepalive; /* option srvtcpka */
    int64_t keepalive_count, keepalive_idle_s, keepalive_interval_s;
    const char *cc;
    int64_t mark, tos;      /* -1: none */
    struct addr socks4;     /* the SOCKS server to go through; ADDR_NONE: none */
    int64_t rcvbuf, sndbuf; /* 0: as the system has it */
};

/* The defaults. */
#define DIAL_CONF_INIT                                                                             \
    {                                                                                              \
        .namespace_fd = -1, .mark = -1, .tos = -1                                                  \
    }
void dial_conf_init(struct dial_conf *dial);

/* Where the dial_conf of the object at a place is. NULL: reported. Builder. */
struct dial_place {
    unsigned place; /* set of IN_ bits */
    struct dial_conf *(*dial)(struct parse *parse);
};
REGISTRY(dial_place, struct dial_place);
