/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up a name for a script that waits. The control thread does it.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/str.h"
#include "weir/os/addr.h"
#include "outside.h"

struct lookup;
struct thread;

/* on_done() comes on the caller's thread: with the address, or ADDR_NONE; then the lookup is gone. NULL: the name cannot be
 * looked up. */
struct lookup *lookup_start(struct str name, const struct outside *outside, struct snapshot *snapshot,
                            void (*on_done)(void *data, const struct addr *addr), void *data);
/* on_done() will not come. On the thread that started it. */
void lookup_abandon(struct lookup *lookup);
