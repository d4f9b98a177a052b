/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http-error: another answer than the built-in one for a status, written in the configuration.
 *
 * Thread: builder.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/config/keyword.h"
#include "weir/expr/log_format.h"
#include "weir/http/error_files.h"
#include "weir/http/token.h"
#include "weir/os/file.h"

#include "weir/proxy/error_page.h"
#include "private.h"

struct http_error {
    int at; /* error_files_index(); -1: not said yet */
    int status;
    const char *content_type;
    bool has_body;
    struct str body;
    const struct log_format *body_format;
    struct reply_header *headers;
    unsigned header_count;
    const struct reply *file;
    const char *section; /* errorfiles */
};

static bool
read_status(struct parse *parse, struct http_error *error)
{
    error->at = error_files_parse_status(parse);
    if (error->at >= 0)
        error->status = atoi(parse->words->items[parse->words->at - 1].text);
    return error->at >= 0;
}

static bool
read_body(struct parse *parse, struct http_error *error, bool is_file)
{
    const char *word = parse_word(parse, is_file ? "a file" : "a text");
    struct error err = ERROR_INIT;
    size_t len;
    char *content;

    if (word == NULL)
        return false;
    if (!is_file) {
        error->body = str_from(arena_copy(parse->arena, word));
        return true;
    }
    content = file_read(word, &len, &err);
    if (content == NULL)
        return parse_alert(parse, "%s", err.text);
    error->body = str_of(arena_copy_str(parse->arena, str_of(content, len)), len);
    alloc_free(content);
    return true;
}

/* Wherever an answer is made: what cannot be known there is empty. */
#define ANY_PLACE 0

static bool
read_format(struct parse *parse, struct http_error *error, bool is_file)
{
    if (!read_body(parse, error, is_file))
        return false;
    error->body_format = log_format_parse(parse, error->body.ptr, ANY_PLACE, 0);
    return error->body_format != NULL;
}

static bool
read_header(struct parse *parse, struct http_error *error)
{
    const char *name = parse_word(parse, "the name of a header field");
    const char *text = name == NULL ? NULL : parse_word(parse, "a format");
    struct log_format *value =
        text == NULL ? NULL : log_format_parse(parse, text, ANY_PLACE, FORMAT_IS_HEADER);

    if (value == NULL)
        return false;
    error->headers = reply_headers_add(parse, error->headers, error->header_count++,
                                       (struct reply_header){ name, value });
    return true;
}

static bool
read_word(struct parse *parse, struct http_error *error, const char *word)
{
    const char *path;

    if (strcmp(word, "hdr") == 0)
        return read_header(parse, error);
    if (strcmp(word, "default-errorfiles") == 0)
        return true; /* what is shown anyway */
    if (strcmp(word, "errorfiles") == 0)
        return (error->section = parse_word(parse, "the name of an http-errors section")) != NULL;

    if (strcmp(word, "status") == 0)
        return read_status(parse, error);
    if (strcmp(word, "content-type") == 0)
        return (error->content_type = parse_word(parse, "a media type")) != NULL;
    if (strcmp(word, "errorfile") != 0 && strcmp(word, "string") != 0 &&
        strcmp(word, "file") != 0 && strcmp(word, "lf-string") != 0 && strcmp(word, "lf-file") != 0)
        return parse_alert(parse, "'http-error' does not know '%s'", word);
    if (error->has_body)
        return parse_alert(parse, "the body is given twice");
    error->has_body = true;
    if (strncmp(word, "lf-", 3) == 0)
        return read_format(parse, error, word[3] == 'f');
    if (strcmp(word, "errorfile") != 0)
        return read_body(parse, error, *word == 'f');
    path = parse_word(parse, "a file");
    return path != NULL && error_files_load(parse, path, &error->file);
}

static const struct reply *
make_page(struct parse *parse, const struct http_error *error)
{
    struct reply *page = ARENA_NEW(parse->arena, struct reply);
    struct field *field = ARENA_NEW(parse->arena, struct field);

    page->status = error->status;
    page->version_minor = 1;
    page->reason = str_from(status_reason(error->status));
    page->body = error->body;
    page->body_format = error->body_format;
    page->headers = error->headers;
    page->header_count = error->header_count;
    if (error->body.len > 0) {
        *field = (struct field){ .name = "content-type",
                                 .name_len = 12,
                                 .value = error->content_type,
                                 .value_len = (uint32_t)strlen(error->content_type),
                                 .id = FIELD_CONTENT_TYPE };
        page->fields = field;
        page->field_count = 1;
    }
    return page;
}

/* The section must stand above. */
static bool
find_in_section(struct parse *parse, struct http_error *error)
{
    const struct error_files *files = error_files_find(parse->snapshot, error->section);

    if (files == NULL)
        return parse_alert(parse, "there is no section 'http-errors %s' above this line",
                           error->section);
    error->file = files->pages[error->at];
    return error->file != NULL ||
           parse_alert(parse, "http-errors '%s' has no file for status %d", error->section,
                       error->status);
}

static bool
parse_http_error(struct parse *parse)
{
    struct http_error error = { .at = -1, .body = STR("") };

    while (words_peek(parse->words) != NULL) {
        if (!read_word(parse, &error, words_next(parse->words)))
            return false;
    }
    if (error.at < 0)
        return parse_alert(parse, "'http-error' needs 'status <status>'");
    if (error.body.len > 0 && error.content_type == NULL)
        return parse_alert(parse, "a body needs its 'content-type'");
    if (error.section != NULL && !find_in_section(parse, &error))
        return false;
    error_page_set(parse->object, error.at,
                   error.file != NULL ? error.file : make_page(parse, &error));
    return true;
}

static const struct keyword keywords[] = {
    { "http-error", IN_PROXY,
      .args = "status <status> [content-type <type>] [errorfile|string|file|lf-string|lf-file <body>] "
              "[errorfiles <section>] [default-errorfiles] [hdr <name> <format>]...",
      .parse = parse_http_error, .help = "Answer so instead of with the built-in page." },
};
REGISTER(keyword, keywords);
