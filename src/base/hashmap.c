/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash table from byte strings to pointers.
 *
 * For:     names of the configuration: keywords, proxies, files, variables.
 * Owns:    its array of entries; neither keys nor values.
 * Callers: everybody who builds or commands; readers may share it once it is
 *          built, since hashmap_find() writes nothing.
 * Thread:  one writer, and nobody else while it writes.
 *
 * Open addressing with linear probing. Removing moves later entries of the run
 * back, so that there are no tombstones.
 */
#include "weir/base/hashmap.h"

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/hash.h"

#define CAP_MIN 8

struct hashmap_entry {
    struct str key;
    void *value; /* NULL: free */
    uint64_t hash;
};

/* Where the key is, or the free entry where it would go. There is always a free one. */
static size_t
place_of(const struct hashmap *map, struct str key, uint64_t hash)
{
    size_t at = hash & (map->cap - 1);

    while (map->entries[at].value != NULL) {
        const struct hashmap_entry *entry = &map->entries[at];

        if (entry->hash == hash && str_eq(entry->key, key))
            break;
        at = (at + 1) & (map->cap - 1);
    }
    return at;
}

static void
grow(struct hashmap *map)
{
    struct hashmap old = *map;

    map->cap = old.cap == 0 ? CAP_MIN : old.cap * 2;
    map->entries = alloc_array(map->cap, sizeof(*map->entries));
    for (size_t i = 0; i < old.cap; i++) {
        const struct hashmap_entry *entry = &old.entries[i];

        if (entry->value != NULL)
            map->entries[place_of(map, entry->key, entry->hash)] = *entry;
    }
    alloc_free(old.entries);
}

void
hashmap_init(struct hashmap *map)
{
    *map = (struct hashmap)HASHMAP_INIT;
}

void
hashmap_fini(struct hashmap *map)
{
    alloc_free(map->entries);
    hashmap_init(map);
}

void *
hashmap_find(const struct hashmap *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    return map->entries[place_of(map, key, hash_xxh3(key, 0))].value;
}

void *
hashmap_set(struct hashmap *map, struct str key, void *value)
{
    uint64_t hash = hash_xxh3(key, 0);
    struct hashmap_entry *entry;
    void *before;

    MUST(value != NULL);
    if (map->count >= map->cap / 4 * 3)
        grow(map);
    entry = &map->entries[place_of(map, key, hash)];
    before = entry->value;
    if (before == NULL)
        map->count++;
    /* The new key replaces the old one too: the old one may die with the old value. */
    *entry = (struct hashmap_entry){ .key = key, .value = value, .hash = hash };
    return before;
}

/* Closes the gap at `gap`: each later entry of the run that may stand there moves into it. */
static void
close_gap(struct hashmap *map, size_t gap)
{
    size_t mask = map->cap - 1;

    for (size_t at = (gap + 1) & mask; map->entries[at].value != NULL; at = (at + 1) & mask) {
        size_t home = map->entries[at].hash & mask;

        /* Its home must not lie behind the gap on the way to `at`. */
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            map->entries[gap] = map->entries[at];
            gap = at;
        }
    }
    map->entries[gap] = (struct hashmap_entry){ .value = NULL };
}

void *
hashmap_remove(struct hashmap *map, struct str key)
{
    size_t at;
    void *value;

    if (map->count == 0)
        return NULL;
    at = place_of(map, key, hash_xxh3(key, 0));
    value = map->entries[at].value;
    if (value == NULL)
        return NULL;
    close_gap(map, at);
    map->count--;
    return value;
}

int
hashmap_next(const struct hashmap *map, size_t *at, struct str *key, void **value)
{
    while (*at < map->cap) {
        const struct hashmap_entry *entry = &map->entries[(*at)++];

        if (entry->value == NULL)
            continue;
        if (key != NULL)
            *key = entry->key;
        if (value != NULL)
            *value = entry->value;
        return 1;
    }
    return 0;
}
