/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, folders and texts become lines that know where they came from.
 *
 * For:     parser.c.
 * Owns:    the content of the file in hand; what was read from pipes, for ever: a reload cannot
 *          read it again.
 * Thread:  builder; one builds at a time.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/os/file.h"
#include "private.h"

#define BOM "\xef\xbb\xbf" /* some editors begin a file so */

/* What came through standard input or another pipe. */
struct kept_file {
    struct kept_file *next;
    char *path;
    char *content;
    size_t len;
};

static struct kept_file *kept_files;

/* --- files ------------------------------------------------------------------------- */

/* "-f -", "-f /dev/stdin" and "-f <(program)" of a shell. */
static bool
is_pipe(const char *path)
{
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0 ||
           str_starts(str_from(path), STR("/dev/fd/")) ||
           str_starts(str_from(path), STR("/proc/self/fd/"));
}

static void
keep(const char *path, const char *content, size_t len)
{
    struct kept_file *kept = alloc_zero(sizeof(*kept));

    kept->path = alloc_copy(path);
    kept->content = alloc_copy_str(str_of(content, len));
    kept->len = len;
    kept->next = kept_files;
    kept_files = kept;
}

static char *
read_file(const char *path, size_t *len, struct error *err)
{
    char *content;

    for (struct kept_file *kept = kept_files; kept != NULL; kept = kept->next) {
        if (strcmp(kept->path, path) == 0) {
            *len = kept->len;
            return alloc_copy_str(str_of(kept->content, kept->len));
        }
    }
    content = file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, len, err);
    if (content != NULL && is_pipe(path))
        keep(path, content, *len);
    return content;
}

static void
add_file(struct source *source, const char *path)
{
    source->files = alloc_resize(source->files, (source->file_count + 1) * sizeof(*source->files));
    source->files[source->file_count++] = arena_copy(source->parse->arena, path);
}

static bool
complain(struct source *source, const struct error *err)
{
    return parse_alert_at(source->parse, (struct source_pos){ NULL, 0 }, "%s", err->text);
}

static bool
add_folder(struct source *source, const char *path)
{
    struct file_list list = { 0 };
    struct error err = ERROR_INIT;

    if (!file_list_read(&list, path, &err))
        return complain(source, &err);
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

    *source = (struct source){ .parse = parse, .sources = sources, .joined = TEXT_INIT };
    for (unsigned i = 0; i < sources->count; i++) {
        if (file_is_folder(sources->paths[i]))
            fine = add_folder(source, sources->paths[i]) && fine;
        else
            add_file(source, sources->paths[i]);
    }
    return fine;
}

void
source_close(struct source *source)
{
    alloc_free(source->files);
    alloc_free(source->content);
    text_fini(&source->joined);
}

/* --- the next file ------------------------------------------------------------------ */

/* A NUL would end the file early for everybody who reads text. */
static bool
has_no_nul(struct source *source, size_t len)
{
    size_t good = strlen(source->content);

    if (good == len)
        return true;
    source->pos.line = 1;
    for (size_t i = 0; i < good; i++)
        source->pos.line += source->content[i] == '\n';
    return parse_alert_at(source->parse, source->pos,
                          "a NUL byte; the file is no text and is not read");
}

static bool
begin_content(struct source *source, const char *name, size_t len)
{
    source->pos = (struct source_pos){ name, 0 };
    if (!has_no_nul(source, len))
        return false;
    source->rest = source->content;
    if (str_starts(str_from(source->rest), STR(BOM)))
        source->rest += strlen(BOM);
    return *source->rest != '\0';
}

/* False: there is nothing in it; go on with the next one. */
static bool
open_file(struct source *source, const char *path)
{
    struct error err = ERROR_INIT;
    size_t len;

    source->content = read_file(path, &len, &err);
    if (source->content == NULL)
        return complain(source, &err);
    return begin_content(source, strcmp(path, "-") == 0 ? "stdin" : path, len);
}

static bool
open_text(struct source *source, const struct config_text *text)
{
    source->content = alloc_copy(text->content);
    return begin_content(source, arena_copy(source->parse->arena, text->name),
                         strlen(text->content));
}

static bool
open_next(struct source *source)
{
    while (source->at < source->file_count + source->sources->text_count) {
        unsigned at = source->at++;

        alloc_free(source->content);
        source->content = source->rest = NULL;
        if (at < source->file_count
                ? open_file(source, source->files[at])
                : open_text(source, &source->sources->texts[at - source->file_count]))
            return true;
    }
    return false;
}

/* --- lines --------------------------------------------------------------------------- */

/* One line of the file. */
static struct str
cut_line(struct source *source, bool *has_feed)
{
    char *line = source->rest;
    char *feed = strchr(line, '\n');
    size_t len = feed == NULL ? strlen(line) : (size_t)(feed - line);

    *has_feed = feed != NULL;
    source->pos.line++;
    source->rest = feed == NULL || feed[1] == '\0' ? NULL : feed + 1;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    line[len] = '\0';
    return str_of(line, len);
}

/* The backslash gives way to what the next line says. */
static void
join_lines(struct source *source, struct source_line *out, struct str line, bool *has_feed)
{
    text_clear(&source->joined);
    text_add(&source->joined, line);
    do {
        source->joined.len--;
        text_add(&source->joined, cut_line(source, has_feed));
    } while (source->rest != NULL &&
             split_wants_next_line(text_cstr(&source->joined), source->joined.len));
    text_add_char(&source->joined, '\0');
    out->text = source->joined.ptr;
}

bool
source_next(struct source *source, struct source_line *out)
{
    struct str line;
    bool has_feed;

    while (source->rest == NULL) {
        if (!open_next(source))
            return false;
    }
    line = cut_line(source, &has_feed);
    out->pos = source->pos;
    out->text = (char *)line.ptr;
    if (source->rest != NULL && split_wants_next_line(line.ptr, line.len))
        join_lines(source, out, line, &has_feed);
    out->has_no_feed = !has_feed;
    return true;
}
