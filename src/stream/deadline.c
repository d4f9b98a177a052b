/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every timeout of a stream, on one lazy timer.
 *
 * For:     each time a stream begins to wait, and when its timer fires.
 * Thread:  owner.
 *
 * Three things can be late: the step itself (inspect-delay, queue, connect, pause, tarpit:
 * deadline_in), the client (timeout client, client-fin) and the server (timeout server,
 * server-fin). A tunnel has one timeout for both. A side is late only while it is its turn to do
 * something; its clock starts when its turn begins, and again with every byte.
 *
 * timer_set() is a store as long as the deadline moves away, so a busy stream pays nothing for it.
 */
#include <string.h>

#include "filters.h"
#include "private.h"

void
deadline_in(struct stream *s, int64_t ms)
{
    if (is_offline(s) && ms > 0)
        ms = 1; /* nothing will come that could be waited for */
    s->step_expires_ms = ms > 0 ? deadline_now_ms(s) + ms : TIMER_NEVER;
}

/* --- whose turn is it? --------------------------------------------------- */

static bool
is_relay(const struct stream *s)
{
    return (s->flags & (STREAM_HTTP | STREAM_TUNNEL)) != STREAM_HTTP;
}

static bool
has_unsent(const struct endpoint *ep)
{
    return (ep->flags & (EP_OUT_FLUSHED | EP_OUT_BROKEN)) == 0;
}

static bool
is_receiving(const struct endpoint *ep)
{
    return (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) == 0;
}

/* Nobody is late with what filters hold back. */
static inline bool
is_held(const struct stream *s, enum direction dir)
{
    return __builtin_expect(s->filters != NULL, 0) && filters_hold(s, dir);
}

static bool
client_is_awaited(const struct stream *s)
{
    const struct endpoint *ep = s->front;

    if (has_unsent(ep))
        return true;
    if (!is_receiving(ep))
        return false;
    if ((stream_step(s)->waits & WAITS_FOR_BYTES) != 0)
        return !stream_is_http(s);
    if ((stream_step(s)->waits & WAITS_FOR_DATA) == 0)
        return false;
    if (is_relay(s) && is_held(s, TO_CLIENT))
        return false;
    return s->back == NULL ||
           ((s->back->flags & EP_OUT_FULL) == 0 && !is_held(s, TO_SERVER));
}

static bool
server_is_awaited(const struct stream *s)
{
    const struct endpoint *ep = s->back;

    if (ep == NULL || s->step < STEP_RESPONSE)
        return false;
    if (has_unsent(ep))
        return true;
    return (ep->flags & (EP_IN_ENDED | EP_IN_BROKEN | EP_LOCAL)) == 0 &&
           (s->front->flags & EP_OUT_FULL) == 0 && !is_held(s, TO_CLIENT) &&
           !is_held(s, TO_SERVER);
}

static void
note_client(struct stream *s, int64_t now_ms)
{
    const struct endpoint *ep = s->front;
    uint64_t moved = ep->bytes_in + ep->bytes_out;
    bool is_awaited = client_is_awaited(s);

    if (moved != s->front_moved || (is_awaited && (s->flags & STREAM_FRONT_AWAITED) == 0)) {
        s->front_moved = moved;
        s->front_active_ms = now_ms;
    }
    if (is_awaited)
        s->flags |= STREAM_FRONT_AWAITED;
    else
        s->flags &= ~STREAM_FRONT_AWAITED;
}

static void
note_server(struct stream *s, int64_t now_ms)
{
    const struct endpoint *ep = s->back;
    uint64_t moved = ep == NULL ? 0 : ep->bytes_in + ep->bytes_out;
    bool is_awaited = server_is_awaited(s);

    if (moved != s->back_moved || (is_awaited && (s->flags & STREAM_BACK_AWAITED) == 0)) {
        s->back_moved = moved;
        s->back_active_ms = now_ms;
    }
    if (is_awaited)
        s->flags |= STREAM_BACK_AWAITED;
    else
        s->flags &= ~STREAM_BACK_AWAITED;
}

/* --- until when? --------------------------------------------------------- */

static int64_t
later(int64_t from_ms, int64_t timeout_ms)
{
    return timeout_ms == 0 ? TIMER_NEVER : from_ms + timeout_ms;
}

static int64_t
last_move(const struct stream *s)
{
    return s->front_active_ms > s->back_active_ms ? s->front_active_ms : s->back_active_ms;
}

static int64_t
client_deadline(const struct stream *s)
{
    if ((s->flags & STREAM_FRONT_AWAITED) == 0)
        return TIMER_NEVER;
    if (is_relay(s) && s->step == STEP_FORWARD) {
        if (s->front_timeouts->client_fin_ms != 0 && (s->front->flags & EP_OUT_ENDED) != 0)
            return s->front_active_ms + s->front_timeouts->client_fin_ms;
        if (s->back_timeouts->tunnel_ms != 0)
            return last_move(s) + s->back_timeouts->tunnel_ms;
    }
    return later(s->front_active_ms, s->front_timeouts->client_ms);
}

