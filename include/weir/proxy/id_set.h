/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of proxies and servers: those that are written, and the next free one. Builder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_set { /* zeroed is empty */
    int64_t *ids;
    size_t count, cap;
};

void id_set_add(struct id_set *set, int64_t id);
/* After the last add. */
void id_set_sort(struct id_set *set);
/* The first number from *next on that is not in the set; *next goes behind it. */
int64_t id_set_next(const struct id_set *set, int64_t *next);
void id_set_fini(struct id_set *set);
