/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named lists of patterns: files of ACLs and maps, virt@ and opt@ names.
 *
 * For:     conditions (-f) and map converters, and the actions and commands that change them.
 * Owns:    the lists, counted by the snapshots that use them.
 * Thread:  builder makes; control publishes and drops; any thread looks up. The table of lists and
 *          the counts have a lock.
 *
 * A list is a live object: its identity is its name. Each configuration reads the file again; if it
 * is what it was, the list that lives is used on, with what was changed in it at run time. If not,
 * there is a new list, which takes the place of the old one in the table when the configuration is
 * published; the old one goes with the last snapshot that uses it.
 */
#include "pattern_file.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/base/hashmap.h"
#include "weir/base/number.h"
#include "weir/loop/lock.h"
#include "weir/os/addr.h"
#include "weir/os/file.h"
#include "private.h"

static struct lock table_lock = LOCK_INIT(LOCK_EXPR);
static struct hashmap table; /* by key; holds nothing */

/* --- the life of a list ---------------------------------------------------------------------- */

struct pattern_file *
pattern_file_new(const char *key, const char *path, enum pattern_columns columns)
{
    struct pattern_file *file = alloc_zero(sizeof(*file));

    arena_init(&file->arena);
    file->key = arena_copy(&file->arena, key);
    file->path = path == NULL ? NULL : arena_copy(&file->arena, path);
    file->name = strchr(file->key, ' ') + 1;
    file->columns = columns;
    file->refs = 1;
    file->lock = (struct lock)LOCK_INIT(LOCK_EXPR);
    return file;
}

static void
file_free(struct pattern_file *file)
{
    if (file->is_line)
        pattern_line_forget(file);
    pattern_change_fini(file);
    alloc_free(file->content);
    arena_fini(&file->arena);
    alloc_free(file);
}

void
pattern_file_drop(struct pattern_file *file)
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

struct pattern_file *
pattern_file_find(const char *key, uint64_t fingerprint)
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

void
pattern_file_publish(struct pattern_file *file)
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

void
pattern_file_add(struct pattern_file *file, struct str key, struct str value, unsigned line)
{
    struct pattern_entry *entry = ARENA_NEW(&file->arena, struct pattern_entry);

    entry->key = key;
    entry->line = line;
    entry->first.text = value;
    entry->value = &entry->first;
    entry->before = file->last;
    if (file->last == NULL)
        file->first = entry;
    else
        file->last->next = entry;
    file->last = entry;
    file->count++;
}

/* Key and value are parted by blanks; blanks behind the value do not count. */
static struct str
split_value(struct str *line)
{
    size_t len = 0;
    struct str value;

    while (len < line->len && !is_blank(line->ptr[len]))
        len++;
    value = str_trim(str_of(line->ptr + len, line->len - len));
    line->len = len;
    return value;
}

static void
read_line(struct pattern_file *file, struct str line, unsigned number)
{
    struct str value = STR("");

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len > 0 && line.ptr[0] == '#')
        return;
    while (line.len > 0 && is_blank(line.ptr[0]))
        line = str_of(line.ptr + 1, line.len - 1);
    if (line.len == 0)
        return;
    if (file->columns == PATTERN_MAP)
        value = split_value(&line);
    pattern_file_add(file, line, value, number);
}

static void
read_content(struct pattern_file *file, struct str content)
{
    struct str rest = content;
    unsigned number = 0;

    while (rest.ptr != NULL)
        read_line(file, str_split(&rest, '\n'), ++number);
}

static bool
alert_entry(struct parse *parse, const struct pattern_file *file,
            const struct pattern_entry *entry, const char *why)
{
    struct source_pos pos = { NULL, (int)entry->line };

    if (entry->line == 0)
        return parse_alert(parse, "list '%s', entry '%.*s', which was added at run time: %s",
                           file->name, STR_ARG(entry->key), why);
    pos.file = arena_copy(parse->arena, file->path);
    return parse_alert_at(parse, pos, "%s", why);
}

