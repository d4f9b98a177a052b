/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live listening address: its sockets (one per traffic thread with SO_REUSEPORT, or one that is
 * accepted by a single thread and handed round), found again by identity when a new snapshot is
 * built. Identity: address, interface, namespace and socket options that cannot be changed.
 */
#pragma once

#include "weir/base/error.h"
#include "weir/loop/counter.h"
#include "weir/net/bind.h"

struct listener;

/* What the room that serves the connections registers for itself. */
struct listener_owner {
    /* May another connection be accepted now? False: the listener pauses until
     * listener_resume_all() or a retry after some ms. Owner thread. May be NULL. */
    bool (*may_accept)(struct listener *ln);
    /* A new connection on its thread, handshakes not begun. Takes it over. */
    void (*on_accept)(struct listener *ln, struct connection *conn);
};

enum listener_state {
    LISTENER_NEW,
    LISTENER_READY,
    LISTENER_PAUSED,
    LISTENER_FULL,
    LISTENER_STOPPED
};

struct listener_row { /* counters, a row per thread */
    uint64_t accepted;
    uint64_t current; /* open connections */
    uint64_t refused; /* by rules or limits */
};

#define LISTENER_MAGIC 0x4c53544eu
struct listener {
    unsigned magic;
    unsigned refs;
    struct list link; /* in the table of live listeners */
    struct addr addr;
    char addr_text[ADDR_TEXT_MAX];
    const struct bind_conf *conf; /* RCU: of the current snapshot */
    const struct listener_owner *owner;
    void *owner_data;                /* live proxy or runtime socket */
    struct listener_socket *sockets; /* owns */
    unsigned socket_count;
    bool on_control_thread;       /* runtime sockets */
    enum listener_state state;    /* control */
    struct counter_rows counters; /* struct listener_row */
    uint64_t current; /* atomic: open connections of all threads, kept only if a maxconn needs it */
};

/* --- control ------------------------------------------------------------ */

/* ADOPT: finds the live listener of this bind or makes it and binds its sockets (not yet
 * accepting). Holds. NULL: err says which call failed on which address. */
struct listener *listener_adopt(struct bind_conf *conf, const struct listener_owner *owner,
                                bool on_control_thread, struct error *err);
/* PUBLISH: takes over the new conf and owner data, starts accepting if it did not. */
void listener_publish(struct listener *ln, const struct bind_conf *conf, void *owner_data);
/* The last hold closes the sockets (what waits in the accept queue is accepted first). */
void listener_drop(struct listener *ln);
void listener_pause(struct listener *ln);
void listener_resume(struct listener *ln);
void listener_stop(struct listener *ln);
/* Soft stop: all of them. */
void listener_stop_all(void);

/* --- owner thread ------------------------------------------------------- */

/* A connection that on_accept took over has ended. */
void listener_connection_ended(struct listener *ln);
