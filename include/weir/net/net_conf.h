/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the global section says about sockets. Immutable, in the snapshot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct snapshot;

struct unix_bind {      /* defaults of unix listening sockets */
    const char *prefix; /* before each path; NULL: none */
    int64_t mode;       /* -1: untouched */
    int64_t uid, gid;   /* -1: untouched */
};

struct net_conf {
    struct unix_bind unix_bind;
    int64_t max_accept;
    int64_t max_pipes;  /* -1: not set */
    uint64_t pipe_size; /* 0: as the system has it */
    bool no_splice, no_reuseport;
    uint64_t rcvbuf_client, rcvbuf_server, sndbuf_client,
        sndbuf_server; /* 0: as the system has it */
};

const struct net_conf *net_conf_of(const struct snapshot *snapshot);
