/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection's life: accepted, session rules, its mux, one stream after the other, gone.
 */
#pragma once

#include <stdint.h>

#include "weir/expr/variable.h"
#include "weir/mux/mux.h"
#include "weir/net/listener.h"
#include "weir/proxy/proxy.h"

#define SESSION_MAGIC 0x53455353u
struct session {
    unsigned magic;
    struct list link;              /* in the thread's list of sessions: show sess, shutdown */
    struct proxy *frontend;        /* live; its conf is read anew for each request */
    struct listener *listener;
    struct connection *client;
    struct mux_conn *mux;          /* NULL until handshakes are done */
    struct variable_set variables;
    int64_t accepted_us;           /* wall clock */
    uint32_t requests;
};
