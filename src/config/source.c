/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, folders and texts become lines that know where they came from.
 *
 * For:     parser.c.
 * Owns:    the content of the files in hand; what was read from pipes, for ever: a reload cannot
 *          read it again.
 * Thread:  builder; one builds at a time.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/os/file.h"
#include "private.h"

#define INCLUDE_DEPTH 16
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
    if (sources->transcript != NULL)
        return true;
    for (unsigned i = 0; i < sources->count; i++) {
        if (file_is_folder(sources->paths[i]))
            fine = add_folder(source, sources->paths[i]) && fine;
        else
            add_file(source, sources->paths[i]);
    }
    return fine;
}

static void
end_file(struct source *source)
{
    struct source_file *file = source->file;

    source->file = file->outer;
    alloc_free(file->content);
    free(file->real_path);
    alloc_free(file);
}

void
source_close(struct source *source)
{
    while (source->file != NULL)
        end_file(source);
    alloc_free(source->files);
    text_fini(&source->joined);
}

/* --- the next file ------------------------------------------------------------------ */

/* A NUL would end the file early for everybody who reads text. */
static bool
has_no_nul(const char *content, size_t len, struct source_pos *pos, struct error *err)
{
    size_t good = strlen(content);

    if (good == len)
        return true;
    pos->line = 1;
    for (size_t i = 0; i < good; i++)
        pos->line += content[i] == '\n';
    return error_set(err, "a NUL byte; the file is no text and is not read");
}

/* Takes `content` over. It is read before what is in hand goes on. */
static bool
begin_file(struct source *source, const char *name, char *content, size_t len, struct error *err)
{
    struct source_file *file = alloc_zero(sizeof(*file));

    file->content = content;
    file->pos = (struct source_pos){ name, 0 };
    file->outer = source->file;
    source->file = file;
    if (!has_no_nul(content, len, &file->pos, err))
        return false;
    file->rest = content;
    if (str_starts(str_from(file->rest), STR(BOM)))
        file->rest += strlen(BOM);
    if (*file->rest == '\0')
        file->rest = NULL;
    return true;
}

static bool
open_file(struct source *source, const char *path, struct error *err)
{
    size_t len;
    char *content = read_file(path, &len, err);

    if (content == NULL ||
        !begin_file(source, strcmp(path, "-") == 0 ? "stdin" : path, content, len, err))
        return false;
    source->file->real_path = realpath(path, NULL);
    return true;
}

static bool
open_text(struct source *source, const struct config_text *text, struct error *err)
{
    return begin_file(source, arena_copy(source->parse->arena, text->name),
                      alloc_copy(text->content), strlen(text->content), err);
}

/* What was read before is read again. */
static bool
open_part(struct source *source, const struct transcript_part *part, struct error *err)
{
    if (!begin_file(source, arena_copy(source->parse->arena, part->name),
                    alloc_copy_str(text_str(&part->content)), part->content.len, err))
        return false;
    source->file->pos.line = part->first_line - 1;
    return true;
}

static unsigned
count_inputs(const struct source *source)
{
    return source->sources->transcript != NULL ? source->sources->transcript->count
                                               : source->file_count + source->sources->text_count;
}

static void
open_next(struct source *source)
{
    unsigned at = source->at++;
    struct error err = ERROR_INIT;
    bool fine;

    if (source->sources->transcript != NULL)
        fine = open_part(source, &source->sources->transcript->parts[at], &err);
    else if (at < source->file_count)
        fine = open_file(source, source->files[at], &err);
    else
        fine = open_text(source, &source->sources->texts[at - source->file_count], &err);
    if (!fine)
        parse_alert_at(source->parse,
                       source->file == NULL ? (struct source_pos){ NULL, 0 } : source->file->pos,
                       "%s", err.text);
}

/* --- lines --------------------------------------------------------------------------- */

