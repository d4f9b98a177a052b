/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What statistics want to know about sessions and streams.
 *
 * For:     every file of the room, at the moment when something has happened.
 * Thread:  owner: plain additions to this thread's rows of frontend, backend and server.
 */
#include "weir/check/check.h"
#include "weir/stick/track.h"
#include "weir/proxy/admission.h"

#include "private.h"

#define PERIOD_MS 1000

static void
count_rate(struct rate *rate, uint64_t *max, int64_t now_ms)
{
    uint32_t now;

    rate_add(rate, now_ms, PERIOD_MS, 1);
    now = rate->current > rate->previous ? rate->current : rate->previous;
    if (now > *max)
        counter_set(max, now);
}

/* Adds one to a field of the backend's and of the server's row. */
#define COUNT_BACK(s, field)                                                                       \
    do {                                                                                           \
        struct proxy_row *row_ = s->back_row;                                                      \
        if (row_ != NULL)                                                                          \
            counter_add(&row_->field, 1);                                                          \
        if ((s)->server_row != NULL)                                                               \
            counter_add(&(s)->server_row->field, 1);                                               \
    } while (0)

/* Adds to a field of the listener's row, if somebody wants to know (option socket-stats). */
#define COUNT_LISTENER(s, field, count)                                                            \
    do {                                                                                           \
        struct listener_row *row_ = row_of_listener(s);                                            \
        if (row_ != NULL)                                                                          \
            counter_add(&row_->field, count);                                                      \
    } while (0)

static struct listener_row *
row_of_listener(const struct stream *s)
{
    const struct listener *ln = s->session->listener;

    return ln != NULL && s->eval.frontend->option.socket_stats ? listener_row(ln) : NULL;
}

/* --- sessions ------------------------------------------------------------ */

void
stream_count_connection(struct session *session)
{
    struct proxy_row *row = proxy_front_row(session->frontend);

    counter_add(&row->connections, 1);
    rate_add(&row->connection_rate, session->client->loop->now_ms, PERIOD_MS, 1);
    if (row->connection_rate.current > row->connection_rate_max)
        counter_set(&row->connection_rate_max, row->connection_rate.current);
}

void
stream_count_session(struct session *session)
{
    struct proxy_row *row = proxy_front_row(session->frontend);

    counter_add(&row->sessions, 1);
    admission_count(ADMISSION_SESSIONS);
    if (session->tracks != NULL)
        stick_count_session(session->tracks);
    count_rate(&row->session_rate, &row->session_rate_max, session->client->loop->now_ms);
}

/* --- requests ------------------------------------------------------------ */

void
stream_count_glitches(struct session *session)
{
    const struct mux_conn *mc = session->mux;
    struct mux_facts facts = { 0 };

    if (session->tracks == NULL || mc == NULL || mc->mux->facts == NULL)
        return;
    mc->mux->facts(mc, NULL, &facts);
    stick_count_glitches(session->tracks, facts.glitches);
}

void
stream_count_request(struct stream *s)
{
    struct proxy_row *row = s->front_row;

    counter_add(&row->requests, 1);
    count_rate(&row->request_rate, &row->request_rate_max, stream_loop(s)->now_ms);
    if (__builtin_expect(s->session->tracks != NULL, 0)) {
        stick_count_request(s->session->tracks);
        stream_count_glitches(s->session);
    }
}

void
stream_count_backend(struct stream *s)
{
    const struct proxy *live = s->eval.backend->live;
    struct proxy_row *row;

    s->flags |= STREAM_HAD_BACKEND;
    if (live->back == NULL)
        return;
    row = s->back_row = proxy_back_row(live);
    counter_add(&row->backend_sessions, 1);
    if (stream_is_http(s))
        counter_add(&row->requests, 1);
    count_rate(&row->backend_rate, &row->backend_rate_max, stream_loop(s)->now_ms);
}

void
stream_count_bad_request(struct stream *s)
{
    counter_add(&s->front_row->bad_requests, 1);
    COUNT_LISTENER(s, bad_requests, 1);
}

void
stream_count_denied_request(struct stream *s)
{
    struct proxy_row *row = s->back_row;

    counter_add(&s->front_row->denied_requests, 1);
    COUNT_LISTENER(s, denied_requests, 1);
    if (row != NULL)
        counter_add(&row->denied_requests, 1);
}

void
stream_count_denied_response(struct stream *s)
{
    counter_add(&s->front_row->denied_responses, 1);
    COUNT_LISTENER(s, denied_responses, 1);
    COUNT_BACK(s, denied_responses);
}

void
stream_count_intercepted(struct stream *s)
{
    counter_add(&s->front_row->intercepted, 1);
}

/* --- servers ------------------------------------------------------------- */

void
stream_count_picked(struct stream *s)
{
    struct proxy_row *row = s->back_row;
    struct server_row *srv = s->server_row = server_row(s->eval.server);
    const struct loop *loop = stream_loop(s);

    if ((s->flags & STREAM_IS_BOUND) == 0) {
        counter_add(&srv->lb_total, 1);
        if (row != NULL)
            counter_add(&row->lb_total, 1);
    }
    counter_add(&srv->sessions, 1);
    if (stream_is_http(s))
        counter_add(&srv->requests, 1);
    __atomic_store_n(&srv->last_session_s, loop->wall_us / 1000000, __ATOMIC_RELAXED);
    count_rate(&srv->session_rate, &srv->session_rate_max, loop->now_ms);
}

void
stream_count_attempt(struct stream *s, bool is_reused)
{
    if (is_reused)
        COUNT_BACK(s, connections_reused);
    else
        COUNT_BACK(s, connect_attempts);
}

