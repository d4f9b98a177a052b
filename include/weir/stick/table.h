/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stick tables: what is remembered about keys (addresses, sessions, tokens) for a while.
 *
 * A table is a live object, found again by its name when the configuration changes; it is emptied
 * when its key or what it stores changes. Any thread may use it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weir/base/str.h"
#include "weir/config/diag.h"

struct snapshot;
struct peers_conf;
struct value;
struct arena;

enum stick_type { STICK_IP, STICK_IPV6, STICK_INTEGER, STICK_STRING, STICK_BINARY };

/* What an entry can store, in the order in which it is shown. */
enum stick_data {
    DATA_SERVER_ID,
    DATA_GPT0,
    DATA_GPC0,
    DATA_GPC0_RATE,
    DATA_CONN_CNT,
    DATA_CONN_RATE,
    DATA_CONN_CUR,
    DATA_SESS_CNT,
    DATA_SESS_RATE,
    DATA_HTTP_REQ_CNT,
    DATA_HTTP_REQ_RATE,
    DATA_HTTP_ERR_CNT,
    DATA_HTTP_ERR_RATE,
    DATA_BYTES_IN_CNT,
    DATA_BYTES_IN_RATE,
    DATA_BYTES_OUT_CNT,
    DATA_BYTES_OUT_RATE,
    DATA_GPC1,
    DATA_GPC1_RATE,
    DATA_SERVER_KEY, /* a hash of the server's name: stick/rule.h */
    DATA_HTTP_FAIL_CNT,
    DATA_HTTP_FAIL_RATE,
    DATA_GPT,
    DATA_GPC,
    DATA_GPC_RATE,
    DATA_GLITCH_CNT,
    DATA_GLITCH_RATE,
    DATA_RATE_LIMIT, /* not written in tables: stick/limit.h adds it */
    STICK_DATAS,
};

enum stick_kind { KIND_NUMBER, KIND_LARGE, KIND_RATE }; /* uint32_t, uint64_t, events per period */

/* How the things are called, and what they are. Constant. */
struct stick_data_info {
    const char *name;
    enum stick_kind kind;
    bool is_array; /* gpc(4) */
};
extern const struct stick_data_info stick_data_infos[STICK_DATAS];
int stick_data_find(struct str name); /* -1: unknown */

/* What one table stores of one thing. */
struct stick_column {
    bool is_stored;
    uint32_t count;     /* of an array; else 1 */
    uint32_t period_ms; /* of rates */
    uint32_t offset;    /* in an entry's data */
};

#define STICK_ARRAY_MAX 100

/* As configured; the same layout means that a living table can go on. */
struct stick_layout {
    enum stick_type type;
    uint32_t key_size; /* bytes; strings: the longest */
    uint32_t data_size;
    uint32_t lead;      /* bytes in front of each entry: for changes that peers are told; else 0 */
    uint32_t byte_unit; /* brates-factor: rates of bytes count so many as one */
    struct stick_column columns[STICK_DATAS];
};

/* What stick rules remember servers by. */
enum stick_srvkey { SRVKEY_NAME, SRVKEY_ADDR };

struct stick_table_conf { /* in the snapshot's arena */
    struct stick_table_conf *next;
    const char *name;
    struct stick_layout layout;
    uint64_t size;
    int64_t expire_ms; /* 0: entries stay */
    bool nopurge;
    struct source_pos pos;
    const char *shared_name;  /* by which peers know it */
    const char *peers_name;   /* as written; NULL: none, or a table of a peers section */
    struct peers_conf *peers; /* who shares it; NULL: nobody */
    const char *write_to_name; /* as written; NULL: none */
    struct stick_table_conf *write_to; /* what peers tell of servers and tags goes there too */
    bool recv_only;                    /* peers are not told, and conn_cur is learnt */
    int srvkey;                        /* enum stick_srvkey */
    struct stick_table *live; /* set by ADOPT; holds */
};

struct stick_table;
struct stick_entry;

struct stick_key {
    uint8_t bytes[256];
    uint32_t len;
};

/* The table of that name; NULL: none. Builder; later than the text was read. */
struct stick_table_conf *stick_table_conf_find(const struct snapshot *snapshot, struct str name);
/* All of a snapshot. */
struct stick_table_conf *stick_table_confs(const struct snapshot *snapshot);

/* --- any thread ------------------------------------------------------------------------ */

/* The value as a key of this table. False: it cannot be one. */
bool stick_key_from(struct stick_key *key, const struct stick_layout *layout, struct value *value,
                    struct arena *arena);
/* A held entry; NULL: it is not there, or with `make`: no room, no memory. */
struct stick_entry *stick_table_find(struct stick_table *table, const struct stick_key *key);
struct stick_entry *stick_table_make(struct stick_table *table, const struct stick_key *key);
/* Lets go; it lives on for the table's expire. */
void stick_entry_drop(struct stick_table *table, struct stick_entry *entry);
const struct stick_layout *stick_table_layout(const struct stick_table *table);
/* The key of an entry; strings without their end. */
struct str stick_entry_key(const struct stick_table *table, const struct stick_entry *entry);
/* For values that are not stored: 0, and nothing happens. `index`: of arrays. Rates are per period. */
uint64_t stick_data_read(struct stick_table *table, struct stick_entry *entry,
                         enum stick_data data, unsigned index);
/* Adds, and gives what it is then. */
uint64_t stick_data_add(struct stick_table *table, struct stick_entry *entry,
                        enum stick_data data, unsigned index, int64_t amount);
void stick_data_set(struct stick_table *table, struct stick_entry *entry, enum stick_data data,
                    unsigned index, uint64_t number);
uint64_t stick_table_used(const struct stick_table *table);
uint64_t stick_table_size(const struct stick_table *table);
/* Milliseconds until it expires, and since it was used; who holds it. */
int64_t stick_entry_expires_in(struct stick_table *table, const struct stick_entry *entry);
int64_t stick_entry_idle_ms(struct stick_table *table, const struct stick_entry *entry);
uint32_t stick_entry_holders(const struct stick_entry *entry);

/* --- control --------------------------------------------------------------------------- */

/* Calls it for each entry, under a lock: it must be short. False from it: the entry is removed, unless
 * somebody holds it. */
void stick_table_each(struct stick_table *table,
                      bool (*see)(struct stick_table *table, struct stick_entry *entry, void *arg),
                      void *arg);
