/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of room stick share.
 */
#pragma once

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

struct stick_entry {
    struct stick_entry *next; /* in its bucket */
    struct list link;         /* of its shard: the least recently used first */
    int64_t expires_ms;       /* loop time; INT64_MAX: never */
    uint32_t hash, holders;
    uint32_t key_len;
    uint32_t bytes[]; /* data, then the key */
};

struct stick_shard {
    struct lock lock; /* of all below, and of the entries' data */
    struct stick_entry **buckets;
    uint32_t mask;
    struct list used; /* struct stick_entry */
};

struct stick_table { /* live */
    char *name;      /* owns */
    unsigned refs;   /* atomic */
    bool is_in_list; /* of control */
    struct list link;
    struct stick_layout layout;
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
static inline uint32_t *
stick_entry_data(struct stick_entry *entry)
{
    return entry->bytes;
}

/* --- table_conf.c ----------------------------------------------------------------------- */

/* The table of a proxy, or of the name; NULL: reported. Builder, RESOLVE and later. */
struct stick_table_conf *stick_table_resolve(struct parse *parse, struct source_pos pos,
                                             struct str name);
/* An expression's argument: the table of that name; without one that of the proxy. */
void *stick_resolve_arg(struct parse *parse, struct source_pos pos, struct str name,
                        void *proxy_conf);
/* tune.stick-counters */
int64_t stick_tracks_limit(const struct snapshot *snapshot);

/* --- track.c --------------------------------------------------------------------------------- */

/* The n-th entry that is tracked: by the stream, else by its session; table NULL: none. */
struct stick_track stick_track_find(const struct eval *eval, unsigned n);
/* From now on the n-th. False: it cannot be. */
bool stick_track_begin(struct eval *eval, unsigned n, struct stick_table *table,
                       const struct stick_key *key);
