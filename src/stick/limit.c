/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GCRA: smooth limits of how often a key may come.
 *
 * For:     http-request rate-limit.
 * Thread:  any; the builder adds limits.
 */
#include "weir/stick/limit.h"

#include <string.h>

#include "private.h"

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct stick_limit_answer
stick_limit_decide(const struct stick_limit *limit, int64_t now_ns, uint64_t *due)
{
    struct stick_limit_answer answer = { 0 };
    int64_t early_ns = (int64_t)*due - now_ns;

    if (early_ns < 0)
        early_ns = 0;
    /* A limit that was wider before the configuration changed left more than can be now. */
    early_ns = least(early_ns, limit->tolerance_ns + limit->interval_ns);
    if (early_ns > limit->tolerance_ns) {
        answer.retry_ns = early_ns - limit->tolerance_ns;
        answer.full_ns = early_ns;
        *due = (uint64_t)(now_ns + early_ns);
        return answer;
    }
    answer.is_within = true;
    answer.early_ns = early_ns;
    answer.full_ns = early_ns + limit->interval_ns;
    if (answer.full_ns <= limit->tolerance_ns)
        answer.remaining = (limit->tolerance_ns - answer.full_ns) / limit->interval_ns + 1;
    *due = (uint64_t)(now_ns + answer.full_ns);
    return answer;
}

int
stick_limit_add(struct stick_table_conf *conf)
{
    struct stick_column *column = &conf->layout.columns[DATA_RATE_LIMIT];

    if (column->count == STICK_ARRAY_MAX)
        return -1;
    if (!column->is_stored)
        *column = (struct stick_column){ .is_stored = true, .offset = conf->layout.data_size };
    conf->layout.data_size += (uint32_t)sizeof(uint64_t); /* it is the last column */
    return (int)column->count++;
}

struct stick_limit_answer
stick_limit_take(struct stick_table *table, struct stick_entry *entry, unsigned index,
                 const struct stick_limit *limit, int64_t now_ns)
{
    struct stick_shard *shard = stick_shard_of(table, entry);
    char *at = (char *)stick_entry_data(entry) + table->layout.columns[DATA_RATE_LIMIT].offset +
               index * sizeof(uint64_t);
    struct stick_limit_answer answer;
    uint64_t due;

    lock_take(&shard->lock);
    memcpy(&due, at, sizeof(due));
    answer = stick_limit_decide(limit, now_ns, &due);
    memcpy(at, &due, sizeof(due));
    lock_give(&shard->lock);
    return answer;
}
