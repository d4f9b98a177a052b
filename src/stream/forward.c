/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between the two ends of a stream.
 *
 * For:     request bodies, response bodies, tunnels, TCP.
 * Thread:  owner.
 *
 * What one end received moves to the other end's output, slice by slice, without a copy, and is
 * written at once; each end is flushed once for an event. An end that is full (EP_OUT_FULL) takes
 * no more: then the bytes stay in the other one's `in`, which stops reading when it holds a buffer.
 * So nothing grows, and no interest is ever toggled in the usual case.
 *
 * HTTP ends when the response has gone to the client; the server's end is given back as soon as its
 * last byte is here. A relay (TCP, tunnels) ends when both directions have ended: the end of one
 * side is passed on, the other goes on.
 */
#include "filters.h"
#include "private.h"

enum pumped {
    PUMPED_NOTHING,
    PUMPED_SOME,
    PUMPED_NO_MEMORY,
};

/* --- one direction ------------------------------------------------------- */

static inline bool
has_all(const struct endpoint *from)
{
    return (from->flags & EP_IN_ENDED) != 0 && chain_is_empty(&from->in);
}

/* What is spliced is on its way in a pipe. */
static inline bool
is_flushed_raw(const struct endpoint *to)
{
    return (to->flags & (EP_RAW_OUT | EP_OUT_FLUSHED)) != EP_RAW_OUT;
}

static enum pumped
pump(struct endpoint *from, struct endpoint *to)
{
    enum pumped result = PUMPED_NOTHING;

    if ((to->flags & (EP_OUT_ENDED | EP_OUT_BROKEN)) != 0)
        return PUMPED_NOTHING;
    if (!chain_is_empty(&from->in)) {
        if ((to->flags & EP_OUT_FULL) != 0)
            return PUMPED_NOTHING;
        if (!endpoint_send_body(to, &from->in))
            return PUMPED_NO_MEMORY;
        endpoint_consumed(from);
        result = PUMPED_SOME;
    }
    if (has_all(from) && is_flushed_raw(to)) {
        if (!endpoint_send_end(to))
            return PUMPED_NO_MEMORY;
        result = PUMPED_SOME;
    }
    return result;
}

static bool keep_body(struct stream *s, const struct chain *body);

/* What came out of the filters goes on, and is kept if it may have to be sent again. */
static bool
send_filtered(struct stream *s, enum direction dir, struct chain *out)
{
    struct endpoint *to = dir == TO_SERVER ? s->back : s->front;

    if (chain_is_empty(out))
        return true;
    if (dir == TO_SERVER && (s->flags & STREAM_KEEP_BODY) == 0)
        s->flags |= STREAM_BODY_LOST;
    else if (dir == TO_SERVER && !keep_body(s, out))
        return false;
    return endpoint_send_body(to, out);
}

#define ROUNDS_MAX 32 /* in one event: then others have their turn */

/* One fill of the other end's output. */
static enum pumped
fill_filtered(struct stream *s, enum direction dir)
{
    struct endpoint *from = dir == TO_SERVER ? s->front : s->back;
    struct endpoint *to = dir == TO_SERVER ? s->back : s->front;
    enum pumped result = PUMPED_NOTHING;
    struct chain out = { NULL, NULL, 0 };
    bool is_over = false, is_moving = true, fine = true;

    if ((to->flags & (EP_OUT_ENDED | EP_OUT_BROKEN)) != 0)
        return PUMPED_NOTHING;
    while (fine && is_moving && (to->flags & EP_OUT_FULL) == 0) {
        is_moving = false;
        fine = filters_run(s, dir, from, &out, &is_over, &is_moving);
        if (!chain_is_empty(&out))
            result = PUMPED_SOME;
        fine = fine && send_filtered(s, dir, &out);
    }
    chain_clear(&out);
    if (!fine)
        return PUMPED_NO_MEMORY;
    if (is_over) {
        if (!endpoint_send_end(to))
            return PUMPED_NO_MEMORY;
        result = PUMPED_SOME;
    }
    return result;
}

/* The same as pump(), by way of filters. What they still hold when the output is full goes on once
 * it is written, which may be at once, and then brings no event. */
static enum pumped
pump_filtered(struct stream *s, enum direction dir)
{
    struct endpoint *to = dir == TO_SERVER ? s->back : s->front;
    enum pumped last = fill_filtered(s, dir), result = last;

    for (int round = 0; last == PUMPED_SOME && (to->flags & EP_OUT_FULL) != 0; round++) {
        endpoint_flush(to, true);
        if ((to->flags & EP_OUT_FULL) != 0)
            break;
        if (round == ROUNDS_MAX) {
            s->filters->wake_ms[dir] = stream_loop(s)->now_ms;
            break;
        }
        last = fill_filtered(s, dir);
    }
    return last == PUMPED_NO_MEMORY ? last : result;
}

static inline bool
is_filtered(const struct stream *s, enum direction dir)
{
    return __builtin_expect(s->filters != NULL, 0) && filters_want_data(s, dir);
}

