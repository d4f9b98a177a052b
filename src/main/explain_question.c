/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a question: 'GET https://api.example.com/v1/x?y=1' with fields, an address, given samples.
 *
 * For:     weir --explain, and the lines of --expect.
 * Owns:    the question of the command line.
 * Thread:  boot.
 */
#include "weir/main/explain_question.h"

#include <string.h>

#include "weir/base/number.h"

#define CLIENT_PORT 50000

static struct explain_question here = { .method = { "GET", 3 } };

/* --- the url -------------------------------------------------------------------------------- */

static bool
read_port(struct explain_question *question, struct error *err)
{
    long colon = question->host.ptr[0] == '[' ? -1 : str_find_char(question->host, ':');
    int64_t port;

    if (question->host.ptr[0] == '[') {
        long bracket = str_find_char(question->host, ']');

        colon = bracket < 0 || question->host.ptr[bracket + 1] != ':' ? -1 : bracket + 1;
    }
    question->port = str_eq(question->scheme, STR("https")) ? 443 : 80;
    if (colon < 0)
        return true;
    if (!number_parse_int(str_slice(question->host, (size_t)colon + 1, question->host.len), 1,
                          65535, &port, err))
        return false;
    question->port = (int)port;
    return true;
}

static bool
read_url(struct explain_question *question, struct str url, struct error *err)
{
    long at = str_find(url, STR("://"), 0), slash;

    if (url.len > 0 && (url.ptr[0] == '/' || url.ptr[0] == '*')) {
        question->target = url;
        return true;
    }
    if (at < 0)
        return error_set(err, "a url is needed, such as https://example.com/path, not '%.*s'",
                         STR_ARG(url));
    question->scheme = str_slice(url, 0, (size_t)at);
    url = str_slice(url, (size_t)at + 3, url.len);
    slash = (long)strcspn(url.ptr, "/?#");
    if ((size_t)slash > url.len)
        slash = (long)url.len;
    question->host = str_slice(url, 0, (size_t)slash);
    question->target = str_slice(url, (size_t)slash, url.len);
    if (question->target.len == 0)
        question->target = STR("/");
    else if (question->target.ptr[0] != '/')
        question->target = str_from(arena_printf(&question->arena, "/%.*s", STR_ARG(question->target)));
    return question->host.len > 0 ? read_port(question, err)
                                  : error_set(err, "the url has no host");
}

/* "GET http://..." or the url alone. */
static bool
read_request(struct explain_question *question, const char *word, struct error *err)
{
    struct str rest = str_trim(str_from(word));
    long blank = str_find_char(rest, ' ');

    question->text = word;
    if (blank >= 0) {
        question->method = str_slice(rest, 0, (size_t)blank);
        rest = str_trim(str_slice(rest, (size_t)blank + 1, rest.len));
    }
    return read_url(question, rest, err);
}

/* --- the rest ------------------------------------------------------------------------------- */

static bool
add_field(struct explain_question *question, const char *word, struct error *err)
{
    if (strchr(word, ':') == NULL)
        return error_set(err, "a field is 'Name: value', not '%s'", word);
    if (question->field_count == QUESTION_FIELDS_MAX)
        return error_set(err, "at most %d fields", QUESTION_FIELDS_MAX);
    question->fields[question->field_count++] = word;
    return true;
}

static bool
set_src(struct explain_question *question, const char *word, struct error *err)
{
    if (!addr_parse_host(str_from(word), &question->src))
        return error_set(err, "'%s' is no IP address", word);
    question->src.port = CLIENT_PORT;
    return true;
}

static bool
add_given(struct explain_question *question, const char *word, struct error *err)
{
    const char *sign = strrchr(word, '=');
    struct explain_given *given;

    if (sign == NULL || sign == word)
        return error_set(err, "'<sample>=<value>' is needed, not '%s'", word);
    given = ARENA_NEW(&question->arena, struct explain_given);
    given->name = str_of(word, (size_t)(sign - word));
    given->value = str_from(sign + 1);
    given->next = question->given;
    question->given = given;
    return true;
}

bool
explain_question_set(struct explain_question *question, const char *what, const char *word,
                     struct error *err)
{
    if (question->src.family == ADDR_NONE)
        set_src(question, "127.0.0.1", err);
    if (strcmp(what, "explain") == 0)
        return read_request(question, word, err);
    if (strcmp(what, "header") == 0)
        return add_field(question, word, err);
    if (strcmp(what, "src") == 0)
        return set_src(question, word, err);
    if (strcmp(what, "set") == 0)
        return add_given(question, word, err);
    question->frontend = word;
    return true;
}

void
explain_question_fini(struct explain_question *question)
{
    arena_fini(&question->arena);
}

bool
explain_question_add(const char *what, const char *word, struct error *err)
{
    return explain_question_set(&here, what, word, err);
}

struct explain_question *
explain_question_here(void)
{
    return &here;
}

/* --- as it comes ---------------------------------------------------------------------------- */

static bool
has_field(const struct explain_question *question, struct str name)
{
    for (unsigned i = 0; i < question->field_count; i++) {
        const char *field = question->fields[i];

        if (str_eq_nocase(str_of(field, strcspn(field, ":")), name))
            return true;
    }
    return false;
}

void
explain_question_write(const struct explain_question *question, struct text *to)
{
    text_printf(to, "%.*s %.*s HTTP/1.1\r\n", STR_ARG(question->method),
                STR_ARG(question->target));
    if (!has_field(question, STR("host")))
        text_printf(to, "Host: %.*s\r\n", STR_ARG(question->host));
    for (unsigned i = 0; i < question->field_count; i++)
        text_printf(to, "%s\r\n", question->fields[i]);
    text_puts(to, "\r\n");
}
