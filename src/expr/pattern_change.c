/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of patterns change while traffic looks things up in them.
 *
 * For:     actions (set-map, add-acl ...) and commands of the runtime socket.
 * Owns:    entries that were added, values that were set.
 * Thread:  any; who writes holds the lock of the list, who reads needs none.
 *
 * A compiled set never changes. What is added becomes a small set that is looked up before the
 * others; small ones are put together, so that there are few. What is removed is marked in its
 * entry, and goes once enough are marked and the sets are made anew. Another value is a pointer in
 * the entry.
 */
#include "pattern_file.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/loop/grace.h"
#include "private.h"

#define MERGE_MAX 32768 /* patterns in sets that are put together: a thread of traffic does it */
#define DEAD_MIN  256   /* marked entries from which the sets are made anew */
#define LISTS_MAX 32    /* ways in which one list is compiled */

/* --- entries ------------------------------------------------------------------------------ */

static struct pattern_value *
value_new(struct str text)
{
    struct pattern_value *value = alloc_zero(sizeof(*value) + text.len + 1);
    char *bytes = (char *)(value + 1);

    if (text.len > 0)
        memcpy(bytes, text.ptr, text.len);
    value->text = str_of(bytes, text.len);
    value->is_own = true;
    return value;
}

static void
value_free(const struct pattern_value *value)
{
    if (value->is_own)
        alloc_free((void *)(uintptr_t)value);
}

static struct pattern_entry *
entry_new(struct str key, struct str value, uint32_t version)
{
    struct pattern_entry *entry = alloc_zero(sizeof(*entry) + key.len + 1);
    char *bytes = (char *)(entry + 1);

    if (key.len > 0)
        memcpy(bytes, key.ptr, key.len);
    entry->key = str_of(bytes, key.len);
    entry->value = value_new(value);
    entry->version = version;
    entry->is_own = true;
    return entry;
}

void
pattern_entry_free(void *object)
{
    struct pattern_entry *entry = object;

    value_free(entry->value);
    if (entry->is_own)
        alloc_free(entry);
}

/* --- the index of keys ------------------------------------------------------------------------ */

static struct pattern_entry **
bucket_of(const struct pattern_file *file, struct str key)
{
    return &file->index[(uint32_t)hash_xxh3(key, 0) & file->index_mask];
}

static void
index_add(struct pattern_file *file, struct pattern_entry *entry)
{
    struct pattern_entry **bucket = bucket_of(file, entry->key);

    entry->same = *bucket;
    *bucket = entry;
}

/* Made when something changes for the first time, and when it gets too small. */
static void
index_make(struct pattern_file *file)
{
    uint32_t size = 64;

    if (file->index != NULL && file->count / 2 <= file->index_mask)
        return;
    while (size < file->count + file->count / 2)
        size *= 2;
    alloc_free(file->index);
    file->index = alloc_array(size, sizeof(struct pattern_entry *));
    memset(file->index, 0, size * sizeof(struct pattern_entry *));
    file->index_mask = size - 1;
    for (struct pattern_entry *entry = file->first; entry != NULL; entry = entry->next)
        index_add(file, entry);
}

static struct pattern_entry *
index_next(struct pattern_entry *entry, uint32_t version, struct str key)
{
    while (entry != NULL && (entry->version != version || !str_eq(entry->key, key)))
        entry = entry->same;
    return entry;
}

static struct pattern_entry *
index_find(struct pattern_file *file, uint32_t version, struct str key)
{
    index_make(file);
    return index_next(*bucket_of(file, key), version, key);
}

static void
index_remove(struct pattern_file *file, const struct pattern_entry *entry)
{
    struct pattern_entry **at = bucket_of(file, entry->key);

    while (*at != entry)
        at = &(*at)->same;
    *at = entry->same;
}

/* --- sets --------------------------------------------------------------------------------------- */

static struct pattern_set *
make_one(const struct pattern_file *file, const struct compiled *c,
         const struct pattern_entry *entry, struct error *err)
{
    struct pattern_set *set = pattern_set_make(c->method, c->no_case);


    pattern_set_watch(set, &file->removals);
    if (!pattern_set_add(set, entry->key, COMPARE_EQ, entry, err)) {
        pattern_set_free(set);
        return NULL;
    }
    pattern_set_compile(set);
    return set;
}

