/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples about streams and sessions: times, bytes, retries, how it ended.
 *
 * For:     expressions.
 * Thread:  owner of the stream.
 */
#include <string.h>

#include "private.h"
#include "weir/check/check.h"

#define AFTER_SERVER                                                                               \
    (PLACE_BE_RES_CONTENT | PLACE_HTTP_RESPONSE | PLACE_FE_RESPONSE_BODY | PLACE_FE_LOG |          \
     PLACE_BE_STORE | PLACE_CHECK)
#define AROUND_SERVER (AFTER_SERVER | PLACE_BE_SERVER | PLACE_BE_CONNECT)
#define WITH_STREAM   (PLACE_L4 & ~(PLACE_FE_CONNECTION | PLACE_FE_SESSION))

static enum fetched
give_int(struct value *out, int64_t number)
{
    out->type = VALUE_INT;
    out->num = number;
    return FETCH_OK;
}

static enum fetched
give_bool(struct value *out, bool truth)
{
    out->type = VALUE_BOOL;
    out->num = truth;
    return FETCH_OK;
}

static enum fetched
give_str(struct value *out, struct str text)
{
    if (text.ptr == NULL)
        return FETCH_NONE;
    out->type = VALUE_STR;
    out->flags = VALUE_CONST;
    out->str = text;
    return FETCH_OK;
}

/* --- times --------------------------------------------------------------- */

static enum fetched
run_timer(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    int64_t ms;

    (void)args;
    if (eval->stream == NULL)
        return FETCH_NONE;
    ms = stream_timer(eval->stream, (enum stream_timer)fetch->private);
    return ms < 0 ? FETCH_NONE : give_int(out, ms);
}

static int64_t
in_unit(int64_t us, const struct arg *arg)
{
    if (arg->kind == ARG_END || arg->str.len == 0 || str_eq(arg->str, STR("s")))
        return us / 1000000;
    return str_eq(arg->str, STR("ms")) ? us / 1000 : us;
}

static bool
check_unit(struct parse *parse, struct arg *args, unsigned count, struct error *err)
{
    (void)parse;
    if (count == 0 || str_eq(args[0].str, STR("s")) || str_eq(args[0].str, STR("ms")) ||
        str_eq(args[0].str, STR("us")))
        return true;
    return error_set(err, "'%.*s' is no unit of time here; use s, ms or us", STR_ARG(args[0].str));
}

static enum fetched
run_accept_date(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                struct value *out)
{
    (void)fetch;
    if (eval->stream != NULL)
        return give_int(out, in_unit(eval->stream->times.accepted_wall, args));
    if (eval->session == NULL)
        return FETCH_NONE;
    return give_int(out, in_unit(eval->session->accepted_us, args));
}

static enum fetched
run_request_date(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                 struct value *out)
{
    (void)fetch;
    if (eval->stream == NULL)
        return FETCH_NONE;
    return give_int(out, in_unit(eval->stream->times.request_wall, args));
}

/* --- bytes --------------------------------------------------------------- */

enum bytes_of { REQUEST_IN, REQUEST_OUT, RESPONSE_IN, RESPONSE_OUT };

static enum fetched
run_bytes(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct stream *s = eval->stream;

    (void)args;
    if (s == NULL)
        return FETCH_NONE;
    switch ((enum bytes_of)fetch->private) {
    case REQUEST_IN:
        return give_int(out, (int64_t)stream_bytes_from_client(s));
    case REQUEST_OUT:
        return give_int(out, (int64_t)stream_bytes_to_server(s));
    case RESPONSE_IN:
        return give_int(out, (int64_t)stream_bytes_from_server(s));
    case RESPONSE_OUT:
        return give_int(out, (int64_t)stream_bytes_to_client(s));
    }
    return FETCH_NONE;
}

/* --- how it goes --------------------------------------------------------- */

enum number_of {
    STREAM_ID,
    STREAM_STATUS,
    STREAM_SERVER_STATUS,
    STREAM_RETRIES,
    STREAM_MAX_RETRIES,
    STREAM_SERVER_QUEUE,
    STREAM_BACKEND_QUEUE,
};

static enum fetched
run_number(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct stream *s = eval->stream;

    (void)args;
    if (s == NULL)
        return FETCH_NONE;
    switch ((enum number_of)fetch->private) {
    case STREAM_ID:
        return give_int(out, s->id);
    case STREAM_STATUS:
        return s->status == 0 ? give_int(out, -1) : give_int(out, s->status);
    case STREAM_SERVER_STATUS:
        return s->server_status == 0 ? FETCH_NONE : give_int(out, s->server_status);
    case STREAM_RETRIES:
        return give_int(out, s->retries_done);
    case STREAM_MAX_RETRIES:
        return give_int(out, s->retries_done + s->retries_left);
    case STREAM_SERVER_QUEUE:
        return give_int(out, s->queue_server_position);
    case STREAM_BACKEND_QUEUE:
        return give_int(out, s->queue_backend_position);
    }
    return FETCH_NONE;
}

