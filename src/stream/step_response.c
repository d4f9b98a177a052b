/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request goes to the server; its answer comes, passes the rules and goes to the client.
 *
 * For:     steps.c.
 * Thread:  owner.
 *
 * In TCP mode these steps pass through: there is no head to wait for.
 */
#include "weir/balance/balance.h"

#include "filters.h"
#include "private.h"

/* --- send ---------------------------------------------------------------- */

static bool
send_request(struct stream *s)
{
    if ((s->flags & STREAM_HEAD_SENT) == 0) {
        if (!endpoint_send_head(s->back, s->request))
            return false;
        s->flags |= STREAM_HEAD_SENT | STREAM_FLUSH_BACK;
    }
    return forward_request(s);
}

/* --- an answer that is none ---------------------------------------------- */

static enum step_result
empty_answer(struct stream *s)
{
    if (retry_unseen(s) == STEP_GO)
        return STEP_GO;
    if ((s->flags & STREAM_REUSED) != 0 && s->session->requests > 1 &&
        (s->eval.backend->retry_on & RETRY_EMPTY_RESPONSE) == 0) {
        /* A kept connection has died, and we must not decide to send this request twice. The client
         * knows such connections and may: close its own one without a word. */
        stream_count_response_error(s);
        return stream_end_here(s, END_SERVER_ABORT);
    }
    return retry_or_fail(s, RETRY_EMPTY_RESPONSE, END_SERVER_ABORT, 502);
}

static enum step_result
no_answer(struct stream *s)
{
    if (s->eval.server_conn != NULL && s->eval.server_conn->err == CONN_ERR_TLS_EARLY)
        return retry_or_fail(s, RETRY_0RTT_REJECTED, END_SERVER_ABORT, 425);
    switch ((enum endpoint_error)s->back->error) {
    case EP_ERR_BAD:
    case EP_ERR_TOO_LARGE:
        return retry_or_fail(s, RETRY_JUNK_RESPONSE, END_DENIED, 502);
    case EP_ERR_NONE:
    case EP_ERR_CLOSED:
    case EP_ERR_RESET:
    case EP_ERR_TIMEOUT:
    case EP_ERR_CONNECT:
    case EP_ERR_EMPTY:
        break;
    }
    if (s->back->bytes_in == 0)
        return empty_answer(s);
    return retry_or_fail(s, RETRY_JUNK_RESPONSE, END_SERVER_ABORT, 502);
}

/* --- an answer ----------------------------------------------------------- */

static unsigned
retry_bit(int status)
{
    switch (status) {
    case 401:
        return RETRY_401;
    case 403:
        return RETRY_403;
    case 404:
        return RETRY_404;
    case 408:
        return RETRY_408;
    case 421:
        return RETRY_421;
    case 425:
        return RETRY_425;
    case 429:
        return RETRY_429;
    case 500:
        return RETRY_500;
    case 501:
        return RETRY_501;
    case 502:
        return RETRY_502;
    case 503:
        return RETRY_503;
    case 504:
        return RETRY_504;
    default:
        return 0;
    }
}

/* 100, 103 ...: the real one is still to come. Clients of HTTP/1.0 do not know these. */
static enum step_result
pass_informational(struct stream *s, struct message *msg)
{
    bool is_new = s->request->version_major > 1 || s->request->version_minor >= 1;

    if (is_new && !endpoint_send_head(s->front, msg)) {
        message_give(msg);
        return stream_end_here(s, END_RESOURCE);
    }
    message_give(msg);
    if (is_new)
        endpoint_flush(s->front, false);
    return STEP_GO;
}

/* A server that is quick to say that it cannot is not quick. */
static bool
is_failure(int status)
{
    return status == 500 || (status >= 502 && status <= 504);
}

static enum step_result
take_answer(struct stream *s)
{
    struct message *msg = endpoint_take_message(s->back);
    unsigned bit;

    if (msg->status < 200 && (msg->flags & MESSAGE_TUNNEL) == 0)
        return pass_informational(s, msg);
    if ((s->back->flags & EP_IN_BROKEN) != 0 && s->back->error == EP_ERR_BAD) {
        message_give(msg); /* its body is nonsense, and nobody has seen its head yet */
        return no_answer(s);
    }
    s->response = s->eval.response = msg;
    s->server_status = msg->status;
    s->times.response_head = stream_loop(s)->now_us;
    balance_note(s->eval.backend, s->eval.server,
                 is_failure(msg->status) ? -1 : s->times.response_head - s->times.picked);
    bit = s->eval.backend->retry_on == RETRY_CONN_ONLY ? 0 : retry_bit(msg->status);
    if (bit != 0 && retry_is_possible(s, bit))
        return retry_status(s, bit);
    capture_fields(s, msg);
    capture_cookie(s, msg);
    if ((msg->flags & MESSAGE_TUNNEL) != 0)
        s->flags |= STREAM_TUNNEL;
    return STEP_NEXT;
}