static void
publish(struct compiled *c, struct pattern_set *set)
{
    for (struct pattern_list *list = &c->list; list != NULL; list = list->follower)
        grace_publish(list->set, set);
}

/* Puts a set in front, together with those of its size. */
static void
put_in_front(const struct pattern_file *file, struct compiled *c, struct pattern_set *set)
{
    struct pattern_set *gone[LISTS_MAX], *older = c->list.set, *both;
    unsigned gone_count = 0;

    while (older != NULL && gone_count < LISTS_MAX &&
           pattern_set_count(older) <= pattern_set_count(set) &&
           pattern_set_count(older) + pattern_set_count(set) <= MERGE_MAX) {
        both = pattern_set_make(c->method, c->no_case);
        pattern_set_watch(both, &file->removals);
        /* They were read before, so they can be read. */
        pattern_set_add_all(both, older, NULL);
        pattern_set_add_all(both, set, NULL);
        pattern_set_free(set);
        set = both;
        gone[gone_count++] = older;
        older = pattern_set_older(older);
    }
    if (gone_count > 0)
        pattern_set_compile(set);
    pattern_set_chain(set, older);
    publish(c, set);
    while (gone_count > 0)
        grace_free_later(gone[--gone_count], pattern_set_free);
}

static void
free_chain_later(struct pattern_set *set)
{
    while (set != NULL) {
        struct pattern_set *older = pattern_set_older(set);

        grace_free_later(set, pattern_set_free);
        set = older;
    }
}

/* Makes a set of all entries of a version. */
static struct pattern_set *
make_all(const struct pattern_file *file, const struct compiled *c, uint32_t version)
{
    struct pattern_set *set = pattern_set_make(c->method, c->no_case);

    pattern_set_watch(set, &file->removals);
    for (const struct pattern_entry *entry = file->first; entry != NULL; entry = entry->next) {
        if (entry->version == version)
            pattern_set_add(set, entry->key, COMPARE_EQ, entry, NULL);
    }
    pattern_set_compile(set);
    return set;
}

void
pattern_change_renew(struct pattern_file *file)
{
    struct pattern_entry *dead = file->dead;

    for (struct compiled *c = file->compiled; c != NULL; c = c->next) {
        struct pattern_set *before = c->list.set;

        publish(c, make_all(file, c, file->version));
        free_chain_later(before);
    }
    file->dead = NULL;
    file->dead_count = 0;
    while (dead != NULL) {
        struct pattern_entry *next = dead->same;

        grace_free_later(dead, pattern_entry_free);
        dead = next;
    }
}

struct pattern_file *
pattern_change_target(struct parse *parse, const char *name, enum pattern_columns columns)
{
    return pattern_use_file(parse, name, columns);
}

/* --- with the lock held ---------------------------------------------------------------------------- */

static void
link_entry(struct pattern_file *file, struct pattern_entry *entry)
{
    entry->before = file->last;
    if (file->last == NULL)
        file->first = entry;
    else
        file->last->next = entry;
    file->last = entry;
    file->count++;
    if (file->index != NULL)
        index_add(file, entry);
    index_make(file);
}

/* It stays until no set has it any more. */
static void
unlink_entry(struct pattern_file *file, struct pattern_entry *entry)
{
    if (file->index != NULL)
        index_remove(file, entry);
    if (entry->before == NULL)
        file->first = entry->next;
    else
        entry->before->next = entry->next;
    if (entry->next == NULL)
        file->last = entry->before;
    else
        entry->next->before = entry->before;
    file->count--;
    __atomic_store_n(&entry->is_dead, true, __ATOMIC_RELAXED);
    __atomic_store_n(&file->removals, file->removals + 1, __ATOMIC_RELAXED);
    entry->same = file->dead;
    file->dead = entry;
    file->dead_count++;
}

static void
renew_if_many(struct pattern_file *file)
{
    if (file->dead_count >= DEAD_MIN && file->dead_count >= file->count / 2)
        pattern_change_renew(file);
}