static enum fetched
run_flag(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)args;
    if (eval->stream == NULL)
        return FETCH_NONE;
    return give_bool(out, (eval->stream->flags & (uint32_t)fetch->private) != 0);
}

/* First letter of what broke: which end has aborted. */
static enum fetched
run_aborted(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct stream *s = eval->stream;
    const struct endpoint *ep;

    (void)args;
    if (s == NULL)
        return FETCH_NONE;
    ep = fetch->private == 0 ? s->front : s->back;
    if (ep == NULL)
        return give_int(out, fetch->private != 0 && s->end_cause == END_SERVER_ABORT);
    return give_int(out, (ep->flags & (EP_IN_BROKEN | EP_OUT_BROKEN)) != 0);
}

static enum fetched
run_end_state(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    const struct stream *s = eval->stream;
    char *text;

    (void)fetch;
    (void)args;
    if (s == NULL)
        return FETCH_NONE;
    text = arena_take(eval->arena, 2);
    if (text == NULL)
        return FETCH_NONE;
    text[0] = (char)s->end_cause;
    text[1] = (char)s->end_phase;
    return give_str(out, str_of(text, 2));
}

static enum fetched
run_unique_id(struct eval *eval, const struct fetch *fetch, const struct arg *args,
              struct value *out)
{
    (void)fetch;
    (void)args;
    if (eval->check != NULL)
        return give_str(out, check_unique_id(eval->check, eval));
    return eval->stream == NULL ? FETCH_NONE : give_str(out, stream_unique_id(eval->stream));
}

static enum fetched
run_first_request(struct eval *eval, const struct fetch *fetch, const struct arg *args,
                  struct value *out)
{
    (void)fetch;
    (void)args;
    return eval->session == NULL ? FETCH_NONE : give_bool(out, eval->session->requests <= 1);
}

/* --- timeouts ------------------------------------------------------------ */

#define CURRENT_FRONT 0x1000

static enum fetched
run_timeout(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    const struct stream *s = eval->stream;
    size_t offset = (size_t)fetch->private & ~(size_t)CURRENT_FRONT;
    bool is_front = (fetch->private & CURRENT_FRONT) != 0;
    const struct proxy_timeouts *timeouts;

    (void)args;
    if (s == NULL && (!is_front || eval->frontend == NULL))
        return FETCH_NONE;
    timeouts = s == NULL  ? &eval->frontend->timeouts
               : is_front ? s->front_timeouts
                          : s->back_timeouts;
    return give_int(out, *(const int64_t *)((const char *)timeouts + offset));
}

#define BACK_TIMEOUT(name)  offsetof(struct proxy_timeouts, name)
#define FRONT_TIMEOUT(name) (offsetof(struct proxy_timeouts, name) | CURRENT_FRONT)
#define UNIT_ARG                                                                                   \
    {                                                                                              \
        {                                                                                          \
            ARG_STR, 1, NULL                                                                       \
        }                                                                                          \
    }

