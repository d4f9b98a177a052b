/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of log forwarding share: the section as written, and what lives of it.
 */
#pragma once

#include "weir/base/list.h"
#include "weir/config/parse.h"
#include "weir/config/snapshot.h"
#include "weir/net/bind.h"
#include "weir/net/listener.h"
#include "weir/telemetry/log_relay.h"

struct log_forward;
struct log_receiver;

/* One address of a dgram-bind line. */
struct log_receiver_conf {
    struct bind_conf *bind;
    struct log_receiver *live; /* set by ADOPT; holds */
    struct list link;
};

/* Immutable but for what ADOPT and PUBLISH set. */
struct log_forward_conf {
    struct list link;
    const char *name;
    struct source_pos pos;
    struct log_targets *logs;
    struct list binds;      /* struct bind_conf */
    struct list receivers;  /* struct log_receiver_conf */
    int64_t maxconn, client_ms, backlog;
    int host_rule;          /* enum log_relay_host */
    bool is_not_parsed;     /* option dont-parse-log */
    bool is_never_counted;  /* option assume-rfc6587-ntf */
    struct log_forward *live; /* set by PUBLISH */
};

struct list *log_forward_list(const struct snapshot *snapshot);
/* One message, from a peer whose address is `source`. Control. */
void log_forward_message(const struct log_forward_conf *conf, struct str message, const struct addr *source);

/* --- log_receiver.c: datagrams. All: control ------------------------------------------------------------ */

/* The live socket of this address, or a new one. Holds. NULL: err. */
struct log_receiver *log_receiver_adopt(const struct bind_conf *bind, struct error *err);
/* From now on it serves this section. */
void log_receiver_publish(struct log_receiver *receiver, const struct log_forward_conf *conf);
void log_receiver_drop(struct log_receiver *receiver);
/* Those that the snapshot did not publish fall silent. */
void log_receiver_end_publish(void);
void log_receiver_stop_all(void);

/* --- log_session.c: connections. All: control ------------------------------------------------------------ */

/* What lives of a section. */
struct log_forward {
    struct list link;
    char *name; /* owns */
    const struct log_forward_conf *conf; /* of the newest snapshot; NULL: it is gone */
    struct list sessions;
    int64_t session_count;
};

void log_session_accept(struct log_forward *forward, struct listener *listener, struct connection *conn);
void log_session_close_all(struct log_forward *forward);
