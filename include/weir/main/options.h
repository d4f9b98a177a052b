/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, read once. Boot; lives as long as the process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "weir/config/snapshot.h"

enum run_mode { RUN_DEFAULT, RUN_FOREGROUND, RUN_DAEMON };

struct explain_question;

struct options {
    const char *name;             /* "haproxy" when called so, else "weir" */
    struct config_sources sources;
    bool check_only;              /* -c */
    bool quiet, verbose, debug;   /* -q -V -d */
    bool diagnostics;             /* -dD */
    bool zero_warning;            /* -dW */
    bool no_epoll, no_poll;       /* -de -dp */
    bool no_splice, no_reuseport; /* -dS -dR */
    bool ignore_unresolved;       /* -dr */
    bool no_verify, only_ipv4;    /* -dV -4 */
    bool list_cpus;               /* -dc */
    bool list_libraries;          /* -dL */
    bool is_master, notify;       /* -W -Ws */
    enum run_mode mode;           /* -db -D */
    const char *list_keywords;    /* -dK classes; NULL: not asked */
    const char *condition;        /* -cc */
    const char *folder;           /* -C */
    const char *pid_file;         /* -p */
    const char *peer_name;        /* -L */
    const char *take_sockets;     /* -x */
    const char *master_socket;    /* -S */
    const struct explain_question *question; /* --explain; NULL: not asked */
    const char *expect_file;      /* --expect */
    bool lint;                    /* --lint */
    bool json;                    /* --json */
    int64_t maxconn;              /* -n; 0: not given */
    int64_t proxy_maxconn;        /* -N */
    int64_t memory_mb;            /* -m */
    pid_t *old_pids;              /* -sf -st */
    unsigned old_pid_count;
    int old_pid_signal;           /* SIGUSR1 or SIGTERM */
    int master_fd;                /* to the master; -1: none */
    int exit_status;              /* with options_parse() false: what to exit with */
};

/* Reads argv. False: the program is done (help, version, or a mistake that was told): exit with options->exit_status. */
bool options_parse(struct options *options, int argc, char **argv);
/* A runtime socket whose connections the master sends over `fd`. Once. */
void options_add_master_socket(struct options *options, int fd);
