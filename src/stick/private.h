/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room stick share.
 */
#pragma once

#include <string.h>

#include "weir/base/list.h"
#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/expr/eval.h"
#include "weir/expr/value.h"
#include "weir/loop/lock.h"
#include "weir/proxy/proxy.h"
#include "weir/stick/table.h"
#include "weir/stick/track.h"

#define STICK_SHARDS 16

/* In front of each entry of a table that peers share: its place among the changes of its shard. A
 * mark in that list has the number MARK. */
struct stick_change {
    struct list link;
    uint64_t number; /* 0: never changed here */
};
#define STICK_CHANGE_MARK UINT64_MAX

struct stick_entry {
    struct stick_entry *next; /* in its bucket */
    struct list link;         /* of its shard: the least recently used first */
    int64_t expires_ms;       /* loop time; INT64_MAX: never */
    uint32_t hash, holders;
    uint32_t key_len;
    uint32_t placed_ms; /* low bits of when it was put at the end of `used` */
    uint32_t bytes[];   /* data, then the key */
};

struct stick_shard {
    struct lock lock; /* of all below, and of the entries' data */
    struct stick_entry **buckets;
    uint32_t mask;
    struct list used; /* struct stick_entry */
    struct list changed;   /* struct stick_change in order of their numbers, and marks of peers */
    uint64_t change_number; /* of the last change; also read without the lock */
    uint64_t told_number;   /* all up to this have been told to some peer: a change needs a new one */
};

/* What is counted, each in a counter and a rate. */
enum stick_event {
    STICK_CONNECTION,
    STICK_SESSION,
    STICK_REQUEST,
    STICK_ERROR,
    STICK_FAILURE,
    STICK_BYTES_IN,
    STICK_BYTES_OUT,
    STICK_GLITCH,
    STICK_EVENTS,
};
/* Where, in 32-bit words of an entry's data. */
struct stick_counter {
    bool has_count, is_large, has_rate;
    uint32_t count_at, rate_at, period_ms, unit;
};

struct stick_table { /* live */
    char *name;      /* owns */
    unsigned refs;   /* atomic */
    bool is_in_list; /* of control */
    struct list link;
    struct stick_layout layout;
    uint32_t stored; /* set of bits of enum stick_data: the columns of the layout */
    struct stick_counter counters[STICK_EVENTS];
    uint32_t events; /* set of 1 << enum stick_event: those that count here */
    uint64_t size;
    int64_t expire_ms;
    bool nopurge;
    uint64_t count; /* atomic */
    struct stick_shard shards[STICK_SHARDS];
};

/* --- table.c ------------------------------------------------------------------------- */

struct stick_table *stick_table_new(const struct stick_table_conf *conf);
void stick_table_hold(struct stick_table *table);
void stick_table_drop(struct stick_table *table); /* NULL is fine */
/* A few entries that have expired go. Any thread. */
void stick_table_purge(struct stick_table *table, unsigned most);
struct stick_shard *stick_shard_of(struct stick_table *table, const struct stick_entry *entry);
int64_t stick_now_ms(void);
/* Finds or makes the entry of a key and holds it; a connection, and with `has_request` a request, count
 * in it. NULL: no room. Any thread. */
struct stick_entry *stick_table_track(struct stick_table *table, const struct stick_key *key,
                                      bool has_request);
/* The connection is over; lets go. Any thread. */
void stick_table_untrack(struct stick_table *table, struct stick_entry *entry);
static inline uint32_t *
stick_entry_data(struct stick_entry *entry)
{
    return entry->bytes;
}
/* Only of tables with a lead. */
static inline struct stick_change *
stick_change_of(struct stick_entry *entry)
{
    return (struct stick_change *)entry - 1;
}
static inline struct stick_entry *
stick_entry_of_change(struct stick_change *change)
{
    return (struct stick_entry *)(change + 1);
}
/* An entry is written as it came from a peer: columns of `has`, which lie in `image` as in an entry.
 * `expires_in_ms` negative: as the table says. False: no room. Any thread. */
struct stick_image;
bool stick_table_learn(struct stick_table *table, const struct stick_key *key,
                       const struct stick_image *image, int64_t expires_in_ms);

/* --- change.c ------------------------------------------------------------------------ */

/* The entry is another one now: peers will be told. Under the lock of its shard. */
void stick_change_add(struct stick_shard *shard, struct stick_entry *entry);
static inline void
stick_change_note(const struct stick_table *table, struct stick_shard *shard,
                  struct stick_entry *entry)
{
    if (table->layout.lead > 0)
        stick_change_add(shard, entry);
}
/* Calls it on the control thread soon after a change of any table. Control. */
void stick_change_listen(void (*fn)(void));

