/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tune.h2.* of the global section. Part of a snapshot: immutable.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct snapshot;

struct h2_side {
    int64_t window;  /* 0: that of both sides */
    int64_t streams; /* -1: that of both sides; 0: no limit of ours */
    int64_t glitches; /* 0: no limit */
    int64_t frames_at_once; /* in one turn; 0: no limit */
    uint64_t rxbuf;   /* bytes of bodies that a connection may hold; 0: as much as its streams may */
};

struct h2_conf {
    struct h2_side front, back;
    int64_t table_size;
    int64_t window;
    int64_t streams;
    int64_t frame_size; /* 0: the default */
    int64_t kill_usage;  /* percent; connections with too many glitches are borne while the thread is less busy */
    int64_t resets_at_once; /* front: RST_STREAM in one turn; 0: no limit */
    int64_t total_streams; /* front; 0: no limit */
    bool zero_copy;
    bool no_websocket; /* h2-workaround-bogus-websocket-clients */
};

/* Of a snapshot that is being built or lives. */
const struct h2_conf *h2_conf_of(const struct snapshot *snapshot);
/* As if nothing was said. */
void h2_conf_init(struct h2_conf *conf);
