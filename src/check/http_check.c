/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks by an HTTP request: what is sent, and is the response the expected one?
 *
 * Callers: check_steps.c, check_expect.c. Thread: control.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/number.h"
#include "weir/base/regex.h"
#include "weir/http/token.h"
#include "weir/loop/loop.h"
#include "steps.h"

#define RECEIVED_MAX 16384 /* more is not looked at */

/* "HTTP/1.1 200 OK"; 0: not yet or never an HTTP response. */
static int
read_status(struct str received, struct str *reason)
{
    uint64_t status;
    long end = str_find_char(received, '\n');
    struct str line;

    if (end < 0 || !str_starts(received, STR("HTTP/")) || received.len < 12)
        return 0;
    line = str_trim(str_of(received.ptr, (size_t)end));
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len < 12 || !number_read_digits(str_of(line.ptr + 9, 3), &status))
        return 0;
    *reason = line.len > 13 ? str_of(line.ptr + 13, line.len - 13) : STR_NONE;
    return (int)status;
}

/* "200,204,300-399" */
static bool
is_in_list(const char *list, int status)
{
    struct str rest = str_from(list);

    while (rest.ptr != NULL) {
        struct str range = str_split(&rest, ','), low = str_split(&range, '-');
        uint64_t from, to;

        if (!number_read_digits(str_trim(low), &from))
            continue;
        to = from;
        if (range.ptr != NULL && !number_read_digits(str_trim(range), &to))
            continue;
        if ((uint64_t)status >= from && (uint64_t)status <= to)
            return true;
    }
    return false;
}

/* --- the request ------------------------------------------------------------------------------ */

static void
add_format(struct text *out, const struct log_format *format, struct eval *eval)
{
    struct str value = log_format_to_str(format, eval);

    for (size_t i = 0; i < value.len; i++)
        text_add_char(out, value.ptr[i] == '\r' || value.ptr[i] == '\n' ? ' ' : value.ptr[i]);
}

static uint32_t
server_current_sum(const struct proxy *backend)
{
    uint32_t sum = 0;

    LIST_FOR_EACH (srv, &backend->back->servers, struct server, link)
        sum += __atomic_load_n(&srv->current, __ATOMIC_RELAXED);
    return sum;
}

/* What the server may want to know of itself. */
static void
add_state(struct text *out, const struct check *check)
{
    const struct server *srv = check->server;
    const struct check_conf *conf = check_conf_of(srv->conf);
    const struct server_set *set = server_set_read(srv->backend);
    bool is_up = check->health >= conf->rise;
    char host[256] = "";

    gethostname(host, sizeof(host) - 1);
    text_printf(out, "x-haproxy-server-state: %s", srv->state == SERVER_STOPPING ? "NOLB"
                                                   : is_up                     ? "UP"
                                                                               : "DOWN");
    if (is_up ? check->health < conf->rise + conf->fall - 1 : check->health > 0)
        text_printf(out, " %lld/%lld",
                    (long long)(is_up ? check->health - conf->rise + 1 : check->health),
                    (long long)(is_up ? conf->fall : conf->rise));
    text_printf(out, "; name=%s/%s; node=%s; weight=%lld/%llu; scur=%u/%u; qcur=%u\r\n",
                srv->backend->name, srv->name, host,
                (long long)(srv->user_weight),
                (unsigned long long)(set == NULL ? 0 : set->weight_sum),
                __atomic_load_n(&srv->current, __ATOMIC_RELAXED),
                (unsigned)server_current_sum(srv->backend), 0U);
}

/* HTTP/2 has no request without one. */
static void
add_authority(struct text *out, const struct addr *to)
{
    char host[ADDR_TEXT_MAX];

    (void)addr_format(to, host, sizeof(host));
    text_printf(out, "host: %s\r\n", addr_is_ip(to) ? host : "localhost");
}

void
http_request_write(struct check *check, const struct step_send *send, struct text *out)
{
    const struct http_request *request = send->request;
    const char *method = request->method != NULL ? request->method : "OPTIONS";
    const char *version = request->version != NULL ? request->version : "HTTP/1.0";
    struct str body = STR_NONE;
    struct eval eval;

    check_eval(check, &eval);
    check->asked_method = method_find(str_from(method));
    text_printf(out, "%s ", method);
    if (request->uri == NULL)
        text_add_char(out, '/');
    else
        add_format(out, request->uri, &eval);
    text_printf(out, " %s\r\n", version);
    if (request->host != NULL) {
        text_puts(out, "host: ");
        add_format(out, request->host, &eval);
        text_puts(out, "\r\n");
    } else if (check->mux != NULL && check->mux->mux == &h2_mux)
        add_authority(out, &check->conn->dst);
    else if (strcmp(version, "HTTP/1.1") == 0)
        text_puts(out, "host:\r\n");
    text_puts(out, request->raw_fields != NULL ? request->raw_fields : "");
    for (const struct http_field *field = request->fields; field != NULL; field = field->next) {
        text_printf(out, "%s: ", field->name);
        add_format(out, field->value, &eval);
        text_puts(out, "\r\n");
    }
    if (send->has_state)
        add_state(out, check);
    if (request->body != NULL) {
        body = log_format_to_str(request->body, &eval);
        text_printf(out, "content-length: %zu\r\n", body.len);
    }
    text_puts(out, check->keeps ? "\r\n" : "connection: close\r\n\r\n");
    if (body.ptr != NULL)
        text_add(out, body);
}

/* --- the response ----------------------------------------------------------------------------- */

