/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dial: make an outgoing connection as a server line, a check or a log target asks.
 */
#pragma once

#include "weir/net/connection.h"

/* Settings of outgoing connections (keywords of dial_conf.c: source, interface, tfo, send-proxy...). Immutable. */
struct dial_conf {
    struct addr source;          /* ADDR_NONE: the system chooses */
    uint16_t source_port_low, source_port_high; /* 0: any */
    const char *interface;
    const char *namespace;
    int usesrc;                  /* enum dial_usesrc */
    const char *usesrc_header;   /* with hdr_ip(name,occ) */
    int usesrc_occurrence;
    struct addr usesrc_addr;
    bool tfo;
    bool send_proxy;             /* v1 */
    bool send_proxy_v2;
    unsigned proxy_v2_options;   /* set of enum proxy_v2_option */
    int64_t tcp_ut_ms;
    int64_t mss;
    bool keepalive;              /* option srvtcpka */
    int64_t keepalive_count, keepalive_idle_s, keepalive_interval_s;
    const char *cc;
    int64_t mark, tos;           /* -1: none */
};
enum dial_usesrc { USESRC_NONE, USESRC_CLIENT, USESRC_CLIENTIP, USESRC_HEADER, USESRC_ADDR };

void dial_conf_init(struct dial_conf *dial);

struct dial_request {
    const struct dial_conf *conf;
    struct addr to;
    const struct transport *transport; /* NULL: plain */
    void *transport_conf;
    struct connection *client;  /* whose addresses a PROXY header and usesrc name; may be NULL (checks) */
    struct addr usesrc;         /* with USESRC_HEADER: the address found */
};

/* Starts it; owner->on_established comes later or at once inside a later turn (never inside this call). NULL: failed at once, *err says
 * why. First bytes may be written already before it is connected: they wait. Owner. */
struct connection *connector_dial(struct loop *loop, const struct dial_request *request,
                                  const struct connection_owner *owner, void *owner_data,
                                  enum connection_error *err);
