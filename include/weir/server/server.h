/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers. server_conf is what a server line says (immutable); server is what lives: state, weight, address, connections,
 * counters, found again as backend/name when a new snapshot is built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/registry.h"
#include "weir/loop/counter.h"
#include "weir/loop/histogram.h"
#include "weir/loop/lock.h"
#include "weir/net/connector.h"
#include "weir/proxy/proxy.h"
#include "weir/server/queue.h"

#define SERVER_CONF_MAGIC 0x53434f4eu

/* What is spoken for WebSockets. */
enum server_ws {
    WS_AUTO, /* as with other requests; HTTP/1.1 where both are offered by ALPN */
    WS_H1,
    WS_H2,
};

struct server_conf {
    unsigned magic;
    const char *name;
    struct source_pos pos;
    int64_t id;                  /* puid; automatic from 1 */
    bool has_own_id;             /* written */
    bool is_dynamic;             /* said at run time: begins in maintenance, its checks begin paused */
    const char *guid;
    struct proxy_conf *backend;  /* same snapshot */
    struct list link;            /* in backend->servers */
    const char *addr_text;
    struct addr addr;            /* resolved at start (init-addr); ADDR_NONE: not known yet */
    const char *host_name;       /* when the address is a name */
    bool follows_name;           /* resolvers look it up at run time (room dns); else it is looked up at start */
    int port_offset;             /* "+N": added to the client's port */
    bool port_is_offset;
    bool is_datagram;            /* udp@: log backends only */
    int64_t weight;              /* 0..256, default 1 */
    int64_t maxconn, minconn, maxqueue;
    bool backup, disabled;
    int64_t slowstart_ms;
    struct dial_conf dial;
    int64_t pool_max_conn;       /* -1: no limit */
    int64_t pool_low_conn;
    int64_t pool_purge_delay_ms;
    int64_t max_reuse;           /* -1: no limit */
    const char *init_addr;
    const char *proto;
    int ws;                      /* enum server_ws */
    const char *redir;
    const char *cookie;          /* its value in the persistence cookie */
    bool strict_maxconn;
    int on_marked_down;          /* 1: shutdown-sessions */
    int init_state;              /* enum init_state */
    int on_marked_up;            /* 1: shutdown-backup-sessions */
    struct mux_settings mux;
    struct server *live;         /* set by ADOPT; holds */
    void *slots;                 /* SLOT_SERVER: check settings (room check), TLS, ... */
};

/* init-state: before the first check, and after maintenance. */
enum init_state { INIT_NONE, INIT_FULLY_UP, INIT_UP, INIT_DOWN, INIT_FULLY_DOWN };
static inline bool
server_begins_down(const struct server_conf *conf)
{
    return conf != NULL && conf->init_state >= INIT_DOWN;
}

enum server_state {
    SERVER_STOPPED,  /* down */
    SERVER_STARTING, /* slow start */
    SERVER_RUNNING,
    SERVER_STOPPING, /* soft stop: 404 of a check with disable-on-404; takes persistent traffic only */
};
/* Administrative words, as bits (the numbers of "show servers state"). */
enum server_admin {
    ADMIN_FMAINT = 0x01, /* forced maintenance */
    ADMIN_IMAINT = 0x02, /* inherited by tracking */
    ADMIN_CMAINT = 0x04, /* "disabled" in the configuration; a mark beside ADMIN_FMAINT, which counts */
    ADMIN_FDRAIN = 0x08,
    ADMIN_IDRAIN = 0x10,
    ADMIN_RMAINT = 0x20, /* no address by resolution */
    ADMIN_HMAINT = 0x40, /* name set at run time, or taken from an SRV record */
    ADMIN_MAINT = 0x23, /* not ADMIN_HMAINT: it only tells where the name comes from */
    ADMIN_DRAIN = 0x18,
};

struct server_row { /* counters, a row per thread */
    uint64_t sessions, bytes_in, bytes_out, denied_responses, connect_errors, response_errors, retries, redispatches;
    uint64_t status[6], requests, client_aborts, server_aborts, lb_total, connect_attempts, connections_reused, failed_rewrites,
        internal_errors;
    uint64_t queue_ms_sum, connect_ms_sum, response_ms_sum, total_ms_sum, timed_count;
    uint64_t queue_ms_max, connect_ms_max, response_ms_max, total_ms_max;
    struct rate session_rate;
    uint64_t session_rate_max;
    int64_t last_session_s; /* wall seconds; 0: never */
    struct histogram answer_times, total_times;
};

