/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of servers.
 *
 * For:     "show stat".
 * Owns:    nothing.
 * Callers: stats.c.
 * Thread:  control.
 */
#include <stddef.h>
#include <stdio.h>

#include "weir/check/check.h"
#include "weir/loop/loop.h"
#include "weir/server/idle_pool.h"
#include "private.h"

#define ROW(field) offsetof(struct server_row, field)

static const struct counter_column server_columns[] = {
    { STAT_STOT, ROW(sessions) },
    { STAT_BIN, ROW(bytes_in) },
    { STAT_BOUT, ROW(bytes_out) },
    { STAT_DRESP, ROW(denied_responses) },
    { STAT_ECON, ROW(connect_errors) },
    { STAT_ERESP, ROW(response_errors) },
    { STAT_WRETR, ROW(retries) },
    { STAT_WREDIS, ROW(redispatches) },
    { STAT_LBTOT, ROW(lb_total) },
    { STAT_CLI_ABRT, ROW(client_aborts) },
    { STAT_SRV_ABRT, ROW(server_aborts) },
    { STAT_WREW, ROW(failed_rewrites) },
    { STAT_CONNECT, ROW(connect_attempts) },
    { STAT_REUSE, ROW(connections_reused) },
    { STAT_EINT, ROW(internal_errors) },
    { STAT_REQBOUT, ROW(bytes_in) },
    { STAT_RESBIN, ROW(bytes_out) },
};

static const struct counter_column server_http_columns[] = {
    { STAT_HRSP_1XX, ROW(status[0]) }, { STAT_HRSP_2XX, ROW(status[1]) },
    { STAT_HRSP_3XX, ROW(status[2]) }, { STAT_HRSP_4XX, ROW(status[3]) },
    { STAT_HRSP_5XX, ROW(status[4]) }, { STAT_HRSP_OTHER, ROW(status[5]) },
    { STAT_REQ_TOT, ROW(requests) },
};

static bool
has_agent(const struct server *server)
{
    struct check_view agent;

    return agent_view(server, &agent) && agent.is_enabled;
}

/* "UP", "UP 1/3", "DOWN 1/2", "MAINT", "DRAIN", "NOLB", "no check". */
static void
format_status(char *to, size_t size, const struct server *server, const struct check_view *check)
{
    const char *word = "UP";

    if ((server->admin & ADMIN_MAINT) != 0)
        word = (server->admin & ADMIN_RMAINT) != 0 ? "MAINT (resolution)" : "MAINT";
    else if (server->state == SERVER_STOPPED)
        word = agent_holds_down(server) ? "DOWN (agent)" : "DOWN";
    else if ((server->admin & ADMIN_DRAIN) != 0)
        word = has_agent(server) ? "DRAIN (agent)" : "DRAIN";
    else if (server->state == SERVER_STOPPING)
        word = "NOLB";
    else if (!check->is_enabled)
        word = "no check";
    snprintf(to, size, "%s", word);
    if (!check->is_enabled || (server->admin & ADMIN_MAINT) != 0)
        return;
    if (server->state == SERVER_STOPPED) {
        if (check->health > 0 && !agent_holds_down(server))
            snprintf(to, size, "%s %d/%d", word, check->health, check->rise);
    } else if (check->health < check->rise + check->fall - 1) {
        snprintf(to, size, "%s %d/%d", word, check->health - check->rise + 1, check->fall);
    }
}

static void
fill_check(struct stat_row *row, const struct server *server, const struct check_view *check)
{
    struct metric_value *values = row->values;

    values[STAT_CHKFAIL] = metric_u64(server->failed_checks);
    values[STAT_CHKDOWN] = metric_u64(server->down_transitions);
    values[STAT_DOWNTIME] = metric_u32(
        (server->down_ms + (server->state == SERVER_STOPPED || (server->admin & ADMIN_MAINT) != 0
                                ? (uint64_t)(loop_now_ms(loop_here()) - server->last_change_ms)
                                : 0)) /
        1000);
    if ((server->admin & ADMIN_MAINT) != 0)
        return;
    snprintf(row->check_status, sizeof(row->check_status), "%s%s", check->in_progress ? "* " : "",
             check_status_name(check->status));
    values[STAT_CHECK_STATUS] = metric_text(row->check_status);
    if (check_status_has_code(check->status))
        values[STAT_CHECK_CODE] = metric_u32((uint64_t)check->code);
    if (check->duration_ms >= 0)
        values[STAT_CHECK_DURATION] = metric_u64((uint64_t)check->duration_ms);
    values[STAT_CHECK_DESC] = metric_text(check->description);
    if (check->last_text[0] != '\0') {
        snprintf(row->check_text, sizeof(row->check_text), "%s", check->last_text);
        values[STAT_LAST_CHK] = metric_text(row->check_text);
    }
    values[STAT_CHECK_RISE] = metric_u32((uint64_t)check->rise);
    values[STAT_CHECK_FALL] = metric_u32((uint64_t)check->fall);
    values[STAT_CHECK_HEALTH] = metric_u32((uint64_t)check->health);
}

