/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks by an HTTP request: is the response the expected one?
 *
 * Callers: check_run.c. Thread: control.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/base/regex.h"
#include "weir/http/message.h"
#include "weir/http/token.h"
#include "private.h"

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

static void
judge_status(struct check *check, const struct check_method *method, int status, struct str reason)
{
    char text[32], info[128];
    bool is_good;

    snprintf(text, sizeof(text), "%d", status);
    if (method->expect == EXPECT_RSTATUS)
        is_good = regex_match(method->regex, str_from(text));
    else if (method->expect == EXPECT_STATUS)
        is_good = is_in_list(method->expected, status);
    else
        is_good = status >= 200 && status < 400;
    if (!is_good && status == 404 && method->stops_on_404 &&
        check->server->state != SERVER_STOPPED) {
        check_done(check, CHECK_L7OKC, status, NULL);
        return;
    }
    snprintf(info, sizeof(info), "%.*s", STR_ARG(reason));
    check_done(check, is_good != method->is_negated ? CHECK_L7OK : CHECK_L7STS, status,
               is_good != method->is_negated ? NULL : info);
}

/* Where the body begins, and whether all of it is there. */
static bool
find_body(struct str received, bool at_end, struct str *body)
{
    long head = str_find(received, STR("\r\n\r\n"), 0);
    long at = str_find_nocase(received, STR("\r\ncontent-length:"), 0);
    uint64_t length;

    if (head < 0)
        return at_end;
    *body = str_of(received.ptr + head + 4, received.len - (size_t)head - 4);
    if (at >= 0 && at < head) {
        struct str value = str_of(received.ptr + at + 17, (size_t)(head - at - 17));

        value = str_trim(str_split(&value, '\r'));
        if (number_read_digits(value, &length) && body->len >= length)
            return true;
    }
    return at_end || received.len >= RECEIVED_MAX;
}

static bool
judge_body(struct check *check, const struct check_method *method, struct str received, int status,
           bool at_end)
{
    struct str body = STR("");
    bool is_found;

    if (!find_body(received, at_end, &body))
        return false;
    is_found = method->expect == EXPECT_STRING ? str_find(body, str_from(method->expected), 0) >= 0
                                               : regex_match(method->regex, body);
    if (is_found != method->is_negated)
        check_done(check, CHECK_L7OK, status, NULL);
    else
        check_done(check, CHECK_L7RSP, 0,
                   is_found ? "HTTP check matched unwanted content"
                            : "HTTP content check did not match");
    return true;
}

bool
http_check_judge(struct check *check, const struct check_method *method, bool at_end)
{
    struct str received = text_str(&check->received), reason = STR_NONE;
    int status = read_status(received, &reason);

    if (status == 0) {
        if (!at_end && received.len < RECEIVED_MAX && str_find_char(received, '\n') < 0)
            return false;
        check_done(check, CHECK_L7RSP, 0,
                   received.len == 0 ? "HTTP check returned no response"
                                     : "HTTP status line is not valid");
        return true;
    }
    if (method->expect == EXPECT_STRING || method->expect == EXPECT_RSTRING)
        return judge_body(check, method, received, status, at_end);
    judge_status(check, method, status, reason);
    return true;
}
