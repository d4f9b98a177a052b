/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is what a server sent what a step expects? And how a step is named in the reasons of a failure.
 *
 * Callers: check_steps.c. Thread: control.
 */
#include <string.h>

#include "weir/base/encode.h"
#include "weir/base/regex.h"
#include "weir/expr/sample.h"
#include "steps.h"

static void
describe_expect(struct text *to, const struct step_expect *expect)
{
    switch (expect->kind) {
    case EXPECT_STRING:
        text_printf(to, "expect string '%s'", expect->text);
        break;
    case EXPECT_BINARY:
        text_printf(to, "expect binary '%.*s'", STR_ARG(expect->wanted));
        break;
    case EXPECT_RSTRING:
        text_puts(to, "expect regex");
        break;
    case EXPECT_RBINARY:
        text_puts(to, "expect binary regex");
        break;
    case EXPECT_STRING_LF:
        text_puts(to, "expect log-format string");
        break;
    case EXPECT_BINARY_LF:
        text_puts(to, "expect log-format binary");
        break;
    case EXPECT_STATUS:
        text_puts(to, "expect HTTP status codes");
        break;
    case EXPECT_RSTATUS:
        text_puts(to, "expect HTTP status regex");
        break;
    case EXPECT_FIELD:
    case EXPECT_FULL_FIELD:
        text_puts(to, "expect HTTP header pattern");
        break;
    case EXPECT_JUDGE:
        text_puts(to, "expect custom function");
        break;
    }
}

void
step_describe(struct text *to, const struct check_step *step, const char *comment)
{
    if (step->number == 0)
        return;
    text_printf(to, " at step %u of tcp-check (", step->number);
    if (step->kind == STEP_EXPECT)
        describe_expect(to, &step->expect);
    else if (step->kind == STEP_SEND)
        text_puts(to, "send");
    else {
        text_puts(to, "connect");
        if (step->connect.port > 0)
            text_printf(to, " port %lld", (long long)step->connect.port);
        if (step->connect.where != NULL)
            text_puts(to, " port expression");
    }
    text_add_char(to, ')');
    if (step->comment != NULL)
        comment = step->comment;
    if (comment != NULL)
        text_printf(to, " comment: '%s'", comment);
}

/* --- over TCP -------------------------------------------------------------------------------- */

/* The bytes to find; ptr NULL: there are none. */
static struct str
wanted_of(struct check *check, const struct step_expect *expect)
{
    struct eval eval;
    struct str text;
    char *bytes;
    size_t len;

    if (expect->format == NULL)
        return expect->wanted;
    check_eval(check, &eval);
    text = log_format_to_str(expect->format, &eval);
    if (text.ptr == NULL || expect->kind == EXPECT_STRING_LF)
        return text;
    bytes = arena_take(&check->arena, text.len / 2 + 1);
    if (bytes == NULL || text.len % 2 != 0 || !hex_decode(bytes, &len, text))
        return STR_NONE;
    return str_of(bytes, len);
}

static bool
is_found(struct check *check, const struct step_expect *expect, struct str received)
{
    struct str wanted;
    bool found;
    char *hex;

    if (expect->kind == EXPECT_RSTRING)
        return regex_match(expect->regex, received);
    if (expect->kind != EXPECT_RBINARY) {
        wanted = wanted_of(check, expect);
        return wanted.ptr != NULL && str_find(received, wanted, 0) >= 0;
    }
    hex = arena_take(&check->arena, 2 * received.len + 1);
    if (hex == NULL)
        return false;
    found = regex_match(expect->regex, str_of(hex, hex_encode_upper(hex, received)));
    arena_give(&check->arena);
    return found;
}

