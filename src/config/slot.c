/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each feature's slot lies inside the slots of an object.
 *
 * Thread: boot lays them out; builder makes them.
 */
#include "weir/config/slot.h"

#include <string.h>

#include "weir/base/crash.h"

static size_t sizes[SLOT_OWNERS];
static bool is_laid_out;

void
slot_layout_init(void)
{
    if (is_laid_out)
        return;
    is_laid_out = true;
    FOR_EACH_REGISTERED (slot_ref, ref, list) {
        struct slot *slot = ref->slot;

        slot->offset = sizes[slot->owner];
        sizes[slot->owner] += (slot->size + 15) & ~(size_t)15;
    }
}

void *
slots_new(enum slot_owner owner, struct arena *arena)
{
    char *slots = arena_zero(arena, sizes[owner] + 16);

    MUST(is_laid_out);
    FOR_EACH_REGISTERED (slot_ref, ref, list) {
        if (ref->slot->owner == owner && ref->slot->init != NULL)
            ref->slot->init(slots + ref->slot->offset);
    }
    return slots;
}

void *
slots_inherit(enum slot_owner owner, const void *from, struct arena *arena)
{
    char *slots = arena_zero(arena, sizes[owner] + 16);

    memcpy(slots, from, sizes[owner]);
    FOR_EACH_REGISTERED (slot_ref, ref, list) {
        const struct slot *slot = ref->slot;

        if (slot->owner == owner && slot->inherit != NULL)
            slot->inherit(slots + slot->offset, (const char *)from + slot->offset, arena);
    }
    return slots;
}
