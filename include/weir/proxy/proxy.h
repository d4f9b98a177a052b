/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frontends, backends, listens. proxy_conf is what a section says (immutable, in the snapshot);
 * proxy is what lives: identity, counters, limits, found again by name and kind when a new snapshot
 * is built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/registry.h"
#include "weir/config/parse.h"
#include "weir/config/slot.h"
#include "weir/expr/condition.h"
#include "weir/expr/log_format.h"
#include "weir/loop/thread.h"
#include "weir/loop/histogram.h"
#include "weir/loop/counter.h"
#include "weir/loop/rate.h"
#include "weir/mux/mux.h"
#include "weir/net/listener.h"
#include "weir/rules/ruleset.h"
#include "weir/telemetry/log.h"

struct backend_live; /* room server: servers, queue, balance of a live backend */
struct server_conf;
struct snapshot;

enum proxy_mode { MODE_TCP, MODE_HTTP, MODE_LOG };

enum proxy_side {
    SIDE_FRONT = 1 << 0, /* frontend, listen */
    SIDE_BACK = 1 << 1,  /* backend, listen */
    SIDE_DEFAULTS = 1 << 2,
    SIDE_INTERNAL = 1 << 3, /* the runtime socket's own "GLOBAL" proxy and the like */
};

/* 0: not set (no timeout) */
struct proxy_timeouts {
    int64_t client_ms, server_ms, connect_ms, queue_ms, check_ms, tunnel_ms, tarpit_ms,
        client_fin_ms, server_fin_ms, http_request_ms, http_keep_alive_ms, client_hs_ms;
};

enum log_flavour { LOG_DEFAULT, LOG_TCP, LOG_HTTP, LOG_HTTPS, LOG_CLF, LOG_TCP_CLF, LOG_JSON,
                   LOG_TCP_JSON, LOG_CUSTOM };

/* use_backend and default_backend */
struct switch_rule {
    const struct condition *condition;
    const struct log_format *dynamic; /* name to be computed; NULL: `backend` */
    const char *name;
    struct proxy_conf *backend; /* resolved, same snapshot */
    struct source_pos pos;
    const char *text; /* the line as written, for people */
};
/* use-server */
struct server_rule {
    const struct condition *condition;
    const struct log_format *dynamic;
    const char *name;
    struct server_conf *server;
    struct source_pos pos;
    const char *text; /* the line as written, for people */
};

enum http_reuse { REUSE_NEVER, REUSE_SAFE, REUSE_AGGRESSIVE, REUSE_ALWAYS };
enum http_conn_mode { HTTP_KEEP_ALIVE, HTTP_SERVER_CLOSE, HTTP_CLOSE };

/* retry-on, as bits */
enum retry_on {
    RETRY_CONN_FAILURE = 1 << 0,
    RETRY_EMPTY_RESPONSE = 1 << 1,
    RETRY_JUNK_RESPONSE = 1 << 2,
    RETRY_RESPONSE_TIMEOUT = 1 << 3,
    RETRY_0RTT_REJECTED = 1 << 4,
    RETRY_401 = 1 << 5,
    RETRY_403 = 1 << 6,
    RETRY_404 = 1 << 7,
    RETRY_408 = 1 << 8,
    RETRY_421 = 1 << 9,
    RETRY_425 = 1 << 10,
    RETRY_429 = 1 << 11,
    RETRY_500 = 1 << 12,
    RETRY_501 = 1 << 13,
    RETRY_502 = 1 << 14,
    RETRY_503 = 1 << 15,
    RETRY_504 = 1 << 16,
    RETRY_CONN_ONLY = RETRY_CONN_FAILURE,
};

#define PROXY_CONF_MAGIC 0x50434f4eu
struct proxy_conf {
    unsigned magic;
    /* Identity */
    const char *name;
    struct source_pos pos;
    unsigned sides; /* set of enum proxy_side */
    int mode;       /* enum proxy_mode */
    int64_t id;     /* unique number; automatic from 2 */
    bool has_own_id; /* written */
    const char *guid;
    const char *description;
    bool disabled;
    bool starts_unpublished; /* be-unpublished */
    struct snapshot *snapshot; /* that this belongs to: who lets it outlive a turn holds that */
    struct proxy *live; /* set by ADOPT; holds */
    struct list link;   /* in proxy_list of the snapshot, in order of the text */

