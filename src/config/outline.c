/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the outline while the text is read.
 *
 * For:     parser.c.
 * Owns:    nothing: all is in the snapshot's arena, as the words are.
 * Thread:  builder.
 */
#include "weir/config/outline.h"

#include <stddef.h>
#include <string.h>

static struct outline_line *
new_line(struct arena *arena, const struct words *words, bool is_amended)
{
    struct outline_line *line = ARENA_NEW(arena, struct outline_line);

    line->pos = words->pos;
    line->count = words->count;
    line->words = ARENA_ARRAY(arena, const char *, words->count);
    line->is_amended = is_amended;
    for (unsigned i = 0; i < words->count; i++)
        line->words[i] = words->items[i].text;
    return line;
}

void
outline_begin(struct outline *outline, struct arena *arena, const char *kind, const char *name,
              unsigned place, const struct words *words, bool is_amended)
{
    struct outline_section *section = ARENA_NEW(arena, struct outline_section);

    section->kind = kind;
    section->name = name;
    section->place = place;
    section->head = new_line(arena, words, is_amended);
    if (outline->last == NULL)
        outline->sections = section;
    else
        outline->last->next = section;
    outline->last = section;
}

void
outline_add(struct outline *outline, struct arena *arena, const struct words *words,
            bool is_amended)
{
    struct outline_section *section = outline->last;
    struct outline_line *line;

    if (section == NULL)
        return;
    line = new_line(arena, words, is_amended);
    if (section->last == NULL)
        section->lines = line;
    else
        section->last->next = line;
    section->last = line;
    section->line_count++;
}

static bool
begins_with(const struct outline_line *line, const struct words *words)
{
    if (line->count < words->count)
        return false;
    for (unsigned i = 0; i < words->count; i++) {
        if (strcmp(line->words[i], words->items[i].text) != 0)
            return false;
    }
    return true;
}

void
outline_remove(struct outline *outline, const struct words *words)
{
    struct outline_section *section = outline->last;
    struct outline_line *before = NULL;

    for (struct outline_line *line = section->lines; line != NULL; line = line->next) {
        if (!begins_with(line, words)) {
            before = line;
            continue;
        }
        if (before == NULL)
            section->lines = line->next;
        else
            before->next = line->next;
        if (section->last == line)
            section->last = before;
        section->line_count--;
    }
}
