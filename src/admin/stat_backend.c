/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of backends.
 *
 * For:     "show stat".
 * Owns:    nothing.
 * Callers: stats.c.
 * Thread:  control.
 */
#include <stddef.h>

#include "weir/balance/persistence.h"
#include "weir/balance/pick.h"
#include "private.h"

#define ROW(field) offsetof(struct proxy_row, field)

static const struct counter_column back_columns[] = {
    { STAT_COMP_IN, ROW(comp_in) },         { STAT_COMP_OUT, ROW(comp_out) },
    { STAT_COMP_BYP, ROW(comp_byp) },       { STAT_COMP_RSP, ROW(comp_rsp) },
    { STAT_STOT, ROW(backend_sessions) },    { STAT_BIN, ROW(backend_bytes_in) },
    { STAT_BOUT, ROW(backend_bytes_out) },   { STAT_DREQ, ROW(denied_requests) },
    { STAT_DRESP, ROW(denied_responses) },   { STAT_ECON, ROW(connect_errors) },
    { STAT_ERESP, ROW(response_errors) },    { STAT_WRETR, ROW(retries) },
    { STAT_WREDIS, ROW(redispatches) },      { STAT_LBTOT, ROW(lb_total) },
    { STAT_CLI_ABRT, ROW(client_aborts) },   { STAT_SRV_ABRT, ROW(server_aborts) },
    { STAT_WREW, ROW(failed_rewrites) },     { STAT_CONNECT, ROW(connect_attempts) },
    { STAT_REUSE, ROW(connections_reused) }, { STAT_EINT, ROW(internal_errors) },
    { STAT_REQBOUT, ROW(backend_bytes_in) }, { STAT_RESBIN, ROW(backend_bytes_out) },
};

static const struct counter_column back_http_columns[] = {
    { STAT_HRSP_1XX, ROW(status[0]) }, { STAT_HRSP_2XX, ROW(status[1]) },
    { STAT_HRSP_3XX, ROW(status[2]) }, { STAT_HRSP_4XX, ROW(status[3]) },
    { STAT_HRSP_5XX, ROW(status[4]) }, { STAT_HRSP_OTHER, ROW(status[5]) },
    { STAT_REQ_TOT, ROW(requests) },
};

static void
fill_backend_times(struct stat_row *row, const struct counter_rows *rows)
{
    struct metric_value *values = row->values;
    const size_t count = ROW(timed_count);

    values[STAT_QTIME] = metric_u32(stat_average(rows, ROW(queue_ms_sum), count));
    values[STAT_CTIME] = metric_u32(stat_average(rows, ROW(connect_ms_sum), count));
    values[STAT_RTIME] = metric_u32(stat_average(rows, ROW(response_ms_sum), count));
    values[STAT_TTIME] = metric_u32(stat_average(rows, ROW(total_ms_sum), count));
    values[STAT_QTIME_MAX] = metric_u32(counter_max(rows, ROW(queue_ms_max)));
    values[STAT_CTIME_MAX] = metric_u32(counter_max(rows, ROW(connect_ms_max)));
    values[STAT_RTIME_MAX] = metric_u32(counter_max(rows, ROW(response_ms_max)));
    values[STAT_TTIME_MAX] = metric_u32(counter_max(rows, ROW(total_ms_max)));
}

/* What its servers add up to. */
static void
fill_servers(struct stat_row *row, const struct proxy *proxy)
{
    const struct server_set *set = server_set_read(proxy);
    const struct backend_live *back = proxy->back;
    struct metric_value *values = row->values;
    uint64_t weight = 0;
    int64_t newest_s = 0;
    bool is_up = set->all_count == 0 || set->usable_count > 0;

    for (unsigned i = 0; i < set->usable_count; i++)
        weight += (uint64_t)set->usable[i]->user_weight;
    for (unsigned i = 0; i < set->all_count; i++) {
        int64_t wall_s = stat_last_session_s(&set->all[i]->counters);

        newest_s = wall_s > newest_s ? wall_s : newest_s;
    }
    values[STAT_STATUS] = metric_text(is_up ? "UP" : "DOWN");
    values[STAT_WEIGHT] = metric_u32(weight);
    values[STAT_UWEIGHT] = metric_u32(weight);
    values[STAT_ACT] = metric_u32(set->active_count);
    values[STAT_BCK] = metric_u32(set->backup_count);
    values[STAT_CHKDOWN] = metric_u64(back->down_transitions);
    values[STAT_LASTCHG] = metric_u32(stat_seconds_since(back->last_change_ms));
    values[STAT_LASTSESS] = metric_s32(stat_seconds_ago(newest_s));
    if (set->all_count > 0)
        values[STAT_DOWNTIME] = metric_u32(((uint64_t)back->down_ms / 1000) +
                                           (is_up ? 0 : stat_seconds_since(back->last_change_ms)));
}

void
stat_fill_backend(struct stat_row *row, const struct proxy_conf *conf, unsigned flags)
{
    const struct proxy *proxy = conf->live;
    const struct counter_rows *rows = &proxy->back_counters;
    const struct queue *queue = &proxy->back->queue;
    struct metric_value *values = row->values;

    stat_begin_row(row, STAT_BACKEND, conf, "BACKEND", 0);
    stat_fill_counters(row, rows, back_columns, COUNT(back_columns));
    stat_fill_zeros(row, STAT_AGG_SERVER_STATUS, STAT_AGG_CHECK_STATUS);
    stat_fill_modules(row, rows);
    values[STAT_REQBIN] = metric_u64(0);
    values[STAT_RESBOUT] = metric_u64(0);
    if (conf->mode == MODE_HTTP) {
        stat_fill_counters(row, rows, back_http_columns, COUNT(back_http_columns));
        stat_fill_zeros(row, STAT_CACHE_LOOKUPS, STAT_CACHE_HITS);
        stat_fill_zeros(row, STAT_CACHE_HINT_HITS, STAT_CACHE_HINT_HITS);
    }
    fill_backend_times(row, rows);
    fill_servers(row, proxy);
    values[STAT_QCUR] = metric_u32(__atomic_load_n(&queue->length, __ATOMIC_RELAXED));
    values[STAT_QMAX] = metric_u32(__atomic_load_n(&queue->length_max, __ATOMIC_RELAXED));
    values[STAT_SCUR] = metric_u32(__atomic_load_n(&proxy->back_current, __ATOMIC_RELAXED));
    values[STAT_SMAX] = metric_u32(__atomic_load_n(&proxy->back_max, __ATOMIC_RELAXED));
    values[STAT_SLIM] = metric_u32((uint64_t)conf->fullconn);
    values[STAT_RATE] = metric_u32(stat_rate(rows, ROW(backend_rate)));
    values[STAT_RATE_MAX] = metric_u32(counter_sum(rows, ROW(backend_rate_max)));
    if ((flags & STAT_WITH_ADDRESSES) != 0)
        values[STAT_ALGO] = metric_text(balance_name(conf));
    if ((flags & STAT_WITH_ADDRESSES) != 0 && persistence_cookie_name(conf) != NULL)
        values[STAT_COOKIE] = metric_text(persistence_cookie_name(conf));
}
