/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of the worker, read on the control thread's loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/error.h"

struct signals_settings {
    int64_t hard_stop_after_ms; /* 0: never */
    int64_t grace_ms;
    int64_t close_spread_ms;    /* -1: no connection is closed */
    int master_fd;              /* end of file there means that the master is gone; -1: no master */
};

/* Starts listening to them. They must be blocked already. Control. */
bool signals_start(const struct signals_settings *settings, struct error *err);
/* How a soft stop goes from now on, as in the settings. Control. */
void signals_set_times(int64_t hard_stop_after_ms, int64_t grace_ms, int64_t close_spread_ms);
void signals_stop(void);
