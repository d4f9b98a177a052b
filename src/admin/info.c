/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "show info": what this process is and does, as one table of fields.
 *
 * For:     monitoring and tools; some read names, others the numbers of fields,
 *          so the order below never changes and new fields go to the end.
 * Owns:    the figures of the last query, for rates.
 * Callers: the runtime socket; the statistics page later.
 * Thread:  control.
 */
#include "weir/admin/info.h"

#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/version.h"
#include "weir/cli/command.h"
#include "weir/config/snapshot.h"
#include "weir/filters/compression.h"
#include "weir/loop/loop.h"
#include "weir/lua/script.h"
#include "weir/proxy/admission.h"
#include "weir/telemetry/log.h"
#include "weir/telemetry/notice.h"
#include "weir/telemetry/process.h"
#include "private.h"

#define ROW(field) offsetof(struct proxy_row, field)
#define MB         (1024 * 1024)
#define US_PER_S   1000000

/* --- figures of all proxies together ------------------------------------------------ */

struct totals {
    uint64_t connection_rate, connection_rate_max;
    uint64_t sessions, session_rate, session_rate_max;
    uint64_t requests, tls_sessions, streams_now, bytes_out;
    uint64_t listeners;
};

static void
add_frontend(struct totals *totals, const struct proxy_conf *conf)
{
    const struct counter_rows *rows = &conf->live->front_counters;

    totals->connection_rate += stat_rate(rows, ROW(connection_rate));
    totals->connection_rate_max += counter_sum(rows, ROW(connection_rate_max));
    totals->sessions += counter_sum(rows, ROW(sessions));
    totals->session_rate += stat_rate(rows, ROW(session_rate));
    totals->session_rate_max += counter_sum(rows, ROW(session_rate_max));
    totals->requests += counter_sum(rows, ROW(requests));
    totals->tls_sessions += counter_sum(rows, ROW(tls_sessions));
    totals->bytes_out += counter_sum(rows, ROW(bytes_out));
}

static void
count_listener(struct listener *ln, void *arg)
{
    struct totals *totals = arg;

    (void)ln;
    totals->listeners++;
}

static void
sum_proxies(struct totals *totals)
{
    *totals = (struct totals){ 0 };
    listener_for_each(count_listener, totals);
    LIST_FOR_EACH (conf, proxy_list(snapshot_current()), struct proxy_conf, link) {
        if (conf->live == NULL)
            continue;
        if (proxy_conf_is_front(conf))
            add_frontend(totals, conf);
        if (proxy_conf_is_back(conf))
            totals->streams_now += __atomic_load_n(&conf->live->back_current, __ATOMIC_RELAXED);
    }
}

/* --- rates since the last query ------------------------------------------------------ */

/* Not asked for more than once in this time. */
#define RATE_WINDOW_US US_PER_S

struct load_sample {
    int64_t when_us; /* monotonic */
    uint64_t busy_us;
    uint64_t bytes_out;
};

static struct load_sample last_sample;
static unsigned idle_pct = 100;
static uint64_t bytes_out_rate;

static uint64_t
busy_us(void)
{
    uint64_t sum = 0;

    for (unsigned i = 1; i < thread_count(); i++)
        sum += __atomic_load_n(&thread_at(i)->loop->busy_us, __ATOMIC_RELAXED);
    return sum;
}

static void
update_rates(uint64_t bytes_out)
{
    struct load_sample now = { .when_us = loop_here()->now_us,
                               .busy_us = busy_us(),
                               .bytes_out = bytes_out };
    int64_t elapsed_us = now.when_us - last_sample.when_us;
    uint64_t busy, all;

    if (last_sample.when_us == 0)
        elapsed_us = (loop_now_ms(loop_here()) - this_process.start_ms) * 1000;
    if (elapsed_us < RATE_WINDOW_US && last_sample.when_us != 0)
        return;
    if (elapsed_us <= 0)
        elapsed_us = 1;
    busy = now.busy_us - last_sample.busy_us;
    all = (uint64_t)elapsed_us * (thread_traffic_count() == 0 ? 1 : thread_traffic_count());
    idle_pct = busy >= all ? 0 : (unsigned)(100 - busy * 100 / all);
    bytes_out_rate = bytes_out < last_sample.bytes_out
                         ? 0
                         : (bytes_out - last_sample.bytes_out) * US_PER_S / (uint64_t)elapsed_us;
    last_sample = now;
}