static int64_t
server_deadline(const struct stream *s)
{
    if ((s->flags & STREAM_BACK_AWAITED) == 0)
        return TIMER_NEVER;
    if (is_relay(s) && s->step == STEP_FORWARD) {
        if (s->back_timeouts->server_fin_ms != 0 && (s->back->flags & EP_OUT_ENDED) != 0)
            return s->back_active_ms + s->back_timeouts->server_fin_ms;
        if (s->back_timeouts->tunnel_ms != 0)
            return last_move(s) + s->back_timeouts->tunnel_ms;
    }
    return later(s->back_active_ms, s->back_timeouts->server_ms);
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A relay whose ends are in the same state as before has only moved bytes: its deadlines can only
 * move away, so it is enough to note the time; the timer looks at everything when it fires. */
static bool
stays_calm(const struct stream *s)
{
    return s->is_calm && s->step == STEP_FORWARD && s->back != NULL &&
           s->front->flags == s->calm_front && s->back->flags == s->calm_back;
}

static void
note_calm(struct stream *s)
{
    s->is_calm = s->step == STEP_FORWARD && is_relay(s) && s->back != NULL &&
                 s->rule_expires_ms == 0 && s->step_expires_ms == TIMER_NEVER && s->filters == NULL;
    if (!s->is_calm)
        return;
    s->calm_front = s->front->flags;
    s->calm_back = s->back->flags;
    s->is_open = ((s->calm_front | s->calm_back) &
                  (EP_OUT_FULL | EP_OUT_ENDED | EP_OUT_BROKEN | EP_IN_ENDED | EP_IN_BROKEN)) == 0;
    s->touched_ms = deadline_now_ms(s);
}

void
deadline_update(struct stream *s)
{
    int64_t at = s->step_expires_ms, now_ms = deadline_now_ms(s);

    if (stays_calm(s)) {
        s->touched_ms = now_ms;
        return;
    }
    note_calm(s);
    note_client(s, now_ms);
    note_server(s, now_ms);
    if (s->rule_expires_ms != 0)
        at = earlier(at, s->rule_expires_ms);
    if (__builtin_expect(s->filters != NULL, 0))
        at = earlier(at, filters_wake_ms(s));
    at = earlier(at, client_deadline(s));
    at = earlier(at, server_deadline(s));
    timer_set(stream_loop(s), &s->timer, at);
}

/* --- too late ------------------------------------------------------------ */

static enum step_result
client_is_late(struct stream *s)
{
    if (stream_is_http(s) && (s->step == STEP_RESPONSE || s->step == STEP_SERVE) && (s->flags & STREAM_ANSWERED) == 0)
        return reply_error(s, 408, END_CLIENT_TIMEOUT, PHASE_HEADERS);
    return stream_end_here(s, END_CLIENT_TIMEOUT);
}

static enum step_result
server_is_late(struct stream *s)
{
    if (s->step == STEP_RESPONSE && stream_is_http(s))
        return retry_or_fail(s, RETRY_RESPONSE_TIMEOUT, END_SERVER_TIMEOUT, 504);
    return stream_end_here(s, END_SERVER_TIMEOUT);
}

void
deadline_fired(struct timer *timer)
{
    struct stream *s = LIST_ITEM(timer, struct stream, timer);
    int64_t now_ms = stream_loop(s)->now_ms;

    MUST_BE(s, STREAM_MAGIC);
    s->eval.now_us = stream_loop(s)->wall_us;
    note_client(s, s->is_calm ? s->touched_ms : deadline_now_ms(s));
    note_server(s, s->is_calm ? s->touched_ms : deadline_now_ms(s));
    s->is_calm = false;
    if (s->step_expires_ms <= now_ms) {
        s->step_expires_ms = TIMER_NEVER;
        stream_go_on(s, stream_step(s)->expired(s));
    } else if (s->rule_expires_ms != 0 && s->rule_expires_ms <= now_ms) {
        stream_run(s);
    } else if (s->filters != NULL && filters_wake_ms(s) <= now_ms) {
        stream_run(s);
    } else if (client_deadline(s) <= now_ms) {
        stream_go_on(s, client_is_late(s));
    } else if (server_deadline(s) <= now_ms) {
        stream_go_on(s, server_is_late(s));
    } else {
        deadline_update(s);
    }
}

/* --- changed by rules ---------------------------------------------------- */

static struct proxy_timeouts *
own(struct stream *s, const struct proxy_timeouts **timeouts, const struct proxy_timeouts *shared)
{
    struct proxy_timeouts *copy;

    if (*timeouts != shared)
        return (struct proxy_timeouts *)(uintptr_t)*timeouts; /* a copy already */
    copy = arena_take(&s->arena, sizeof(*copy));
    if (copy == NULL)
        return NULL;
    memcpy(copy, shared, sizeof(*copy));
    *timeouts = copy;
    return copy;
}

struct proxy_timeouts *
deadline_own_front(struct stream *s)
{
    return own(s, &s->front_timeouts, &s->eval.frontend->timeouts);
}

struct proxy_timeouts *
deadline_own_back(struct stream *s)
{
    return own(s, &s->back_timeouts, &s->eval.backend->timeouts);
}
