/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The patterns of acl lines, which the runtime socket can change as those of files.
 *
 * For:     pattern_use.c, on behalf of the commands.
 * Owns:    the lists that were made of lines: live objects, counted as those of files.
 * Thread:  control.
 *
 * A configuration may have tens of thousands of such lines, and hardly one is ever asked for at
 * run time: its patterns become a list when that happens. The line's own pattern_list, which
 * traffic reads, then follows that of the list. The identity of such a list is what the line says,
 * not where it stands; of several lines that say the same, their order tells them apart.
 */
#include "pattern_file.h"

#include <inttypes.h>
#include <stdio.h>

#include "weir/base/hash.h"
#include "weir/loop/grace.h"

static struct pattern_file *living; /* by next_line */

/* --- identity ------------------------------------------------------------------------------- */

void
pattern_line_seal(struct pattern_line *line)
{
    uint64_t hash = (uint64_t)line->method << 1 | line->no_case;

    hash = hash_xxh3(line->name, hash);
    for (unsigned i = 0; i < line->count; i++)
        hash = hash_xxh3(str_from(line->keys[i]), hash);
    line->fingerprint = hash;
}

#define KEY_MAX 48

static void
write_key(char key[KEY_MAX], const struct pattern_line *line, unsigned nth)
{
    (void)snprintf(key, KEY_MAX, "line %016" PRIx64 ".%u", line->fingerprint, nth);
}

bool
pattern_line_is_living(const struct pattern_line *line)
{
    const struct pattern_file *file = living;

    while (file != NULL && file->fingerprint != line->fingerprint)
        file = file->next_line;
    return file != NULL;
}

void
pattern_line_forget(struct pattern_file *file)
{
    struct pattern_file **at = &living;

    while (*at != file)
        at = &(*at)->next_line;
    *at = file->next_line;
}

/* --- making ------------------------------------------------------------------------------------ */

static struct compiled *
make_compiled(struct pattern_file *file, const struct pattern_line *line)
{
    struct compiled *c = ARENA_NEW(&file->arena, struct compiled);

    c->method = line->method;
    c->no_case = line->no_case;
    c->list.set = pattern_set_make(line->method, line->no_case);
    file->compiled = c;
    return c;
}

static struct pattern_file *
make_file(const struct pattern_line *line, const char *key)
{
    struct pattern_file *file = pattern_file_new(key, NULL, PATTERN_KEYS);

    file->name = "";
    file->is_line = true;
    file->fingerprint = line->fingerprint;
    file->next_line = living;
    living = file;
    for (unsigned i = 0; i < line->count; i++)
        pattern_file_add(file, str_from(arena_copy(&file->arena, line->keys[i])), STR(""), 0);
    make_compiled(file, line);
    pattern_change_renew(file);
    return file;
}

/* --- following ------------------------------------------------------------------------------------ */

static void
follow(struct pattern_line *line, struct pattern_file *file)
{
    struct pattern_list *first = &file->compiled->list;

    lock_take(&file->lock);
    line->list->follower = first->follower;
    first->follower = line->list;
    grace_publish(line->list->set, first->set);
    lock_give(&file->lock);
}

void
pattern_line_close(struct pattern_line *line, struct pattern_file *file)
{
    struct pattern_list *list = &file->compiled->list;

    lock_take(&file->lock);
    while (list->follower != line->list)
        list = list->follower;
    list->follower = line->list->follower;
    lock_give(&file->lock);
}

struct pattern_file *
pattern_line_reopen(struct pattern_line *line, unsigned nth)
{
    char key[KEY_MAX];
    struct pattern_file *file;

    write_key(key, line, nth);
    file = pattern_file_find(key, line->fingerprint);
    if (file != NULL)
        follow(line, file);
    return file;
}

struct pattern_file *
pattern_line_open(struct pattern_line *line, unsigned nth)
{
    struct pattern_file *file = pattern_line_reopen(line, nth);
    char key[KEY_MAX];

    if (file != NULL)
        return file;
    write_key(key, line, nth);
    file = make_file(line, key);
    follow(line, file);
    pattern_file_publish(file);
    return file;
}
