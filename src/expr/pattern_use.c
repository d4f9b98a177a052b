/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists of patterns that a configuration uses: those with a name, and those of acl lines.
 *
 * For:     conditions and maps, which name them, and the commands, which find them by number.
 * Owns:    the snapshot's holds on them.
 * Thread:  builder collects; control publishes, looks up and lets go.
 */
#include "pattern_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

/* --- collecting ------------------------------------------------------------------------------ */

static struct pattern_use *
use_new(struct parse *parse, struct pattern_use **first)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    struct pattern_use *use = ARENA_NEW(parse->arena, struct pattern_use);

    use->next = *first;
    use->order = room->use_count++;
    *first = use;
    return use;
}

struct pattern_file *
pattern_use_file(struct parse *parse, const char *name, enum pattern_columns columns)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    const char *key = pattern_file_key(parse, name, columns);
    struct pattern_file *file;

    for (struct pattern_use *use = room->files; use != NULL; use = use->next) {
        if (strcmp(use->file->key, key) == 0)
            return use->file;
    }
    file = pattern_file_open(parse, name, columns);
    if (file != NULL)
        use_new(parse, &room->files)->file = file;
    return file;
}

bool
pattern_use_line(struct parse *parse, struct pattern_line *line, int64_t id)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    struct pattern_use *use;

    for (use = room->lines; use != NULL && id >= 0; use = use->next) {
        if (use->has_id && use->id == id)
            return parse_alert(parse, "the id %" PRId64 " is that of the patterns of '%s' line %d",
                               id, use->line->pos.file, use->line->pos.line);
    }
    use = use_new(parse, &room->lines);
    use->line = line;
    use->has_id = id >= 0;
    use->id = id >= 0 ? (unsigned)id : 0;
    return true;
}

/* --- numbers ----------------------------------------------------------------------------------- */

struct uses {
    struct pattern_use **all;
    unsigned count;
};

static void
add_uses(struct uses *uses, struct pattern_use *use)
{
    for (; use != NULL; use = use->next)
        uses->all[uses->count++] = use;
}

/* Freed with alloc_free(). */
static struct uses
uses_of(const struct expr_room *room)
{
    struct uses uses = { alloc_array(room->use_count + 1, sizeof(struct pattern_use *)), 0 };

    add_uses(&uses, room->files);
    add_uses(&uses, room->lines);
    return uses;
}

static int
compare_orders(const void *a, const void *b)
{
    const struct pattern_use *x = *(struct pattern_use *const *)a;
    const struct pattern_use *y = *(struct pattern_use *const *)b;

    return x->order < y->order ? -1 : x->order > y->order;
}

static int
compare_ids(const void *a, const void *b)
{
    const struct pattern_use *x = *(struct pattern_use *const *)a;
    const struct pattern_use *y = *(struct pattern_use *const *)b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static int
compare_numbers(const void *a, const void *b)
{
    const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return x < y ? -1 : x > y;
}

/* Those that the text gives, sorted; freed with alloc_free(). */
static unsigned *
given_ids(const struct uses *uses, unsigned *count)
{
    unsigned *ids = alloc_array(uses->count + 1, sizeof(*ids));

    *count = 0;
    for (unsigned i = 0; i < uses->count; i++) {
        if (uses->all[i]->has_id)
            ids[(*count)++] = uses->all[i]->id;
    }
    qsort(ids, *count, sizeof(*ids), compare_numbers);
    return ids;
}

/* From 0 on in the order of the text, past those that it gives. */
static bool
number_uses(struct parse *parse)
{
    struct uses uses = uses_of(expr_room_of(parse->snapshot));
    unsigned given_count, at = 0, next = 0, *given = given_ids(&uses, &given_count);

    qsort(uses.all, uses.count, sizeof(*uses.all), compare_orders);
    for (unsigned i = 0; i < uses.count; i++) {
        if (uses.all[i]->has_id)
            continue;
        for (; at < given_count && given[at] <= next; at++)
            next += given[at] == next;
        uses.all[i]->id = next++;
    }
    alloc_free(given);
    alloc_free(uses.all);
    return true;
}

void
pattern_use_each(bool (*see)(struct pattern_use *use, void *arg), void *arg)
{
    struct uses uses = uses_of(expr_room_of(snapshot_current()));

    qsort(uses.all, uses.count, sizeof(*uses.all), compare_ids);
    for (unsigned i = 0; i < uses.count && see(uses.all[i], arg); i++)
        continue;
    alloc_free(uses.all);
}

/* --- lines that somebody has asked for ----------------------------------------------------------- */

/* How many lines before it are just the same? */
static unsigned
nth_of(const struct pattern_use *use)
{
    unsigned nth = 0;

    for (const struct pattern_use *older = use->next; older != NULL; older = older->next)
        nth += older->line->fingerprint == use->line->fingerprint;
    return nth;
}

struct pattern_file *
pattern_use_open(struct pattern_use *use)
{
    if (use->file == NULL)
        use->file = pattern_line_open(use->line, nth_of(use));
    return use->file;
}

/* What was changed in them at run time goes on. */
static void
reopen_lines(struct pattern_use *use)
{
    for (; use != NULL; use = use->next) {
        if (use->file == NULL && pattern_line_is_living(use->line))
            use->file = pattern_line_reopen(use->line, nth_of(use));
    }
}

/* --- stages of a configuration --------------------------------------------------------------------- */

void
pattern_use_drop(struct pattern_use *use)
{
    for (; use != NULL; use = use->next) {
        if (use->file != NULL && use->line != NULL)
            pattern_line_close(use->line, use->file);
        if (use->file != NULL)
            pattern_file_drop(use->file);
    }
}

static bool
on_publish(struct parse *parse)
{
    struct expr_room *room = expr_room_of(parse->snapshot);

    for (struct pattern_use *use = room->files; use != NULL; use = use->next)
        pattern_file_publish(use->file);
    reopen_lines(room->lines);
    return true;
}

static bool
on_release(struct parse *parse)
{
    struct expr_room *room = expr_room_of(parse->snapshot);

    pattern_use_drop(room->files);
    pattern_use_drop(room->lines);
    room->files = room->lines = NULL;
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_MAIN, number_uses, "expr: numbers of lists of patterns" },
    { CONFIG_PUBLISH, ORDER_EXPR, on_publish, "expr: lists of patterns" },
    { CONFIG_RELEASE, ORDER_EXPR, on_release, "expr: lists of patterns" },
};
REGISTER(config_hook, hooks);

/* --- for scripts ------------------------------------------------------------------------------- */

static const char *
plain_name(const char *name)
{
    if (strncmp(name, "file@", 5) == 0)
        return name + 5;
    return strncmp(name, "opt@", 4) == 0 ? name + 4 : name;
}

struct pattern_file *
pattern_change_find(const struct snapshot *snapshot, const char *name)
{
    struct pattern_file *found = NULL;

    name = plain_name(name);
    for (const struct pattern_use *use = expr_room_of(snapshot)->files; use != NULL; use = use->next) {
        if (use->file == NULL || use->file->is_line || strcmp(use->file->name, name) != 0)
            continue;
        if (found == NULL || use->file->columns == PATTERN_MAP)
            found = use->file;
    }
    return found;
}

const char *
pattern_change_name(const struct pattern_file *file)
{
    return file->name;
}

bool
pattern_change_is_map(const struct pattern_file *file)
{
    return file->columns == PATTERN_MAP;
}
