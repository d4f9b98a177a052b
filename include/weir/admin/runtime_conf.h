/* SPDX-License-Identifier: Apache-2.0 */
/* Where a configuration has its runtime sockets. */
#pragma once

struct bind_conf;
struct snapshot;

/* The "stats socket" of the highest level, the first of them; NULL: none. It lives as long as the
 * snapshot. Any thread. */
const struct bind_conf *runtime_conf_best_bind(const struct snapshot *snapshot);
