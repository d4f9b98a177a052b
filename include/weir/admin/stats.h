/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statistics of proxies, listeners and servers: one table of columns, filled for one
 * object at a time and written in several forms (CSV, typed text, JSON, the statistics page ...).
 *
 * Thread: control.
 */
#pragma once

#include "weir/base/text.h"
#include "weir/net/listener.h"
#include "weir/proxy/proxy.h"
#include "weir/server/server.h"
#include "weir/telemetry/metric.h"

/* In the order of HAProxy's CSV. Tools know many of them by position: new ones go to the end of
 * their block, never between. */
enum stat_column {
    STAT_PXNAME,
    STAT_SVNAME,
    STAT_QCUR,
    STAT_QMAX,
    STAT_SCUR,
    STAT_SMAX,
    STAT_SLIM,
    STAT_STOT,
    STAT_BIN,
    STAT_BOUT,
    STAT_DREQ,
    STAT_DRESP,
    STAT_EREQ,
    STAT_ECON,
    STAT_ERESP,
    STAT_WRETR,
    STAT_WREDIS,
    STAT_STATUS,
    STAT_WEIGHT,
    STAT_ACT,
    STAT_BCK,
    STAT_CHKFAIL,
    STAT_CHKDOWN,
    STAT_LASTCHG,
    STAT_DOWNTIME,
    STAT_QLIMIT,
    STAT_PID,
    STAT_IID,
    STAT_SID,
    STAT_THROTTLE,
    STAT_LBTOT,
    STAT_TRACKED,
    STAT_TYPE,
    STAT_RATE,
    STAT_RATE_LIM,
    STAT_RATE_MAX,
    STAT_CHECK_STATUS,
    STAT_CHECK_CODE,
    STAT_CHECK_DURATION,
    STAT_HRSP_1XX,
    STAT_HRSP_2XX,
    STAT_HRSP_3XX,
    STAT_HRSP_4XX,
    STAT_HRSP_5XX,
    STAT_HRSP_OTHER,
    STAT_HANAFAIL,
    STAT_REQ_RATE,
    STAT_REQ_RATE_MAX,
    STAT_REQ_TOT,
    STAT_CLI_ABRT,
    STAT_SRV_ABRT,
    STAT_COMP_IN,
    STAT_COMP_OUT,
    STAT_COMP_BYP,
    STAT_COMP_RSP,
    STAT_LASTSESS,
    STAT_LAST_CHK,
    STAT_LAST_AGT,
    STAT_QTIME,
    STAT_CTIME,
    STAT_RTIME,
    STAT_TTIME,
    STAT_AGENT_STATUS,
    STAT_AGENT_CODE,
    STAT_AGENT_DURATION,
    STAT_CHECK_DESC,
    STAT_AGENT_DESC,
    STAT_CHECK_RISE,
    STAT_CHECK_FALL,
    STAT_CHECK_HEALTH,
    STAT_AGENT_RISE,
    STAT_AGENT_FALL,
    STAT_AGENT_HEALTH,
    STAT_ADDR,
    STAT_COOKIE,
    STAT_MODE,
    STAT_ALGO,
    STAT_CONN_RATE,
    STAT_CONN_RATE_MAX,
    STAT_CONN_TOT,
    STAT_INTERCEPTED,
    STAT_DCON,
    STAT_DSES,
    STAT_WREW,
    STAT_CONNECT,
    STAT_REUSE,
    STAT_CACHE_LOOKUPS,
    STAT_CACHE_HITS,
    STAT_SRV_ICUR,
    STAT_SRC_ILIM,
    STAT_QTIME_MAX,
    STAT_CTIME_MAX,
    STAT_RTIME_MAX,
    STAT_TTIME_MAX,
    STAT_EINT,
    STAT_IDLE_CONN_CUR,
    STAT_SAFE_CONN_CUR,
    STAT_USED_CONN_CUR,
    STAT_NEED_CONN_EST,
    STAT_UWEIGHT,
    STAT_AGG_SERVER_STATUS,
    STAT_AGG_SERVER_CHECK_STATUS,
    STAT_AGG_CHECK_STATUS,
    STAT_SRID,
    STAT_SESS_OTHER,
    STAT_H1SESS,
    STAT_H2SESS,
    STAT_H3SESS,
    STAT_REQ_OTHER,
    STAT_H1REQ,
    STAT_H2REQ,
    STAT_H3REQ,
    STAT_PROTO,
    STAT_PRIV_IDLE_CUR,
    STAT_REQBIN,
    STAT_REQBOUT,
    STAT_RESBIN,
    STAT_RESBOUT,
    STAT_CACHE_HINT_HITS,
    STAT_H2_HEADERS_RCVD,
    STAT_H2_DATA_RCVD,
    STAT_H2_SETTINGS_RCVD,
    STAT_H2_RST_STREAM_RCVD,
    STAT_H2_GOAWAY_RCVD,
    STAT_H2_DETECTED_CONN_PROTOCOL_ERRORS,
    STAT_H2_DETECTED_STRM_PROTOCOL_ERRORS,
    STAT_H2_RST_STREAM_RESP,
    STAT_H2_GOAWAY_RESP,
    STAT_H2_OPEN_CONNECTIONS,
    STAT_H2_BACKEND_OPEN_STREAMS,
    STAT_H2_TOTAL_CONNECTIONS,
    STAT_H2_BACKEND_TOTAL_STREAMS,
    STAT_SSL_SESS,
    STAT_SSL_REUSED_SESS,
    STAT_SSL_FAILED_HANDSHAKE,
    STAT_SSL_OCSP_STAPLE,
    STAT_SSL_FAILED_OCSP_STAPLE,
    STAT_H1_OPEN_CONNECTIONS,
    STAT_H1_OPEN_STREAMS,
    STAT_H1_TOTAL_CONNECTIONS,
    STAT_H1_TOTAL_STREAMS,
    STAT_H1_BYTES_IN,
    STAT_H1_BYTES_OUT,
    STAT_H1_SPLICED_BYTES_IN,
    STAT_H1_SPLICED_BYTES_OUT,
    STAT_COLUMNS,
};
/* The CSV has a column "-" before this one: what follows may change from version to version. */
#define STAT_FIRST_EXTRA STAT_H2_HEADERS_RCVD

