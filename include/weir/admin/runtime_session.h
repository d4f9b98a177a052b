/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the runtime socket: commands in, answers out. Thread: control.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/cli/command.h"
#include "weir/net/connection.h"

/* What a socket grants, and who must know when a session ends. */
struct runtime_access {
    enum command_level level;
    int severity_output;        /* 0 none, 1 number, 2 string */
    int64_t timeout_ms;         /* of silence; 0: none */
    size_t payload_max;         /* bytes */
    bool gives_sockets;         /* expose-fd listeners */
    void (*on_end)(void *data); /* may be NULL */
    void *data;
};

/* Takes the connection over. */
void runtime_session_start(struct connection *conn, const struct runtime_access *access);
/* Ends all: the process stops. */
void runtime_session_end_all(void);
unsigned runtime_session_count(void);
