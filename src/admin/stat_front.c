/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of what clients see: frontends and their listeners.
 *
 * For:     "show stat".
 * Owns:    nothing.
 * Callers: stats.c.
 * Thread:  control.
 */
#include <stddef.h>
#include <stdio.h>

#include "weir/telemetry/process.h"
#include "private.h"

#define ROW(field) offsetof(struct proxy_row, field)

static const struct counter_column front_columns[] = {
    { STAT_COMP_IN, ROW(comp_in) },         { STAT_COMP_OUT, ROW(comp_out) },
    { STAT_COMP_BYP, ROW(comp_byp) },       { STAT_COMP_RSP, ROW(comp_rsp) },
    { STAT_STOT, ROW(sessions) },           { STAT_BIN, ROW(bytes_in) },
    { STAT_BOUT, ROW(bytes_out) },          { STAT_DREQ, ROW(denied_requests) },
    { STAT_DRESP, ROW(denied_responses) },  { STAT_EREQ, ROW(bad_requests) },
    { STAT_REQ_TOT, ROW(requests) },        { STAT_CONN_TOT, ROW(connections) },
    { STAT_DCON, ROW(denied_connections) }, { STAT_DSES, ROW(denied_sessions) },
    { STAT_WREW, ROW(failed_rewrites) },    { STAT_EINT, ROW(internal_errors) },
    { STAT_REQBIN, ROW(bytes_in) },         { STAT_RESBOUT, ROW(bytes_out) },
};

static const struct counter_column http_columns[] = {
    { STAT_HRSP_1XX, ROW(status[0]) },      { STAT_HRSP_2XX, ROW(status[1]) },
    { STAT_HRSP_3XX, ROW(status[2]) },      { STAT_HRSP_4XX, ROW(status[3]) },
    { STAT_HRSP_5XX, ROW(status[4]) },      { STAT_HRSP_OTHER, ROW(status[5]) },
    { STAT_INTERCEPTED, ROW(intercepted) },
};

#define LISTENER_ROW(field) offsetof(struct listener_row, field)

static const struct counter_column listener_columns[] = {
    { STAT_BIN, LISTENER_ROW(bytes_in) },          { STAT_BOUT, LISTENER_ROW(bytes_out) },
    { STAT_DREQ, LISTENER_ROW(denied_requests) },  { STAT_DRESP, LISTENER_ROW(denied_responses) },
    { STAT_EREQ, LISTENER_ROW(bad_requests) },     { STAT_DSES, LISTENER_ROW(denied_sessions) },
    { STAT_REQBIN, LISTENER_ROW(bytes_in) },       { STAT_RESBOUT, LISTENER_ROW(bytes_out) },
};

static const char *
front_status(const struct proxy *proxy)
{
    switch ((enum proxy_state)proxy->state) {
    case PROXY_READY:
    case PROXY_STOPPING:
        return "OPEN";
    case PROXY_DISABLED:
        return "PAUSED";
    case PROXY_STOPPED:
        return "STOP";
    }
    return "OPEN";
}

static uint64_t
session_limit(const struct proxy_conf *conf)
{
    int64_t limit =
        conf->live->maxconn_override != 0 ? conf->live->maxconn_override : conf->maxconn;

    if (limit == 0)
        limit = __atomic_load_n(&this_process.maxconn, __ATOMIC_RELAXED);
    return (uint64_t)limit;
}

/* By protocol. Streams that are not HTTP are TCP sessions. */
static void
fill_protocols(struct stat_row *row, const struct proxy_conf *conf, const struct counter_rows *rows)
{
    bool is_http = conf->mode == MODE_HTTP;
    uint64_t sessions = counter_sum(rows, ROW(sessions));
    uint64_t requests = counter_sum(rows, ROW(requests));

    stat_fill_zeros(row, STAT_SESS_OTHER, STAT_H3REQ);
    if (is_http) {
        uint64_t h2_requests = stat_mux_sum(rows, MUX_H2, true);

        row->values[STAT_H1SESS] = metric_u64(stat_mux_sum(rows, MUX_H1, false));
        row->values[STAT_H2SESS] = metric_u64(stat_mux_sum(rows, MUX_H2, false));
        row->values[STAT_H1REQ] =
            metric_u64(requests > h2_requests ? requests - h2_requests : 0);
        row->values[STAT_H2REQ] = metric_u64(h2_requests);
        return;
    }
    row->values[STAT_SESS_OTHER] = metric_u64(sessions);
    row->values[STAT_REQ_OTHER] = metric_u64(requests);
}

static void
fill_rates(struct stat_row *row, const struct counter_rows *rows)
{
    struct metric_value *values = row->values;

    values[STAT_RATE] = metric_u32(stat_rate(rows, ROW(session_rate)));
    values[STAT_RATE_MAX] = metric_u32(counter_sum(rows, ROW(session_rate_max)));
    values[STAT_REQ_RATE] = metric_u32(stat_rate(rows, ROW(request_rate)));
    values[STAT_REQ_RATE_MAX] = metric_u32(counter_sum(rows, ROW(request_rate_max)));
    values[STAT_CONN_RATE] = metric_u32(stat_rate(rows, ROW(connection_rate)));
    values[STAT_CONN_RATE_MAX] = metric_u32(counter_sum(rows, ROW(connection_rate_max)));
}

