/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections http-errors, and how error files are read.
 *
 * For:     errorfile and errorfiles of proxies, actions that answer.
 * Owns:    a slot of the snapshot: the list of sections.
 * Thread:  builder.
 */
#include "weir/http/error_files.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/keyword.h"
#include "weir/config/section.h"
#include "weir/config/snapshot.h"
#include "weir/os/file.h"

static const int statuses[] = { 200, 400, 401, 403, 404, 405, 407, 408, 410, 413,
                                414, 425, 429, 431, 500, 501, 502, 503, 504 };
_Static_assert(COUNT(statuses) == ERROR_STATUSES, "one page for each");

struct error_file_sections {
    struct error_files *first;
};
static struct slot sections_slot = SLOT("http-errors", SLOT_GLOBAL, struct error_file_sections);
REGISTER_SLOT(sections_slot);

int
error_files_index(int status)
{
    for (size_t i = 0; i < COUNT(statuses); i++) {
        if (statuses[i] == status)
            return (int)i;
    }
    return -1;
}

int
error_files_parse_status(struct parse *parse)
{
    int64_t status;
    int at;

    if (!parse_int(parse, "a status", 100, 599, &status))
        return -1;
    at = error_files_index((int)status);
    if (at < 0)
        parse_alert(parse,
                    "weir never answers %lld itself; statuses with pages are 200 400 401 403 "
                    "404 405 407 408 410 413 414 425 429 431 500 501 502 503 504",
                    (long long)status);
    return at;
}

bool
error_files_load(struct parse *parse, const char *path, const struct reply **page)
{
    struct reply *reply = ARENA_NEW(parse->arena, struct reply);
    struct error err = ERROR_INIT;
    size_t len;
    char *content = file_read(path, &len, &err), *copy;

    if (content == NULL)
        return parse_alert(parse, "%s", err.text);
    copy = arena_copy_str(parse->arena, str_of(content, len));
    alloc_free(content);
    *page = reply;
    if (len == 0) /* nothing is sent: the connection just closes */
        return true;
    return reply_parse(str_of(copy, len), parse->arena, reply, &err) ||
           parse_alert(parse, "'%s' is not an HTTP response: %s", path, err.text);
}

const struct error_files *
error_files_find(struct snapshot *snapshot, const char *name)
{
    struct error_file_sections *sections = snapshot_slot(snapshot, &sections_slot);

    for (const struct error_files *files = sections->first; files != NULL; files = files->next) {
        if (strcmp(files->name, name) == 0)
            return files;
    }
    return NULL;
}

/* --- the section ------------------------------------------------------------ */

static bool
open_section(struct parse *parse)
{
    struct error_file_sections *sections = snapshot_slot(parse->snapshot, &sections_slot);
    struct error_files *files = ARENA_NEW(parse->arena, struct error_files);
    const char *name = parse_word(parse, "a name");

    if (name == NULL)
        return false;
    if (error_files_find(parse->snapshot, name) != NULL)
        return parse_alert(parse, "there is a section 'http-errors %s' already", name);
    files->name = arena_copy(parse->arena, name);
    files->next = sections->first;
    sections->first = files;
    parse->object = files;
    return parse_end(parse);
}

static bool
parse_section_file(struct parse *parse)
{
    struct error_files *files = parse->object;
    int at = error_files_parse_status(parse);
    const char *path = at < 0 ? NULL : parse_word(parse, "a file");

    return path != NULL && error_files_load(parse, path, &files->pages[at]) && parse_end(parse);
}

static const struct section sections[] = {
    { "http-errors", IN_HTTP_ERRORS, open_section, NULL,
      "Error files with a name, for errorfiles lines and rules.", NULL },
};
REGISTER(section, sections);

static const struct keyword keywords[] = {
    { "errorfile", IN_HTTP_ERRORS, .args = "<status> <file>", .parse = parse_section_file,
      .help = "The file (a whole HTTP response) for a status in this set." },
};
REGISTER(keyword, keywords);