/* --- fill ---------------------------------------------------------------------------- */

/* Tools look for HAProxy's name and for a version that begins with two numbers. */
static void
fill_identity(struct info *info)
{
    struct metric_value *values = info->values;
    uint64_t uptime_s = stat_seconds_since(this_process.start_ms);

    snprintf(info->uptime, sizeof(info->uptime), "%llud %lluh%02llum%02llus",
             (unsigned long long)(uptime_s / 86400), (unsigned long long)(uptime_s / 3600 % 24),
             (unsigned long long)(uptime_s / 60 % 60), (unsigned long long)(uptime_s % 60));
    values[INFO_NAME] = metric_text("HAProxy");
    values[INFO_VERSION] = metric_text(WEIR_COMPAT_VERSION "-weir" WEIR_VERSION);
    values[INFO_BUILD_INFO] = values[INFO_VERSION];
    values[INFO_RELEASE_DATE] = metric_text(this_process.release_date);
    values[INFO_NBTHREAD] = metric_u32(thread_traffic_count());
    values[INFO_NBTHREAD_GROUPS] = metric_u32(1);
    values[INFO_NBPROC] = metric_u32(1);
    values[INFO_PROCESS_NUM] = metric_u32(1);
    values[INFO_PID] = metric_u32((uint64_t)getpid());
    values[INFO_UPTIME] = metric_text(info->uptime);
    values[INFO_UPTIME_SEC] = metric_u32(uptime_s);
    values[INFO_START_TIME_SEC] = metric_u32((uint64_t)(this_process.start_wall_us / US_PER_S));
    values[INFO_BOOT_TIME_MS] = metric_u32((uint64_t)this_process.boot_ms);
    values[INFO_NODE] = metric_text(this_process.node);
    if (this_process.description != NULL)
        values[INFO_DESCRIPTION] = metric_text(this_process.description);
    values[INFO_STOPPING] = metric_u32(this_process.is_stopping);
    values[INFO_TAINTED] = metric_text("0");
    values[INFO_TOTAL_WARNINGS] = metric_u32(notice_warning_count());
}

static void
fill_limits(struct info *info)
{
    struct metric_value *values = info->values;
    struct mallinfo2 memory = mallinfo2();
    uint64_t taken = memory.arena + memory.hblkhd;
    uint64_t used = memory.uordblks + memory.hblkhd;

    values[INFO_MEMMAX_MB] = metric_u32(this_process.memory_limit_bytes / MB);
    values[INFO_MEMMAX_BYTES] = metric_u32(this_process.memory_limit_bytes);
    values[INFO_POOL_ALLOC_MB] = metric_u32(taken / MB);
    values[INFO_POOL_USED_MB] = metric_u32(used / MB);
    values[INFO_POOL_ALLOC_BYTES] = metric_u64(taken);
    values[INFO_POOL_USED_BYTES] = metric_u64(used);
    values[INFO_ULIMIT_N] = metric_u32(this_process.file_limit);
    values[INFO_MAXSOCK] = metric_u32(this_process.file_limit);
    values[INFO_MAXCONN] =
        metric_u32((uint64_t)__atomic_load_n(&this_process.maxconn, __ATOMIC_RELAXED));
    values[INFO_HARD_MAXCONN] = metric_u32((uint64_t)this_process.hard_maxconn);
    values[INFO_CONN_RATE_LIMIT] = metric_u32((uint64_t)this_process.connection_rate_limit);
    values[INFO_SESS_RATE_LIMIT] = metric_u32((uint64_t)this_process.session_rate_limit);
    values[INFO_SSL_RATE_LIMIT] = metric_u32((uint64_t)this_process.tls_rate_limit);
}

