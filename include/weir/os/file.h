/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files and folders. All functions block: boot, builder and control
 * threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "weir/base/error.h"
#include "weir/base/str.h"

/* The content with a NUL behind it, freed with alloc_free(); NULL and an error when it cannot
 * be read. Pipes are read to their end. `len` may be NULL. */
char *file_read(const char *path, size_t *len, struct error *err);
/* Asked for files that cannot be opened (any more); NULL: nobody is. */
void file_set_memory(bool (*find)(const char *path, struct str *content));
/* Is told of each file that was read, on the thread that has read it; NULL: nobody is. */
void file_set_witness(void (*fn)(const char *path, struct str content));
/* Replaces the file at once: readers see the old or the new content, also after a crash. */
bool file_write(const char *path, struct str content, mode_t mode, struct error *err);
bool file_is_folder(const char *path);
bool file_exists(const char *path);
bool file_is_regular(const char *path);

struct file_list {
    char **paths; /* owns, and each path: folder and name */
    size_t count;
};

/* Regular files of a folder, sorted by name, without hidden ones. */
bool file_list_read(struct file_list *list, const char *folder, struct error *err);
void file_list_fini(struct file_list *list);