void
stream_count_connect_error(struct stream *s)
{
    COUNT_BACK(s, connect_errors);
}

/* A server that was asked for a connection gave one, or did not. */
void
stream_observe_connect(struct stream *s, bool is_good)
{
    if (s->eval.server != NULL)
        observe_connect(s->eval.server, is_good);
}

void
stream_count_response_error(struct stream *s)
{
    COUNT_BACK(s, response_errors);
    if (s->eval.server != NULL)
        observe_response(s->eval.server, false);
}

void
stream_count_retry(struct stream *s, bool is_redispatch)
{
    if (is_redispatch)
        COUNT_BACK(s, redispatches);
    else
        COUNT_BACK(s, retries);
}

/* --- answers ------------------------------------------------------------- */

static unsigned
status_class(int status)
{
    return status >= 100 && status < 600 ? (unsigned)status / 100 - 1 : 5;
}

void
stream_count_status(struct stream *s)
{
    struct proxy_row *row = s->back_row;
    unsigned class = status_class(s->status);

    counter_add(&s->front_row->status[class], 1);
    if (row != NULL)
        counter_add(&row->status[class], 1);
    if (s->server_row != NULL && (s->flags & STREAM_LOCAL_REPLY) == 0)
        counter_add(&s->server_row->status[class], 1);
    if (s->eval.server != NULL && (s->flags & STREAM_LOCAL_REPLY) == 0)
        observe_response(s->eval.server, s->status < 500 || s->status == 501 || s->status == 505);
    if (__builtin_expect(stream_is_tracked(s), 0)) {
        bool is_ours = (s->flags & STREAM_LOCAL_REPLY) != 0;

        stick_count_status(s->session->tracks, s->status, is_ours);
        stick_count_status(s->tracks, s->status, is_ours);
    }
}

/* --- the end ------------------------------------------------------------- */

static uint64_t
span_ms(int64_t from_us, int64_t to_us)
{
    return from_us == 0 || to_us <= from_us ? 0 : (uint64_t)(to_us - from_us) / 1000;
}

/* The sum forgets: each new time takes a window's part of it away. */
static void
add_time(uint64_t *sum, uint64_t *max, uint64_t ms)
{
    unsigned shift = proxy_times_shift();
    uint64_t part = (*sum + (1u << shift) - 1) >> shift;

    __atomic_store_n(sum, *sum - part + ms, __ATOMIC_RELAXED);
    if (ms > *max)
        counter_set(max, ms);
}

/* Until the answer began, from the moment that the connection was there; and all of it. A request
 * without an answer is in the latter only. */
static void
count_histograms(struct histogram *answer, struct histogram *total, const struct stream *s)
{
    const struct stream_times *times = &s->times;
    int64_t began_us = times->request_began != 0 ? times->request_began : times->accepted;

    if (times->response_head != 0 && times->connected != 0)
        histogram_add(answer, times->response_head - times->connected);
    histogram_add(total, times->ended - began_us);
}

#define ADD_TIMES(row, s, total_ms)                                                                \
    do {                                                                                           \
        const struct stream_times *t_ = &(s)->times;                                               \
        add_time(&(row)->queue_ms_sum, &(row)->queue_ms_max, span_ms(t_->queued, t_->picked));     \
        add_time(&(row)->connect_ms_sum, &(row)->connect_ms_max,                                   \
                 span_ms(t_->picked, t_->connected));                                              \
        add_time(&(row)->response_ms_sum, &(row)->response_ms_max,                                 \
                 span_ms(t_->connected, t_->response_head));                                       \
        add_time(&(row)->total_ms_sum, &(row)->total_ms_max, (total_ms));                          \
        count_histograms(&(row)->answer_times, &(row)->total_times, s);                            \
        counter_add(&(row)->timed_count, 1);                                                       \
    } while (0)

static void
count_times(struct stream *s)
{
    struct proxy_row *row = s->back_row;
    uint64_t total_ms = span_ms(
        s->times.request_began != 0 ? s->times.request_began : s->times.accepted, s->times.ended);

    if (s->times.picked == 0)
        return;
    if (row != NULL)
        ADD_TIMES(row, s, total_ms);
    if (s->server_row != NULL) {
        struct server_row *srv = s->server_row;

        ADD_TIMES(srv, s, total_ms);
    }
}

static void
count_aborts(struct stream *s)
{
    if (s->end_cause == END_CLIENT_ABORT || s->end_cause == END_CLIENT_TIMEOUT)
        COUNT_BACK(s, client_aborts);
    else if ((s->end_cause == END_SERVER_ABORT || s->end_cause == END_SERVER_TIMEOUT) &&
             s->end_phase == PHASE_DATA)
        COUNT_BACK(s, server_aborts);
}

static void
count_bytes(struct stream *s)
{
    struct proxy_row *front = s->front_row, *back = s->back_row;

    counter_add(&front->bytes_in, s->bytes_in);
    counter_add(&front->bytes_out, s->bytes_out);
    COUNT_LISTENER(s, bytes_in, s->bytes_in);
    COUNT_LISTENER(s, bytes_out, s->bytes_out);
    if (back != NULL) {
        counter_add(&back->backend_bytes_in, s->bytes_in);
        counter_add(&back->backend_bytes_out, s->bytes_out);
    }
    if (s->server_row != NULL) {
        struct server_row *srv = s->server_row;

        counter_add(&srv->bytes_in, s->server_bytes_out);
        counter_add(&srv->bytes_out, s->server_bytes_in);
    }
}

void
stream_count_end(struct stream *s)
{
    count_bytes(s);
    count_times(s);
    if (s->end_cause != END_NORMAL)
        count_aborts(s);
}
