/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counter rows, one per thread, become columns of the statistics.
 *
 * For:     the files that fill rows.
 * Owns:    nothing.
 * Callers: they, and info.c.
 * Thread:  control.
 */
#include <stddef.h>
#include <string.h>

#include "weir/loop/loop.h"
#include "weir/loop/rate.h"
#include "private.h"

#define RATE_PERIOD_MS 1000

void
stat_fill_counters(struct stat_row *row, const struct counter_rows *rows,
                   const struct counter_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row->values[columns[i].column] = metric_u64(counter_sum(rows, columns[i].offset));
}

void
stat_fill_zeros(struct stat_row *row, enum stat_column first, enum stat_column last)
{
    for (unsigned i = first; i <= last; i++)
        row->values[i] = metric_u64(0);
}

uint64_t
stat_rate(const struct counter_rows *rows, size_t offset)
{
    int64_t now_ms = loop_now_ms(loop_here());
    uint64_t sum = 0;

    for (unsigned i = 0; i < thread_count(); i++) {
        const char *row = counter_row_of(rows, i);

        if (row != NULL)
            sum += rate_read((const struct rate *)(row + offset), now_ms, RATE_PERIOD_MS);
    }
    return sum;
}

uint64_t
stat_average(const struct counter_rows *rows, size_t sum_offset, size_t count_offset)
{
    const uint64_t window = 1u << proxy_times_shift();
    uint64_t sum = 0, count = 0;

    for (unsigned i = 0; i < thread_count(); i++) {
        const char *row = counter_row_of(rows, i);
        uint64_t timed;

        if (row == NULL)
            continue;
        timed = __atomic_load_n((const uint64_t *)(row + count_offset), __ATOMIC_RELAXED);
        count += timed < window ? timed : window;
        sum += __atomic_load_n((const uint64_t *)(row + sum_offset), __ATOMIC_RELAXED);
    }
    return count == 0 ? 0 : (sum + count - 1) / count;
}

static const char *
mode_name(const struct proxy_conf *conf)
{
    switch ((enum proxy_mode)conf->mode) {
    case MODE_TCP:
        return "tcp";
    case MODE_HTTP:
        return "http";
    case MODE_LOG:
        return "log";
    }
    return "unknown";
}

void
stat_begin_row(struct stat_row *row, enum stat_kind kind, const struct proxy_conf *conf,
               const char *name, int64_t id)
{
    memset(row->values, 0, sizeof(row->values));
    row->kind = kind;
    row->proxy_id = conf->id;
    row->id = id;
    row->values[STAT_PXNAME] = metric_text(conf->name);
    row->values[STAT_SVNAME] = metric_text(name);
    row->values[STAT_PID] = metric_u32(1);
    row->values[STAT_IID] = metric_u32((uint64_t)conf->id);
    row->values[STAT_SID] = metric_u32((uint64_t)id);
    row->values[STAT_TYPE] = metric_u32(kind);
    row->values[STAT_MODE] = metric_text(mode_name(conf));
}

uint64_t
stat_seconds_since(int64_t then_ms)
{
    int64_t age_ms = loop_now_ms(loop_here()) - then_ms;

    return age_ms < 0 ? 0 : (uint64_t)age_ms / 1000;
}

int64_t
stat_last_session_s(const struct counter_rows *rows)
{
    return (int64_t)counter_max(rows, offsetof(struct server_row, last_session_s));
}

int64_t
stat_seconds_ago(int64_t wall_s)
{
    int64_t now_s = loop_here()->wall_us / 1000000;

    return wall_s == 0 ? -1 : now_s < wall_s ? 0 : now_s - wall_s;
}