    /* What it contains */
    struct list binds;   /* struct bind_conf */
    struct list servers; /* struct server_conf (room server), in order */
    unsigned server_count;
    struct acl_scope *acls;
    struct ruleset tcp_connection, tcp_session, tcp_request, tcp_response;
    struct ruleset http_request, http_response, http_after_response;
    struct ruleset redirects; /* "redirect ...": behind http_request, whatever that has allowed */
    unsigned heir_sides;      /* of a defaults section with rules: sides of those that use it */
    struct switch_rule *switches; /* use_backend */
    unsigned switch_count;
    struct proxy_conf *default_backend;
    const char *default_backend_name;
    struct source_pos default_backend_pos;
    struct server_rule *server_rules;
    unsigned server_rule_count;
    struct log_targets *logs; /* telemetry */

    /* Limits and times */
    struct proxy_timeouts timeouts;
    int64_t maxconn, backlog;
    int64_t fullconn; /* not written: computed in CONFIG_ADOPT (fullconn.c) */
    const struct proxy_conf *fullconn_from; /* of fullconn.c: the frontend counted last */
    int64_t rate_limit_sessions;
    int64_t inspect_delay_ms, inspect_delay_response_ms;
    int64_t retries;
    unsigned retry_on;
    int64_t redispatch_interval; /* option redispatch <n>; 0: off */
    int64_t max_keep_alive_queue;
    int64_t hash_balance_factor;

    /* Words of options */
    int http_reuse;     /* enum http_reuse */
    int http_conn_mode; /* enum http_conn_mode */
    int log_flavour;    /* enum log_flavour */
    unsigned log_steps; /* log-steps: bits of room stream; 0: at the end only */
    struct log_format *log_format, *error_log_format, *log_format_sd;
    struct source_pos log_format_pos;
    struct log_format *unique_id_format;
    const char *unique_id_header;
    const char *log_tag;
    struct {
        bool abortonclose, abortonclose_set, allbackups, clitcpka, srvtcpka, contstats,
            dontlog_normal, dontlognull, http_buffer_request, disable_h2_upgrade, http_ignore_probes, http_no_delay,
            http_pretend_keepalive, http_use_proxy_header, independent_streams, log_health_checks,
            log_separate_errors, logasap, nolinger, persist, prefer_last_server, redispatch,
            socket_stats, splice_auto, splice_request, splice_response, tcp_smart_accept,
            tcp_smart_connect, unsafe_request, unsafe_response, drop_request_trailers,
            drop_response_trailers, srvtcpka_set, case_adjust_client, case_adjust_server,
            idle_close_on_response;
    } option;
    struct mux_settings front_mux, back_mux; /* computed in CONFIG_CHECK */
    struct dial_conf *source; /* "source" of the backend; each line makes its own; NULL: none */
    struct {
        int64_t count, idle_ms, interval_ms; /* 0: as the system has it */
    } client_keepalive, server_keepalive;  /* with option clitcpka, srvtcpka */
    void *slots; /* SLOT_PROXY: balance, checks, cookies, error pages, stats page ... */
};

/* Counters; a row per thread. Frontend part. */
struct proxy_row {
    uint64_t connections, connections_max_rate_unused;
    uint64_t sessions, requests, bytes_in, bytes_out;
    uint64_t denied_requests, denied_responses, bad_requests, connect_errors, response_errors,
        retries, redispatches;
    uint64_t denied_connections, denied_sessions;
    uint64_t status[6]; /* 1xx 2xx 3xx 4xx 5xx other */
    uint64_t intercepted, failed_rewrites, internal_errors;
    uint64_t client_aborts, server_aborts;
    uint64_t connect_attempts, connections_reused, lb_total;
    uint64_t backend_sessions, backend_bytes_in, backend_bytes_out;
    uint64_t queue_ms_sum, connect_ms_sum, response_ms_sum,
        total_ms_sum;     /* of the last requests: proxy_times_shift() */
    uint64_t timed_count; /* of all */
    uint64_t queue_ms_max, connect_ms_max, response_ms_max, total_ms_max;
    struct rate connection_rate, session_rate, request_rate, backend_rate;
    uint64_t connection_rate_max, session_rate_max, request_rate_max, backend_rate_max;
    uint64_t log_lines; /* %lc */
    uint64_t comp_in, comp_out, comp_byp, comp_rsp; /* compression: bytes, and responses */
    struct mux_counts muxes[MUX_PROTOCOLS];
    uint64_t tls_sessions, tls_resumed, tls_failed; /* with clients */
    struct histogram answer_times, total_times; /* of the backend */
};

