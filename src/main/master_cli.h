/* SPDX-License-Identifier: Apache-2.0 */
/* The master's runtime socket (-S). Thread: the master's only one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "weir/base/error.h"
#include "weir/os/addr.h"

enum { MASTER_CLIENTS = 16, MASTER_LINE_MAX = 1024, MASTER_CLI_FDS = MASTER_CLIENTS + 1 };

/* What it tells. */
struct master_facts {
    pid_t worker;
    unsigned reloads, failed;
    time_t since;
};

struct master_client {
    int fd; /* -1: free */
    bool has_prompt, awaits_reload;
    bool is_deaf; /* it has said all, and waits for an answer */
    size_t len;
    char bytes[MASTER_LINE_MAX];
};

struct master_cli {
    int listener; /* -1: there is none */
    char *text;
    struct addr addr;
    const struct master_facts *facts;
    void (*reload)(void *data);
    void *data;
    struct master_client clients[MASTER_CLIENTS];
};

struct pollfd;

/* "<address>[,<word>,<value>]...": mode, user, uid, group, gid, level. */
bool master_cli_open(struct master_cli *cli, const char *text, struct error *err);
/* `is_last`: the file goes too. */
void master_cli_close(struct master_cli *cli, bool is_last);
/* Fills MASTER_CLI_FDS entries; serves what poll() found in them. */
void master_cli_watch(const struct master_cli *cli, struct pollfd *fds);
void master_cli_serve(struct master_cli *cli, const struct pollfd *fds);
/* Answers those that asked for it. */
void master_cli_reloaded(struct master_cli *cli, bool is_applied);