extern const struct metric stat_columns[STAT_COLUMNS];

enum stat_kind { /* the numbers of column "type" */
                 STAT_FRONTEND,
                 STAT_BACKEND,
                 STAT_SERVER,
                 STAT_LISTENER,
};

/* The figures of one object at this moment. */
struct stat_row {
    enum stat_kind kind;
    int64_t proxy_id;
    int64_t id; /* of the server or listener, else 0 */
    struct metric_value values[STAT_COLUMNS];
    /* What values point to. */
    char status[64];
    char addr[ADDR_TEXT_MAX];
    char check_status[16];
    char check_text[160];
    char agent_status[16], agent_text[128];
    char name[32];
};

/* What the reader may see. */
enum stat_flag {
    STAT_WITH_ADDRESSES = 1 << 0, /* addresses, cookies, algorithms: level operator */
    STAT_NO_MAINT = 1 << 1,       /* leave out servers in maintenance */
    STAT_UP_ONLY = 1 << 2,        /* leave out servers that are not up */
};

/* What is to be shown: -1 or NULL means all. */
struct stat_filter {
    unsigned flags; /* set of enum stat_flag */
    int64_t proxy_id;
    int64_t kinds; /* 1 frontends, 2 backends, 4 servers, 8 listeners */
    int64_t id;
};

typedef void stat_row_fn(struct stat_row *row, void *arg);

/* The rows of one proxy, in order: frontend, listeners, servers, backend. */
void stats_walk_proxy(const struct proxy_conf *conf, const struct stat_filter *filter,
                      stat_row_fn *fn, void *arg);

/* Fill one row. */
void stat_fill_frontend(struct stat_row *row, const struct proxy_conf *conf, unsigned flags);
void stat_fill_listener(struct stat_row *row, const struct proxy_conf *conf,
                        const struct bind_conf *bind, int64_t id, unsigned flags);
void stat_fill_server(struct stat_row *row, const struct proxy_conf *conf,
                      const struct server *server, unsigned flags);
void stat_fill_backend(struct stat_row *row, const struct proxy_conf *conf, unsigned flags);

/* Forms. */
void stat_csv_header(struct text *out);
void stat_csv_row(struct text *out, const struct stat_row *row);
void stat_typed_row(struct text *out, const struct stat_row *row, bool with_help);
/* One object of the outer array. */
void stat_json_row(struct json *json, const struct stat_row *row);
