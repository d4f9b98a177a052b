/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field names as some old peers want to see them: "content-length" to "Content-Length"
 * (h1-case-adjust). Immutable once the configuration is read. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "weir/base/arena.h"
#include "weir/base/str.h"

struct case_map;

/* NULL stands for an empty map everywhere. */

/* Adds a pair; makes the map when *map is NULL. False: `from` is there already. Builder. */
bool case_map_add(struct case_map **map, struct arena *arena, struct str from, struct str to);
/* The name to be written; `lower` itself when it is not in the map. */
struct str case_map_find(const struct case_map *map, struct str lower);
