/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named lists of patterns: files of ACLs and maps, virt@ and opt@ names.
 *
 * For:     conditions (-f) and map converters; later the actions and commands that change them.
 * Owns:    the lists, counted by the snapshots that use them.
 * Thread:  builder makes; control publishes and drops; any thread looks up. The table of lists and
 *          the counts have a lock.
 *
 * A list is a live object: its identity is its name. Each configuration reads the file again; if it
 * is what it was, the list that lives is used on, with what was changed in it at run time. If not,
 * there is a new list, which takes the place of the old one in the table when the configuration is
 * published; the old one goes with the last snapshot that uses it.
 */
#include "pattern.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/base/hashmap.h"
#include "weir/loop/lock.h"
#include "weir/os/file.h"
#include "private.h"

/* The list, compiled for one method. */
struct compiled {
    struct compiled *next;
    struct pattern_list list;
    enum match_method method;
    bool no_case;
};

struct pattern_file {
    const char *key;  /* kind and name: see make_key() */
    const char *path; /* NULL: virt@ */
    enum pattern_columns columns;
    unsigned refs; /* lock */
    bool is_in_table;
    uint64_t fingerprint; /* of the content as it was read */
    char *content;        /* owns; the entries point into it */
    struct pattern_entry *entries;
    unsigned count, cap;
    struct compiled *compiled;
    struct arena arena; /* entries, sets */
};

/* A snapshot's use of a list. */
struct pattern_file_use {
    struct pattern_file_use *next;
    struct pattern_file *file; /* holds */
};

static struct lock table_lock = LOCK_INIT(LOCK_EXPR);
static struct hashmap table; /* by key; holds nothing */

/* --- the life of a list ---------------------------------------------------------------------- */

static struct pattern_file *
file_new(const char *key, const char *path, enum pattern_columns columns)
{
    struct pattern_file *file = alloc_zero(sizeof(*file));

    arena_init(&file->arena);
    file->key = arena_copy(&file->arena, key);
    file->path = path == NULL ? NULL : arena_copy(&file->arena, path);
    file->columns = columns;
    file->refs = 1;
    return file;
}

static void
file_free(struct pattern_file *file)
{
    for (struct compiled *c = file->compiled; c != NULL; c = c->next)
        pattern_set_fini(c->list.set);
    alloc_free(file->content);
    arena_fini(&file->arena);
    alloc_free(file);
}

static void
file_drop(struct pattern_file *file)
{
    bool is_last;

    lock_take(&table_lock);
    is_last = --file->refs == 0;
    if (is_last && file->is_in_table)
        hashmap_remove(&table, str_from(file->key));
    lock_give(&table_lock);
    if (is_last)
        file_free(file);
}

/* The living list of that key, if its file has not changed; held for the caller. */
static struct pattern_file *
find_living(const char *key, uint64_t fingerprint)
{
    struct pattern_file *file;

    lock_take(&table_lock);
    file = hashmap_find(&table, str_from(key));
    if (file != NULL && file->fingerprint != fingerprint)
        file = NULL;
    if (file != NULL)
        file->refs++;
    lock_give(&table_lock);
    return file;
}

static void
put_in_table(struct pattern_file *file)
{
    struct pattern_file *before;

    lock_take(&table_lock);
    before = hashmap_find(&table, str_from(file->key));
    if (before != NULL && before != file) {
        hashmap_remove(&table, str_from(file->key));
        before->is_in_table = false;
    }
    if (before != file)
        hashmap_set(&table, str_from(file->key), file);
    file->is_in_table = true;
    lock_give(&table_lock);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void
add_entry(struct pattern_file *file, struct pattern_entry entry)
{
    if (file->count == file->cap) {
        unsigned cap = file->cap == 0 ? 16 : file->cap * 2;
        struct pattern_entry *entries = ARENA_ARRAY(&file->arena, struct pattern_entry, cap);

        if (file->count > 0)
            memcpy(entries, file->entries, file->count * sizeof(*entries));
        file->entries = entries;
        file->cap = cap;
    }
    file->entries[file->count++] = entry;
}

/* Key and value are parted by blanks; blanks behind the value do not count. */
static void
split_columns(struct pattern_entry *entry)
{
    struct str line = entry->key;
    size_t len = 0;

    while (len < line.len && !is_blank(line.ptr[len]))
        len++;
    entry->key = str_of(line.ptr, len);
    entry->value = str_trim(str_slice(line, len, line.len));
}

static void
read_line(struct pattern_file *file, struct str line, unsigned number)
{
    struct pattern_entry entry = { .line = number };

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len > 0 && line.ptr[0] == '#')
        return;
    while (line.len > 0 && is_blank(line.ptr[0]))
        line = str_slice(line, 1, line.len);
    if (line.len == 0)
        return;
    entry.key = line;
    entry.value = STR("");
    if (file->columns == PATTERN_MAP)
        split_columns(&entry);
    add_entry(file, entry);
}

static void
read_content(struct pattern_file *file, struct str content)
{
    struct str rest = content;
    unsigned number = 0;

    while (rest.ptr != NULL)
        read_line(file, str_split(&rest, '\n'), ++number);
}

