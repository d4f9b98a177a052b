/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed setters: the value of a keyword goes straight to a member of the object, or of the
 * keyword's slot in it.
 *
 * Callers: keyword.c. Thread: builder.
 */
#include "weir/base/crash.h"
#include "private.h"

void *
keyword_slot(struct parse *parse, const struct slot *slot)
{
    FOR_EACH_REGISTERED (place_slots, entry, list) {
        if (entry->place & parse->place)
            return slot_of(entry->slots(parse->object), slot);
    }
    MUST(!"no place_slots for this place");
    return NULL;
}

static bool
set_text(struct parse *parse, const char *what, const char **to)
{
    const char *word = parse_word(parse, what);

    if (word != NULL)
        *to = word;
    return word != NULL;
}

/* "default" takes a flag back to what a new slot says; flags of the object itself are off at first.
 */
static bool
built_in_flag(struct parse *parse, const struct keyword *kw)
{
    char *fresh;

    if (kw->slot == NULL || kw->slot->init == NULL)
        return false;
    fresh = arena_zero(parse->arena, kw->slot->size);
    kw->slot->init(fresh);
    return *(bool *)(void *)(fresh + kw->offset);
}

bool
setter_run(struct parse *parse, const struct keyword *kw)
{
    char *object = kw->slot != NULL ? keyword_slot(parse, kw->slot) : parse->object;
    void *to = object + kw->offset;
    const char *what = kw->args != NULL ? kw->args : "a value";

    switch (kw->setter) {
    case SETTER_FLAG:
        *(bool *)to = parse->is_default ? built_in_flag(parse, kw) : !parse->negated;
        return true;
    case SETTER_INT:
        return parse_int(parse, what, kw->min, kw->max, to);
    case SETTER_TIME_MS:
        return parse_time(parse, what, "ms", to);
    case SETTER_TIME_S:
        return parse_time(parse, what, "s", to);
    case SETTER_SIZE:
        return parse_size(parse, what, to);
    case SETTER_TEXT:
        return set_text(parse, what, to);
    case SETTER_ON_OFF:
        return parse_on_off(parse, to);
    case SETTER_CHOICE:
        return parse_choice(parse, what, kw->choices, to);
    case SETTER_NONE:
        break;
    }
    MUST(!"keyword without parser");
    return false;
}