/* Bytes that have come and wait, here or with filters. */
static inline bool
has_waiting(const struct stream *s, enum direction dir, const struct endpoint *from)
{
    return !chain_is_empty(&from->in) ||
           (__builtin_expect(s->filters != NULL, 0) && filters_hold(s, dir));
}

bool
forward_bytes(struct stream *s, struct endpoint *ep)
{
    struct endpoint *front = s->front, *back = s->back;
    struct endpoint *to = ep == front ? back : front;

    if (!s->is_calm || !s->is_open || front->flags != s->calm_front ||
        back->flags != s->calm_back || chain_is_empty(&ep->in) || !endpoint_send_body(to, &ep->in))
        return false;
    endpoint_consumed(ep);
    endpoint_flush(to, false);
    if (to->flags != (to == front ? s->calm_front : s->calm_back))
        return false; /* the rest waits, or went wrong: look at everything */
    s->touched_ms = deadline_now_ms(s);
    return true;
}

/* --- the request's body -------------------------------------------------- */

/* Adds what is about to be sent to what is kept for another attempt; gives up when that grows too
 * long. */
static bool
keep_body(struct stream *s, const struct chain *body)
{
    if (s->replay.bytes + body->bytes > buffer_default_size()) {
        chain_clear(&s->replay);
        s->flags = (s->flags & ~STREAM_KEEP_BODY) | STREAM_BODY_LOST;
        return true;
    }
    for (const struct slice *slice = body->first; slice != NULL; slice = slice->next) {
        bool fine = slice->buf == NULL
                        ? chain_add_static(&s->replay, slice->ptr, slice->len)
                        : chain_add_slice(&s->replay, slice->buf, slice->ptr, slice->len);

        if (!fine)
            return false;
    }
    return true;
}

static bool
send_replay(struct stream *s)
{
    struct chain again = { NULL, NULL, 0 };
    bool fine = true;

    s->flags = (s->flags & ~STREAM_REPLAY) | STREAM_FLUSH_BACK;
    for (const struct slice *slice = s->replay.first; slice != NULL && fine; slice = slice->next)
        fine = slice->buf == NULL ? chain_add_static(&again, slice->ptr, slice->len)
                                  : chain_add_slice(&again, slice->buf, slice->ptr, slice->len);
    fine = fine && (chain_is_empty(&again) || endpoint_send_body(s->back, &again));
    chain_clear(&again);
    return fine;
}

/* option http-drop-request-trailers: the mux takes them from the message when the end is sent. */
static void
drop_trailers(struct stream *s)
{
    if (s->eval.backend->option.drop_request_trailers)
        s->request->trailer_count = 0;
}

static bool
flush_request(struct stream *s, enum pumped result)
{
    if (result == PUMPED_SOME || (s->flags & STREAM_FLUSH_BACK) != 0) {
        s->flags &= ~STREAM_FLUSH_BACK;
        endpoint_flush(s->back, false);
    }
    return result != PUMPED_NO_MEMORY;
}

static bool
forward_request_filtered(struct stream *s)
{
    if (s->request != NULL && s->request->trailer_count != 0)
        drop_trailers(s);
    return flush_request(s, pump_filtered(s, TO_SERVER));
}

bool
forward_request(struct stream *s)
{
    enum pumped result;

    if ((s->flags & STREAM_REPLAY) != 0 && !send_replay(s))
        return false;
    if (is_filtered(s, TO_SERVER))
        return forward_request_filtered(s);
    if (!chain_is_empty(&s->front->in)) {
        bool is_taken = (s->back->flags & (EP_OUT_FULL | EP_OUT_ENDED | EP_OUT_BROKEN)) == 0;

        if (is_taken && (s->flags & STREAM_KEEP_BODY) == 0)
            s->flags |= STREAM_BODY_LOST;
        else if (is_taken && !keep_body(s, &s->front->in))
            return false;
    }
    if (s->request != NULL && s->request->trailer_count != 0)
        drop_trailers(s);
    result = pump(s->front, s->back);
    return flush_request(s, result);
}

/* --- the response -------------------------------------------------------- */

#define HEAD_HELD_MS 4

/* A filter that will give something in a moment: the head goes with it, in one packet. */
static bool
head_waits_for_filter(const struct stream *s)
{
    return (s->flags & STREAM_FLUSH_FRONT) != 0 &&
           s->filters->wake_ms[TO_CLIENT] <= stream_loop(s)->now_ms + HEAD_HELD_MS;
}

static bool
forward_response(struct stream *s)
{
    bool is_by_filters = is_filtered(s, TO_CLIENT);
    enum pumped result;

    if (s->response != NULL && s->response->trailer_count != 0 &&
        s->eval.frontend->option.drop_response_trailers)
        s->response->trailer_count = 0;
    result = is_by_filters ? pump_filtered(s, TO_CLIENT) : pump(s->back, s->front);
    if (result == PUMPED_NOTHING && is_by_filters && head_waits_for_filter(s))
        return true;
    if (result == PUMPED_SOME || (s->flags & STREAM_FLUSH_FRONT) != 0) {
        s->flags &= ~STREAM_FLUSH_FRONT;
        endpoint_flush(s->front, false);
    }
    return result != PUMPED_NO_MEMORY;
}

