/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots: storage that a feature adds to somebody else's conf object without touching
 * its struct. Declared by the feature's file, laid out at boot.
 *
 *     struct compression_conf { ... };
 *     static struct slot compression_slot = SLOT("compression", SLOT_PROXY, struct compression_conf);
 *     REGISTER_SLOT(compression_slot);
 *     struct compression_conf *c = slot_of(proxy->slots, &compression_slot);
 */
#pragma once

#include <stddef.h>

#include "weir/base/arena.h"
#include "weir/base/registry.h"

enum slot_owner {
    SLOT_GLOBAL, /* snapshot->globals: settings of the global section, lists of a room's objects */
    SLOT_PROXY,  /* proxy_conf->slots */
    SLOT_SERVER, /* server_conf->slots */
    SLOT_BIND,   /* bind_conf->slots */
    SLOT_OWNERS,
};

struct slot {
    const char *name;
    enum slot_owner owner;
    size_t size;
    size_t offset;  /* filled by slot_layout_init() */
    /* Fresh slots are zeroed, then init() runs if given. */
    void (*init)(void *slot);
    /* From a defaults section (or default-server) to a new object; NULL: plain copy. */
    void (*inherit)(void *to, const void *from, struct arena *arena);
};

#define SLOT(name_, owner_, type_) { .name = (name_), .owner = (owner_), .size = sizeof(type_) }

struct slot_ref {
    struct slot *slot;
};
REGISTRY(slot_ref, struct slot_ref);
#define REGISTER_SLOT(slot_)                                                                       \
    static const struct slot_ref slot_##_ref[] = { { &slot_ } };                                   \
    REGISTER(slot_ref, slot_##_ref)

/* Boot, once: gives each slot its offset. */
void slot_layout_init(void);
/* All slots of one object, initialised. */
void *slots_new(enum slot_owner owner, struct arena *arena);
/* A new set that inherits from another one. */
void *slots_inherit(enum slot_owner owner, const void *from, struct arena *arena);

static inline void *
slot_of(void *slots, const struct slot *slot)
{
    return (char *)slots + slot->offset;
}

static inline const void *
slot_of_const(const void *slots, const struct slot *slot)
{
    return (const char *)slots + slot->offset;
}
