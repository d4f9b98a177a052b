/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection's life: accepted, session rules, its mux, one stream after the other, gone.
 *
 * An idle session is small and owns no stream, no buffer and no snapshot: what it borrows from the
 * configuration is brought up to date by its thread when a new snapshot comes (session_thread.c).
 *
 * Thread: owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/expr/variable.h"
#include "weir/mux/mux.h"
#include "weir/net/listener.h"
#include "weir/proxy/proxy.h"

struct explain;
struct snapshot;
struct session_start;
struct session_upgrade;

enum session_flag {
    SESSION_STOPPING = 1 << 0, /* no further request: soft stop, or its frontend is gone */
    SESSION_COUNTED = 1 << 1,  /* proxy_session_begin() was called */
    /* Its next request goes to last_server if it can (after 401, 407). */
    SESSION_PREFERS_SERVER = 1 << 2,
    /* Who it is was proven on its server connection (NTLM), which nobody else may use. */
    SESSION_IS_PRIVATE = 1 << 3,
};

#define SESSION_MAGIC 0x53455353u
struct session {
    unsigned magic;
    uint32_t flags;            /* enum session_flag */
    struct list link;          /* in the thread's list of sessions: show sess, shutdown */
    struct proxy *frontend;    /* borrows: its conf is read anew for each request */
    struct listener *listener; /* borrows */
    struct connection *client; /* owned by mux once there is one; NULL: gone */
    struct mux_conn *mux;      /* owns; NULL until handshakes are done */
    struct snapshot
        *snapshot; /* holds; NULL unless handshakes are running or the frontend is gone */
    const struct proxy_conf *conf; /* of that snapshot; NULL: the frontend's current one */
    struct session_start *start;   /* owns: handshakes and session rules; NULL once the mux runs */
    struct mux_conn *
        kept; /* owns: "http-reuse never": the server connection of this client, idle; NULL: none */
    struct server *last_server; /* borrows: of its last request; NULL: nobody will ask */
    struct server *kept_server; /* borrows: whose it is */
    struct session_upgrade *upgrade; /* owns: from TCP to HTTP, now; NULL: no */
    struct variable_set variables;
    struct stick_tracks *tracks; /* owns: for all its requests; NULL: none yet */
    struct explain *explain; /* borrows: this is no client, but somebody who asks offline */
    int64_t accepted_us;   /* wall clock */
    int64_t idle_since_us; /* monotonic: since the handshakes or the end of the exchange before */
    uint32_t handshake_ms;
    uint32_t requests; /* begun so far */
    uint8_t log_origin; /* enum log_origin of a line that do-log writes now; 0: none does */
    int8_t log_level;  /* enum log_level; -1: as usual */
};

/* For listeners of frontends (listener_adopt). */
extern const struct listener_owner session_listener_owner;

/* --- on each traffic thread ---------------------------------------------- */

/* Soft stop: no session takes a further request; idle ones close now. `spread_ms`: one after the other
 * during this time; -1: they go on as they are. */
void session_soft_stop_thread(int64_t spread_ms);
/* Sessions that live on this thread. */
uint64_t session_count_thread(void);
/* Calls it for each session, which may end meanwhile. */
void session_for_each(void (*fn)(struct session *session, void *arg), void *arg);
/* Ends it and its streams at once, whatever they do. */
void session_kill(struct session *session);
