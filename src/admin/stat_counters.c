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

/* --- modules ------------------------------------------------------------------------------- */

#define MUX(protocol, field)                                                                       \
    (offsetof(struct proxy_row, muxes) + (protocol) * sizeof(struct mux_counts) +                  \
     offsetof(struct mux_counts, field))

static const struct counter_column module_columns[] = {
    { STAT_H1_TOTAL_CONNECTIONS, MUX(MUX_H1, opened) },
    { STAT_H1_TOTAL_STREAMS, MUX(MUX_H1, streams) },
    { STAT_H1_BYTES_IN, MUX(MUX_H1, bytes_in) },
    { STAT_H1_BYTES_OUT, MUX(MUX_H1, bytes_out) },
    { STAT_H2_TOTAL_CONNECTIONS, MUX(MUX_H2, opened) },
    { STAT_H2_BACKEND_TOTAL_STREAMS, MUX(MUX_H2, streams) },
    { STAT_H2_HEADERS_RCVD, MUX(MUX_H2, headers) },
    { STAT_H2_DATA_RCVD, MUX(MUX_H2, data) },
    { STAT_H2_SETTINGS_RCVD, MUX(MUX_H2, settings) },
    { STAT_H2_RST_STREAM_RCVD, MUX(MUX_H2, resets) },
    { STAT_H2_GOAWAY_RCVD, MUX(MUX_H2, goaways) },
    { STAT_H2_RST_STREAM_RESP, MUX(MUX_H2, resets_sent) },
    { STAT_H2_GOAWAY_RESP, MUX(MUX_H2, goaways_sent) },
    { STAT_H2_DETECTED_STRM_PROTOCOL_ERRORS, MUX(MUX_H2, stream_errors) },
    { STAT_H2_DETECTED_CONN_PROTOCOL_ERRORS, MUX(MUX_H2, connection_errors) },
    { STAT_SSL_SESS, offsetof(struct proxy_row, tls_sessions) },
    { STAT_SSL_REUSED_SESS, offsetof(struct proxy_row, tls_resumed) },
    { STAT_SSL_FAILED_HANDSHAKE, offsetof(struct proxy_row, tls_failed) },
};

/* Begun and not ended; threads are read one after the other. */
static struct metric_value
open_ones(const struct counter_rows *rows, size_t begun, size_t ended)
{
    uint64_t more = counter_sum(rows, begun), less = counter_sum(rows, ended);

    return metric_u64(more > less ? more - less : 0);
}

void
stat_fill_modules(struct stat_row *row, const struct counter_rows *rows)
{
    struct metric_value *values = row->values;

    stat_fill_zeros(row, STAT_FIRST_EXTRA, STAT_COLUMNS - 1);
    stat_fill_counters(row, rows, module_columns, COUNT(module_columns));
    values[STAT_H1_OPEN_CONNECTIONS] = open_ones(rows, MUX(MUX_H1, opened), MUX(MUX_H1, ended));
    values[STAT_H1_OPEN_STREAMS] =
        open_ones(rows, MUX(MUX_H1, streams), MUX(MUX_H1, streams_ended));
    values[STAT_H2_OPEN_CONNECTIONS] = open_ones(rows, MUX(MUX_H2, opened), MUX(MUX_H2, ended));
    values[STAT_H2_BACKEND_OPEN_STREAMS] =
        open_ones(rows, MUX(MUX_H2, streams), MUX(MUX_H2, streams_ended));
}

uint64_t
stat_mux_sum(const struct counter_rows *rows, enum mux_protocol protocol, bool of_streams)
{
    return counter_sum(rows, of_streams ? MUX(protocol, streams) : MUX(protocol, opened));
}
