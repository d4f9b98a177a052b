/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read a whole file, list a folder, write safely.
 *
 * For:     configurations, maps, certificates, state files.
 * Owns:    nothing.
 * Callers: boot, builders, runtime commands.
 * Thread:  any that may block.
 *
 * Writing goes to a new file beside the old one, which takes its place when it
 * is complete and on the disk. What is no regular file is written in place.
 */
#include "weir/os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/text.h"

#define READ_STEP 65536

/* Appends all that can be read from `fd`. */
static bool
read_to_end(int fd, struct text *text)
{
    for (;;) {
        ssize_t got = read(fd, text_reserve(text, READ_STEP), READ_STEP);

        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        text_keep(text, (size_t)got);
    }
}

/* Opens for reading; a folder is refused here, where the message can still be clear. */
static int
open_for_reading(const char *path, struct text *text, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd == -1) {
        error_set_errno(err, "cannot open '%s'", path);
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        errno = EISDIR;
        error_set_errno(err, "cannot read '%s'", path);
        return -1;
    }
    /* One byte more than the size: the read that finds the end then needs no more room. */
    if (st.st_size > 0)
        text_reserve(text, (size_t)st.st_size + READ_STEP);
    return fd;
}

static void (*witness)(const char *path, struct str content); /* atomic */

void
file_set_witness(void (*fn)(const char *path, struct str content))
{
    __atomic_store_n(&witness, fn, __ATOMIC_RELEASE);
}

static void
tell_witness(const char *path, struct str content)
{
    void (*fn)(const char *, struct str) = __atomic_load_n(&witness, __ATOMIC_ACQUIRE);

    if (fn != NULL)
        fn(path, content);
}

static bool (*memory)(const char *path, struct str *content); /* atomic */

void
file_set_memory(bool (*find)(const char *path, struct str *content))
{
    __atomic_store_n(&memory, find, __ATOMIC_RELEASE);
}

static bool
is_remembered(const char *path, struct str *content)
{
    bool (*find)(const char *, struct str *) = __atomic_load_n(&memory, __ATOMIC_ACQUIRE);

    return find != NULL && find(path, content);
}

static char *
copy_remembered(struct str content, size_t *len, struct error *err)
{
    if (err != NULL)
        err->text[0] = '\0';
    if (len != NULL)
        *len = content.len;
    return alloc_copy_str(content);
}

char *
file_read(const char *path, size_t *len, struct error *err)
{
    struct text text = TEXT_INIT;
    int fd = open_for_reading(path, &text, err);
    struct str content;
    bool is_read;

    if (fd == -1 && is_remembered(path, &content))
        return copy_remembered(content, len, err);
    if (fd == -1)
        return NULL;
    is_read = read_to_end(fd, &text);
    if (!is_read)
        error_set_errno(err, "cannot read '%s'", path);
    close(fd);
    if (!is_read) {
        text_fini(&text);
        return NULL;
    }
    text_keep(&text, 0);
    tell_witness(path, text_str(&text));
    if (len != NULL)
        *len = text.len;
    return alloc_resize(text.ptr, text.len + 1);
}

static bool
is_regular(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool
write_all(int fd, struct str content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.ptr, content.len);

        if (put == -1 && errno == EINTR)
            continue;
        if (put == -1)
            return false;
        content = str_slice(content, (size_t)put, content.len);
    }
    return true;
}

/* Makes the rename itself last. Some file systems cannot; then there is nothing to do. */
static void
sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? alloc_copy(".")
                   : slash == path ? alloc_copy("/")
                                   : alloc_copy_str(str_of(path, (size_t)(slash - path)));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd != -1) {
        fsync(fd);
        close(fd);
    }
    alloc_free(folder);
}

/* Takes the place of the file at `path` by a rename. */
static bool
replace_file(const char *path, struct str content, mode_t mode)
{
    char *next_path = alloc_printf("%s.XXXXXX", path);
    int fd = mkostemp(next_path, O_CLOEXEC);
    bool is_done = fd != -1 && fchmod(fd, mode) == 0 && write_all(fd, content) && fsync(fd) == 0;
    int why;

    is_done = is_done && rename(next_path, path) == 0;
    why = errno;
    if (fd != -1 && !is_done)
        unlink(next_path);
    if (fd != -1)
        close(fd);
    alloc_free(next_path);
    errno = why;
    return is_done;
}

/* A device or a pipe must stay what it is: "pidfile /dev/null". */
static bool
write_in_place(const char *path, struct str content)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_done = fd != -1 && write_all(fd, content);
    int why = errno;

    if (fd != -1)
        close(fd);
    errno = why;
    return is_done;
}

bool
file_write(const char *path, struct str content, mode_t mode, struct error *err)
{
    char *real_path = realpath(path, NULL); /* keeps symbolic links; NULL: a new file */
    const char *target = real_path == NULL ? path : real_path;
    bool is_done;

    if (real_path != NULL && !is_regular(real_path)) {
        is_done = write_in_place(real_path, content);
    } else {
        is_done = replace_file(target, content, mode);
        if (is_done)
            sync_folder_of(target);
    }
    if (!is_done)
        error_set_errno(err, "cannot write '%s'", path);
    free(real_path);
    return is_done;
}

bool
file_is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
file_is_regular(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool
file_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

static int
is_not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* the same order in every locale */
}

bool
file_list_read(struct file_list *list, const char *folder, struct error *err)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_not_hidden, compare_names);
    bool has_slash = folder[0] != '\0' && folder[strlen(folder) - 1] == '/';

    *list = (struct file_list){ .count = 0 };
    if (count == -1)
        return error_set_errno(err, "cannot list folder '%s'", folder);
    list->paths = alloc_array((size_t)count, sizeof(*list->paths));
    for (int i = 0; i < count; i++) {
        char *path = alloc_printf("%s%s%s", folder, has_slash ? "" : "/", entries[i]->d_name);

        if (is_regular(path))
            list->paths[list->count++] = path;
        else
            alloc_free(path);
        free(entries[i]);
    }
    free(entries);
    return true;
}

void
file_list_fini(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        alloc_free(list->paths[i]);
    alloc_free(list->paths);
    *list = (struct file_list){ .count = 0 };
}