/* All or nothing: all sets first. */
static bool
add_entry(struct pattern_file *file, uint32_t version, struct str key, struct str value,
          struct error *err)
{
    struct pattern_entry *entry;
    struct pattern_set *sets[LISTS_MAX];
    struct compiled *c = file->compiled;
    unsigned count = 0;

    if (!pattern_file_check_value(file->needs, value, err))
        return false;
    entry = entry_new(key, value, version);
    for (; c != NULL && count < LISTS_MAX; c = c->next) {
        sets[count] = make_one(file, c, entry, err);
        if (sets[count] == NULL)
            break;
        count++;
    }
    if (c != NULL || version != file->version) {
        for (unsigned i = 0; i < count; i++)
            pattern_set_free(sets[i]);
    }
    if (c != NULL) {
        pattern_entry_free(entry);
        return false;
    }
    link_entry(file, entry);
    count = 0;
    for (c = file->compiled; c != NULL && version == file->version; c = c->next)
        put_in_front(file, c, sets[count++]);
    return true;
}

static void
free_value(void *value)
{
    value_free(value);
}

static void
set_value(struct pattern_entry *entry, struct str text)
{
    const struct pattern_value *before = entry->value;

    if (str_eq(before->text, text))
        return;
    grace_publish(entry->value, value_new(text));
    grace_free_later((void *)(uintptr_t)before, free_value);
}

static bool
set_values(struct pattern_file *file, struct str key, struct str value, struct error *err)
{
    struct pattern_entry *entry = index_find(file, file->version, key);

    if (entry == NULL || !pattern_file_check_value(file->needs, value, err))
        return false;
    for (; entry != NULL; entry = index_next(entry->same, file->version, key))
        set_value(entry, value);
    return true;
}

static uint32_t
version_of(const struct pattern_file *file, uint32_t version)
{
    return version == PATTERN_CURRENT ? file->version : version;
}

/* --- in public ---------------------------------------------------------------------------------------- */

/* Not under the lock: a reader may look at the list. */
static bool
tell(const struct pattern_file *file, enum pattern_event what, bool is_so)
{
    if (!is_so)
        return false;
    FOR_EACH_REGISTERED (pattern_reader, reader, list)
        reader->read(file, what);
    return true;
}

struct pattern_entry *
pattern_file_entry(struct pattern_file *file, uint32_t version, struct str key)
{
    return index_find(file, version_of(file, version), key);
}

bool
pattern_change_check(struct pattern_file *file, struct str key, struct str value,
                     struct error *err)
{
    struct pattern_entry entry = { .key = key };
    bool fine;

    lock_take(&file->lock);
    fine = pattern_file_check_value(file->needs, value, err);
    for (struct compiled *c = file->compiled; c != NULL && fine; c = c->next) {
        struct pattern_set *set = make_one(file, c, &entry, err);

        fine = set != NULL;
        pattern_set_free(set);
    }
    lock_give(&file->lock);
    return fine;
}

bool
pattern_change_add(struct pattern_file *file, uint32_t version, struct str key, struct str value,
                   struct error *err)
{
    bool fine, is_current;

    lock_take(&file->lock);
    version = version_of(file, version);
    is_current = version == file->version;
    fine = version - file->version <= file->next_version - file->version
               ? add_entry(file, version, key, value, err)
               : error_set(err, "Version number in the future, please use 'prepare %s' before.",
                           file->columns == PATTERN_MAP ? "map" : "acl");
    lock_give(&file->lock);
    (void)tell(file, PATTERN_ADDED, fine && is_current);
    return fine;
}

bool
pattern_change_add_once(struct pattern_file *file, struct str key, struct error *err)
{
    bool is_there, fine;

    lock_take(&file->lock);
    is_there = index_find(file, file->version, key) != NULL;
    fine = is_there || add_entry(file, file->version, key, STR(""), err);
    lock_give(&file->lock);
    (void)tell(file, PATTERN_ADDED, fine && !is_there);
    return fine;
}

bool
pattern_change_put(struct pattern_file *file, struct str key, struct str value, struct error *err)
{
    bool is_there, fine;

    lock_take(&file->lock);
    is_there = index_find(file, file->version, key) != NULL;
    fine = is_there ? set_values(file, key, value, err)
                    : add_entry(file, file->version, key, value, err);
    lock_give(&file->lock);
    return tell(file, is_there ? PATTERN_SET : PATTERN_ADDED, fine);
}

