/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files were read while a snapshot was built, and what they held.
 *
 * For:     snapshot.c; "show config diff".
 * Owns:    a table of paths.
 * Thread:  builder and its helpers write, under a mutex; control compares and frees.
 */
#include "weir/config/files_read.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/hash.h"
#include "weir/base/hashmap.h"
#include "weir/os/file.h"

struct file_content {
    char *path; /* owns */
    char *kept; /* owns; NULL: not kept */
    size_t len;
    uint64_t hash;
    size_t lines;
};

struct files_read {
    struct hashmap by_path; /* struct file_content; owns */
    bool is_keeping;
};

static struct hashmap remembered; /* struct file_content; boot fills it */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct files_read *current; /* under the mutex */

static size_t
count_lines(struct str content)
{
    size_t lines = 0;

    for (const char *at = content.ptr, *end = at + content.len;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

static void
note(const char *path, struct str content)
{
    uint64_t hash = hash_xxh3(content, 0);
    size_t lines = count_lines(content);
    struct file_content *file;

    pthread_mutex_lock(&mutex);
    if (current != NULL) {
        file = hashmap_find(&current->by_path, str_from(path));
        if (file == NULL) {
            file = alloc_zero(sizeof(*file));
            file->path = alloc_copy(path);
            hashmap_set(&current->by_path, str_from(file->path), file);
        }
        if (current->is_keeping) {
            alloc_free(file->kept);
            file->kept = alloc_copy_str(content);
            file->len = content.len;
        }
        file->hash = hash;
        file->lines = lines;
    }
    pthread_mutex_unlock(&mutex);
}

struct files_read *
files_read_begin(void)
{
    struct files_read *files = alloc_zero(sizeof(*files));

    pthread_mutex_lock(&mutex);
    current = files;
    pthread_mutex_unlock(&mutex);
    file_set_witness(note);
    return files;
}

struct files_read *
files_read_begin_keeping(void)
{
    struct files_read *files = files_read_begin();

    files->is_keeping = true;
    return files;
}

void
files_read_forget(struct files_read *files)
{
    size_t at = 0;
    struct str path;
    void *value;

    while (hashmap_next(&files->by_path, &at, &path, &value)) {
        struct file_content *file = value;

        alloc_free(file->kept);
        file->kept = NULL;
    }
}

void
files_read_remember(struct files_read *files)
{
    size_t at = 0;
    struct str path;
    void *value;

    while (hashmap_next(&files->by_path, &at, &path, &value)) {
        struct file_content *file = value, *own = alloc_zero(sizeof(*own));

        *own = *file;
        own->path = alloc_copy(file->path);
        file->kept = NULL;
        hashmap_set(&remembered, str_from(own->path), own);
    }
}

static bool
find_remembered(const char *path, struct str *content)
{
    const struct file_content *file = hashmap_find(&remembered, str_from(path));

    if (file == NULL || file->kept == NULL)
        return false;
    *content = str_of(file->kept, file->len);
    return true;
}

void
files_read_use_memory(bool is_used)
{
    file_set_memory(is_used && remembered.count > 0 ? find_remembered : NULL);
}

void
files_read_end(struct files_read *files)
{
    pthread_mutex_lock(&mutex);
    if (current == files)
        current = NULL;
    pthread_mutex_unlock(&mutex);
    file_set_witness(NULL);
}

void
files_read_free(struct files_read *files)
{
    size_t at = 0;
    struct str path;
    void *value;

    if (files == NULL)
        return;
    while (hashmap_next(&files->by_path, &at, &path, &value)) {
        struct file_content *file = value;

        alloc_free(file->path);
        alloc_free(file->kept);
        alloc_free(file);
    }
    hashmap_fini(&files->by_path);
    alloc_free(files);
}

/* --- comparing ---------------------------------------------------------------------------- */

static int
by_path(const void *a, const void *b)
{
    const struct file_content *const *left = a, *const *right = b;

    return strcmp((*left)->path, (*right)->path);
}

static void
say_change(struct text *out, const struct file_content *before, const struct file_content *now)
{
    text_printf(out, "file %s: other content", now->path);
    if (before->lines != now->lines)
        text_printf(out, ", %zu -> %zu lines", before->lines, now->lines);
    text_add_char(out, '\n');
}

static bool
is_text(const struct transcript *text, const char *name)
{
    for (unsigned i = 0; i < text->count; i++) {
        if (strcmp(text->parts[i].name, name) == 0)
            return true;
    }
    return false;
}

void
files_read_compare(const struct files_read *before, const struct files_read *now,
                   const struct transcript *text, struct text *out)
{
    const struct file_content **changed = alloc_array(now->by_path.count + 1, sizeof(*changed));
    size_t at = 0, count = 0;
    struct str path;
    void *value;

    while (hashmap_next(&now->by_path, &at, &path, &value)) {
        const struct file_content *file = value, *same = hashmap_find(&before->by_path, path);

        if (same != NULL && same->hash != file->hash && !is_text(text, file->path))
            changed[count++] = file;
    }
    qsort(changed, count, sizeof(*changed), by_path);
    for (size_t i = 0; i < count; i++)
        say_change(out, hashmap_find(&before->by_path, str_from(changed[i]->path)), changed[i]);
    alloc_free(changed);
}
