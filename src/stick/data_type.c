/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry may store: counters, sums, rates; how they are read and changed.
 *
 * Thread: any; under the lock of the entry's shard.
 */
#include <string.h>

#include "private.h"

const struct stick_data_info stick_data_infos[STICK_DATAS] = {
    [DATA_SERVER_ID] = { "server_id", KIND_NUMBER, false },
    [DATA_GPT0] = { "gpt0", KIND_NUMBER, false },
    [DATA_GPC0] = { "gpc0", KIND_NUMBER, false },
    [DATA_GPC0_RATE] = { "gpc0_rate", KIND_RATE, false },
    [DATA_CONN_CNT] = { "conn_cnt", KIND_NUMBER, false },
    [DATA_CONN_RATE] = { "conn_rate", KIND_RATE, false },
    [DATA_CONN_CUR] = { "conn_cur", KIND_NUMBER, false },
    [DATA_SESS_CNT] = { "sess_cnt", KIND_NUMBER, false },
    [DATA_SESS_RATE] = { "sess_rate", KIND_RATE, false },
    [DATA_HTTP_REQ_CNT] = { "http_req_cnt", KIND_NUMBER, false },
    [DATA_HTTP_REQ_RATE] = { "http_req_rate", KIND_RATE, false },
    [DATA_HTTP_ERR_CNT] = { "http_err_cnt", KIND_NUMBER, false },
    [DATA_HTTP_ERR_RATE] = { "http_err_rate", KIND_RATE, false },
    [DATA_BYTES_IN_CNT] = { "bytes_in_cnt", KIND_LARGE, false },
    [DATA_BYTES_IN_RATE] = { "bytes_in_rate", KIND_RATE, false },
    [DATA_BYTES_OUT_CNT] = { "bytes_out_cnt", KIND_LARGE, false },
    [DATA_BYTES_OUT_RATE] = { "bytes_out_rate", KIND_RATE, false },
    [DATA_GPC1] = { "gpc1", KIND_NUMBER, false },
    [DATA_GPC1_RATE] = { "gpc1_rate", KIND_RATE, false },
    [DATA_SERVER_KEY] = { "server_key", KIND_LARGE, false },
    [DATA_HTTP_FAIL_CNT] = { "http_fail_cnt", KIND_NUMBER, false },
    [DATA_HTTP_FAIL_RATE] = { "http_fail_rate", KIND_RATE, false },
    [DATA_GPT] = { "gpt", KIND_NUMBER, true },
    [DATA_GPC] = { "gpc", KIND_NUMBER, true },
    [DATA_GPC_RATE] = { "gpc_rate", KIND_RATE, true },
    [DATA_GLITCH_CNT] = { "glitch_cnt", KIND_NUMBER, false },
    [DATA_GLITCH_RATE] = { "glitch_rate", KIND_RATE, false },
    [DATA_RATE_LIMIT] = { "rate_limit", KIND_LARGE, true },
};

int
stick_data_find(struct str name)
{
    for (int i = 0; i < STICK_DATAS; i++) {
        if (str_eq(name, str_from(stick_data_infos[i].name)))
            return i;
    }
    return -1;
}

/* The share of the period before that still lies in the window counts too. */
static uint64_t
read_rate(struct stick_rate *rate, uint32_t now_ms, uint32_t period_ms)
{
    stick_rate_turn(rate, now_ms, period_ms);
    return rate->current +
           (uint64_t)rate->previous * (period_ms - (now_ms - rate->began_ms)) / period_ms;
}

static void *
place_of(struct stick_entry *entry, const struct stick_column *column, enum stick_kind kind,
         unsigned index)
{
    size_t size = kind == KIND_NUMBER  ? sizeof(uint32_t)
                  : kind == KIND_LARGE ? sizeof(uint64_t)
                                       : sizeof(struct stick_rate);

    return (char *)stick_entry_data(entry) + column->offset + index * size;
}