/* Averages of times are over the last 1,024 requests. What a thread's part of them is, as a power
 * of two. */
static inline unsigned
proxy_times_shift(void)
{
    unsigned others = thread_count(); /* the first one is control */
    unsigned bits = others <= 2 ? 0 : 32 - (unsigned)__builtin_clz(others - 2);

    return bits > 6 ? 4 : 10 - bits;
}

#define PROXY_MAGIC 0x50524f58u
struct proxy { /* live */
    unsigned magic;
    unsigned refs;    /* control */
    const char *name; /* owns */
    unsigned sides;
    int64_t id;
    const struct proxy_conf *conf; /* RCU: in the current snapshot; NULL once it is gone */
    struct backend_live *back;   /* owns; SIDE_BACK only: room server */
    void (*back_free)(struct proxy *proxy); /* how it is freed: set by room server */
    struct counter_rows front_counters, back_counters; /* struct proxy_row */
    uint64_t front_current; /* atomic: open sessions of the frontend (against maxconn) */
    uint64_t front_max;
    uint64_t back_current; /* atomic: streams in the backend */
    uint64_t back_max;
    int state; /* enum proxy_state; control */
    int64_t last_change_ms;
    bool is_unpublished;      /* relaxed atomic: no rule sends streams to it */
    int64_t maxconn_override; /* set maxconn frontend; 0: conf's */
    struct list link;         /* in the table of live proxies */
};
enum proxy_state { PROXY_READY, PROXY_DISABLED, PROXY_STOPPING, PROXY_STOPPED };

/* --- configuration -------------------------------------------------------- */

/* All proxies of a snapshot in order of the text. */
struct list *proxy_list(const struct snapshot *snapshot);
/* By name and side; NULL: none. Fast (hashed). */
struct proxy_conf *proxy_conf_find(const struct snapshot *snapshot, struct str name, unsigned side);
static inline bool
proxy_conf_is_front(const struct proxy_conf *conf)
{
    return (conf->sides & SIDE_FRONT) != 0;
}
static inline bool
proxy_conf_is_back(const struct proxy_conf *conf)
{
    return (conf->sides & SIDE_BACK) != 0;
}

/* What the kernel counts in seconds; never less than was written. */
static inline int64_t
proxy_whole_seconds(int64_t ms)
{
    return (ms + 999) / 1000;
}

/* --- boot ------------------------------------------------------------------ */

/* Who serves what listeners of proxies accept: the stream room, before the first ADOPT. */
void proxy_set_listener_owner(const struct listener_owner *owner);

/* --- live, control -------------------------------------------------------- */

struct proxy *proxy_find(struct str name, unsigned side);
void proxy_hold(struct proxy *proxy);
void proxy_drop(struct proxy *proxy);

/* --- any thread ------------------------------------------------------------ */

/* The row of this thread. */
struct proxy_row *proxy_front_row(const struct proxy *proxy);
struct proxy_row *proxy_back_row(const struct proxy *proxy);
/* Chooses the backend for a stream: use_backend rules in order, then default_backend, then the
 * proxy itself when it is a listen. NULL: none (503). The rule that decided goes to *decided (NULL:
 * default). */
const struct proxy_conf *proxy_route(const struct proxy_conf *frontend, struct eval *eval,
                                     const struct switch_rule **decided);
/* Admission of one more session; false: at maxconn. Counted until proxy_session_ended(). */
bool proxy_session_begin(struct proxy *proxy, const struct proxy_conf *conf);
void proxy_session_end(struct proxy *proxy);
/* May the frontend accept one more now: maxconn, and rate-limit sessions? Any. */
bool proxy_may_accept(struct proxy *proxy);
