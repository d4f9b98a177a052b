/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule sets of a stream, and what their verdicts mean for it.
 *
 * For:     the steps that run rules.
 * Thread:  owner.
 *
 * A set that must wait goes on, when the stream wakes, at the very rule where it stood
 * (stream->cursor).
 */
#include "weir/http/reply_action.h"

#include "private.h"

/* The way out that the client sees as a connection that just ends. */
static enum step_result
reject(struct stream *s, enum end_phase phase)
{
    if (stream_is_http(s) && phase == PHASE_REQUEST)
        s->times.request_done = 0; /* as HAProxy shows it */
    s->flags |= STREAM_MUST_CLOSE;
    return stream_end_as(s, END_DENIED, phase);
}

static enum step_result
drop_silently(struct stream *s, enum end_phase phase)
{
    if (stream_is_http(s))
        s->times.request_done = 0; /* as HAProxy shows it */
    s->flags |= STREAM_MUST_CLOSE | STREAM_RESET_CLIENT;
    return stream_end_as(s, END_DENIED, phase);
}

static const char *
set_name(const struct ruleset *set, const struct proxy_conf *proxy)
{
    if (set == &proxy->tcp_request)
        return "tcp-request content";
    if (set == &proxy->tcp_response)
        return "tcp-response content";
    if (set == &proxy->http_request)
        return "http-request";
    if (set == &proxy->redirects)
        return "redirect";
    return set == &proxy->http_response ? "http-response" : "http-after-response";
}

static enum verdict
run(struct stream *s, const struct ruleset *set, const struct proxy_conf *proxy,
    enum eval_place place)
{
    enum verdict verdict;

    s->eval.proxy = proxy;
    s->eval.place = place;
    if (__builtin_expect(s->eval.explain != NULL, 0) && s->cursor.at == 0)
        explain_set(s->eval.explain, set_name(set, proxy), proxy->name);
    verdict = ruleset_run(set, &s->cursor, &s->eval, &s->last_rule);
    if (__builtin_expect(s->hint != NULL, 0))
        early_hint_send(s);
    if (verdict == VERDICT_WAIT) {
        s->waiting_rule = &set->rules[s->cursor.at];
        return verdict;
    }
    s->waiting_rule = NULL;
    s->cursor.at = 0;
    s->eval.final = 1;
    s->rule_expires_ms = 0;
    return verdict;
}

/* --- requests ------------------------------------------------------------ */

/* As if a server had been found and had answered at once. */
static void
name_service(struct stream *s)
{
    int64_t now = stream_loop(s)->now_us;

    s->service = s->eval.reply->service;
    s->times.queued = s->times.picked = s->times.connected = s->times.response_head = now;
}

static enum step_result
answer_request(struct stream *s)
{
    if (s->eval.reply != NULL && s->eval.reply->service != NULL)
        name_service(s);
    if (reply_action_is_denial(s->eval.reply))
        stream_count_denied_request(s);
    else
        stream_count_intercepted(s);
    return reply_action(s, PHASE_REQUEST);
}

enum step_result
rules_conclude(struct stream *s, enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_CONTINUE:
    case VERDICT_STOP:
        return STEP_NEXT;
    case VERDICT_STOP_ALL:
        s->flags |= STREAM_SKIP_BACKEND_RULES;
        return STEP_NEXT;
    case VERDICT_WAIT:
        return STEP_WAIT;
    case VERDICT_REPLY:
        return answer_request(s);
    case VERDICT_REJECT:
        stream_count_denied_request(s);
        return reject(s, PHASE_REQUEST);
    case VERDICT_DROP:
        stream_count_denied_request(s);
        return drop_silently(s, PHASE_REQUEST);
    case VERDICT_LATE:
        s->times.request_done = 0; /* as HAProxy shows it */
        return reply_error(s, 408, END_CLIENT_TIMEOUT, PHASE_REQUEST);
    case VERDICT_SWITCH:
        return upgrade_begin(s, STEP_BODY, NULL);
    case VERDICT_SERVICE:
        return serve_begin(s);
    case VERDICT_FAILED:
    case VERDICT_CLOSE:
        break;
    }
    return reply_error(s, 500, END_DENIED, PHASE_REQUEST);
}

enum step_result
rules_run(struct stream *s, const struct ruleset *set, const struct proxy_conf *proxy,
          enum eval_place place)
{
    return set->count == 0 ? STEP_NEXT : rules_conclude(s, run(s, set, proxy, place));
}

/* --- responses ----------------------------------------------------------- */

/* The server's own answer will not be seen: its connection is of no more use. */
static void
forget_response(struct stream *s)
{
    server_side_close(s, EP_CLOSE_ABORT);
    server_side_leave(s);
    s->times.response_head = 0;
}

static enum step_result
answer_response(struct stream *s)
{
    if (reply_action_is_denial(s->eval.reply))
        stream_count_denied_response(s);
    forget_response(s);
    return reply_action(s, PHASE_HEADERS);
}

/* TCP: nothing more comes from there. HTTP: its body may be cut off. */
static enum step_result
close_server(struct stream *s)
{
    s->back->flags |= EP_IN_ENDED;
    s->flags |= STREAM_SINGLE_USE;
    return STEP_NEXT;
}

enum step_result
rules_run_response(struct stream *s, const struct ruleset *set, const struct proxy_conf *proxy,
                   enum eval_place place)
{
    if (set->count == 0)
        return STEP_NEXT;
    switch (run(s, set, proxy, place)) {
    case VERDICT_CONTINUE:
    case VERDICT_STOP:
    case VERDICT_STOP_ALL:
        return STEP_NEXT;
    case VERDICT_WAIT:
        return STEP_WAIT;
    case VERDICT_REPLY:
        return answer_response(s);
    case VERDICT_REJECT:
        stream_count_denied_response(s);
        forget_response(s);
        return reject(s, PHASE_DATA);
    case VERDICT_DROP:
        stream_count_denied_response(s);
        forget_response(s);
        return drop_silently(s, PHASE_DATA);
    case VERDICT_LATE:
        forget_response(s);
        return reply_error(s, 504, END_SERVER_TIMEOUT, PHASE_REQUEST);
    case VERDICT_CLOSE:
        return close_server(s);
    case VERDICT_SWITCH:
    case VERDICT_FAILED:
    case VERDICT_SERVICE:
        break;
    }
    forget_response(s);
    return reply_error(s, 500, END_DENIED, PHASE_HEADERS);
}

/* These can change the answer, but neither wait nor refuse it. */
static bool
run_after(struct stream *s, const struct proxy_conf *proxy, enum eval_place place)
{
    if (proxy->http_after_response.count == 0)
        return true;
    s->cursor.at = 0;
    return run(s, &proxy->http_after_response, proxy, place) != VERDICT_FAILED;
}

bool
rules_after_response(struct stream *s)
{
    const struct proxy_conf *backend = s->eval.backend, *frontend = s->eval.frontend;

    s->eval.response = s->response;
    if (__builtin_expect(s->limit != NULL, 0) && !rate_limit_tell(s))
        return false;
    if (backend != frontend && !run_after(s, backend, PLACE_BE_RESPONSE))
        return false;
    return run_after(s, frontend, PLACE_FE_RESPONSE);
}