/* Fields need not be aligned: they are read and written as bytes. */
static uint64_t
change(struct stick_entry *entry, const struct stick_column *column, enum stick_kind kind,
       unsigned index, int64_t amount, uint32_t now_ms)
{
    void *at = place_of(entry, column, kind, index);
    struct stick_rate rate;
    uint32_t number;
    uint64_t large;

    switch (kind) {
    case KIND_NUMBER:
        memcpy(&number, at, sizeof(number));
        if (amount < 0 && number < (uint64_t)-amount)
            amount = -(int64_t)number;
        number += (uint32_t)amount;
        memcpy(at, &number, sizeof(number));
        return number;
    case KIND_LARGE:
        memcpy(&large, at, sizeof(large));
        large += (uint64_t)amount;
        memcpy(at, &large, sizeof(large));
        return large;
    case KIND_RATE:
        break;
    }
    stick_rate_add(at, (uint32_t)amount, now_ms, column->period_ms);
    memcpy(&rate, at, sizeof(rate));
    return read_rate(&rate, now_ms, column->period_ms);
}

static bool
is_there(const struct stick_table *table, enum stick_data data, unsigned index)
{
    return table->layout.columns[data].is_stored && index < table->layout.columns[data].count;
}

uint64_t
stick_data_add(struct stick_table *table, struct stick_entry *entry, enum stick_data data,
               unsigned index, int64_t amount)
{
    struct stick_shard *shard = stick_shard_of(table, entry);
    uint64_t result;

    if (!is_there(table, data, index))
        return 0;
    lock_take(&shard->lock);
    result = change(entry, &table->layout.columns[data], stick_data_infos[data].kind, index, amount,
                    (uint32_t)stick_now_ms());
    if (amount != 0)
        stick_change_note(table, shard, entry);
    lock_give(&shard->lock);
    return result;
}

uint64_t
stick_data_read(struct stick_table *table, struct stick_entry *entry, enum stick_data data,
                unsigned index)
{
    return stick_data_add(table, entry, data, index, 0);
}

void
stick_data_set(struct stick_table *table, struct stick_entry *entry, enum stick_data data,
               unsigned index, uint64_t number)
{
    struct stick_shard *shard = stick_shard_of(table, entry);
    const struct stick_column *column = &table->layout.columns[data];
    enum stick_kind kind = stick_data_infos[data].kind;
    struct stick_rate rate = { (uint32_t)number, 0, (uint32_t)stick_now_ms() };
    uint32_t small = (uint32_t)number;

    if (!is_there(table, data, index))
        return;
    lock_take(&shard->lock);
    if (kind == KIND_NUMBER)
        memcpy(place_of(entry, column, kind, index), &small, sizeof(small));
    else if (kind == KIND_LARGE)
        memcpy(place_of(entry, column, kind, index), &number, sizeof(number));
    else
        memcpy(place_of(entry, column, kind, index), &rate, sizeof(rate));
    stick_change_note(table, shard, entry);
    lock_give(&shard->lock);
}

/* --- events ------------------------------------------------------------------------------------- */

static const struct {
    enum stick_data count, rate;
} event_data[STICK_EVENTS] = {
    [STICK_CONNECTION] = { DATA_CONN_CNT, DATA_CONN_RATE },
    [STICK_SESSION] = { DATA_SESS_CNT, DATA_SESS_RATE },
    [STICK_REQUEST] = { DATA_HTTP_REQ_CNT, DATA_HTTP_REQ_RATE },
    [STICK_ERROR] = { DATA_HTTP_ERR_CNT, DATA_HTTP_ERR_RATE },
    [STICK_FAILURE] = { DATA_HTTP_FAIL_CNT, DATA_HTTP_FAIL_RATE },
    [STICK_BYTES_IN] = { DATA_BYTES_IN_CNT, DATA_BYTES_IN_RATE },
    [STICK_BYTES_OUT] = { DATA_BYTES_OUT_CNT, DATA_BYTES_OUT_RATE },
    [STICK_GLITCH] = { DATA_GLITCH_CNT, DATA_GLITCH_RATE },
};

