/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configurations that were put to work, the last ones.
 *
 * For:     "reload rollback", "show config history".
 * Owns:    their texts (counted).
 * Thread:  control.
 *
 * Entries are in order of time; one of them is the running one. A rollback moves to an older one
 * and leaves the younger ones where they are; a new text goes to the end. What was said at run time
 * (add server ...) is no part of them.
 */
#include <string.h>

#include "weir/base/clock.h"
#include "weir/base/crash.h"
#include "private.h"

#define HISTORY_MAX 10

static struct history_entry entries[HISTORY_MAX];
static unsigned count, current;

static void
forget_oldest(void)
{
    unsigned oldest = current == 0 && count > 1 ? 1 : 0;

    transcript_drop(entries[oldest].transcript);
    count--;
    memmove(&entries[oldest], &entries[oldest + 1], (count - oldest) * sizeof(entries[0]));
    if (current > oldest)
        current--;
}

void
history_add(const struct snapshot *snapshot)
{
    if (count > 0 && transcript_eq(entries[current].transcript, snapshot->transcript))
        return;
    if (count == HISTORY_MAX)
        forget_oldest();
    entries[count] = (struct history_entry){ .transcript = transcript_hold(snapshot->transcript),
                                             .generation = snapshot->generation,
                                             .applied_wall_us = clock_wall_us() };
    current = count++;
}

struct transcript *
history_find(unsigned steps)
{
    return steps > current || steps == 0 ? NULL : entries[current - steps].transcript;
}

void
history_went_back(const struct transcript *transcript)
{
    for (unsigned i = 0; i < count; i++) {
        if (entries[i].transcript == transcript)
            current = i;
    }
}

const struct history_entry *
history_at(unsigned index, bool *is_current)
{
    *is_current = index == current;
    return index < count ? &entries[index] : NULL;
}

int
history_steps(unsigned index)
{
    return (int)current - (int)index;
}
