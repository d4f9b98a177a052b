/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash table from byte strings to pointers. Control and builder threads; one
 * user at a time. Keys are borrowed: they must live as long as the entry.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "weir/base/str.h"

struct hashmap_entry;

struct hashmap {
    struct hashmap_entry *entries; /* owns; open addressing */
    size_t cap;                    /* 0 or a power of two */
    size_t count;
};

#define HASHMAP_INIT                                                                               \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void hashmap_init(struct hashmap *map);
void hashmap_fini(struct hashmap *map);
/* NULL when absent. */
void *hashmap_find(const struct hashmap *map, struct str key);
/* Adds or replaces; returns the previous value or NULL. `value` is not NULL. */
void *hashmap_set(struct hashmap *map, struct str key, void *value);
/* Returns the removed value or NULL. */
void *hashmap_remove(struct hashmap *map, struct str key);
/* Iteration: size_t at = 0; while (hashmap_next(map, &at, &key, &value)). Order is arbitrary. */
int hashmap_next(const struct hashmap *map, size_t *at, struct str *key, void **value);
