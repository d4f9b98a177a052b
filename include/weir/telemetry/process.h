/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about this process that every room may want to tell: statistics, log lines,
 * samples, environment. Room main fills them; nobody else writes.
 *
 * Texts are owned by main and live until the process ends, or until main puts others in their
 * place on the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct process {
    /* Set at boot, before threads exist. */
    const char *name;            /* "haproxy" when called by that name, else "weir": log tag, -v */
    const char *version;         /* weir's own, "0.1.0" */
    const char *release_date;    /* "2026/11/23" */
    int64_t start_wall_us;       /* since 1970 */
    int64_t start_ms;            /* monotonic */
    int64_t boot_ms;             /* how long it took until it served; 0: not yet */
    uint64_t file_limit;         /* descriptors that may be open: ulimit-n */
    uint64_t memory_limit_bytes; /* 0: none */
    bool is_offline;             /* no sockets, no checks: it only answers what it would do */
    int64_t hard_maxconn;        /* what descriptors and memory were set aside for */

    /* Changed by the control thread, read by all (relaxed atomics). */
    int64_t maxconn;               /* of the whole process; at most hard_maxconn */
    int64_t connection_rate_limit; /* per second; 0: none */
    int64_t session_rate_limit;
    int64_t tls_rate_limit;
    bool is_stopping; /* soft stop has begun */

    /* Control thread only. */
    bool has_predecessor; /* another process was asked to stop for us */
    unsigned chores;      /* what a soft stop waits for besides sessions */
    const char *node;        /* "node" of the global section, else the host name */
    const char *description; /* NULL: none */
};

extern struct process this_process;