bool
pattern_change_set(struct pattern_file *file, struct str key, struct str value, struct error *err)
{
    bool fine;

    lock_take(&file->lock);
    fine = set_values(file, key, value, err);
    lock_give(&file->lock);
    return tell(file, PATTERN_SET, fine);
}

static struct pattern_entry *
find_id(const struct pattern_file *file, uintptr_t id)
{
    struct pattern_entry *entry = file->first;

    while (entry != NULL && (uintptr_t)entry != id)
        entry = entry->next;
    return entry;
}

bool
pattern_change_set_id(struct pattern_file *file, uintptr_t id, struct str value, struct error *err)
{
    struct pattern_entry *entry;
    bool fine;

    lock_take(&file->lock);
    entry = find_id(file, id);
    fine = entry != NULL && pattern_file_check_value(file->needs, value, err);
    if (fine)
        set_value(entry, value);
    lock_give(&file->lock);
    return tell(file, PATTERN_SET, fine);
}

bool
pattern_change_remove(struct pattern_file *file, uint32_t version, struct str key)
{
    struct pattern_entry *entry;
    bool is_found = false, is_current;

    lock_take(&file->lock);
    version = version_of(file, version);
    is_current = version == file->version;
    while ((entry = index_find(file, version, key)) != NULL) {
        unlink_entry(file, entry);
        is_found = true;
    }
    renew_if_many(file);
    lock_give(&file->lock);
    (void)tell(file, PATTERN_REMOVED, is_found && is_current);
    return is_found;
}

bool
pattern_change_remove_id(struct pattern_file *file, uintptr_t id)
{
    struct pattern_entry *entry;

    lock_take(&file->lock);
    entry = find_id(file, id);
    if (entry != NULL)
        unlink_entry(file, entry);
    renew_if_many(file);
    lock_give(&file->lock);
    return tell(file, PATTERN_REMOVED, entry != NULL);
}

/* Those of [from, to). */
static void
remove_versions(struct pattern_file *file, uint32_t from, uint32_t to)
{
    struct pattern_entry *entry = file->first;

    while (entry != NULL) {
        struct pattern_entry *next = entry->next;

        if (entry->version - from < to - from)
            unlink_entry(file, entry);
        entry = next;
    }
}

void
pattern_change_clear(struct pattern_file *file, uint32_t version)
{
    bool is_current;

    lock_take(&file->lock);
    version = version_of(file, version);
    is_current = version == file->version;
    remove_versions(file, version, version + 1);
    pattern_change_renew(file);
    lock_give(&file->lock);
    (void)tell(file, PATTERN_CLEARED, is_current);
}

uint32_t
pattern_change_prepare(struct pattern_file *file)
{
    uint32_t version;

    lock_take(&file->lock);
    version = ++file->next_version;
    lock_give(&file->lock);
    return version;
}

bool
pattern_change_commit(struct pattern_file *file, uint32_t version, struct error *err)
{
    bool fine;

    lock_take(&file->lock);
    fine = version - file->version - 1 < file->next_version - file->version;
    if (fine) {
        remove_versions(file, file->version, version);
        file->version = version;
        pattern_change_renew(file);
    }
    lock_give(&file->lock);
    return tell(file, PATTERN_COMMITTED, fine) || error_set(err, "Version number out of range.");
}

void
pattern_change_fini(struct pattern_file *file)
{
    struct pattern_entry *next;

    for (struct compiled *c = file->compiled; c != NULL; c = c->next) {
        struct pattern_set *set = c->list.set, *older;

        for (; set != NULL; set = older) {
            older = pattern_set_older(set);
            pattern_set_free(set);
        }
    }
    for (struct pattern_entry *entry = file->first; entry != NULL; entry = next) {
        next = entry->next;
        pattern_entry_free(entry);
    }
    for (struct pattern_entry *entry = file->dead; entry != NULL; entry = next) {
        next = entry->same;
        pattern_entry_free(entry);
    }
    alloc_free(file->index);
}