void
stat_fill_frontend(struct stat_row *row, const struct proxy_conf *conf, unsigned flags)
{
    const struct proxy *proxy = conf->live;
    const struct counter_rows *rows = &proxy->front_counters;
    struct metric_value *values = row->values;

    (void)flags;
    stat_begin_row(row, STAT_FRONTEND, conf, "FRONTEND", 0);
    stat_fill_counters(row, rows, front_columns, COUNT(front_columns));
    stat_fill_zeros(row, STAT_REQBOUT, STAT_RESBIN);
    stat_fill_modules(row, rows);
    if (conf->mode == MODE_HTTP) {
        stat_fill_counters(row, rows, http_columns, COUNT(http_columns));
        stat_fill_zeros(row, STAT_CACHE_LOOKUPS, STAT_CACHE_HITS);
        stat_fill_zeros(row, STAT_CACHE_HINT_HITS, STAT_CACHE_HINT_HITS);
    }
    fill_rates(row, rows);
    fill_protocols(row, conf, rows);
    values[STAT_SCUR] = metric_u32(__atomic_load_n(&proxy->front_current, __ATOMIC_RELAXED));
    values[STAT_SMAX] = metric_u32(__atomic_load_n(&proxy->front_max, __ATOMIC_RELAXED));
    values[STAT_SLIM] = metric_u32(session_limit(conf));
    values[STAT_STATUS] = metric_text(front_status(proxy));
    values[STAT_RATE_LIM] = metric_u32((uint64_t)conf->rate_limit_sessions);
}

/* --- listeners ----------------------------------------------------------------- */

static const char *
listener_status(const struct listener *ln)
{
    switch (listener_shown_state(ln)) {
    case LISTENER_NEW:
    case LISTENER_READY:
        return "OPEN";
    case LISTENER_FULL:
        return "FULL";
    case LISTENER_PAUSED:
    case LISTENER_STOPPED:
        return "WAITING";
    }
    return "OPEN";
}

static const char *
protocol_name(const struct addr *addr)
{
    switch ((enum addr_family)addr->family) {
    case ADDR_IPV4:
        return "tcpv4";
    case ADDR_IPV6:
        return "tcpv6";
    case ADDR_UNIX:
    case ADDR_ABSTRACT:
    case ADDR_ABSTRACT_SHORT:
        return "unix_stream";
    case ADDR_SOCKPAIR:
        return "sockpair";
    case ADDR_NONE:
    case ADDR_FD:
        return "";
    }
    return "";
}

static void
fill_listener_address(struct stat_row *row, const struct addr *addr)
{
    if (addr_is_ip(addr))
        addr_format(addr, row->addr, sizeof(row->addr));
    else
        snprintf(row->addr, sizeof(row->addr), "unix");
    row->values[STAT_ADDR] = metric_text(row->addr);
}

void
stat_fill_listener(struct stat_row *row, const struct proxy_conf *conf,
                   const struct bind_conf *bind, int64_t id, unsigned flags)
{
    const struct listener *ln = bind->listener;
    const struct counter_rows *rows = &ln->counters;
    struct metric_value *values = row->values;

    snprintf(row->name, sizeof(row->name), "sock-%lld", (long long)id);
    stat_begin_row(row, STAT_LISTENER, conf, bind->name == NULL ? row->name : bind->name, id);
    values[STAT_SCUR] = metric_u32(counter_sum(rows, offsetof(struct listener_row, current)));
    values[STAT_SMAX] = metric_u32(__atomic_load_n(&ln->current_max, __ATOMIC_RELAXED));
    values[STAT_SLIM] = metric_u32((uint64_t)bind->maxconn);
    values[STAT_STOT] = metric_u64(counter_sum(rows, offsetof(struct listener_row, accepted)));
    values[STAT_CONN_TOT] = values[STAT_STOT];
    values[STAT_DCON] = metric_u64(counter_sum(rows, offsetof(struct listener_row, refused)));
    values[STAT_STATUS] = metric_text(listener_status(ln));
    values[STAT_PROTO] = metric_text(protocol_name(&ln->addr));
    stat_fill_zeros(row, STAT_DSES, STAT_WREW);
    stat_fill_zeros(row, STAT_EINT, STAT_EINT);
    stat_fill_zeros(row, STAT_REQBIN, STAT_RESBOUT);
    stat_fill_counters(row, rows, listener_columns, COUNT(listener_columns));
    stat_fill_zeros(row, STAT_SSL_SESS, STAT_SSL_FAILED_OCSP_STAPLE);
    if ((flags & STAT_WITH_ADDRESSES) != 0)
        fill_listener_address(row, &ln->addr);
}
