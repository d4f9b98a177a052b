/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field names with capitals, for peers that cannot read others.
 *
 * For:     option h1-case-adjust-bogus-client and -server.
 * Owns:    nothing: entries live in the arena of the snapshot.
 * Callers: mux_conf.c fills it, h1_writer.c looks names up.
 * Thread:  builder while it is filled; then constant.
 *
 * Open hashing with twice as many places as entries. A peer that needs this is rare, and so is
 * speed.
 */
#include "case_map.h"

#include "weir/base/crash.h"

struct case_pair {
    struct str from; /* len 0: empty place */
    struct str to;
};

struct case_map {
    struct case_pair *pairs;
    unsigned places; /* a power of two */
    unsigned count;
};

#define PLACES_MIN 16

static unsigned
place_of(const struct case_map *map, struct str name)
{
    unsigned hash = 5381;

    for (size_t i = 0; i < name.len; i++)
        hash = hash * 33 + (unsigned char)name.ptr[i];
    while (map->pairs[hash & (map->places - 1)].from.len != 0 &&
           !str_eq(map->pairs[hash & (map->places - 1)].from, name))
        hash++;
    return hash & (map->places - 1);
}

static void
grow(struct case_map *map, struct arena *arena)
{
    struct case_map old = *map;

    map->places = old.places == 0 ? PLACES_MIN : old.places * 2;
    map->pairs = ARENA_ARRAY(arena, struct case_pair, map->places);
    for (unsigned i = 0; i < old.places; i++) {
        if (old.pairs[i].from.len != 0)
            map->pairs[place_of(map, old.pairs[i].from)] = old.pairs[i];
    }
}

bool
case_map_add(struct case_map **map, struct arena *arena, struct str from, struct str to)
{
    struct case_pair *pair;

    MUST(from.len == to.len); /* the writer has counted bytes before it asks */
    if (*map == NULL)
        *map = ARENA_NEW(arena, struct case_map);
    if ((*map)->count * 2 >= (*map)->places)
        grow(*map, arena);
    pair = &(*map)->pairs[place_of(*map, from)];
    if (pair->from.len != 0)
        return false;
    pair->from = str_of(arena_copy_str(arena, from), from.len);
    pair->to = str_of(arena_copy_str(arena, to), to.len);
    (*map)->count++;
    return true;
}

struct str
case_map_find(const struct case_map *map, struct str lower)
{
    const struct case_pair *pair;

    if (map == NULL || lower.len == 0)
        return lower;
    pair = &map->pairs[place_of(map, lower)];
    return pair->from.len == 0 ? lower : pair->to;
}