struct balancer;
struct eval;
struct cookie_live;
struct idle_pool;
struct slow_start;

#define SERVER_MAGIC 0x53525652u
struct server { /* live */
    unsigned magic;
    unsigned refs;               /* control */
    const char *name;            /* owns */
    int64_t id;
    struct proxy *backend;       /* borrows: outlives us */
    const struct server_conf *conf; /* RCU; NULL once it is gone from the configuration */
    struct list link;            /* in backend_live->servers */
    bool was_published;          /* control */

    /* State: changed on the control thread only (server_state.c), read by all (relaxed atomics). */
    int state;                   /* enum server_state */
    unsigned admin;              /* set of enum server_admin */
    int64_t user_weight;         /* as set by people: 0..256 */
    int64_t effective_weight;    /* x16 when slow starting, agents ... see weight.c; what balancers use */
    int64_t maxconn;             /* effective: conf or run time */
    int64_t last_change_ms;      /* loop time of the control thread */
    uint64_t down_transitions, failed_checks, down_ms;
    struct addr addr;            /* published: see server_addr() */
    uint32_t addr_version;       /* even; odd while the address is being changed (seqlock) */

    /* Shared by all threads (atomics). */
    uint32_t current;            /* streams that hold a connection slot now */
    uint32_t current_max;
    uint32_t observed_errors;    /* in a row, as "observe" counts them (room check) */
    struct queue queue;          /* streams that wait for this very server */
    uint64_t latency;            /* of balance peak-ewma; 0: nothing was measured */

    struct counter_rows counters; /* struct server_row */
    struct idle_pool *idle;      /* owns; one per thread: idle_pool.h */
    void *check, *agent;         /* room check's; owns through its observers */
    void *follow;                /* room dns's; the same */
    void *log_pipe;              /* of log backends over TCP: room balance's; the same */
    char *fqdn;                  /* owns; control: the name that counts now; NULL: the one in conf, if any */
    struct slow_start *slow_start; /* owns; NULL: not starting slowly */
};

/* Who wants to know (check room, balance, admin ...). Runs on the control thread. */
#define SERVER_KEEPS_PORT (-1)
struct server_observer {
    void (*changed)(struct server *srv, unsigned what); /* enum server_change bits */
};
enum server_change { SERVER_CHANGED_STATE = 1, SERVER_CHANGED_ADMIN = 2, SERVER_CHANGED_WEIGHT = 4, SERVER_CHANGED_ADDR = 8,
    SERVER_ADDED = 16, SERVER_REMOVED = 32, SERVER_CHANGED_MAXCONN = 64 };
REGISTRY(server_observer, struct server_observer);

/* What people are told about a server's state; all texts are lent. */
struct server_news {
    struct server *srv;
    int level;          /* enum log_level */
    const char *text;   /* as in the log: "Server b/s is DOWN, reason: ..." */
    const char *reason; /* NULL: none was given */
    const char *before; /* server_state_word() then */
    int state_before;   /* enum server_state */
    unsigned admin_before, requeued;
    bool is_mailed;     /* HAProxy sends it by mail: health, and the begin of drain */
};
/* Control. */
struct server_news_reader {
    void (*read)(const struct server_news *news);
};
REGISTRY(server_news_reader, struct server_news_reader);

/* A published set of the servers of a live backend; immutable; RCU. Rebuilt by the control thread at every change of servers, states or
 * weights, together with what the balancer precomputes. */
struct server_set {
    struct server **usable;      /* those that may get new traffic: active, or backups when no active one is usable */
    unsigned usable_count;
    unsigned active_count, backup_count; /* usable actives, usable backups (whether in use or not) */
    uint64_t weight_sum;
    bool uses_backups;
    struct server **all;         /* all servers, in order of the text */
    unsigned all_count;
    const struct balancer *balancer; /* that made `plan`; NULL: the backend is gone */
    void *plan;                  /* the balancer's: schedule, map, ring; owned */
    void (*plan_free)(void *plan);
};

