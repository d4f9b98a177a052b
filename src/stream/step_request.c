/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request before it has a server: rules of the frontend, the choice of a backend, its rules, and
 * what the request must say to servers.
 *
 * For:     steps.c.
 * Thread:  owner.
 */
#include "weir/proxy/forwarded.h"

#include "filters.h"
#include "private.h"

/* --- rules --------------------------------------------------------------- */

static enum step_result
run_rules(struct stream *s, const struct proxy_conf *proxy, enum eval_place place)
{
    enum step_result result = rules_run(s, &proxy->http_request, proxy, place);

    return result == STEP_NEXT ? rules_run(s, &proxy->redirects, proxy, place) : result;
}

/* It came before the handshake was over, or is held for that already. */
static bool
may_be_held(const struct stream *s)
{
    return (s->eval.client != NULL && (s->eval.client->flags & CONN_UNCONFIRMED) != 0) ||
           (s->eval.resume != 0 && s->waiting_rule == NULL);
}

enum step_result
step_request(struct stream *s)
{
    enum step_result result;

    if (!stream_is_http(s))
        return STEP_NEXT;
    if (s->times.request_done == 0) {
        s->times.request_done = stream_loop(s)->now_us;
        capture_fields(s, s->request);
        if (monitor_answer(s, &result))
            return result;
    }
    if (__builtin_expect(may_be_held(s), 0)) {
        result = rules_conclude(s, early_data_hold(s));
        if (result != STEP_NEXT)
            return result;
    }
    return run_rules(s, s->eval.frontend, PLACE_FE_REQUEST);
}

enum step_result
step_backend_request(struct stream *s)
{
    const struct proxy_conf *backend = s->eval.backend;

    if (!stream_is_http(s) || backend == s->eval.frontend ||
        (s->flags & STREAM_SKIP_BACKEND_RULES) != 0)
        return STEP_NEXT;
    return run_rules(s, backend, PLACE_BE_REQUEST);
}

/* --- which backend ------------------------------------------------------- */

/* Bytes must have come before it can be told what they are. */
static enum step_result
switch_mode(struct stream *s, const struct proxy_conf *backend)
{
    if (chain_is_empty(&s->front->in) && (s->front->flags & EP_IN_ENDED) == 0)
        return STEP_WAIT;
    return upgrade_begin(s, STEP_ROUTE, backend);
}

/* For log lines. */
static void
keep_request_line(struct stream *s)
{
    s->asked_method = s->request->method_text;
    s->asked_target = s->request->target;
}

enum step_result
step_route(struct stream *s)
{
    const struct switch_rule *decided = NULL;
    const struct proxy_conf *backend;

    s->eval.place = PLACE_SWITCH;
    s->eval.proxy = s->eval.frontend;
    backend = s->upgraded_to;
    if (backend != NULL)
        keep_request_line(s);
    else
        backend = proxy_route(s->eval.frontend, &s->eval, &decided);
    if (backend == NULL)
        return reply_error(s, 503, END_SERVER_ABORT, PHASE_CONNECT);
    if (backend->mode == MODE_HTTP && !stream_is_http(s))
        return switch_mode(s, backend);
    if (backend->mode != MODE_HTTP && stream_is_http(s))
        return reply_error(s, 500, END_INTERNAL, PHASE_REQUEST); /* HTTP to a TCP server */
    if (decided != NULL)
        s->eval.decided = &decided->pos;
    else if (s->eval.decided == NULL && backend == s->eval.frontend->default_backend)
        s->eval.decided = &s->eval.frontend->default_backend_pos;
    stream_set_backend(s, backend);
    return STEP_NEXT;
}

/* --- option http-buffer-request ------------------------------------------ */

static bool
has_whole_body(const struct endpoint *ep)
{
    return (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0 || ep->in.bytes >= buffer_default_size();
}

static enum step_result
wait_for_body(struct stream *s, const struct proxy_conf *proxy)
{
    if (!proxy->option.http_buffer_request || has_whole_body(s->front)) {
        deadline_none(s);
        return STEP_NEXT;
    }
    if (s->step_expires_ms == TIMER_NEVER) {
        int64_t ms = s->front_timeouts->http_request_ms;

        deadline_in(s, ms != 0 ? ms : s->front_timeouts->client_ms);
        endpoint_want_body(s->front);
    }
    return STEP_WAIT;
}

enum step_result
step_body(struct stream *s)
{
    if (!stream_is_http(s))
        return STEP_NEXT;
    keep_request_line(s);
    return wait_for_body(s, s->eval.frontend);
}

enum step_result
step_backend_body(struct stream *s)
{
    if (!stream_is_http(s) || s->eval.backend == s->eval.frontend)
        return STEP_NEXT;
    return wait_for_body(s, s->eval.backend);
}

enum step_result
body_expired(struct stream *s)
{
    return reply_error(s, 408, END_CLIENT_TIMEOUT, PHASE_REQUEST);
}

/* --- what servers must be told ------------------------------------------- */

static bool
add_unique_id(struct stream *s)
{
    const struct proxy_conf *frontend = s->eval.frontend;
    struct str value;

    if (frontend->unique_id_header == NULL)
        return true;
    value = stream_unique_id(s);
    return value.ptr != NULL &&
           message_add_field_copy(s->request, str_from(frontend->unique_id_header), value);
}

/* Does the server's connection end with this exchange? */
static bool
must_close_server(const struct stream *s)
{
    return s->eval.backend->http_conn_mode != HTTP_KEEP_ALIVE ||
           s->eval.frontend->http_conn_mode != HTTP_KEEP_ALIVE;
}

/* Bytes of the body are kept while they may have to be sent again. */
static bool
must_keep_body(const struct stream *s)
{
    return s->request->body != BODY_NONE &&
           ((s->eval.backend->retry_on & ~(unsigned)RETRY_CONN_FAILURE) != 0 ||
            s->eval.backend->http_reuse != REUSE_NEVER);
}

enum step_result
step_prepare(struct stream *s)
{
    if (!stream_is_http(s))
        return STEP_NEXT;
    if (__builtin_expect(s->filters != NULL, 0) && filters_are_in_head(s, TO_SERVER))
        return filters_head(s, TO_SERVER);
    capture_cookie(s, s->request);
    if (!forwarded_apply(s->eval.frontend, s->eval.backend, &s->eval) || !add_unique_id(s) ||
        !early_data_tell(s))
        return reply_error(s, 500, END_RESOURCE, PHASE_REQUEST);
    if (must_close_server(s))
        s->request->flags |= MESSAGE_FORCE_CLOSE;
    if (must_keep_body(s))
        s->flags |= STREAM_KEEP_BODY;
    return __builtin_expect(s->filters != NULL, 0) ? filters_head(s, TO_SERVER) : STEP_NEXT;
}
