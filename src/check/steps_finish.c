/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a backend's checks as they run: with those that go without saying.
 *
 * Thread: builder.
 */
#include "steps.h"

struct program {
    struct check_step **steps;
    unsigned count;
};

static void
append(struct program *program, struct check_step *step)
{
    program->steps[program->count++] = step;
}

static struct check_step *
implied(struct parse *parse, enum step_kind kind)
{
    struct check_step *step = ARENA_NEW(parse->arena, struct check_step);

    step->kind = kind;
    step->connect.is_default = kind == STEP_CONNECT;
    return step;
}

/* "200-399", which is expected where nobody said anything else. */
static struct check_step *
implied_status(struct parse *parse)
{
    struct check_step *step = implied(parse, STEP_EXPECT);

    step->expect.kind = EXPECT_STATUS;
    step->expect.text = "200-399";
    step->expect.min_received = -1;
    return step;
}

static bool
is_about_bytes(const struct check_step *step)
{
    return step->kind == STEP_SEND || step->kind == STEP_EXPECT;
}

/* The request of option httpchk and the first 'http-check send' are one. */
static struct check_step *
first_request(struct parse *parse, const struct check_method *method, struct check_step *given)
{
    struct check_step *step = implied(parse, STEP_SEND);
    struct http_request *request = ARENA_NEW(parse->arena, struct http_request);

    if (given == NULL)
        given = method->inherited;
    if (given != NULL) {
        *step = *given;
        *request = *given->send.request;
    } else
        step->connect.is_default = false;
    step->next = NULL;
    step->send.request = request;
    step->send.has_state = method->sends_state;
    if (request->method == NULL)
        request->method = method->method;
    if (request->uri == NULL)
        request->uri = method->uri;
    if (request->version == NULL)
        request->version = method->version;
    if (request->host == NULL)
        request->host = method->host;
    request->raw_fields = method->raw_fields;
    return step;
}

static void
finish_http(struct parse *parse, struct check_method *method, struct program *program)
{
    bool has_request = false, waits = false;

    for (struct check_step *step = method->first; step != NULL; step = step->next) {
        if (step->kind == STEP_EXPECT && !has_request)
            append(program, first_request(parse, method, NULL));
        if (step->kind == STEP_SEND && !has_request)
            append(program, first_request(parse, method, step));
        else
            append(program, step);
        has_request |= is_about_bytes(step);
        waits = step->kind == STEP_SEND || (waits && step->kind != STEP_EXPECT);
    }
    if (!has_request)
        append(program, first_request(parse, method, NULL));
    if (!has_request || waits)
        append(program, implied_status(parse));
}

void
method_finish(struct parse *parse, struct check_method *method)
{
    struct program program = { NULL, 0 };
    struct check_step *first = method->prepared != NULL ? method->prepared : method->first;
    unsigned count = 8;

    for (const struct check_step *step = first; step != NULL; step = step->next)
        count++;
    program.steps = ARENA_ARRAY(parse->arena, struct check_step *, count);
    method->is_plain = !method->is_http && first == NULL;
    while (first != NULL && !is_about_bytes(first) && first->kind != STEP_CONNECT)
        first = first->next;
    if (first == NULL || first->kind != STEP_CONNECT)
        append(&program, implied(parse, STEP_CONNECT));
    if (method->is_http)
        finish_http(parse, method, &program);
    else {
        first = method->prepared != NULL ? method->prepared : method->first;
        for (; first != NULL; first = first->next)
            append(&program, first);
    }
    method->steps = program.steps;
}