/* Patterns are compiled once for each method that somebody asks for. */
static struct pattern_list *
compile(struct parse *parse, struct pattern_file *file, enum match_method method, bool no_case)
{
    struct compiled *c = ARENA_NEW(&file->arena, struct compiled);

    c->method = method;
    c->no_case = no_case;
    c->list.set = pattern_set_new(&file->arena, method, no_case);
    for (unsigned i = 0; i < file->count; i++) {
        const struct pattern_entry *entry = &file->entries[i];
        struct source_pos pos = { file->path, (int)entry->line };
        struct error err = ERROR_INIT;

        if (!pattern_set_add(c->list.set, entry->key, COMPARE_EQ, entry, &err)) {
            pos.file = arena_copy(parse->arena, pos.file);
            parse_alert_at(parse, pos, "%s", err.text);
            pattern_set_fini(c->list.set);
            return NULL;
        }
    }
    pattern_set_compile(c->list.set);
    c->next = file->compiled;
    file->compiled = c;
    return &c->list;
}

/* --- names ---------------------------------------------------------------------------------------- */

struct list_name {
    const char *path; /* NULL: no file */
    bool may_miss;
};

static struct list_name
split_name(const char *name)
{
    if (strncmp(name, "virt@", 5) == 0)
        return (struct list_name){ NULL, true };
    if (strncmp(name, "opt@", 4) == 0)
        return (struct list_name){ name + 4, true };
    if (strncmp(name, "file@", 5) == 0)
        return (struct list_name){ name + 5, false };
    return (struct list_name){ name, false };
}

/* "file@x", "opt@x" and "x" are the same list; an ACL and a map of one file are two. */
static const char *
make_key(struct parse *parse, const char *name, enum pattern_columns columns)
{
    struct list_name split = split_name(name);

    return arena_printf(parse->arena, "%s %s", columns == PATTERN_MAP ? "map" : "acl",
                        split.path == NULL ? name : split.path);
}

/* The content, freed with alloc_free(); NULL: there is none. False: reported. */
static bool
read_file(struct parse *parse, struct list_name name, char **content, size_t *len)
{
    struct error err = ERROR_INIT;

    *content = NULL;
    *len = 0;
    if (name.path == NULL || (name.may_miss && !file_exists(name.path)))
        return true;
    *content = file_read(name.path, len, &err);
    return *content != NULL || parse_alert(parse, "%s", err.text);
}

static struct pattern_file *
open_list(struct parse *parse, const char *key, const char *name, enum pattern_columns columns)
{
    struct list_name split = split_name(name);
    struct pattern_file *file;
    uint64_t fingerprint;
    char *content;
    size_t len;

    if (!read_file(parse, split, &content, &len))
        return NULL;
    fingerprint = content == NULL ? 0 : hash_xxh3(str_of(content, len), 0) | 1;
    file = find_living(key, fingerprint);
    if (file != NULL) {
        alloc_free(content);
        return file;
    }
    file = file_new(key, split.path, columns);
    file->fingerprint = fingerprint;
    file->content = content;
    if (content != NULL)
        read_content(file, str_of(content, len));
    return file;
}

/* --- for conditions and maps ------------------------------------------------------------------------- */

static struct pattern_file *
find_used(const struct expr_room *room, const char *key)
{
    for (struct pattern_file_use *use = room->files; use != NULL; use = use->next) {
        if (strcmp(use->file->key, key) == 0)
            return use->file;
    }
    return NULL;
}

static struct pattern_file *
use_list(struct parse *parse, const char *name, enum pattern_columns columns)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    const char *key = make_key(parse, name, columns);
    struct pattern_file *file = find_used(room, key);
    struct pattern_file_use *use;

    if (file != NULL)
        return file;
    file = open_list(parse, key, name, columns);
    if (file == NULL)
        return NULL;
    use = ARENA_NEW(parse->arena, struct pattern_file_use);
    *use = (struct pattern_file_use){ .next = room->files, .file = file };
    room->files = use;
    return file;
}

struct pattern_list *
pattern_file_use(struct parse *parse, const char *name, enum pattern_columns columns,
                 enum match_method method, bool no_case)
{
    struct pattern_file *file = use_list(parse, name, columns);
    struct compiled *c;

    if (file == NULL)
        return NULL;
    for (c = file->compiled; c != NULL; c = c->next) {
        if (c->method == method && c->no_case == no_case)
            return &c->list;
    }
    return compile(parse, file, method, no_case);
}

static void
drop_set(void *set)
{
    pattern_set_fini(set);
}

struct pattern_list *
pattern_list_new(struct parse *parse, enum match_method method, bool no_case)
{
    struct pattern_list *list = ARENA_NEW(parse->arena, struct pattern_list);

    list->set = pattern_set_new(parse->arena, method, no_case);
    if (method == MATCH_REG)
        expr_keep(parse, list->set, drop_set);
    return list;
}

/* --- stages of a configuration ----------------------------------------------------------------------- */

static bool
on_publish(struct parse *parse)
{
    for (struct pattern_file_use *use = expr_room_of(parse->snapshot)->files; use != NULL;
         use = use->next)
        put_in_table(use->file);
    return true;
}

static bool
on_release(struct parse *parse)
{
    struct expr_room *room = expr_room_of(parse->snapshot);

    for (struct pattern_file_use *use = room->files; use != NULL; use = use->next)
        file_drop(use->file);
    room->files = NULL;
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_PUBLISH, ORDER_EXPR, on_publish, "expr: lists of patterns" },
    { CONFIG_RELEASE, ORDER_EXPR, on_release, "expr: lists of patterns" },
};
REGISTER(config_hook, hooks);
