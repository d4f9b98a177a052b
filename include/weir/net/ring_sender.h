/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends the lines of a ring to a server over TCP. Control.
 */
#pragma once

#include "weir/os/addr.h"
#include "weir/telemetry/ring.h"

struct ring_sender;

/* Begins with what the ring holds. Holds the ring. */
struct ring_sender *ring_sender_open(struct ring *ring, const struct addr *addr,
                                     bool counts_octets);
/* NULL is fine. */
void ring_sender_close(struct ring_sender *sender);
