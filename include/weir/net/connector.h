/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dial: make an outgoing connection as a server line, a check or a log target asks.
 */
#pragma once

#include "weir/base/str.h"
#include "weir/net/connection.h"
#include "weir/net/dial.h"

struct proxy_tlv;

struct dial_marks {
    int64_t mark, tos; /* -1: none */
};

struct dial_request {
    const struct dial_conf *conf; /* NULL: nothing special */
    struct addr to;
    const struct transport *transport; /* NULL: plain */
    void
        *transport_conf; /* becomes conn->transport_data: the transport makes of it what it needs */
    struct connection
        *client;          /* whose addresses a PROXY header and usesrc name; may be NULL (checks) */
    const struct addr *client_src, *client_dst; /* what is said of the client; NULL: the truth */
    const struct dial_marks *marks; /* instead of conf's; NULL: none */
    struct addr usesrc;   /* with USESRC_HEADER: the address found */
    struct str unique_id; /* for proxy-v2-options unique-id */
    const struct proxy_tlv *tlvs; /* of a PROXY header of version 2; until connector_dial() returns */
    unsigned tlv_count;
};

/* Starts it; owner->on_established comes later, never inside this call: with err CONN_ERR_NONE, or
 * with what connect() or a handshake said. NULL: no socket, no memory, or no source address to be
 * had; *err says which. First bytes may be written already before it is connected: they wait.
 * Owner. */
struct connection *connector_dial(struct loop *loop, const struct dial_request *request,
                                  const struct connection_owner *owner, void *owner_data,
                                  enum connection_error *err);
