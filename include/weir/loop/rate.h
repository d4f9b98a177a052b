/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events per period (of one second in statistics): the count of the running period plus the
 * share of the previous one that still lies in the window.
 */
#pragma once

#include <stdint.h>

struct rate {
    uint32_t current;
    uint32_t previous;
    int64_t period_start_ms;
};

/* Owner (one row per thread) */
void rate_add(struct rate *rate, int64_t now_ms, uint32_t period_ms, uint32_t count);
/* Any; approximate when read from another thread. */
uint32_t rate_read(const struct rate *rate, int64_t now_ms, uint32_t period_ms);
