/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The times of a stream as people know them: TR, Tw, Tc, Tr, Ta and their sisters.
 *
 * For:     log lines, aliases and samples.
 * Thread:  owner.
 *
 *     accepted    ready      first byte    end of head   slot     connected   answer     ended
 *        |── Th ────|── Ti ──────|── TR ────────|── Tw ────|── Tc ────|── Tr ────|── Td ───|
 *                                |──────────────────────── Ta ─────────────────────────────|
 *        |──────────────────────────────────────── Tt ─────────────────────────────────────|
 */
#include "private.h"

static int64_t
span(int64_t from_us, int64_t to_us)
{
    return to_us == 0 || to_us < from_us ? -1 : (to_us - from_us) / 1000;
}

static int64_t
end_of(const struct stream *s)
{
    return s->times.ended != 0 ? s->times.ended : stream_loop(s)->now_us;
}

/* What the way to a server is counted from. */
static int64_t
asked_at(const struct stream *s)
{
    const struct stream_times *times = &s->times;

    if (times->request_done != 0)
        return times->request_done;
    return times->request_began != 0 ? times->request_began : times->ready;
}

static int64_t
began_at(const struct stream *s)
{
    return s->times.request_began != 0 ? s->times.request_began : s->times.ready;
}

/* TR, and with it Ti and Tq, are unknown when the head was never seen to its end. */
static int64_t
request_ms(const struct stream *s)
{
    return s->times.request_done == 0 ? -1 : span(began_at(s), s->times.request_done);
}

static int64_t
idle_ms(const struct stream *s)
{
    return s->times.request_began == 0 ? -1 : span(s->times.ready, s->times.request_began);
}

static int64_t
data_ms(const struct stream *s)
{
    int64_t from = stream_is_http(s) ? s->times.response_head : s->times.connected;

    return from == 0 ? -1 : span(from, end_of(s));
}

int64_t
stream_timer(const struct stream *s, enum stream_timer timer)
{
    const struct stream_times *times = &s->times;
    int64_t idle;

    switch (timer) {
    case TIMER_HANDSHAKE:
        return span(times->accepted, times->ready);
    case TIMER_IDLE:
        return idle_ms(s);
    case TIMER_REQUEST:
        return request_ms(s);
    case TIMER_TO_REQUEST:
        if (idle_ms(s) < 0 || request_ms(s) < 0)
            return -1;
        return span(times->accepted, times->request_done);
    case TIMER_QUEUE:
        return times->picked == 0 ? -1 : span(asked_at(s), times->picked);
    case TIMER_CONNECT:
        return times->connected == 0 ? -1 : span(times->picked, times->connected);
    case TIMER_RESPONSE:
        return times->response_head == 0 ? -1 : span(times->connected, times->response_head);
    case TIMER_DATA:
        return data_ms(s);
    case TIMER_ACTIVE:
        return span(began_at(s), end_of(s));
    case TIMER_TOTAL:
        return span(times->accepted, end_of(s));
    case TIMER_USER:
        idle = idle_ms(s);
        return span(times->accepted, end_of(s)) - (idle > 0 ? idle : 0);
    }
    return -1;
}