void
stick_counters_init(struct stick_table *table)
{
    for (unsigned i = 0; i < STICK_EVENTS; i++) {
        const struct stick_column *count = &table->layout.columns[event_data[i].count];
        const struct stick_column *rate = &table->layout.columns[event_data[i].rate];
        bool is_bytes = i == STICK_BYTES_IN || i == STICK_BYTES_OUT;

        table->counters[i] = (struct stick_counter){
            .has_count = count->is_stored,
            .is_large = stick_data_infos[event_data[i].count].kind == KIND_LARGE,
            .has_rate = rate->is_stored,
            .count_at = count->offset / 4,
            .rate_at = rate->offset / 4,
            .period_ms = rate->period_ms,
            .unit = is_bytes && table->layout.byte_unit > 1 ? table->layout.byte_unit : 1,
        };
        table->events |= (uint32_t)(count->is_stored || rate->is_stored) << i;
    }
}

void
stick_data_count_event(struct stick_table *table, struct stick_entry *entry,
                       enum stick_event event, uint64_t amount)
{
    struct stick_shard *shard;

    if ((table->events & 1u << event) == 0)
        return;
    shard = stick_shard_of(table, entry);
    lock_take(&shard->lock);
    stick_entry_count(table, entry, event, amount, (uint32_t)stick_now_ms());
    stick_change_note(table, shard, entry);
    lock_give(&shard->lock);
}

/* --- outside of entries ------------------------------------------------------------------------- */

static size_t
size_of(enum stick_kind kind)
{
    return kind == KIND_NUMBER  ? sizeof(uint32_t)
           : kind == KIND_LARGE ? sizeof(uint64_t)
                                : sizeof(struct stick_rate);
}

uint32_t
stick_column_size(const struct stick_column *column, enum stick_data data)
{
    return column->count * (uint32_t)size_of(stick_data_infos[data].kind);
}

struct stick_rate
stick_image_rate(const struct stick_image *image, const struct stick_column *column, unsigned index)
{
    struct stick_rate rate;

    memcpy(&rate, (const char *)image->bytes + column->offset + index * sizeof(rate), sizeof(rate));
    return rate;
}

void
stick_image_set_rate(struct stick_image *image, const struct stick_column *column, unsigned index,
                     const struct stick_rate *rate)
{
    memcpy((char *)image->bytes + column->offset + index * sizeof(*rate), rate, sizeof(*rate));
}

uint64_t
stick_image_number(const struct stick_image *image, const struct stick_column *column,
                   enum stick_data data, unsigned index)
{
    enum stick_kind kind = stick_data_infos[data].kind;
    const char *at = (const char *)image->bytes + column->offset + index * size_of(kind);
    uint32_t small;
    uint64_t large;

    if (kind == KIND_LARGE) {
        memcpy(&large, at, sizeof(large));
        return large;
    }
    memcpy(&small, at, sizeof(small));
    return small;
}

void
stick_image_set_number(struct stick_image *image, const struct stick_column *column,
                       enum stick_data data, unsigned index, uint64_t number)
{
    enum stick_kind kind = stick_data_infos[data].kind;
    char *at = (char *)image->bytes + column->offset + index * size_of(kind);
    uint32_t small = (uint32_t)number;

    if (kind == KIND_LARGE)
        memcpy(at, &number, sizeof(number));
    else
        memcpy(at, &small, sizeof(small));
}

void
stick_image_apply(const struct stick_table *table, struct stick_entry *entry,
                  const struct stick_image *image)
{
    for (unsigned i = 0; i < STICK_DATAS; i++) {
        const struct stick_column *column = &table->layout.columns[i];

        if (column->is_stored && (image->has & 1u << i) != 0)
            memcpy((char *)stick_entry_data(entry) + column->offset,
                   (const char *)image->bytes + column->offset,
                   stick_column_size(column, (enum stick_data)i));
    }
}