static void
fill_agent(struct stat_row *row, const struct server *server)
{
    struct metric_value *values = row->values;
    struct check_view agent;

    if (!agent_view(server, &agent))
        return;
    snprintf(row->agent_status, sizeof(row->agent_status), "%s%s", agent.in_progress ? "* " : "",
             check_status_name(agent.status));
    values[STAT_AGENT_STATUS] = metric_text(row->agent_status);
    if (check_status_has_code(agent.status))
        values[STAT_AGENT_CODE] = metric_u32((uint64_t)agent.code);
    if (agent.duration_ms >= 0)
        values[STAT_AGENT_DURATION] = metric_u64((uint64_t)agent.duration_ms);
    values[STAT_AGENT_DESC] = metric_text(agent.description);
    if (agent.last_text[0] != '\0') {
        snprintf(row->agent_text, sizeof(row->agent_text), "%s", agent.last_text);
        values[STAT_LAST_AGT] = metric_text(row->agent_text);
    }
    values[STAT_AGENT_RISE] = metric_u32((uint64_t)agent.rise);
    values[STAT_AGENT_FALL] = metric_u32((uint64_t)agent.fall);
    values[STAT_AGENT_HEALTH] = metric_u32((uint64_t)agent.health);
}

static void
fill_server_times(struct stat_row *row, const struct counter_rows *rows)
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

static void
fill_connections(struct stat_row *row, const struct server *server, const struct server_conf *conf)
{
    struct metric_value *values = row->values;
    uint64_t used = __atomic_load_n(&server->current, __ATOMIC_RELAXED);
    uint64_t idle = idle_pool_count(server);

    values[STAT_QCUR] = metric_u32(__atomic_load_n(&server->queue.length, __ATOMIC_RELAXED));
    values[STAT_QMAX] = metric_u32(__atomic_load_n(&server->queue.length_max, __ATOMIC_RELAXED));
    values[STAT_SCUR] = metric_u32(used);
    values[STAT_SMAX] = metric_u32(__atomic_load_n(&server->current_max, __ATOMIC_RELAXED));
    if (server->maxconn != 0)
        values[STAT_SLIM] = metric_u32((uint64_t)server->maxconn);
    if (conf->maxqueue != 0)
        values[STAT_QLIMIT] = metric_u32((uint64_t)conf->maxqueue);
    values[STAT_SRV_ICUR] = metric_u32(idle);
    if (conf->pool_max_conn != -1)
        values[STAT_SRC_ILIM] = metric_u32((uint64_t)conf->pool_max_conn);
    values[STAT_IDLE_CONN_CUR] = metric_u32(0);
    values[STAT_SAFE_CONN_CUR] = metric_u32(idle);
    values[STAT_USED_CONN_CUR] = metric_u32(used);
    values[STAT_NEED_CONN_EST] = metric_u32(used);
    values[STAT_PRIV_IDLE_CUR] = metric_u32(0);
}

static void
fill_server_settings(struct stat_row *row, const struct server *server,
                     const struct server_conf *conf, unsigned flags)
{
    struct metric_value *values = row->values;
    struct addr addr;

    values[STAT_WEIGHT] = metric_u32((uint64_t)server->user_weight);
    values[STAT_UWEIGHT] = metric_u32((uint64_t)server->user_weight);
    values[STAT_ACT] = metric_u32(!conf->backup);
    values[STAT_BCK] = metric_u32(conf->backup);
    values[STAT_SRID] = metric_u32(0);
    if ((flags & STAT_WITH_ADDRESSES) == 0)
        return;
    server_addr(server, &addr);
    if (addr_is_ip(&addr))
        addr_format(&addr, row->addr, sizeof(row->addr));
    else
        snprintf(row->addr, sizeof(row->addr), "%s", addr.family == ADDR_NONE ? "" : "unix");
    values[STAT_ADDR] = metric_text(row->addr);
    if (conf->cookie != NULL)
        values[STAT_COOKIE] = metric_text(conf->cookie);
}

void
stat_fill_server(struct stat_row *row, const struct proxy_conf *conf, const struct server *server,
                 unsigned flags)
{
    const struct counter_rows *rows = &server->counters;
    struct metric_value *values = row->values;
    struct check_view check = { 0 };
    bool has_check = check_view(server, &check);

    stat_begin_row(row, STAT_SERVER, conf, server->name, server->id);
    stat_fill_counters(row, rows, server_columns, COUNT(server_columns));
    if (conf->mode == MODE_HTTP)
        stat_fill_counters(row, rows, server_http_columns, COUNT(server_http_columns));
    values[STAT_REQBIN] = metric_u64(0);
    values[STAT_RESBOUT] = metric_u64(0);
    stat_fill_zeros(row, STAT_SSL_SESS, STAT_SSL_FAILED_OCSP_STAPLE);
    fill_server_times(row, rows);
    fill_connections(row, server, server->conf);
    fill_server_settings(row, server, server->conf, flags);
    values[STAT_RATE] = metric_u32(stat_rate(rows, ROW(session_rate)));
    values[STAT_RATE_MAX] = metric_u32(counter_sum(rows, ROW(session_rate_max)));
    values[STAT_LASTSESS] = metric_s32(stat_seconds_ago(stat_last_session_s(rows)));
    values[STAT_LASTCHG] = metric_u32(stat_seconds_since(server->last_change_ms));
    format_status(row->status, sizeof(row->status), server, &check);
    values[STAT_STATUS] = metric_text(row->status);
    if (has_check && check.is_enabled && !check.is_followed)
        fill_check(row, server, &check);
    fill_agent(row, server);
    if (server->conf != NULL && track_target_name(server->conf) != NULL)
        values[STAT_TRACKED] = metric_text(track_target_name(server->conf));
}
