/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a key may come: GCRA, on the entries of a table.
 *
 * An entry keeps one time for each limit: when the next request would be due if all came evenly.
 * A request may come before it by as much as the burst allows; each moves it on by one interval.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct stick_table;
struct stick_table_conf;
struct stick_entry;

struct stick_limit {
    int64_t interval_ns;  /* between two requests; not 0 */
    int64_t tolerance_ns; /* how much too early they may come: burst * interval */
};

struct stick_limit_answer {
    bool is_within;    /* it counts; else it has changed nothing */
    int64_t early_ns;  /* within: how long it would have to wait to be even */
    int64_t retry_ns;  /* else: from when on one is within */
    int64_t full_ns;   /* until the whole burst is there again */
    int64_t remaining; /* that may come at once now */
};

/* Decides, and moves *due (nanoseconds of the monotonic clock; 0: nobody came yet). Pure. */
struct stick_limit_answer stick_limit_decide(const struct stick_limit *limit, int64_t now_ns,
                                             uint64_t *due);
/* Room for one more limit in all entries; its index. Builder, RESOLVE. Not more than the maximum: -1. */
int stick_limit_add(struct stick_table_conf *conf);
/* Another request of that entry. Any thread. */
struct stick_limit_answer stick_limit_take(struct stick_table *table, struct stick_entry *entry,
                                           unsigned index, const struct stick_limit *limit,
                                           int64_t now_ns);
