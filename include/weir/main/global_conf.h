/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the global section says about the process. Immutable, in the snapshot.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/config/snapshot.h"

struct global_conf {
    bool daemon;
    bool quiet, zero_warning;
    bool is_master;
    bool dumpable;
    bool may_gain_rights; /* insecure-setuid-wanted */
    int64_t nbthread;          /* 0: one for each usable CPU */
    int64_t maxconn;           /* 0: what the descriptors allow */
    int64_t max_connection_rate, max_session_rate;
    int64_t ulimit_n;          /* 0: computed */
    int64_t fd_hard_limit;
    int64_t hard_stop_after_ms, grace_ms;
    int64_t close_spread_ms;    /* 0: at once; -1: never */
    bool strict_limits;        /* what cannot be had ends the start */
    bool no_epoll, no_poll;
    bool has_user;             /* user or uid was given, be it root */
    int64_t uid, gid;          /* 0: keep */
    const char *user, *group;
    const char *chroot;
    const char *pid_file;
    const char *node, *description;
    const char *local_peer;
    uint64_t bufsize;
    int64_t maxrewrite;
    uint64_t capabilities;     /* setcap */
};

const struct global_conf *global_conf_of(const struct snapshot *snapshot);
/* -n, -N and others of the command line, applied at each build. Boot. */
struct options;
void global_conf_set_options(const struct options *options);