/* --- the end ------------------------------------------------------------- */

static inline bool
is_relay(const struct stream *s)
{
    return (s->flags & (STREAM_HTTP | STREAM_TUNNEL)) != STREAM_HTTP;
}

/* All of the response is here: the server is free for others while the client still reads. */
static enum step_result
response_is_complete(struct stream *s)
{
    bool is_request_sent = (s->back->flags & EP_OUT_ENDED) != 0;

    if (!is_request_sent)
        s->flags |=
            STREAM_MUST_CLOSE; /* it does not want the rest: then we do not read it either */
    server_side_close(s, is_request_sent ? EP_CLOSE_DONE : EP_CLOSE_ABORT);
    server_side_leave(s);
    return STEP_NEXT;
}

static bool
is_flushed(const struct endpoint *ep)
{
    return (ep->flags & EP_OUT_FLUSHED) != 0;
}

/* One that has said all it wanted, and takes no more, has ended well. What came before goes to the
 * client. */
static enum step_result
server_left(struct stream *s)
{
    if (has_waiting(s, TO_CLIENT, s->back) || !is_flushed(s->front))
        return STEP_WAIT;
    if ((s->back->flags & EP_IN_ENDED) == 0)
        return stream_end_as(s, END_SERVER_ABORT, PHASE_DATA);
    return STEP_END;
}

/* What it sent before goes to the server. */
static enum step_result
client_left(struct stream *s)
{
    if ((s->back->flags & EP_OUT_BROKEN) == 0 &&
        (has_waiting(s, TO_SERVER, s->front) || !is_flushed(s->back)))
        return STEP_WAIT;
    return stream_end_as(s, END_CLIENT_ABORT, PHASE_DATA);
}

static enum step_result
relay_state(struct stream *s)
{
    const struct endpoint *front = s->front, *back = s->back;

    if ((front->flags & (EP_IN_BROKEN | EP_OUT_BROKEN)) != 0)
        return client_left(s);
    if ((back->flags & (EP_IN_BROKEN | EP_OUT_BROKEN)) != 0)
        return server_left(s);
    if ((front->flags & back->flags & EP_OUT_ENDED) == 0 || !is_flushed(front) || !is_flushed(back))
        return STEP_WAIT;
    server_side_close(s, EP_CLOSE_DONE);
    return STEP_END;
}

/* A server may answer before it has read everything, and go on reading. */
static bool
still_wants_request(const struct stream *s)
{
    return (s->back->flags & (EP_OUT_ENDED | EP_OUT_BROKEN)) == 0 &&
           (s->response->flags & MESSAGE_CLOSE) == 0;
}

static enum step_result
exchange_state(struct stream *s)
{
    const struct endpoint *back = s->back;

    if ((s->front->flags & EP_OUT_ENDED) != 0)
        return still_wants_request(s) ? STEP_WAIT : response_is_complete(s);
    if ((back->flags & EP_IN_BROKEN) != 0) {
        if (has_waiting(s, TO_CLIENT, back))
            return STEP_WAIT;
        stream_count_response_error(s);
        if (back->error == EP_ERR_BAD)
            return stream_end_as(s, END_DENIED, PHASE_DATA);
        return stream_end_as(s, END_SERVER_ABORT, PHASE_DATA);
    }
    return STEP_WAIT;
}

/* The end of what was spliced is passed on by another round of the usual way. */
static bool
forward_spliced(struct stream *s, size_t from_client, size_t from_server)
{
    if ((s->flags & STREAM_KEEP_BODY) == 0)
        splicing_run(s, TO_SERVER, from_client);
    splicing_run(s, TO_CLIENT, from_server);
    return forward_request(s) && forward_response(s);
}

enum step_result
step_forward(struct stream *s)
{
    size_t from_client = s->front->in.bytes, from_server = s->back->in.bytes;

    if (!forward_request(s) || !forward_response(s))
        return stream_end_as(s, END_RESOURCE, PHASE_DATA);
    if (s->may_splice && !forward_spliced(s, from_client, from_server))
        return stream_end_as(s, END_RESOURCE, PHASE_DATA);
    return is_relay(s) ? relay_state(s) : exchange_state(s);
}

enum step_result
step_last(struct stream *s)
{
    if ((s->flags & STREAM_FLUSH_FRONT) != 0) {
        s->flags &= ~STREAM_FLUSH_FRONT;
        endpoint_flush(s->front, false);
    }
    if (is_flushed(s->front))
        return STEP_END;
    if ((s->front->flags & EP_OUT_BROKEN) != 0)
        return stream_end_as(s, END_CLIENT_ABORT, PHASE_LAST);
    return STEP_WAIT;
}
