/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content inspection: tcp-request content and tcp-response content rules.
 *
 * For:     steps.c.
 * Thread:  owner.
 *
 * A rule may ask for bytes that have not come. Then the stream waits up to inspect-delay, and less
 * long when nothing more can come or fit; after that the rules run once more with what is there
 * (eval.final).
 */
#include "private.h"

static bool
no_more_can_come(const struct endpoint *ep)
{
    return (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0 || ep->in.bytes >= buffer_default_size();
}

static bool
is_final(struct stream *s, const struct endpoint *ep, int64_t delay_ms)
{
    return (s->flags & STREAM_TIMED_OUT) != 0 || delay_ms == 0 || no_more_can_come(ep);
}

static void
wait_or_go_on(struct stream *s, enum step_result result, int64_t delay_ms)
{
    if (result != STEP_WAIT) {
        s->flags &= ~STREAM_TIMED_OUT;
        s->eval.final = 1;
        deadline_none(s);
    } else if (s->step_expires_ms == TIMER_NEVER && (s->flags & STREAM_TIMED_OUT) == 0) {
        deadline_in(s, delay_ms);
    }
}

static enum step_result
run_content(struct stream *s, const struct proxy_conf *proxy, enum eval_place place)
{
    enum step_result result;

    if (proxy->tcp_request.count == 0)
        return STEP_NEXT;
    s->eval.final = is_final(s, s->front, proxy->inspect_delay_ms);
    result = rules_run(s, &proxy->tcp_request, proxy, place);
    wait_or_go_on(s, result, proxy->inspect_delay_ms);
    return result;
}

enum step_result
step_content(struct stream *s)
{
    return run_content(s, s->eval.frontend, PLACE_FE_CONTENT);
}

enum step_result
step_backend_content(struct stream *s)
{
    if (s->eval.backend == s->eval.frontend)
        return STEP_NEXT; /* a listen: they have run */
    return run_content(s, s->eval.backend, PLACE_BE_CONTENT);
}

/* inspect-delay is over: the step runs again, with what there is. */
enum step_result
content_expired(struct stream *s)
{
    s->flags |= STREAM_TIMED_OUT;
    return STEP_GO;
}

/* In HTTP mode the head of the response is here; in TCP mode nothing may be yet, and the request
 * flows on meanwhile. */
static enum step_result
run_response_content(struct stream *s, const struct proxy_conf *proxy)
{
    enum step_result result;

    s->eval.final = is_final(s, s->back, proxy->inspect_delay_response_ms);
    result = rules_run_response(s, &proxy->tcp_response, proxy, PLACE_BE_RES_CONTENT);
    wait_or_go_on(s, result, proxy->inspect_delay_response_ms);
    return result;
}

enum step_result
step_response_content(struct stream *s)
{
    const struct proxy_conf *backend = s->eval.backend;

    if (backend->tcp_response.count == 0)
        return STEP_NEXT;
    if (!stream_is_http(s)) {
        if (!forward_request(s))
            return stream_end_as(s, END_RESOURCE, PHASE_DATA);
        if (chain_is_empty(&s->back->in) && !no_more_can_come(s->back))
            return STEP_WAIT;
    }
    return run_response_content(s, backend);
}

enum step_result
response_content_expired(struct stream *s)
{
    s->flags |= STREAM_TIMED_OUT;
    return STEP_GO;
}