static const struct fetch fetches[] = {
    { "fc.timer.handshake",
      VALUE_INT,
      PLACE_L4,
      { { 0 } },
      run_timer,
      TIMER_HANDSHAKE,
      .help = "Time of the handshakes with the client, in ms." },
    { "fc.timer.total",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_timer,
      TIMER_TOTAL,
      .help = "Time since the connection was accepted, in ms." },
    { "req.timer.idle",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_timer,
      TIMER_IDLE,
      .help = "Time before the first byte of the request, in ms." },
    { "req.timer.hdr",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_timer,
      TIMER_REQUEST,
      .help = "Time to receive the head of the request, in ms." },
    { "req.timer.tq",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_timer,
      TIMER_TO_REQUEST,
      .help = "Handshakes, idle time and head of the request, in ms." },
    { "req.timer.queue",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_timer,
      TIMER_QUEUE,
      .help = "Time in queues, in ms." },
    { "bc.timer.connect",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_timer,
      TIMER_CONNECT,
      .help = "Time to connect to the server, in ms." },
    { "res.timer.hdr",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_timer,
      TIMER_RESPONSE,
      .help = "Time until the head of the response, in ms." },
    { "res.timer.data",
      VALUE_INT,
      AROUND_SERVER,
      { { 0 } },
      run_timer,
      TIMER_DATA,
      .help = "Time of the data transfer, in ms." },
    { "txn.timer.total",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_timer,
      TIMER_ACTIVE,
      .help = "Time since the first byte of the request, in ms." },
    { "txn.timer.user",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_timer,
      TIMER_USER,
      .help = "Total time without idle time, in ms." },
    { "accept_date", VALUE_INT, PLACE_L4, UNIT_ARG, run_accept_date, 0, check_unit,
      .help = "When the connection was accepted, since 1970; argument s, ms or us." },
    { "request_date", VALUE_INT, WITH_STREAM, UNIT_ARG, run_request_date, 0, check_unit,
      .help = "When the first byte of the request came, since 1970; argument s, ms or us." },
    { "bytes_in",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_bytes,
      REQUEST_IN,
      .help = "Bytes from the client." },
    { "bytes_out",
      VALUE_INT,
      AROUND_SERVER,
      { { 0 } },
      run_bytes,
      RESPONSE_IN,
      .help = "Bytes from the server." },
    { "req.bytes_in",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_bytes,
      REQUEST_IN,
      .help = "Bytes from the client." },
    { "req.bytes_out",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_bytes,
      REQUEST_OUT,
      .help = "Bytes to the server." },
    { "res.bytes_in",
      VALUE_INT,
      AROUND_SERVER,
      { { 0 } },
      run_bytes,
      RESPONSE_IN,
      .help = "Bytes from the server." },
    { "res.bytes_out",
      VALUE_INT,
      AROUND_SERVER,
      { { 0 } },
      run_bytes,
      RESPONSE_OUT,
      .help = "Bytes to the client." },
    { "txn.id32",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_number,
      STREAM_ID,
      .help = "Number of the request." },
    { "txn.status",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_number,
      STREAM_STATUS,
      .help = "Status as it will be logged." },
    { "server_status",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_number,
      STREAM_SERVER_STATUS,
      .help = "Status as the server said it." },
    { "txn.conn_retries",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_number,
      STREAM_RETRIES,
      .help = "Retries so far." },
    { "cur_max_retries",
      VALUE_INT,
      PLACE_BACKEND,
      { { 0 } },
      run_number,
      STREAM_MAX_RETRIES,
      .help = "Retries that this stream may make." },
    { "bc_srv_queue",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_number,
      STREAM_SERVER_QUEUE,
      .help = "Place in the server's queue." },
    { "bc_be_queue",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_number,
      STREAM_BACKEND_QUEUE,
      .help = "Place in the backend's queue." },
    { "txn.redispatched",
      VALUE_BOOL,
      AFTER_SERVER,
      { { 0 } },
      run_flag,
      STREAM_REDISPATCHED,
      .help = "Was it sent to another server after a failure?" },
    { "bc_reused",
      VALUE_BOOL,
      AFTER_SERVER,
      { { 0 } },
      run_flag,
      STREAM_REUSED,
      .help = "Had the server's connection served before?" },
    { "fs.aborted",
      VALUE_INT,
      WITH_STREAM,
      { { 0 } },
      run_aborted,
      0,
      .help = "Has the client aborted?" },
    { "bs.aborted",
      VALUE_INT,
      AFTER_SERVER,
      { { 0 } },
      run_aborted,
      1,
      .help = "Has the server aborted?" },
    { "txn.sess_term_state",
      VALUE_STR,
      WITH_STREAM,
      { { 0 } },
      run_end_state,
      0,
      .help = "Two letters that say how it ended; -- before the end." },
    { "unique-id",
      VALUE_STR,
      WITH_STREAM | PLACE_CHECK,
      { { 0 } },
      run_unique_id,
      0,
      .help = "The id made by unique-id-format." },
    { "http_first_req",
      VALUE_BOOL,
      WITH_STREAM,
      { { 0 } },
      run_first_request,
      0,
      .help = "Is it the first request of its connection?" },
    { "cur_client_timeout",
      VALUE_INT,
      PLACE_L4,
      { { 0 } },
      run_timeout,
      FRONT_TIMEOUT(client_ms),
      .help = "Timeout client of this stream, in ms." },
    { "cur_server_timeout",
      VALUE_INT,
      PLACE_BACKEND,
      { { 0 } },
      run_timeout,
      BACK_TIMEOUT(server_ms),
      .help = "Timeout server of this stream, in ms." },
    { "cur_tunnel_timeout",
      VALUE_INT,
      PLACE_BACKEND,
      { { 0 } },
      run_timeout,
      BACK_TIMEOUT(tunnel_ms),
      .help = "Timeout tunnel of this stream, in ms." },
    { "cur_connect_timeout",
      VALUE_INT,
      PLACE_BACKEND,
      { { 0 } },
      run_timeout,
      BACK_TIMEOUT(connect_ms),
      .help = "Timeout connect of this stream, in ms." },
    { "cur_queue_timeout",
      VALUE_INT,
      PLACE_BACKEND,
      { { 0 } },
      run_timeout,
      BACK_TIMEOUT(queue_ms),
      .help = "Timeout queue of this stream, in ms." },
    { "cur_tarpit_timeout",
      VALUE_INT,
      PLACE_L4,
      { { 0 } },
      run_timeout,
      FRONT_TIMEOUT(tarpit_ms),
      .help = "Timeout tarpit of this stream, in ms." },
};
REGISTER(fetch, fetches);
