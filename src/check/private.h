/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room check share. */
#pragma once

#include "weir/base/arena.h"
#include "weir/base/text.h"
#include "weir/check/check.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/expr/variable.h"
#include "weir/loop/timer.h"
#include "weir/net/connector.h"

/* What a server line says about its check. Slot of server_conf. */
struct check_conf {
    bool is_on;
    int64_t inter_ms, fastinter_ms, downinter_ms; /* 0: not given */
    int64_t rise, fall;
    int64_t port;     /* 0: the server's */
    struct addr addr; /* ADDR_NONE: the server's */
    bool send_proxy, via_socks4;
    const struct mux *mux; /* check-proto; NULL: not given */
    bool reuses;           /* check-reuse-pool */
    const char *named;     /* healthcheck; NULL: as the backend says */
    struct check_method *method; /* of that section */
};
const struct check_conf *check_conf_of(const struct server_conf *srv);
struct check_conf *check_conf_write(struct server_conf *srv); /* builder */

/* Reads the name of a protocol. NULL: reported. Builder. */
const struct mux *check_parse_proto(struct parse *parse);

/* Of all checks. Slot of the global section. */
struct check_global {
    int64_t spread_percent, max_spread_ms;
    int64_t max_running; /* at once; 0: any number */
};
const struct check_global *check_global_now(void);

/* How the servers of a backend are checked. Slot of proxy_conf. */
struct check_step;
struct program;
struct http_request;
struct message;
struct mux;
struct mux_conn;
struct endpoint;
struct check_method {
    bool is_http;
    bool stops_on_404; /* http-check disable-on-404 */
    bool sends_state;  /* http-check send-state */
    const char *method, *version, *raw_fields; /* option httpchk */
    const struct log_format *uri, *host;
    struct check_step *first, *last; /* as written */
    struct check_step *inherited;      /* request of another section; NULL: none */
    struct check_step *prepared;       /* of option redis-check ...; NULL: none */
    /* The sections that say it; another one starts afresh. */
    const void *steps_of, *request_of;
    struct check_step **steps; /* as they run; NULL at the end. Made in CONFIG_CHECK */
    bool is_steps;             /* option tcp-check */
    bool is_plain;             /* connects, and nobody wrote a step */
};
const struct check_method *check_method_of(const struct proxy_conf *backend);
/* Of a server: its own, or that of the backend. */
const struct check_method *check_method_of_server(const struct server_conf *srv);
struct check_method *check_method_in(void *slots); /* of a proxy, or of a healthcheck section */
struct check_method *check_method_of_parse(struct parse *parse); /* keyword of a backend */

/* The check of a live server. Control. */
struct check {
    struct server *server; /* holds */
    struct timer timer;    /* when to begin the next one, or by when the running one must be done */
    struct addr addr; /* set at run time; ADDR_NONE: as configured */
    uint16_t port;    /* the same; 0 */
    bool is_running; /* check_count_running() changes it */
    struct list waiting; /* for others to end: tune.max-checks-per-thread */
    bool is_wanted; /* by the configuration */
    bool is_paused; /* disable health */
    bool in_maint;  /* as seen last */
    int health;     /* 0 .. rise + fall - 1; up from rise on */
    enum check_status status;
    bool is_other; /* than the one before */
    int code;
    int64_t began_us, duration_ms;
    struct connection *conn; /* while it runs; owns, unless there is a mux */
    struct mux_conn *mux;    /* owns: of an HTTP/2 connection, or one to be kept; NULL: none */
    struct mux_conn *kept;   /* owns: idle, from an earlier check; NULL: none */
    bool is_reused;          /* its connection has served before */
    bool keeps;              /* the running one may leave its connection for the next */
    struct endpoint *ep;     /* its stream; NULL: nothing was asked yet */
    struct message *request; /* owns: what was asked there */
    struct message *response; /* owns: the head that came; NULL: none yet */
    size_t head_len;          /* of it, in `received` */
    bool is_junk;             /* no response of HTTP */
    uint8_t asked_method;     /* enum http_method */
    struct program *child;     /* the program that checks; NULL: none */
    uint64_t key;            /* of TLS settings and names: struct tls_dial */
    bool has_all;            /* nothing more will come from it */
    struct text received, to_send;
    size_t sent;
    unsigned step;           /* index into the steps of the method */
    bool has_l7;             /* sent or expected something */
    enum check_status ended; /* what the steps so far make of it */
    int judged_code;         /* by the judge of a protocol */
    int ended_code;
    char ended_text[128];
    struct arena arena;      /* of the running one */
    struct variable_set variables, session_variables; /* of the running one */
    char text[128]; /* what the last one said: "Connection refused" */
    char unique_id[129]; /* of the running one, once it was asked for */
};

/* --- check_run.c: one check over one connection ----------------------------------- */

/* The connection that is kept for the next check. mux_check.c */
void mux_check_drop_kept(struct check *check);
void check_run_begin(struct check *check);
void check_run_abort(struct check *check);

/* --- check.c: what a result does to the server ------------------------------------- */

/* Wanted, not paused, not in maintenance. */
bool check_is_due(const struct check *check);
void check_schedule(struct check *check, int64_t delay_ms);
/* It begins, or has ended; or it waits no more. */
void check_count_running(struct check *check, bool is_running);
/* The run is over. `info`: NULL, or what the other side said. */
void check_done(struct check *check, enum check_status status, int code, const char *info);
/* Traffic saw too many errors. Control. */
enum observe_action { OBSERVE_FASTINTER, OBSERVE_FAIL_CHECK, OBSERVE_SUDDEN_DEATH, OBSERVE_MARK_DOWN };
void check_observed(struct server *srv, enum observe_action action, const char *text);
void check_timed_out(struct check *check);
