/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir --expect FILE: do requests go where the lines of a file say? A regression test for routing.
 *
 *     # request                                       where it should go
 *     GET https://api.example.com/v1/x             -> backend api
 *     POST https://example.com/ src 192.0.2.9      -> 403
 *     GET http://example.com/a header "Cookie: b=1" -> backend web server web2
 *     http://example.com/old                       -> 301 https://example.com/new
 *
 * Owns:    nothing for long.
 * Callers: explain_run.c. Thread: boot.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/main/explain_run.h"

#define WORDS_MAX 64

struct line {
    char *words[WORDS_MAX];
    int count, at;
};

/* --- a line --------------------------------------------------------------------------------- */

/* Cuts it in place at blanks outside of quotes; "#" begins a comment. False: too long, or a quote
 * is not closed. */
static bool
cut(struct line *line, char *text)
{
    line->count = line->at = 0;
    for (;;) {
        char end = ' ';

        text += strspn(text, " \t\r\n");
        if (*text == '\0' || *text == '#')
            return true;
        if (line->count == WORDS_MAX)
            return false;
        if (*text == '"' || *text == '\'')
            end = *text++;
        line->words[line->count++] = text;
        text += end == ' ' ? strcspn(text, " \t\r\n") : (size_t)(strchrnul(text, end) - text);
        if (*text == '\0')
            return end == ' ';
        *text++ = '\0';
    }
}

static const char *
next(struct line *line)
{
    return line->at < line->count ? line->words[line->at++] : NULL;
}

static bool
is_option(const char *word)
{
    return strcmp(word, "header") == 0 || strcmp(word, "src") == 0 || strcmp(word, "set") == 0 ||
           strcmp(word, "frontend") == 0;
}

/* "[METHOD] url [option value]... ->" */
static bool
read_question(struct line *line, struct explain_question *question, struct error *err)
{
    const char *word = next(line);

    if (strstr(word, "://") == NULL && *word != '/' && line->at < line->count)
        word = arena_printf(&question->arena, "%s %s", word, next(line));
    if (!explain_question_set(question, "explain", word, err))
        return false;
    while ((word = next(line)) != NULL && strcmp(word, "->") != 0) {
        const char *value = next(line);

        if (!is_option(word) || value == NULL)
            return error_set(err, "after the url come header, src, frontend or set with a value, "
                                  "then '->'; not '%s'", word);
        if (!explain_question_set(question, word, value, err))
            return false;
    }
    return word != NULL || error_set(err, "'->' and what is expected are missing");
}

/* --- what is expected ----------------------------------------------------------------------- */

static bool
has_name(const char *name, const char *expected)
{
    return expected != NULL && name != NULL && strcmp(name, expected) == 0;
}

/* One pair of words, or a status. */
static bool
is_met(const char *word, struct line *line, const struct explained *explained, struct error *err)
{
    const struct explain_result *result = &explained->explain.result;
    char *end;
    long status = strtol(word, &end, 10);

    if (strcmp(word, "backend") == 0)
        return has_name(result->status == 0 ? result->backend : NULL, next(line));
    if (strcmp(word, "server") == 0)
        return has_name(result->status == 0 ? result->server : NULL, next(line));
    if (strcmp(word, "closed") == 0)
        return result->status == 0 && result->backend == NULL;
    if (*end == '\0')
        return result->status == status;
    if (explained->location.ptr != NULL && strchr(word, '/') != NULL)
        return str_eq(explained->location, str_from(word));
    return error_set(err, "'%s' is not known here; expected are: backend NAME, server NAME, "
                          "closed, a status, a location", word);
}

static bool
is_as_expected(struct line *line, const struct explained *explained, struct error *err)
{
    const char *word = next(line);

    if (word == NULL)
        return error_set(err, "nothing is expected behind '->'");
    for (; word != NULL; word = next(line)) {
        if (!is_met(word, line, explained, err))
            return false;
    }
    return true;
}

/* --- the file ------------------------------------------------------------------------------- */

enum outcome { MET, FAILED, BAD_LINE };

static enum outcome
check(struct line *line, const char *path, int number, const char *text)
{
    struct explain_question question = { .method = STR("GET") };
    struct explained explained;
    struct error err = ERROR_INIT;
    bool is_met = false, is_asked = false;

    if (read_question(line, &question, &err)) {
        is_asked = true;
        if (explain_ask(&question, &explained, &err))
            is_met = is_as_expected(line, &explained, &err);
        if (!is_met && err.text[0] == '\0') {
            printf("%s:%d: not as expected: %s\n\n", path, number, text);
            explained_print(&explained, &question);
            printf("\n");
        }
    }
    if (err.text[0] != '\0')
        fprintf(stderr, "%s:%d: %s\n", path, number, err.text);
    if (is_asked)
        explained_fini(&explained);
    explain_question_fini(&question);
    return is_met ? MET : err.text[0] != '\0' ? BAD_LINE : FAILED;
}

int
expect_run(const char *path, bool is_quiet)
{
    FILE *file = fopen(path, "re");
    int number = 0, counts[3] = { 0 };
    char *text = NULL;
    size_t size = 0;

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    while (getline(&text, &size, file) >= 0) {
        char *copy = alloc_copy(text), *shown = alloc_copy(text);
        struct line line;

        number++;
        shown[strcspn(shown, "\n")] = '\0';
        if (!cut(&line, copy)) {
            fprintf(stderr, "%s:%d: too many words, or a quote is not closed\n", path, number);
            counts[BAD_LINE]++;
        } else if (line.count > 0) {
            counts[check(&line, path, number, shown)]++;
        }
        alloc_free(copy);
        alloc_free(shown);
    }
    free(text);
    fclose(file);
    if (!is_quiet)
        printf("%d as expected, %d not\n", counts[MET], counts[FAILED] + counts[BAD_LINE]);
    return counts[FAILED] + counts[BAD_LINE] > 0 ? 1 : 0;
}
