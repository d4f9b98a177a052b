/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings: log lines that stay in memory, the newest of them; people look at them, and connections take them away.
 *
 * ring_conf is what a section says (immutable); ring is what lives: found again by name when a new snapshot is built.
 * All functions on rings: control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/text.h"
#include "weir/config/diag.h"
#include "weir/config/snapshot.h"
#include "weir/os/addr.h"

struct ring;

/* A receiver of all lines of a ring. */
struct ring_server_conf {
    struct list link;      /* in ring_conf->servers */
    const char *name;
    struct addr addr;
    bool counts_octets;    /* "123 <190>...", otherwise a line feed ends each line (RFC 6587) */
    int64_t max_reuse;     /* lines on one connection, less one; -1: no limit */
};

struct ring_conf {
    struct list link;      /* in rings_list() */
    const char *name;
    struct source_pos pos;
    const char *description;
    bool is_implicit;      /* made for "log tcp@..." */
    bool has_format;
    int format;            /* enum log_header_kind (private) */
    int64_t max_len;       /* of a line */
    uint64_t size_bytes;
    int64_t connect_ms, server_ms;
    struct list servers;   /* struct ring_server_conf */
    struct ring *live;     /* set by ADOPT; holds */
};

/* Of a snapshot, in order of the text. */
struct list *rings_list(const struct snapshot *snapshot);
struct ring_conf *ring_conf_find(const struct snapshot *snapshot, const char *name);

/* --- live ----------------------------------------------------------------------------- */

/* A place in a ring. */
struct ring_cursor {
    uint64_t at;
    uint64_t number;
    uint64_t lost; /* lines that were overwritten before they were read */
};

/* Somebody who waits for new lines. */
struct ring_watcher {
    struct list link;
    void (*on_line)(struct ring_watcher *watcher); /* defers its work */
};

/* Overwrites the oldest lines; one that is longer than the ring is dropped. */
void ring_write(struct ring *ring, struct str line);
void ring_seek_begin(const struct ring *ring, struct ring_cursor *cursor);
void ring_seek_end(const struct ring *ring, struct ring_cursor *cursor);
/* Adds the next line to `out`, and moves on. False: there is none. */
bool ring_read(const struct ring *ring, struct ring_cursor *cursor, struct text *out);
void ring_watch(struct ring *ring, struct ring_watcher *watcher);
void ring_unwatch(struct ring_watcher *watcher);
void ring_count_dropped(struct ring *ring, uint64_t lines);
uint64_t ring_dropped(const struct ring *ring);
/* Without a name: of nobody else. One hold. */
struct ring *ring_new(uint64_t size_bytes);
void ring_hold(struct ring *ring);
void ring_drop(struct ring *ring);