static void
say_mismatch(struct text *info, const struct check_step *step)
{
    const struct step_expect *expect = &step->expect;

    text_puts(info, expect->is_negated ? "TCPCHK matched unwanted content"
                                       : "TCPCHK did not match content");
    if (expect->kind == EXPECT_STRING)
        text_printf(info, " '%s'", expect->text);
    else if (expect->kind == EXPECT_BINARY)
        text_puts(info, " (binary)");
    else if (expect->kind == EXPECT_RSTRING)
        text_puts(info, " (regex)");
    else if (expect->kind == EXPECT_RBINARY)
        text_puts(info, " (binary regex)");
    else
        text_puts(info, " (log-format)");
    text_printf(info, " at step %u", step->number);
    if (step->comment != NULL)
        text_printf(info, " comment: %s", step->comment);
}

static enum judged
tcp_judge(struct check *check, const struct check_step *step, bool at_end,
          struct verdict_of_step *out)
{
    const struct step_expect *expect = &step->expect;
    struct str received = text_str(&check->received);
    bool is_last = at_end;

    if (received.len == 0 && at_end) {
        text_printf(&out->info, "TCPCHK got an empty response at step %u", step->number);
        if (step->comment != NULL)
            text_printf(&out->info, " comment: '%s'", step->comment);
        return JUDGED_BAD;
    }
    if (received.len == 0)
        return JUDGED_LATER;
    if (!at_end && expect->min_received > 0 && received.len < (size_t)expect->min_received)
        return JUDGED_LATER;
    is_last |= expect->min_received >= 0;
    if (is_found(check, expect, received)) {
        if (!expect->is_negated)
            return JUDGED_GOOD;
    } else if (!is_last)
        return JUDGED_LATER;
    else if (expect->is_negated)
        return JUDGED_GOOD;
    say_mismatch(&out->info, step);
    return JUDGED_BAD;
}

/* --- all ------------------------------------------------------------------------------------- */

static void
take_format(struct check *check, const struct log_format *format, struct text *info)
{
    struct eval eval;
    struct str text;

    if (format == NULL)
        return;
    check_eval(check, &eval);
    text = log_format_to_str(format, &eval);
    text_clear(info);
    text_add(info, text.ptr == NULL ? STR("") : text);
}

static void
take_code(struct check *check, const struct sample *sample, int *code)
{
    struct value value = { .cursor = VALUE_SINGLE };
    struct eval eval;

    if (sample == NULL)
        return;
    check_eval(check, &eval);
    if (sample_run_as(sample, &eval, VALUE_INT, &value) == FETCH_OK)
        *code = (int)value.num;
}

static enum judged
judge_protocol(struct check *check, const struct step_expect *expect, bool at_end,
               struct verdict_of_step *out)
{
    enum judged judged;

    if (at_end && check->received.len == 0) {
        text_printf(&out->info, "TCPCHK got an empty response at step %u", expect->shown_step);
        out->status = expect->empty_status;
        return JUDGED_BAD;
    }
    check->judged_code = 0;
    judged = expect->judge(check, at_end, &out->info, &out->status);
    out->code = check->judged_code;
    return judged;
}

enum judged
expect_judge(struct check *check, const struct check_step *step, bool at_end,
             struct verdict_of_step *out)
{
    const struct step_expect *expect = &step->expect;
    enum judged judged;

    out->status = CHECK_L7RSP;
    if (expect->kind == EXPECT_JUDGE)
        judged = judge_protocol(check, expect, at_end, out);
    else if (check_method_of_server(check->server->conf)->is_http)
        judged = http_judge(check, step, at_end, out);
    else
        judged = tcp_judge(check, step, at_end, out);
    if (judged == JUDGED_LATER)
        return judged;
    take_code(check, expect->code, &out->code);
    take_format(check, judged == JUDGED_GOOD ? expect->on_success : expect->on_error, &out->info);
    if (judged == JUDGED_BAD && expect->error_status != CHECK_UNKNOWN)
        out->status = expect->error_status;
    if (judged == JUDGED_GOOD && out->status == CHECK_L7RSP)
        out->status = CHECK_L7OK;
    if (judged == JUDGED_GOOD && expect->ok_status != CHECK_UNKNOWN)
        out->status = expect->ok_status;
    return judged;
}