static bool
is_match(struct check *check, const struct field_match *match, struct str text)
{
    struct eval eval;
    struct str wanted;

    if (match->kind == MATCH_FOUND)
        return true;
    if (match->kind == MATCH_REGEX)
        return regex_match(match->regex, text);
    check_eval(check, &eval);
    wanted = log_format_to_str(match->text, &eval);
    if (wanted.ptr == NULL)
        return false;
    switch ((int)match->kind) {
    case MATCH_BEG:
        return text.len >= wanted.len && str_eq_nocase(str_of(text.ptr, wanted.len), wanted);
    case MATCH_END:
        return text.len >= wanted.len &&
               str_eq_nocase(str_of(text.ptr + text.len - wanted.len, wanted.len), wanted);
    case MATCH_SUB:
        return str_find_nocase(text, wanted, 0) >= 0;
    default:
        return str_eq_nocase(text, wanted);
    }
}

static bool
is_value_match(struct check *check, const struct step_expect *expect, struct str value)
{
    if (expect->kind == EXPECT_FULL_FIELD)
        return is_match(check, &expect->value, value);
    while (value.ptr != NULL) {
        if (is_match(check, &expect->value, str_trim(str_split(&value, ','))))
            return true;
    }
    return false;
}

static bool
has_field(struct check *check, const struct step_expect *expect, struct str head)
{
    str_split(&head, '\n');
    while (head.ptr != NULL) {
        struct str value = str_trim(str_split(&head, '\n')), name = str_split(&value, ':');

        if (value.ptr != NULL && value.len > 0 && value.ptr[value.len - 1] == '\r')
            value.len--;
        if (value.ptr != NULL && is_match(check, &expect->name, name) &&
            is_value_match(check, expect, str_trim(value)))
            return true;
    }
    return false;
}

/* What goes before the step's own comment in reasons. */
static enum judged
bad_text(const struct check_step *step, struct verdict_of_step *out, const char *text)
{
    text_puts(&out->info, text);
    if (step->comment != NULL)
        text_printf(&out->info, " comment: %s", step->comment);
    return JUDGED_BAD;
}

static enum judged
judge_status(struct check *check, const struct check_step *step, bool is_good, struct str reason,
             struct verdict_of_step *out)
{
    const struct step_expect *expect = &step->expect;
    char text[128];

    is_good = is_good != expect->is_negated;
    if (!is_good && out->code == 404 && check_method_of_server(check->server->conf)->stops_on_404 &&
        check->server->state != SERVER_STOPPED) {
        out->status = CHECK_L7OKC;
        return JUDGED_GOOD;
    }
    out->status = is_good ? CHECK_L7OK : CHECK_L7STS;
    if (is_good)
        return JUDGED_GOOD;
    snprintf(text, sizeof(text), "%.*s", STR_ARG(reason));
    return bad_text(step, out, text);
}

static enum judged
judge_body(struct check *check, const struct check_step *step, bool at_end,
           struct verdict_of_step *out)
{
    const struct step_expect *expect = &step->expect;
    struct str received = text_str(&check->received), body = STR(""), wanted = expect->wanted;
    int status = out->code;
    struct eval eval;
    bool is_found;

    if (!check_body(check, &body) && !at_end && received.len < RECEIVED_MAX)
        return JUDGED_LATER;
    if (body.len == 0) {
        out->code = 0;
        return bad_text(step, out, "HTTP content check could not find a response body");
    }
    if (expect->kind == EXPECT_STRING_LF) {
        check_eval(check, &eval);
        wanted = log_format_to_str(expect->format, &eval);
    }
    is_found = expect->kind == EXPECT_RSTRING ? regex_match(expect->regex, body)
                                              : wanted.ptr != NULL && str_find(body, wanted, 0) >= 0;
    out->code = 0;
    if (is_found == expect->is_negated)
        return bad_text(step, out, is_found ? "HTTP check matched unwanted content"
                                            : "HTTP content check did not match");
    out->status = CHECK_L7OK;
    out->code = status;
    return JUDGED_GOOD;
}

enum judged
http_judge(struct check *check, const struct check_step *step, bool at_end,
           struct verdict_of_step *out)
{
    const struct step_expect *expect = &step->expect;
    struct str received = text_str(&check->received), reason = STR_NONE;
    long head = str_find(received, STR("\r\n\r\n"), 0);
    char text[32];

    out->code = read_status(received, &reason);
    if (out->code == 0) {
        if (!at_end && received.len < RECEIVED_MAX && str_find_char(received, '\n') < 0)
            return JUDGED_LATER;
        return bad_text(step, out, received.len == 0 ? "HTTP check returned no response"
                                                     : "HTTP status line is not valid");
    }
    if (check_response(check) == NULL) {
        if (!at_end && !check->is_junk && received.len < RECEIVED_MAX)
            return JUDGED_LATER;
        out->code = 0;
        return bad_text(step, out, "HTTP header fields are not complete");
    }
    switch ((int)expect->kind) {
    case EXPECT_STATUS:
        return judge_status(check, step, is_in_list(expect->text, out->code), reason, out);
    case EXPECT_RSTATUS:
        snprintf(text, sizeof(text), "%d", out->code);
        return judge_status(check, step, regex_match(expect->regex, str_from(text)), reason, out);
    case EXPECT_FIELD:
    case EXPECT_FULL_FIELD:
        received.len = head < 0 ? received.len : (size_t)head + 2;
        return judge_status(check, step, has_field(check, expect, received), reason, out);
    default:
        return judge_body(check, step, at_end, out);
    }
}
