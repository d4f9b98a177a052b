/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders become lines that know where they came from.
 *
 * Callers: parser.c. Thread: builder.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/os/file.h"
#include "private.h"

static void
add_file(struct source *source, const char *path)
{
    struct arena *arena = source->parse->arena;

    if ((source->file_count & (source->file_count + 1)) == 0) {
        char **files = ARENA_ARRAY(arena, char *, (source->file_count + 1) * 2);

        if (source->file_count > 0)
            memcpy(files, source->files, source->file_count * sizeof(*files));
        source->files = files;
    }
    source->files[source->file_count++] = arena_copy(arena, path);
}

static bool
add_folder(struct source *source, const char *path)
{
    struct file_list list = { 0 };
    struct error err = ERROR_INIT;

    if (!file_list_read(&list, path, &err))
        return parse_alert_at(source->parse, (struct source_pos){ path, 0 }, "%s", err.text);
    for (size_t i = 0; i < list.count; i++) {
        if (str_ends(str_from(list.paths[i]), STR(".cfg")))
            add_file(source, list.paths[i]);
    }
    file_list_fini(&list);
    return true;
}

bool
source_open(struct source *source, struct parse *parse, const struct config_sources *sources)
{
    bool fine = true;

    memset(source, 0, sizeof(*source));
    source->parse = parse;
    source->sources = sources;
    for (unsigned i = 0; i < sources->count; i++) {
        if (file_is_folder(sources->paths[i]))
            fine = add_folder(source, sources->paths[i]) && fine;
        else
            add_file(source, sources->paths[i]);
    }
    return fine;
}

static bool
open_next_file(struct source *source)
{
    while (source->at < source->file_count) {
        struct error err = ERROR_INIT;
        char *path = source->files[source->at++];
        bool is_stdin = strcmp(path, "-") == 0;
        char *content = file_read(is_stdin ? "/dev/stdin" : path, NULL, &err);

        source->pos = (struct source_pos){ is_stdin ? "stdin" : path, 0 };
        if (content == NULL) {
            parse_alert_at(source->parse, source->pos, "%s", err.text);
            continue;
        }
        source->rest = arena_copy(source->parse->arena, content);
        alloc_free(content);
        return true;
    }
    return false;
}

/* One physical line; *has_feed tells whether the file goes on behind it. */
static char *
cut_line(struct source *source, bool *has_feed)
{
    char *line = source->rest;
    char *feed = strchr(line, '\n');

    *has_feed = feed != NULL;
    source->pos.line++;
    if (feed == NULL) {
        source->rest = NULL;
        return line;
    }
    *feed = '\0';
    source->rest = feed + 1;
    if (*source->rest == '\0')
        source->rest = NULL;
    return line;
}

static bool
is_continued(const char *line)
{
    size_t slashes = 0, len = strlen(line);

    while (len > 0 && line[len - 1] == '\\') {
        slashes++;
        len--;
    }
    return slashes % 2 == 1;
}

bool
source_next(struct source *source, struct source_line *out)
{
    bool has_feed;

    while (source->rest == NULL) {
        if (!open_next_file(source))
            return false;
    }
    out->text = cut_line(source, &has_feed);
    out->pos = source->pos;
    while (is_continued(out->text) && source->rest != NULL) {
        char *next = cut_line(source, &has_feed);

        out->text[strlen(out->text) - 1] = '\0';
        out->text = arena_printf(source->parse->arena, "%s%s", out->text, next);
    }
    out->has_no_feed = !has_feed && *out->text != '\0';
    return true;
}
