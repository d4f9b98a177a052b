/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a stream, in order, and what runs them.
 *
 * For:     one place that shows the way of a request.
 * Callers: events of the two endpoints, the timer, a granted slot, an action that waited.
 * Thread:  owner.
 *
 * An event does not say what has changed: the step where the stream stands looks at both ends and
 * decides. What is the same everywhere, a client that has gone, is seen here.
 */
#include "private.h"

const struct step steps[STEPS] = {
    [STEP_CONTENT] = { "tcp-request content", PHASE_REQUEST, step_content, content_expired,
                       WAITS_FOR_BYTES },
    [STEP_BODY] = { "request body", PHASE_REQUEST, step_body, body_expired, 0 },
    [STEP_REQUEST] = { "http-request", PHASE_REQUEST, step_request, NULL, 0 },
    [STEP_ROUTE] = { "use_backend", PHASE_REQUEST, step_route, NULL, WAITS_FOR_BYTES },
    [STEP_BACKEND_CONTENT] = { "tcp-request content", PHASE_REQUEST, step_backend_content,
                               content_expired, WAITS_FOR_BYTES },
    [STEP_BACKEND_BODY] = { "request body", PHASE_REQUEST, step_backend_body, body_expired, 0 },
    [STEP_BACKEND_REQUEST] = { "http-request", PHASE_REQUEST, step_backend_request, NULL, 0 },
    [STEP_PREPARE] = { "prepare", PHASE_REQUEST, step_prepare, NULL, 0 },
    [STEP_PICK] = { "server", PHASE_QUEUE, step_pick, NULL, WAITS_FOR_SERVER },
    [STEP_CONNECT] = { "connect", PHASE_CONNECT, step_connect, connect_expired, WAITS_FOR_SERVER },
    [STEP_RESPONSE] = { "response", PHASE_HEADERS, step_response, NULL, WAITS_FOR_DATA },
    [STEP_RESPONSE_CONTENT] = { "tcp-response content", PHASE_DATA, step_response_content,
                                response_content_expired, WAITS_FOR_DATA },
    [STEP_RESPONSE_RULES] = { "http-response", PHASE_HEADERS, step_response_rules, NULL, 0 },
    [STEP_FORWARD] = { "data", PHASE_DATA, step_forward, NULL, WAITS_FOR_DATA },
    [STEP_LAST] = { "last data", PHASE_LAST, step_last, NULL, 0 },
    [STEP_QUEUE] = { "queue", PHASE_QUEUE, step_queue, queue_expired, WAITS_FOR_SERVER },
    [STEP_PAUSE] = { "pause", PHASE_CONNECT, step_pause, pause_expired, WAITS_FOR_SERVER },
    [STEP_TARPIT] = { "tarpit", PHASE_TARPIT, step_tarpit, tarpit_expired, 0 },
    [STEP_SERVE] = { "service", PHASE_REQUEST, step_serve, NULL, WAITS_FOR_DATA },
};

/* The client sent something that is no HTTP, or went away in the middle of its request. */
static enum step_result
client_broke(struct stream *s)
{
    enum endpoint_error error = s->front->error;

    if (!stream_is_http(s) && s->step >= STEP_RESPONSE_CONTENT)
        return STEP_GO; /* what it sent before is still delivered: forward.c */
    if (s->step == STEP_LAST && (s->front->flags & EP_OUT_BROKEN) == 0)
        return STEP_GO; /* the answer is on its way, whatever became of the request */
    if ((error == EP_ERR_BAD || error == EP_ERR_TOO_LARGE) && (s->flags & STREAM_ANSWERED) == 0) {
        stream_count_bad_request(s);
        return reply_error(s, s->front->error_status == 0 ? 400 : s->front->error_status,
                           END_DENIED, s->eval.server == NULL ? PHASE_REQUEST : PHASE_HEADERS);
    }
    if (error == EP_ERR_BAD || error == EP_ERR_TOO_LARGE)
        return stream_end_as(s, END_DENIED, PHASE_DATA);
    if (s->step == STEP_RESPONSE)
        return stream_end_as(s, END_CLIENT_ABORT, PHASE_DATA);
    return stream_end_here(s, END_CLIENT_ABORT);
}

/* It has closed its side while it waits for a server, so nobody will read the answer: option
 * abortonclose. */
static bool
client_gave_up(const struct stream *s)
{
    unsigned flags = s->front->flags;

    if (stream_is_http(s))
        return (flags & EP_PEER_GONE) != 0 && s->eval.backend->option.abortonclose;
    return (flags & EP_IN_ENDED) != 0 &&
           (chain_is_empty(&s->front->in) || s->eval.backend->option.abortonclose);
}

static enum step_result
look_at_client(struct stream *s)
{
    unsigned flags = s->front->flags;

    if ((flags & EP_IN_BROKEN) != 0 || ((flags & EP_OUT_BROKEN) != 0 && !stream_is_http(s)))
        return client_broke(s);
    if ((flags & EP_OUT_BROKEN) != 0)
        return stream_end_here(s, END_CLIENT_ABORT);
    if ((steps[s->step].waits & WAITS_FOR_SERVER) == 0 || !client_gave_up(s))
        return STEP_GO;
    if (s->step == STEP_QUEUE)
        s->times.picked = stream_loop(s)->now_us; /* how long it waited */
    return stream_end_here(s, END_CLIENT_ABORT);
}

/* A step is done, and log-steps may ask for a line. */
static void
log_step(struct stream *s)
{
    if (s->step == STEP_PREPARE)
        log_line_step(s, ORIGIN_REQUEST);
    else if (s->step == STEP_CONNECT)
        log_line_step(s, ORIGIN_CONNECT);
    else if (s->step == STEP_RESPONSE_RULES)
        log_line_step(s, ORIGIN_RESPONSE);
}

void
stream_go_on(struct stream *s, enum step_result result)
{
    bool is_metered = meter_begin(s);

    s->calls++;
    while (result <= STEP_GO) {
        if (result == STEP_NEXT) {
            if (__builtin_expect(s->eval.frontend->log_steps != 0, 0))
                log_step(s);
            s->step++;
        }
        result = steps[s->step].run(s);
    }
    if (result == STEP_WAIT)
        deadline_update(s);
    else
        stream_end(s);
    if (is_metered)
        meter_end(s);
}

void
stream_run(struct stream *s)
{
    s->eval.now_us = stream_loop(s)->wall_us;
    stream_go_on(s, look_at_client(s));
}
