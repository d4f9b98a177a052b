/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords of checks over HTTP: option httpchk, http-check.
 *
 * Thread: builder.
 */
#include <string.h>
#include <strings.h>

#include "weir/expr/regex_conf.h"
#include "external.h"
#include "steps.h"

static bool
check_text(struct parse *parse, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\r' || *c == '\n')
            return parse_alert(parse, "a line end cannot stand in '%s'; use 'http-check send'",
                               text);
    }
    return true;
}

static bool
read_format(struct parse *parse, const char *text, const struct log_format **to)
{
    *to = log_format_parse(parse, text, PLACE_CHECK, 0);
    return *to != NULL;
}

/* A format without variable parts. */
static bool
read_literal(struct parse *parse, const char *text, const struct log_format **to)
{
    char *doubled = ARENA_ARRAY(parse->arena, char, 2 * strlen(text) + 1), *end = doubled;

    for (const char *c = text; *c != '\0'; c++) {
        *end++ = *c;
        if (*c == '%')
            *end++ = '%';
    }
    return read_format(parse, doubled, to);
}

/* --- option httpchk --------------------------------------------------------------------------- */

/* What another section said of the request is replaced as a whole. */
static void
forget_request(struct parse *parse, struct check_method *method)
{
    if (method->request_of != parse->object) {
        method->method = method->version = method->raw_fields = NULL;
        method->uri = method->host = NULL;
        method->inherited = NULL;
    }
    method->request_of = parse->object;
    if (method->steps_of != parse->object)
        method->first = method->last = NULL;
    method->steps_of = parse->object;
}

/* "<uri>", "<method> <uri>", "<method> <uri> <version>", "... <host>"; older files hide fields
 * behind the version. */
static bool
parse_httpchk(struct parse *parse)
{
    struct check_method *method = check_method_of_parse(parse);
    const char *first, *second, *version, *host;

    method->is_http = !parse->negated;
    method->prepared = NULL;
    external_forget(parse);
    if (parse->negated)
        return parse_end(parse);
    forget_request(parse, method);
    first = words_next(parse->words);
    second = words_next(parse->words);
    version = words_next(parse->words);
    host = words_next(parse->words);
    if (second != NULL)
        method->method = first;
    if (first != NULL && !read_literal(parse, second != NULL ? second : first, &method->uri))
        return false;
    if (version != NULL) {
        const char *end = strstr(version, "\r\n");

        method->version =
            end == NULL ? version
                        : arena_copy_str(parse->arena, str_of(version, (size_t)(end - version)));
        if (end != NULL)
            method->raw_fields = arena_printf(parse->arena, "%s\r\n", end + 2);
    }
    if (host != NULL && !read_format(parse, host, &method->host))
        return false;
    return parse_end(parse);
}

/* --- http-check send -------------------------------------------------------------------------- */

static bool
parse_field(struct parse *parse, struct http_request *request, struct http_field ***tail)
{
    const char *name = parse_word(parse, "the name of a header field");
    const char *value = name == NULL ? NULL : parse_word(parse, "its value");
    struct http_field *field = ARENA_NEW(parse->arena, struct http_field);

    if (value == NULL || !check_text(parse, name) || !check_text(parse, value) ||
        !read_format(parse, value, &field->value))
        return false;
    if (strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0 ||
        strcasecmp(name, "connection") == 0)
        return true; /* they are ours */
    if (strcasecmp(name, "host") == 0) {
        request->host = field->value;
        return true;
    }
    field->name = name;
    **tail = field;
    *tail = &field->next;
    return true;
}

static bool
parse_send_word(struct parse *parse, struct check_step *step, struct http_request *request,
                const char *word)
{
    bool is_format = strcmp(word, "uri-lf") == 0 || strcmp(word, "body-lf") == 0;
    const char *value = parse_word(parse, "a value");

    if (value == NULL)
        return false;
    if (strcmp(word, "comment") == 0)
        step->comment = value;
    else if (strcmp(word, "meth") == 0)
        request->method = value;
    else if (strcmp(word, "ver") == 0)
        request->version = value;
    else {
        const struct log_format **to = word[0] == 'u' ? &request->uri : &request->body;

        return is_format ? read_format(parse, value, to) : read_literal(parse, value, to);
    }
    return check_text(parse, value);
}

static bool
needs_connect(const struct check_method *method)
{
    bool waits = false;

    for (const struct check_step *step = method->first; step != NULL; step = step->next) {
        if (step->kind == STEP_CONNECT)
            waits = false;
        else if (step->kind == STEP_SEND || step->kind == STEP_EXPECT)
            waits = true;
    }
    return waits;
}

static bool
parse_send(struct parse *parse, struct check_method *method)
{
    struct http_request *request = ARENA_NEW(parse->arena, struct http_request);
    struct http_field **tail = &request->fields;
    struct check_step *step;
    const char *word;

    if (method->steps_of == parse->object && needs_connect(method))
        return parse_alert(parse, "one connection of a check carries one request; put "
                                  "'http-check connect' before this 'http-check send'");
    step = step_add(parse, method, STEP_SEND);
    step->send.request = request;
    while ((word = words_next(parse->words)) != NULL) {
        if (strcmp(word, "hdr") == 0) {
            if (!parse_field(parse, request, &tail))
                return false;
        } else if (strcmp(word, "meth") == 0 || strcmp(word, "uri") == 0 ||
                   strcmp(word, "uri-lf") == 0 || strcmp(word, "ver") == 0 ||
                   strcmp(word, "body") == 0 || strcmp(word, "body-lf") == 0 ||
                   strcmp(word, "comment") == 0) {
            if (!parse_send_word(parse, step, request, word))
                return false;
        } else
            return parse_alert(parse, "'http-check send' does not know '%s'", word);
    }
    return true;
}