enum step_result
step_response(struct stream *s)
{
    if (!stream_is_http(s))
        return STEP_NEXT;
    /* The answer first: when it opens a tunnel, the end of the request is no end any more. */
    if ((s->back->flags & EP_HEAD) != 0)
        return take_answer(s);
    if (!send_request(s))
        return reply_error(s, 500, END_RESOURCE, PHASE_HEADERS);
    if ((s->back->flags & EP_IN_BROKEN) != 0)
        return no_answer(s);
    return STEP_WAIT;
}

/* --- rules, and on to the client ----------------------------------------- */

static enum step_result
run_rules(struct stream *s)
{
    const struct proxy_conf *backend = s->eval.backend, *frontend = s->eval.frontend;
    enum step_result result;

    if (s->rule_stage == 0) {
        result = rules_run_response(s, &backend->http_response, backend, PLACE_BE_RESPONSE);
        if (result != STEP_NEXT || backend == frontend)
            return result;
        s->rule_stage = 1;
    }
    return rules_run_response(s, &frontend->http_response, frontend, PLACE_FE_RESPONSE);
}

/* These prove who the client is once for a connection, not with each request. */
static bool
is_bound_to_connection(struct str scheme)
{
    return str_eq_nocase(str_slice(scheme, 0, 4), STR("ntlm")) ||
           str_eq_nocase(str_slice(scheme, 0, 9), STR("negotiate"));
}

/* The client will come again with credentials: to the server that asked for them, and maybe on the
 * connection on which it did. */
static void
expects_credentials(struct stream *s)
{
    enum field_name name =
        s->response->status == 401 ? FIELD_WWW_AUTHENTICATE : FIELD_PROXY_AUTHENTICATE;

    s->session->flags |= SESSION_PREFERS_SERVER;
    for (int at = message_find_field(s->response, name, 0); at >= 0;
         at = message_find_field(s->response, name, (uint32_t)at + 1)) {
        if (is_bound_to_connection(field_value(&s->response->fields[at])))
            s->session->flags |= SESSION_IS_PRIVATE;
    }
}

/* A client connection that must not be kept is told so with this response. */
static void
decide_about_connection(struct stream *s)
{
    if ((s->session->flags & SESSION_STOPPING) != 0)
        s->response->flags |= MESSAGE_FORCE_CLOSE;
    if (s->response->status == 401 || s->response->status == 407)
        expects_credentials(s);
}

static enum step_result
send_answer(struct stream *s)
{
    enum step_result result;

    if (__builtin_expect(s->filters != NULL, 0)) {
        result = filters_head(s, TO_CLIENT);
        if (result != STEP_NEXT)
            return result;
    }
    decide_about_connection(s);
    s->status = s->response->status;
    if (!endpoint_send_head(s->front, s->response))
        return stream_end_here(s, END_RESOURCE);
    s->flags |= STREAM_ANSWERED | STREAM_FLUSH_FRONT;
    stream_count_status(s);
    return STEP_NEXT;
}

static enum step_result
finish_answer(struct stream *s)
{
    if (!persistence_tell(&s->persistence, s->eval.backend, &s->eval) || !rules_after_response(s))
        return reply_error(s, 500, END_RESOURCE, PHASE_HEADERS);
    return send_answer(s);
}

enum step_result
step_response_rules(struct stream *s)
{
    enum step_result result;

    if (__builtin_expect(s->filters != NULL, 0) && filters_are_in_head(s, TO_CLIENT))
        return send_answer(s);
    persistence_learn(&s->persistence, s->eval.backend, &s->eval);
    if (stream_is_http(s)) {
        result = run_rules(s);
        if (result == STEP_NEXT)
            result = finish_answer(s);
        if (result != STEP_NEXT)
            return result;
    }
    if (s->eval.frontend->option.logasap)
        log_line_stream(s);
    return STEP_NEXT;
}
