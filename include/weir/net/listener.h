/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live listening address: its sockets (one per traffic thread with SO_REUSEPORT, or one that is
 * accepted by a single thread and handed round), found again by identity when a new snapshot is
 * built. Identity: address, interface, namespace and socket options that cannot be changed.
 *
 *     listener_adopt() in ADOPT, listener_publish() in PUBLISH, listener_drop() in RELEASE. A
 * listener that a newly published snapshot does not publish stops by itself.
 */
#pragma once

#include <net/if.h>

#include "weir/base/error.h"
#include "weir/base/list.h"
#include "weir/loop/counter.h"
#include "weir/net/bind.h"

struct listener;
struct listener_socket;
struct snapshot;

/* What the room that serves the connections registers for itself. */
struct listener_owner {
    /* May another connection be accepted now? False: this thread's socket waits until
     * listener_resume_all() or a retry after some ms. Owner thread. May be NULL. */
    bool (*may_accept)(struct listener *ln);
    /* A new connection on its thread, handshakes not begun. Takes it over; ln->conf is good until
     * the function returns to the loop (hold ln->conf->snapshot to keep it). */
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
    /* With option socket-stats, counted by who serves the connection: */
    uint64_t bytes_in, bytes_out, denied_requests, denied_responses, bad_requests, denied_sessions;
};

struct listener;
/* The row of this thread. */
struct listener_row *listener_row(const struct listener *ln);

#define LISTENER_MAGIC 0x4c53544eu
struct listener {
    unsigned magic;
    unsigned refs;    /* of snapshots; connections count for themselves */
    struct list link; /* in the table of live listeners, or of those that die */
    struct addr addr; /* as bound: port 0 is replaced by the real one */
    char addr_text[ADDR_TEXT_MAX];
    const struct bind_conf *conf; /* RCU: of the current snapshot */
    const struct listener_owner *owner;
    void *owner_data;                /* live proxy or runtime socket */
    struct listener_socket *sockets; /* owns */
    unsigned socket_count;
    bool on_control_thread;       /* runtime sockets */
    enum listener_state state;    /* control; never LISTENER_FULL, see listener_shown_state() */
    struct counter_rows counters; /* struct listener_row */
    uint32_t current;             /* atomic: open connections of all threads */
    uint32_t current_max;         /* atomic: about the most at one time */
    uint32_t full_sockets;        /* atomic: sockets that wait for room */

    /* Identity: own copies, because the conf that it came from goes. */
    struct addr asked_addr;   /* as written; a path is owned */
    char interface[IFNAMSIZ]; /* "": any */
    int namespace_fd;
    uint64_t threads;
    int shards;
    bool v4v6, v6only, transparent, mptcp;

    /* Life: control. */
    struct snapshot *adopted_by; /* only to be compared: one snapshot adopts a listener once */
    bool is_permanent;           /* belongs to no snapshot: never stops by itself */
    bool is_wanted;              /* the snapshot that is being published has it */
    bool is_shared;              /* the one socket's connections are handed round */
    struct snapshot *draining;   /* holds: until all sockets are closed */
    unsigned open_sockets;
    char *temp_path; /* owns: unix socket file that has not got its name yet; NULL: it has */
    uint64_t file_device, file_inode; /* of the unix socket file: is it still ours? */
};

/* --- control ------------------------------------------------------------ */

/* ADOPT: finds the live listener of this bind or makes it and binds its sockets (not yet
 * accepting), and holds it. Sets conf->listener. NULL: err says which call failed on which address.
 */
struct listener *listener_adopt(struct bind_conf *conf, const struct listener_owner *owner,
                                bool on_control_thread, struct error *err);
/* PUBLISH: takes over the new conf and owner data, starts accepting if it did not. */
void listener_publish(struct listener *ln, const struct bind_conf *conf, void *owner_data);
/* The last hold closes the sockets (what waits in the accept queue is accepted first). NULL is
 * fine. */
void listener_drop(struct listener *ln);
/* Gives the address up for a while: connecting to it is refused. */
void listener_pause(struct listener *ln);
/* Takes it back, if nobody else has taken it meanwhile. */
void listener_resume(struct listener *ln);
void listener_stop(struct listener *ln);
/* Soft stop: all of them, but those on the control thread. */
void listener_stop_all(void);
/* Calls it for each that accepts or is paused. */
void listener_for_each(void (*fn)(struct listener *ln, void *arg), void *arg);
/* LISTENER_FULL when it is ready but some thread waits for room. Any. */
enum listener_state listener_shown_state(const struct listener *ln);

/* --- owner thread ------------------------------------------------------- */

/* A connection that on_accept took over has ended. */
void listener_connection_ended(struct listener *ln);
/* It was refused by rules or limits: counts it. */
void listener_connection_refused(struct listener *ln);
/* There is room again: the listeners of this thread that may_accept() held back try again. */
void listener_resume_all(void);
