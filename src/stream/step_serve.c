/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request goes to an applet; its answer comes.
 *
 * For:     steps.c; takes the place of PREPARE, PICK, CONNECT and RESPONSE after use-service.
 * Thread:  owner.
 *
 * There is nothing to try again and nobody to be late: how long an applet takes is its own affair.
 */
#include "applets.h"
#include "filters.h"
#include "private.h"

enum step_result
serve_begin(struct stream *s)
{
    int64_t now = stream_loop(s)->now_us;

    s->times.queued = s->times.picked = s->times.connected = now;
    s->retries_left = 0;
    s->may_splice = false;
    s->flags |= STREAM_LOCAL_REPLY;
    stream_count_intercepted(s);
    stream_end_as(s, END_LOCAL, PHASE_REQUEST); /* as HAProxy shows it, however it ends */
    if (is_offline(s))
        return STEP_END;
    return stream_go(s, STEP_SERVE);
}

static enum step_result
open_applet(struct stream *s)
{
    enum step_result result;

    if (__builtin_expect(s->filters != NULL, 0) && stream_is_http(s)) {
        result = filters_head(s, TO_SERVER);
        if (result != STEP_NEXT)
            return result;
    }
    if (stream_is_http(s) && (s->front->flags & EP_IN_ENDED) == 0)
        endpoint_want_body(s->front);
    s->times.connected = stream_loop(s)->now_us;
    applet_open(s->back);
    return STEP_NEXT;
}

static enum step_result
take_answer(struct stream *s)
{
    struct message *msg = endpoint_take_message(s->back);

    s->response = s->eval.response = msg;
    s->server_status = msg->status;
    s->times.response_head = stream_loop(s)->now_us;
    capture_fields(s, msg);
    capture_cookie(s, msg);
    return stream_go(s, STEP_RESPONSE_CONTENT);
}

static bool
client_has_left(const struct stream *s)
{
    return (s->front->flags & EP_PEER_GONE) != 0 && s->eval.backend->option.abortonclose;
}

enum step_result
step_serve(struct stream *s)
{
    if (!applet_is_open(s->back)) {
        enum step_result result = open_applet(s);

        if (result != STEP_NEXT)
            return result;
    }
    if (!stream_is_http(s))
        return stream_go(s, STEP_FORWARD);
    if ((s->back->flags & EP_HEAD) != 0)
        return take_answer(s);
    if ((s->back->flags & EP_IN_BROKEN) != 0)
        return reply_error(s, 500, END_LOCAL, PHASE_REQUEST);
    if (client_has_left(s))
        return stream_end_here(s, END_CLIENT_ABORT);
    if (!forward_request(s))
        return reply_error(s, 500, END_RESOURCE, PHASE_REQUEST);
    return STEP_WAIT;
}

void
serve_end(struct stream *s)
{
    struct endpoint *back = s->back;

    s->server_bytes_in += back->bytes_in;
    s->server_bytes_out += back->bytes_out;
    s->back = NULL;
    back->owner = NULL;
    back->owner_data = NULL;
    endpoint_close(back, EP_CLOSE_DONE);
}
