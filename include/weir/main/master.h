/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Master-worker mode (-W, -Ws): the master starts the worker, tells the service manager, passes signals on,
 * and ends with it. The configuration is read by the worker alone.
 */
#pragma once

#include <stdbool.h>

/* What the worker gets from its master. */
struct master_link {
    int fd; /* a byte written here says "ready"; end of file: the master is gone. -1: no master */
    int cli_fd; /* over which the master sends connections for the runtime socket; -1: it has no socket */
};

typedef int worker_fn(const struct master_link *link, void *data);

struct master_settings {
    bool notify;          /* -Ws: tell systemd */
    const char *pid_file; /* may be NULL */
    const char *socket;   /* -S; NULL: none */
};

/* Runs until the worker has ended; returns the exit status of the program. In the child it returns what `worker` returned. Boot, one thread. */
int master_run(const struct master_settings *settings, worker_fn *worker, void *data);
/* The worker serves, or has applied a changed configuration. */
void master_link_ready(const struct master_link *link);
/* It has refused one. */
void master_link_refused(const struct master_link *link);
