/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applets as the rest of the room sees them: s->back is of applet_mux.
 *
 * Thread: owner.
 */
#pragma once

#include "weir/mux/mux.h"
#include "weir/stream/applet.h"

extern const struct mux applet_mux;

/* It begins to run. */
void applet_open(struct endpoint *ep);
bool applet_is_open(struct endpoint *ep);
