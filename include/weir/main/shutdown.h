/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the process ends: at once, or when the last connection is done. Control.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* SIGTERM, SIGINT: leave the control loop now. */
void shutdown_now(void);
/* SIGUSR1: stop listening, let sessions finish, then leave. `hard_stop_after_ms`: leave anyway then; 0: never.
 * `grace_ms`: go on accepting that long first. `spread_ms`: client connections are closed one after the other
 * during this time; 0: at once; -1: never. */
void shutdown_soft(int64_t hard_stop_after_ms, int64_t grace_ms, int64_t spread_ms);
bool shutdown_is_soft(void);
