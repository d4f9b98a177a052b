/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read, kept as it stood.
 *
 * For:     source.c writes it and reads from it; "show config" and "reload rollback".
 * Owns:    copies of the lines.
 * Thread:  the builder writes; any reads, holds and drops.
 */
#include "weir/config/transcript.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"

struct transcript *
transcript_new(void)
{
    struct transcript *transcript = alloc_zero(sizeof(*transcript));

    transcript->refs = 1;
    return transcript;
}

static struct transcript_part *
begin_part(struct transcript *transcript, const char *name, int number)
{
    struct transcript_part *part;

    if (transcript->count == transcript->cap) {
        transcript->cap = transcript->cap == 0 ? 4 : transcript->cap * 2;
        transcript->parts =
            alloc_resize(transcript->parts, transcript->cap * sizeof(*transcript->parts));
    }
    part = &transcript->parts[transcript->count++];
    *part = (struct transcript_part){ .name = alloc_copy(name), .first_line = number };
    text_init(&part->content);
    return part;
}

void
transcript_add(struct transcript *transcript, const char *name, int number, struct str line)
{
    struct transcript_part *part =
        transcript->count == 0 ? NULL : &transcript->parts[transcript->count - 1];

    if (part == NULL || number != transcript->next_line || strcmp(part->name, name) != 0)
        part = begin_part(transcript, name, number);
    text_add(&part->content, line);
    transcript->next_line = number + 1;
}

struct transcript *
transcript_hold(struct transcript *transcript)
{
    __atomic_add_fetch(&transcript->refs, 1, __ATOMIC_RELAXED);
    return transcript;
}

void
transcript_drop(struct transcript *transcript)
{
    if (transcript == NULL || __atomic_sub_fetch(&transcript->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (unsigned i = 0; i < transcript->count; i++) {
        alloc_free(transcript->parts[i].name);
        text_fini(&transcript->parts[i].content);
    }
    alloc_free(transcript->parts);
    alloc_free(transcript);
}

bool
transcript_eq(const struct transcript *a, const struct transcript *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        const struct transcript_part *left = &a->parts[i], *right = &b->parts[i];

        if (left->first_line != right->first_line || strcmp(left->name, right->name) != 0 ||
            !str_eq(text_str(&left->content), text_str(&right->content)))
            return false;
    }
    return true;
}