static void
fill_traffic(struct info *info)
{
    struct metric_value *values = info->values;
    struct totals totals;

    sum_proxies(&totals);
    update_rates(totals.bytes_out);
    values[INFO_CURR_CONNS] = metric_u32(admission_current());
    values[INFO_CUM_CONNS] = metric_u32(admission_total());
    values[INFO_CUM_REQ] = metric_u32(totals.requests);
    values[INFO_CUM_SSL_CONNS] = metric_u32(totals.tls_sessions);
    values[INFO_CONN_RATE] = metric_u32(totals.connection_rate);
    values[INFO_MAX_CONN_RATE] = metric_u32(totals.connection_rate_max);
    values[INFO_SESS_RATE] = metric_u32(totals.session_rate);
    values[INFO_MAX_SESS_RATE] = metric_u32(totals.session_rate_max);
    values[INFO_TOTAL_BYTES_OUT] = metric_u64(totals.bytes_out);
    values[INFO_BYTES_OUT_RATE] = metric_u64(bytes_out_rate);
    values[INFO_IDLE_PCT] = metric_u32(idle_pct);
    values[INFO_CURR_STREAMS] = metric_u64(totals.streams_now);
    values[INFO_CUM_STREAMS] = metric_u64(totals.requests);
    values[INFO_TASKS] = metric_u32(admission_current() + totals.listeners);
    values[INFO_JOBS] = metric_u32(admission_current() + totals.listeners);
    values[INFO_LISTENERS] = metric_u32(totals.listeners);
    values[INFO_DROPPED_LOGS] = metric_u32(log_dropped());
    values[INFO_SCRIPT_ERRORS] = metric_u64(script_error_count());
    values[INFO_SCRIPT_CUTS] = metric_u64(script_cut_count());
}

/* What is not counted yet is 0: tools want every line. */
static void
fill_zeros(struct info *info)
{
    for (unsigned i = 0; i < INFO_FIELDS; i++)
        info->values[i] = metric_u32(0);
    info->values[INFO_TOTAL_SPLICED_OUT] = metric_u64(0);
    info->values[INFO_PATTERNS_ADDED] = metric_u64(0);
    info->values[INFO_PATTERNS_FREED] = metric_u64(0);
    info->values[INFO_DESCRIPTION] = (struct metric_value){ .type = METRIC_NONE };
}

static void
fill_compression(struct info *info)
{
    struct compression_totals totals;

    compression_totals(&totals);
    info->values[INFO_COMPRESS_BPS_IN] = metric_u64(totals.bytes_in);
    info->values[INFO_COMPRESS_BPS_OUT] = metric_u64(totals.bytes_out);
    info->values[INFO_COMPRESS_BPS_LIM] = metric_u64(totals.rate_max);
    info->values[INFO_ZLIB_MEM] = metric_u64(totals.memory);
    info->values[INFO_MAX_ZLIB_MEM] = metric_u64(totals.memory_max);
}

void
info_fill(struct info *info)
{
    fill_zeros(info);
    fill_identity(info);
    fill_limits(info);
    fill_traffic(info);
    fill_compression(info);
}

/* --- show info ----------------------------------------------------------------------- */

static void
write_plain(struct text *out, const struct info *info, bool is_typed, bool with_help)
{
    for (unsigned i = 0; i < INFO_FIELDS; i++) {
        const struct metric_value *value = &info->values[i];

        if (value->type == METRIC_NONE)
            continue;
        if (is_typed) {
            text_printf(out, "%u.%s.1:", i, info_fields[i].name);
            metric_print_typed(out, &info_fields[i], value);
        } else {
            text_printf(out, "%s: ", info_fields[i].name);
            metric_print(out, value);
        }
        if (with_help)
            metric_print_help(out, &info_fields[i]);
        text_add_char(out, '\n');
    }
}

static void
write_json(struct text *out, const struct info *info)
{
    struct json json;

    json_init(&json, out);
    json_open_array(&json);
    for (unsigned i = 0; i < INFO_FIELDS; i++) {
        if (info->values[i].type == METRIC_NONE)
            continue;
        json_open_object(&json);
        metric_add_json(&json, &info_fields[i], &info->values[i], i);
        json_close_object(&json);
    }
    json_close_array(&json);
    text_add_char(out, '\n');
}

static enum command_result
run_show_info(struct command_call *call)
{
    bool is_typed = false, is_json = false, with_help = false;
    struct info info;
    const char *word;

    while ((word = command_next(call)) != NULL) {
        is_typed = is_typed || strcmp(word, "typed") == 0;
        is_json = is_json || strcmp(word, "json") == 0;
        with_help = with_help || strcmp(word, "desc") == 0;
    }
    info_fill(&info);
    if (is_json)
        write_json(call->out, &info);
    else
        write_plain(call->out, &info, is_typed, with_help);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show info", "[desc|json|typed|float]*", LEVEL_USER, run_show_info,
      "what this process is and does" },
};
REGISTER(command, commands);