/* The live part of a backend. */
struct backend_live {
    const struct proxy_conf *conf; /* RCU: what `set` was built from; NULL once it is released */
    struct list servers;         /* struct server; control */
    struct server_set *set;      /* RCU */
    struct queue queue;          /* streams that wait for any server */
    uint64_t position;           /* atomic: round robin */
    int64_t last_change_ms;
    uint64_t down_ms, down_transitions;
    /* Called to build set->plan; the balance room sets it (slot of the configuration). May be NULL. */
    void (*build_plan)(struct proxy *backend, struct server_set *set);
    struct cookie_live *dynamic_cookie; /* RCU; owns; set at run time (room balance); NULL: as configured */
};

/* --- any thread ------------------------------------------------------------ */

static inline struct server_set *
server_set_read(const struct proxy *backend)
{
    return __atomic_load_n(&backend->back->set, __ATOMIC_CONSUME);
}
/* May take new traffic: running or starting, no maintenance, no drain, weight > 0. */
bool server_is_usable(const struct server *srv);
/* May take traffic that is bound to it (persistence): as above but drain and weight 0 are fine. */
bool server_takes_persistent(const struct server *srv);
void server_addr(const struct server *srv, struct addr *out);
/* "up", "down", "stopping", "drain", "maint". */
const char *server_state_word(const struct server *srv);
/* "UP", "DOWN", "MAINT", "DRAIN", "NOLB" with details as the status column of show stat needs: see server_state.h */
struct server_row *server_row(const struct server *srv);
/* The limit that counts now: minconn/fullconn arithmetic; 0: none. */
uint32_t server_maxconn_now(const struct server *srv, const struct proxy_conf *backend);
/* set-proxy-v2-tlv-fmt: fields of a PROXY header for a new connection; values in the evaluation's arena. Returns how
 * many; `to` has room for SERVER_TLVS_MAX. */
#define SERVER_TLVS_MAX 16
struct proxy_tlv;
unsigned server_proxy_tlvs(const struct server_conf *conf, struct eval *eval, struct proxy_tlv *to);
/* What pool-conn-name gives. False: the line does not say that. Owner. */
bool server_connection_name(const struct server_conf *conf, struct eval *eval, struct str *name);
/* Takes a slot if there is one: current < maxconn (or none). Pairs with server_slot_give(). */
bool server_slot_take(struct server *srv, const struct proxy_conf *backend);
/* Gives it back and hands the slot to a waiting stream, if any. */
void server_slot_give(struct server *srv);

/* --- builder --------------------------------------------------------------- */

/* One that belongs to no backend, as the words of its line fill it: a peer, for example. `origin`: its
 * default-server; NULL: none. Its owner prepares and releases TLS. */
struct server_conf *server_conf_new_lone(struct parse *parse, const struct server_conf *origin);

/* --- control ---------------------------------------------------------------- */

struct server *server_find(struct proxy *backend, struct str name);
/* All states change here; `reason` goes into the log line ("reason: Layer4 connection problem...");
 * may be NULL. */
void server_set_state(struct server *srv, enum server_state state, const char *reason);
void server_set_admin(struct server *srv, unsigned set, unsigned clear, const char *reason);
/* "N", "N%" relative to conf. False: err. */
bool server_set_weight(struct server *srv, struct str text, struct error *err);
/* The server leaves the state "no address". `source`: "stats socket command" ... */
void server_set_addr(struct server *srv, const struct addr *addr, const char *source);
/* What a name server has found, by "resolvers/nameserver" or the like: said in the log, when it is a change; the server leaves
 * the state "no address". */
void server_follow_addr(struct server *srv, const struct addr *addr, const char *by);
/* The name leads nowhere any more, or not yet: maintenance. The port is kept, or becomes this one. */
void server_lose_addr(struct server *srv, const char *reason, int port);
/* The name that it follows from now on (NULL: the one in conf); said in the log. `by`: 'SRV record' ... */
void server_set_fqdn(struct server *srv, const char *fqdn, const char *by);
/* That name; NULL: none. */
const char *server_fqdn(const struct server *srv);
/* 0: no limit. */
void server_set_maxconn(struct server *srv, int64_t maxconn);
/* Rebuilds and publishes the set after any change. */
void server_set_rebuild(struct proxy *backend);
void server_hold(struct server *srv);
void server_drop(struct server *srv);