/* --- data_type.c ----------------------------------------------------------------------- */

#define STICK_IMAGE_BYTES 8192 /* the most that all columns of a table may take */

/* What an entry holds, outside of it. */
struct stick_image {
    uint32_t has;     /* set of bits of enum stick_data */
    bool is_from_here; /* peers have not told it: they will hear of it */
    uint64_t bytes[STICK_IMAGE_BYTES / 8];
};

/* Events of this period, and of the one before; times are the low bits of the loop's milliseconds. */
struct stick_rate {
    uint32_t current, previous, began_ms;
};
void stick_counters_init(struct stick_table *table);
struct stick_rate stick_image_rate(const struct stick_image *image,
                                   const struct stick_column *column, unsigned index);
uint64_t stick_image_number(const struct stick_image *image, const struct stick_column *column,
                            enum stick_data data, unsigned index);
void stick_image_set_rate(struct stick_image *image, const struct stick_column *column,
                          unsigned index, const struct stick_rate *rate);
void stick_image_set_number(struct stick_image *image, const struct stick_column *column,
                            enum stick_data data, unsigned index, uint64_t number);
/* Begins the period in which we are. */
static inline void
stick_rate_turn(struct stick_rate *rate, uint32_t now_ms, uint32_t period_ms)
{
    uint32_t past = now_ms - rate->began_ms;

    if (past < period_ms)
        return;
    rate->previous = past < 2 * period_ms ? rate->current : 0;
    rate->current = 0;
    rate->began_ms = past < 2 * period_ms ? rate->began_ms + period_ms : now_ms;
}

static inline void
stick_rate_add(void *at, uint32_t amount, uint32_t now_ms, uint32_t period_ms)
{
    struct stick_rate rate;

    memcpy(&rate, at, sizeof(rate));
    stick_rate_turn(&rate, now_ms, period_ms);
    rate.current += amount;
    memcpy(at, &rate, sizeof(rate));
}

/* Something is counted: as far as the table stores it; under the lock of the entry's shard. */
static inline void
stick_entry_count(const struct stick_table *table, struct stick_entry *entry,
                  enum stick_event event, uint64_t amount, uint32_t now_ms)
{
    const struct stick_counter *counter = &table->counters[event];
    uint32_t *data = stick_entry_data(entry);
    uint64_t large;

    if (counter->has_count && !counter->is_large) {
        data[counter->count_at] += (uint32_t)amount;
    } else if (counter->has_count) {
        memcpy(&large, data + counter->count_at, sizeof(large));
        large += amount;
        memcpy(data + counter->count_at, &large, sizeof(large));
    }
    if (!counter->has_rate)
        return;
    if (counter->unit > 1)
        amount = (amount + counter->unit - 1) / counter->unit;
    stick_rate_add(data + counter->rate_at, (uint32_t)amount, now_ms, counter->period_ms);
}

void stick_data_count_event(struct stick_table *table, struct stick_entry *entry,
                            enum stick_event event, uint64_t amount);
static inline void
stick_entry_add_current(const struct stick_table *table, struct stick_entry *entry, int amount)
{
    uint32_t *at;

    if ((table->stored & 1u << DATA_CONN_CUR) == 0)
        return;
    at = stick_entry_data(entry) + table->layout.columns[DATA_CONN_CUR].offset / sizeof(*at);
    if (amount > 0 || *at > 0)
        *at += (uint32_t)amount;
}
/* The columns that it has; under the lock of the entry's shard. */
void stick_image_apply(const struct stick_table *table, struct stick_entry *entry,
                       const struct stick_image *image);
/* Bytes of one column. */
uint32_t stick_column_size(const struct stick_column *column, enum stick_data data);

/* --- table_conf.c ----------------------------------------------------------------------- */

/* The table of a proxy, or of the name; NULL: reported. Builder, RESOLVE and later. */
struct stick_table_conf *stick_table_resolve(struct parse *parse, struct source_pos pos,
                                             struct str name);
/* An expression's argument: the table of that name; without one that of the proxy. */
void *stick_resolve_arg(struct parse *parse, struct source_pos pos, struct str name,
                        void *proxy_conf);
/* A line "table" of a peers section. */
bool stick_table_parse_shared(struct parse *parse, struct peers_conf *peers);
/* tune.stick-counters */
int64_t stick_tracks_limit(const struct snapshot *snapshot);

/* --- track.c --------------------------------------------------------------------------------- */

/* The n-th entry that is tracked: by the stream, else by its session; table NULL: none. */
struct stick_track stick_track_find(const struct eval *eval, unsigned n);
/* From now on the n-th. False: it cannot be. */
bool stick_track_begin(struct eval *eval, unsigned n, struct stick_table *table,
                       const struct stick_key *key);
