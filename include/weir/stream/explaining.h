/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that are watched while they decide: one that weir makes itself without a client (weir
 * --explain), or those of real clients that meet a condition (explain live).
 */
#pragma once

#include "weir/expr/condition.h"
#include "weir/expr/explain.h"
#include "weir/net/listener.h"

/* A client that there is not: `fd` is our end of a pair of sockets, whose other end sends the
 * request and reads the answer. explain->is_offline is set: no server is asked, nothing is logged
 * or waited for. explain->on_end is called when its connection is gone. Traffic thread. */
void explaining_accept(struct listener *ln, int fd, const struct addr *src, const struct addr *dst,
                       struct explain *explain);

/* "explain live": streams that meet the condition when their request has come. */
struct explain_watch {
    const struct condition *condition; /* NULL: all */
    uint32_t left;                     /* atomic: how many more; may wrap below 0 */
    uint32_t traced;                   /* atomic: streams that are being traced */
    /* One of them has ended; the text of the snapshot is still there. On the stream's thread. */
    void (*on_trace)(struct explain_watch *watch, const struct explain *explain,
                     const struct eval *eval);
};
/* Replaces the one before, which no new stream meets once the grace period is over; NULL: nobody
 * watches. Control. */
void explaining_watch(struct explain_watch *watch);
