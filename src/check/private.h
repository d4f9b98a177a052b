/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of room check share. */
#pragma once

#include "weir/base/text.h"
#include "weir/check/check.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/loop/timer.h"
#include "weir/net/connector.h"

/* What a server line says about its check. Slot of server_conf. */
struct check_conf {
    bool is_on;
    int64_t inter_ms, fastinter_ms, downinter_ms; /* 0: not given */
    int64_t rise, fall;
    int64_t port;     /* 0: the server's */
    struct addr addr; /* ADDR_NONE: the server's */
    bool send_proxy;
};
const struct check_conf *check_conf_of(const struct server_conf *srv);

/* How the servers of a backend are checked. Slot of proxy_conf. */
enum expect_kind { EXPECT_DEFAULT, EXPECT_STATUS, EXPECT_RSTATUS, EXPECT_STRING, EXPECT_RSTRING };
struct check_method {
    bool is_http;
    const char *method, *uri, *version, *host;
    const char *headers; /* whole lines, each with CRLF; "" */
    const char *body;    /* NULL: none */
    enum expect_kind expect;
    /* The sections that say it; another one starts afresh. */
    const void *expect_of, *send_of, *request_of;
    bool is_negated;
    bool stops_on_404; /* http-check disable-on-404 */
    const char *expected;
    struct regex *regex;
    const char *request; /* the bytes to send; made in CONFIG_CHECK */
};
const struct check_method *check_method_of(const struct proxy_conf *backend);

/* The check of a live server. Control. */
struct check {
    struct server *server; /* holds */
    struct timer timer;    /* when to begin the next one, or by when the running one must be done */
    bool is_running;
    bool is_wanted; /* by the configuration */
    bool is_paused; /* disable health */
    bool in_maint;  /* as seen last */
    int health;     /* 0 .. rise + fall - 1; up from rise on */
    enum check_status status;
    int code;
    int64_t began_us, duration_ms;
    struct connection *conn; /* owns while it runs */
    struct text received;
    size_t sent;
    char text[128]; /* what the last one said: "Connection refused" */
};

/* --- check_run.c: one check over one connection ----------------------------------- */

void check_run_begin(struct check *check);
void check_run_abort(struct check *check);

/* --- check.c: what a result does to the server ------------------------------------- */

/* The run is over. `info`: NULL, or what the other side said. */
void check_done(struct check *check, enum check_status status, int code, const char *info);

/* --- http_check.c --------------------------------------------------------------------- */

/* Looks at what has been received so far. False: more must come. `at_end`: no more will. */
bool http_check_judge(struct check *check, const struct check_method *method, bool at_end);
