/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one struct process. See the header.
 *
 * For:     "show info", log headers, samples.
 * Owns:    nothing: main owns the texts.
 * Callers: main fills it; all rooms read.
 * Thread:  any; see the groups of fields.
 */
#include "weir/telemetry/process.h"

#include <stddef.h>

struct process this_process = {
    .name = "weir",
    .version = WEIR_VERSION,
    .release_date = "",
    .node = "",
};
