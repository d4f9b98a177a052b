/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of clients that have served, and may serve again. Each thread has its own.
 *
 * Thread: owner.
 */
#pragma once

#include <stdint.h>

#include "weir/mux/mux.h"
#include "weir/os/addr.h"

/* One to this address that was made with the same key; NULL: none. */
struct mux_conn *client_idle_take(const struct addr *to, uint64_t key);
/* It waits for another use, or closes, now or after a while. */
void client_idle_give(struct mux_conn *mc, const struct addr *to, uint64_t key);
