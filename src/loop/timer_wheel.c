/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wheel behind timer.h: where a timer stands, and what is due.
 *
 * For:     timer.c, which ties it to a loop; and unit tests, which have their own clock.
 * Owns:    nothing; timers are linked through their own memory.
 * Callers: timer.c.
 * Thread:  owner.
 *
 * Level 0 has a slot for each of 64 ms; each level above has 64 slots, each as long
 * as the whole level below. A timer stands on the level of the highest
 * bits in which its deadline differs from now. So every slot of a level lies ahead of now and
 * inside the slot of the level above that now stands in, and the first occupied
 * slot of the lowest occupied level is the next one of all. When its time comes, its timers are due
 * or move to a lower level; those whose deadline was pushed away meanwhile move on.
 */
#include "weir/loop/timer.h"

#include <stddef.h>

#include "private.h"

#define WHEEL_FAR_MS ((int64_t)1 << (WHEEL_BITS * WHEEL_LEVELS - 2))

void
timer_wheel_init(struct timer_wheel *wheel, int64_t now_ms)
{
    wheel->now_ms = now_ms;
    wheel->next_ms = TIMER_NEVER;
    wheel->armed_ms = TIMER_NEVER;
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (int slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    }
}

void
timer_wheel_advance(struct timer_wheel *wheel, int64_t now_ms)
{
    if (now_ms > wheel->now_ms && now_ms < wheel->next_ms)
        wheel->now_ms = now_ms;
}

void
timer_wheel_place(struct timer_wheel *wheel, struct timer *timer)
{
    int64_t when = timer->deadline_ms;
    uint64_t differs;
    unsigned level, shift, slot;

    if (when < wheel->now_ms)
        when = wheel->now_ms;
    if (when - wheel->now_ms > WHEEL_FAR_MS)
        when = wheel->now_ms + WHEEL_FAR_MS; /* looked at then, and placed again */
    differs = (uint64_t)(wheel->now_ms ^ when);
    level = differs == 0 ? 0 : (63 - (unsigned)__builtin_clzll(differs)) / WHEEL_BITS;
    shift = level * WHEEL_BITS;
    slot = (unsigned)(when >> shift) & (WHEEL_SLOTS - 1);
    timer->placed_ms = when >> shift << shift;
    list_add_last(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= (uint64_t)1 << slot;
    if (timer->placed_ms < wheel->next_ms)
        wheel->next_ms = timer->placed_ms;
}

/* When the next occupied slot begins; its list goes to *slot_list. Forgets slots that have
 * become empty because their timers were stopped. */
static int64_t
next_occupied(struct timer_wheel *wheel, struct list **slot_list)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        unsigned shift = level * WHEEL_BITS;

        while (wheel->occupied[level] != 0) {
            unsigned slot = (unsigned)__builtin_ctzll(wheel->occupied[level]);
            int64_t level_begins = wheel->now_ms >> (shift + WHEEL_BITS) << (shift + WHEEL_BITS);

            *slot_list = &wheel->slots[level][slot];
            if (!list_is_empty(*slot_list))
                return level_begins + ((int64_t)slot << shift);
            wheel->occupied[level] &= wheel->occupied[level] - 1;
        }
    }
    return TIMER_NEVER;
}

/* No timer comes back to this slot: what is not due differs from now on a lower level. */
static void
empty_slot(struct timer_wheel *wheel, struct list *slot_list, int64_t now_ms, struct list *due)
{
    while (!list_is_empty(slot_list)) {
        struct timer *timer = LIST_FIRST(slot_list, struct timer, link);

        list_remove(&timer->link);
        if (timer->deadline_ms == TIMER_NEVER)
            timer->placed_ms = TIMER_NEVER;
        else if (timer->deadline_ms <= now_ms)
            list_add_last(due, &timer->link);
        else
            timer_wheel_place(wheel, timer);
    }
}

void
timer_wheel_take_due(struct timer_wheel *wheel, int64_t now_ms, struct list *due)
{
    struct list *slot_list = NULL;
    int64_t at;

    while ((at = next_occupied(wheel, &slot_list)) <= now_ms) {
        wheel->now_ms = at;
        empty_slot(wheel, slot_list, now_ms, due);
    }
    wheel->next_ms = at;
    if (now_ms > wheel->now_ms)
        wheel->now_ms = now_ms;
}
