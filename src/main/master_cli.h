/* SPDX-License-Identifier: Apache-2.0 */
/* The master's runtime socket (-S). Thread: the master's only one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "weir/base/error.h"
#include "weir/os/addr.h"

enum {
    MASTER_CLIENTS = 16,
    MASTER_LINE_MAX = 16384,
    MASTER_CLI_FDS = 2 * MASTER_CLIENTS + 1,
};

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
    bool is_at_worker; /* commands without a target go there */
    bool in_line;      /* commands of a line still wait in `line`, or one runs */
    size_t len;
    char bytes[MASTER_LINE_MAX];
    char line[MASTER_LINE_MAX]; /* the one that runs */
    char *rest;                 /* its commands that have not run; NULL: none */

    /* A command that the worker runs: master_relay.c */
    int worker_fd;       /* -1: none */
    char *payload_end;   /* lines go to the worker until this one; NULL: no payload. Owns */
    size_t answer_len, answer_sent;
    char answer[MASTER_LINE_MAX];
};

struct master_cli {
    int listener; /* -1: there is none */
    char *text;
    struct addr addr;
    const struct master_facts *facts;
    int worker_fd; /* connections sent here reach the worker's runtime socket; -1: none */
    void (*reload)(void *data);
    void *data;
    struct master_client clients[MASTER_CLIENTS];
};

struct pollfd;

/* --- master_socket.c: where it listens ------------------------------------------------------- */

/* "<address>[,<word>,<value>]...": mode, user, uid, group, gid, level. */
bool master_cli_open(struct master_cli *cli, const char *text, struct error *err);
/* `is_last`: the file goes too. */
void master_cli_close(struct master_cli *cli, bool is_last);

/* --- master_relay.c: commands that the worker runs ------------------------------------------- */

/* Sends it there; the answer follows. False: the worker does not take it. */
bool master_relay_begin(struct master_cli *cli, struct master_client *client, const char *command);
/* Sends more lines to the command that has a payload. False: there is no whole line, or the payload has
 * ended. */
bool master_relay_payload(struct master_client *client);
/* Moves answers; false: the command has ended, or the client is gone. */
bool master_relay_go_on(struct master_client *client);
void master_relay_end(struct master_client *client);

/* Fills MASTER_CLI_FDS entries; serves what poll() found in them. */
void master_cli_watch(const struct master_cli *cli, struct pollfd *fds);
void master_cli_serve(struct master_cli *cli, const struct pollfd *fds);
/* Answers those that asked for it. */
void master_cli_reloaded(struct master_cli *cli, bool is_applied);
