/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do when an attempt at a server has failed: again on the same one, on another one, or no
 * more.
 *
 * For:     step_server.c, step_response.c, deadline.c.
 * Thread:  owner.
 *
 *     connection failed ──┐             left?        ┌─ same server: PAUSE, then CONNECT
 *     no or bad answer ───┼─ retry-on? ─ retries ────┼─ redispatch: PICK another one, at once
 *     status, too late ───┘             none left ───┴─ the error's own answer
 *
 * A request is sent again only if nothing of it is lost: its body fits in one buffer and is kept in
 * `replay`. Whether a request that a server may have seen is sent again is the user's word
 * (retry-on). Apart from that, a kept connection that was dead before it was used costs the client
 * nothing: retry_unseen().
 */
#include "weir/balance/balance.h"

#include "private.h"

#define PAUSE_MAX_MS 1000

/* --- may it be tried again? ---------------------------------------------- */

static bool
body_is_there(const struct stream *s)
{
    return (s->flags & STREAM_BODY_LOST) == 0;
}

bool
retry_is_possible(const struct stream *s, unsigned why)
{
    if (s->retries_left == 0 || (s->flags & (STREAM_ANSWERED | STREAM_KILLED)) != 0)
        return false;
    if (!body_is_there(s))
        return false;
    if (!stream_is_http(s))
        return why == RETRY_CONN_FAILURE;
    if (why != RETRY_CONN_FAILURE && (s->flags & STREAM_NO_L7_RETRY) != 0)
        return false;
    return (s->eval.backend->retry_on & why) != 0;
}

/* --- on which server? ---------------------------------------------------- */

static bool
has_others(const struct stream *s)
{
    return server_set_read(s->eval.backend->live)->usable_count > 1;
}

/* A balanced choice that is no hash simply falls on another server next time: nothing to wait for.
 */
static bool
is_free_choice(const struct stream *s)
{
    return (s->flags & STREAM_IS_BOUND) == 0 && !balance_of(s->eval.backend)->balancer->is_bound &&
           has_others(s);
}

/* option redispatch N: on every Nth try; -N: on the Nth before the last. */
static bool
is_redispatch_turn(const struct stream *s)
{
    int64_t interval = s->eval.backend->redispatch_interval;

    if (interval > 0)
        return s->retries_done % interval == 0;
    return s->retries_left == -interval - 1;
}

static bool
must_redispatch(const struct stream *s)
{
    const struct proxy_conf *backend = s->eval.backend;

    if (!backend->option.redispatch || backend->redispatch_interval == 0)
        return false;
    return is_redispatch_turn(s) || is_free_choice(s);
}

static enum step_result
pause_first(struct stream *s)
{
    int64_t ms = s->back_timeouts->connect_ms;

    deadline_in(s, ms == 0 || ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms);
    return stream_go(s, STEP_PAUSE);
}

static enum step_result
redispatch(struct stream *s, bool must_pause)
{
    s->avoid = s->eval.server;
    server_side_leave(s);
    if (must_pause && !has_others(s))
        return pause_first(s);
    return stream_go(s, STEP_PICK);
}

/* --- again --------------------------------------------------------------- */

static void
forget_attempt(struct stream *s)
{
    deadline_none(s);
    message_give(s->response);
    s->response = s->eval.response = NULL;
    s->server_status = 0;
    s->times.connected = s->times.response_head = 0;
    s->flags &= ~STREAM_HEAD_SENT;
    if (!chain_is_empty(&s->replay))
        s->flags |= STREAM_REPLAY;
}

/* Only a server that refused at once is left in peace for a while: it may be starting. */
static enum step_result
try_again(struct stream *s, unsigned why, enum end_cause cause)
{
    bool must_pause = why == RETRY_CONN_FAILURE && cause != END_SERVER_TIMEOUT;
    bool is_other;

    s->retries_left--;
    s->retries_done++;
    if (why != RETRY_CONN_FAILURE)
        s->flags |= STREAM_NO_REUSE;
    forget_attempt(s);
    is_other = must_redispatch(s);
    stream_count_retry(s, is_other);
    if (is_other)
        return redispatch(s, must_pause);
    if (must_pause)
        return pause_first(s);
    return stream_go(s, STEP_CONNECT);
}

static enum end_phase
phase_of(unsigned why)
{
    return why == RETRY_CONN_FAILURE ? PHASE_CONNECT : PHASE_HEADERS;
}

enum step_result
retry_or_fail(struct stream *s, unsigned why, enum end_cause cause, int status)
{
    server_side_close(s, EP_CLOSE_ABORT);
    balance_note(s->eval.backend, s->eval.server, -1);
    if (why == RETRY_CONN_FAILURE)
        stream_observe_connect(s, false);
    if (why == RETRY_CONN_FAILURE && s->first_failure == 0)
        s->first_failure = (uint8_t)cause;
    if (retry_is_possible(s, why))
        return try_again(s, why, cause);
    if (why == RETRY_CONN_FAILURE)
        cause = (enum end_cause)s->first_failure;
    if (why == RETRY_CONN_FAILURE)
        stream_count_connect_error(s);
    else
        stream_count_response_error(s);
    server_side_leave(s);
    return reply_error(s, status, cause, phase_of(why));
}

enum step_result
retry_status(struct stream *s, unsigned why)
{
    server_side_close(s, EP_CLOSE_ABORT);
    return try_again(s, why, END_SERVER_ABORT);
}

enum step_result
retry_unseen(struct stream *s)
{
    bool is_unsent = s->back->bytes_out == 0;

    if ((s->flags & (STREAM_REUSED | STREAM_ANSWERED)) != STREAM_REUSED || !body_is_there(s))
        return STEP_END;
    if (!is_unsent && !method_is_idempotent((enum http_method)s->request->method))
        return STEP_END;
    server_side_close(s, EP_CLOSE_ABORT);
    forget_attempt(s);
    s->flags |= STREAM_NO_REUSE;
    return stream_go(s, STEP_CONNECT);
}