/* One line of the file. */
static struct str
cut_line(struct source *source, bool *has_feed)
{
    struct source_file *file = source->file;
    char *line = file->rest;
    char *feed = strchr(line, '\n');
    size_t len = feed == NULL ? strlen(line) : (size_t)(feed - line);

    *has_feed = feed != NULL;
    file->pos.line++;
    if (source->sources->transcript == NULL)
        transcript_add(source->parse->snapshot->transcript, file->pos.file, file->pos.line,
                       str_of(line, len + *has_feed));
    file->rest = feed == NULL || feed[1] == '\0' ? NULL : feed + 1;
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
    } while (source->file->rest != NULL &&
             split_wants_next_line(text_cstr(&source->joined), source->joined.len));
    text_add_char(&source->joined, '\0');
    out->text = source->joined.ptr;
}

/* Goes on with the file that included the one that has ended, or with the next one. False: the end.
 */
static bool
find_rest(struct source *source)
{
    while (source->file == NULL || source->file->rest == NULL) {
        if (source->file != NULL)
            end_file(source);
        else if (source->at < count_inputs(source))
            open_next(source);
        else
            return false;
    }
    return true;
}

bool
source_next(struct source *source, struct source_line *out)
{
    struct str line;
    bool has_feed;

    if (!find_rest(source))
        return false;
    line = cut_line(source, &has_feed);
    out->pos = source->file->pos;
    out->text = (char *)line.ptr;
    if (source->file->rest != NULL && split_wants_next_line(line.ptr, line.len))
        join_lines(source, out, line, &has_feed);
    out->has_no_feed = !has_feed;
    return true;
}

/* --- .include ------------------------------------------------------------------------ */

/* In the arena: positions name it. */
static const char *
path_from_here(const struct source *source, const char *path)
{
    const char *here = source->file->pos.file, *slash = strrchr(here, '/');

    if (*path == '/' || slash == NULL)
        return arena_copy(source->parse->arena, path);
    return arena_printf(source->parse->arena, "%.*s/%s", (int)(slash - here), here, path);
}

/* Does one of those that wait for its end include it? */
static bool
is_cycle(const struct source_file *includer, const char *path)
{
    char *real = realpath(path, NULL);
    bool is_found = false;

    for (; real != NULL && includer != NULL && !is_found; includer = includer->includer)
        is_found = includer->real_path != NULL && strcmp(includer->real_path, real) == 0;
    free(real);
    return is_found;
}

static bool
include_one(struct source *source, const struct source_file *includer, const char *path,
            struct error *err)
{
    if (includer->depth == INCLUDE_DEPTH)
        return error_set(err, "too many files include each other (at most %d)", INCLUDE_DEPTH);
    if (file_exists(path) && !file_is_regular(path))
        return error_set(err, "'%s' is no regular file", path);
    if (is_cycle(includer, path))
        return error_set(err, "'%s' includes itself in the end", path);
    if (!open_file(source, path, err))
        return false;
    source->file->includer = includer;
    source->file->depth = includer->depth + 1;
    return true;
}

/* What is put in hand last is read first. */
static bool
include_list(struct source *source, char *const *paths, size_t count, const char *ending,
             struct error *err)
{
    const struct source_file *includer = source->file;

    for (size_t i = count; i > 0; i--) {
        const char *path = arena_copy(source->parse->arena, paths[i - 1]);

        if (str_ends(str_from(path), str_from(ending)) && !file_is_folder(path) &&
            !include_one(source, includer, path, err))
            return false;
    }
    return true;
}

static bool
include_folder(struct source *source, const char *path, struct error *err)
{
    struct file_list list = { 0 };
    bool fine = file_list_read(&list, path, err) &&
                include_list(source, list.paths, list.count, ".cfg", err);

    file_list_fini(&list);
    return fine;
}

static bool
include_pattern(struct source *source, const char *pattern, struct error *err)
{
    glob_t found = { 0 };
    bool fine = true;

    if (glob(pattern, 0, NULL, &found) == 0)
        fine = include_list(source, found.gl_pathv, found.gl_pathc, "", err);
    globfree(&found);
    return fine;
}

bool
source_include(struct source *source, const char *path, struct error *err)
{
    path = path_from_here(source, path);
    if (strpbrk(path, "*?[") != NULL && !file_exists(path))
        return include_pattern(source, path, err);
    if (file_is_folder(path))
        return include_folder(source, path, err);
    return include_one(source, source->file, path, err);
}