static struct pattern_set *
make_set(struct parse *parse, struct pattern_file *file, enum match_method method, bool no_case)
{
    struct pattern_set *set = pattern_set_make(method, no_case);
    struct error err = ERROR_INIT;

    pattern_set_watch(set, &file->removals);
    for (const struct pattern_entry *entry = file->first; entry != NULL; entry = entry->next) {
        if (entry->version != file->version ||
            pattern_set_add(set, entry->key, COMPARE_EQ, entry, &err))
            continue;
        alert_entry(parse, file, entry, err.text);
        pattern_set_free(set);
        return NULL;
    }
    pattern_set_compile(set);
    return set;
}

/* Patterns are compiled once for each method that somebody asks for. */
static struct pattern_list *
compile(struct parse *parse, struct pattern_file *file, enum match_method method, bool no_case)
{
    struct compiled *c = NULL;
    struct pattern_set *set;

    lock_take(&file->lock);
    set = make_set(parse, file, method, no_case);
    if (set != NULL) {
        c = ARENA_NEW(&file->arena, struct compiled);
        c->method = method;
        c->no_case = no_case;
        c->list.set = set;
        c->next = file->compiled;
        file->compiled = c;
    }
    lock_give(&file->lock);
    return c == NULL ? NULL : &c->list;
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
const char *
pattern_file_key(struct parse *parse, const char *name, enum pattern_columns columns)
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

struct pattern_file *
pattern_file_open(struct parse *parse, const char *name, enum pattern_columns columns)
{
    const char *key = pattern_file_key(parse, name, columns);
    struct list_name split = split_name(name);
    struct pattern_file *file;
    uint64_t fingerprint;
    char *content;
    size_t len;

    if (!read_file(parse, split, &content, &len))
        return NULL;
    fingerprint = content == NULL ? 0 : hash_xxh3(str_of(content, len), 0) | 1;
    file = pattern_file_find(key, fingerprint);
    if (file != NULL) {
        alloc_free(content);
        return file;
    }
    file = pattern_file_new(key, split.path, columns);
    file->fingerprint = fingerprint;
    file->content = content;
    file->where = arena_printf(&file->arena, "used by %s at file '%s' line %d",
                               columns == PATTERN_MAP ? "map" : "acl", parse_pos(parse).file,
                               parse_pos(parse).line);
    if (content != NULL)
        read_content(file, str_of(content, len));
    return file;
}

/* --- for conditions and maps ------------------------------------------------------------------------- */

struct pattern_list *
pattern_file_use(struct parse *parse, const char *name, enum pattern_columns columns,
                 enum match_method method, bool no_case)
{
    struct pattern_file *file = pattern_use_file(parse, name, columns);
    struct compiled *c;

    if (file == NULL)
        return NULL;
    for (c = file->compiled; c != NULL; c = c->next) {
        if (c->method == method && c->no_case == no_case)
            return &c->list;
    }
    return compile(parse, file, method, no_case);
}

bool
pattern_file_check_value(unsigned needs, struct str text, struct error *err)
{
    struct addr addr;
    int64_t n;

    if ((needs & 1u << VALUE_INT) != 0 &&
        !number_parse_int(text, INT64_MIN, INT64_MAX, &n, NULL))
        return error_set(err, "the value '%.*s' is not an integer", STR_ARG(text));
    if ((needs & 1u << VALUE_ADDR) != 0 && !addr_parse_host(text, &addr))
        return error_set(err, "the value '%.*s' is not an IP address", STR_ARG(text));
    return true;
}

bool
pattern_file_need(struct parse *parse, const char *name, enum value_type type)
{
    struct pattern_file *file = pattern_use_file(parse, name, PATTERN_MAP);
    struct error err = ERROR_INIT;
    bool fine = true;

    if (file == NULL)
        return false;
    lock_take(&file->lock);
    for (struct pattern_entry *entry = file->first; entry != NULL && fine; entry = entry->next) {
        if (!pattern_file_check_value(1u << type, entry->value->text, &err))
            fine = alert_entry(parse, file, entry, err.text);
    }
    if (fine)
        file->needs |= 1u << type;
    lock_give(&file->lock);
    return fine;
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