/* --- http-check expect ------------------------------------------------------------------------ */

static bool
parse_match(struct parse *parse, struct field_match *match, bool *has_format)
{
    static const char *const kinds[] = { "str", "beg", "end", "sub", "reg", NULL };
    struct error err = ERROR_INIT;
    const char *text;
    int kind = 0;

    match->kind = MATCH_EQUAL;
    while (words_accept(parse->words, "-m")) {
        if (!parse_choice(parse, "str, beg, end, sub or reg", kinds, &kind))
            return false;
        match->kind = (enum match_kind)(MATCH_EQUAL + kind);
    }
    text = parse_word(parse, "a pattern");
    if (text == NULL)
        return false;
    if (match->kind == MATCH_REGEX) {
        match->regex = regex_conf_compile(parse, str_from(text), REGEX_CASE, &err);
        return match->regex != NULL ||
               parse_alert(parse, "regular expression '%s': %s", text, err.text);
    }
    return *has_format ? read_format(parse, text, &match->text)
                       : read_literal(parse, text, &match->text);
}

static bool
parse_expect_field(struct parse *parse, struct step_expect *expect)
{
    bool has_format = words_accept(parse->words, "name-lf");

    if (!has_format && !words_accept(parse->words, "name"))
        return parse_alert_next(parse, "'name' or 'name-lf' is missing");
    if (!parse_match(parse, &expect->name, &has_format))
        return false;
    expect->value.kind = MATCH_FOUND;
    if (words_at_end(parse->words))
        return true;
    has_format = words_accept(parse->words, "value-lf");
    if (!has_format && !words_accept(parse->words, "value"))
        return parse_alert_next(parse, "'value' or 'value-lf' is missing");
    if (expect->kind == EXPECT_FULL_FIELD)
        words_accept(parse->words, "full");
    return parse_match(parse, &expect->value, &has_format) && parse_end(parse);
}

static bool
parse_expect(struct parse *parse, struct check_method *method)
{
    static const char *const names[] = { "status",  "rstatus", "string", "rstring",
                                         "string-lf", "hdr",   "fhdr",   NULL };
    static const unsigned char kinds[] = { EXPECT_STATUS, EXPECT_RSTATUS,   EXPECT_STRING,
                                           EXPECT_RSTRING, EXPECT_STRING_LF, EXPECT_FIELD,
                                           EXPECT_FULL_FIELD };
    struct check_step *step = step_add(parse, method, STEP_EXPECT);
    struct step_expect *expect = &step->expect;
    struct error err = ERROR_INIT;
    int index;

    if (!step_parse_expect_words(parse, step) ||
        !parse_choice(parse, "status, rstatus, hdr, fhdr, string, rstring or string-lf", names,
                      &index))
        return false;
    expect->kind = (enum expect_kind)kinds[index];
    if (expect->kind == EXPECT_FIELD || expect->kind == EXPECT_FULL_FIELD)
        return parse_expect_field(parse, expect);
    if (expect->kind != EXPECT_STATUS && expect->kind != EXPECT_RSTATUS)
        return step_parse_pattern(parse, expect, expect->kind);
    expect->text = parse_word(parse, "a status");
    if (expect->text == NULL)
        return false;
    if (expect->kind == EXPECT_STATUS && expect->text[strspn(expect->text, "0123456789-,")] != '\0')
        return parse_alert(parse, "'%s' is no list of statuses, such as 200,204,300-399",
                           expect->text);
    if (expect->kind == EXPECT_RSTATUS) {
        expect->regex = regex_conf_compile(parse, str_from(expect->text), REGEX_CASE, &err);
        if (expect->regex == NULL)
            return parse_alert(parse, "regular expression '%s': %s", expect->text, err.text);
    }
    return parse_end(parse);
}

static bool
parse_http_check(struct parse *parse)
{
    struct check_method *method = check_method_of_parse(parse);
    const char *word = parse_word(parse, "a step: send, expect, connect ...");

    if (word == NULL || !healthcheck_takes(parse, "httpchk"))
        return false;
    if (strcmp(word, "expect") == 0)
        return parse_expect(parse, method);
    if (strcmp(word, "send") == 0)
        return parse_send(parse, method);
    if (strcmp(word, "disable-on-404") == 0) {
        method->stops_on_404 = true;
        return parse_end(parse);
    }
    if (strcmp(word, "send-state") == 0) {
        method->sends_state = true;
        return parse_end(parse);
    }
    return step_parse_common(parse, method, word);
}

static const struct keyword keywords[] = {
    { "option httpchk", IN_BACK, .flags = KEYWORD_NO,
      .args = "[<method>] [<uri>] [<version>] [<host>]", .parse = parse_httpchk,
      .help = "Check servers by an HTTP request." },
    { "http-check", IN_BACK | IN_HEALTHCHECK,
      .args = "send <what>... | expect [<what>...] [!] <kind> <value> | connect [<what>...] | "
              "set-var(<name>) <expr> | set-var-fmt(<name>) <fmt> | unset-var(<name>) | "
              "comment <text> | disable-on-404 | send-state",
      .parse = parse_http_check, .help = "What HTTP checks send and expect." },
};
REGISTER(keyword, keywords);
