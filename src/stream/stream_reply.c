/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of our own: error pages, and what rules want said (deny, tarpit, return, redirect).
 *
 * For:     every step that cannot go on, and rules.c.
 * Thread:  owner.
 *
 * An answer is a message like one from a server: it passes http-after-response and leaves through
 * the same endpoint. Bodies are copied: the mux may still be sending when the stream and its
 * snapshot are gone.
 */
#include <string.h>

#include "weir/http/reply_action.h"
#include "weir/proxy/error_page.h"

#include "private.h"

/* --- sending ------------------------------------------------------------- */

static bool
queue_body(struct stream *s, struct str body)
{
    struct chain chain = { NULL, NULL, 0 };
    bool fine;

    if (body.len == 0 || (s->response->flags & MESSAGE_NO_BODY_EXPECTED) != 0)
        return true;
    fine = chain_add_copy(&chain, body.ptr, body.len) && endpoint_send_body(s->front, &chain);
    chain_clear(&chain);
    return fine;
}

/* What of the request has not come, or has not been read, nobody will read: the connection ends. */
static bool
must_close(const struct stream *s)
{
    return (s->front->flags & EP_IN_ENDED) == 0 || (s->session->flags & SESSION_STOPPING) != 0 ||
           (s->flags & STREAM_MUST_CLOSE) != 0;
}

/* Takes `msg` over; NULL: out of memory. `status`: for the log; a page may bring another one. */
static enum step_result
send_reply(struct stream *s, struct message *msg, struct str body, int status)
{
    uint16_t before;

    if (msg == NULL)
        return STEP_END;
    message_give(s->response);
    s->response = s->eval.response = msg;
    s->flags |= STREAM_LOCAL_REPLY;
    if (s->request != NULL && s->request->method == METHOD_HEAD)
        msg->flags |= MESSAGE_NO_BODY_EXPECTED;
    if (must_close(s)) {
        msg->flags |= MESSAGE_FORCE_CLOSE;
        s->flags |= STREAM_MUST_CLOSE;
    }
    before = msg->status;
    (void)rules_after_response(s);
    if (msg->status == before)
        s->status = (uint16_t)status;
    else /* by a rule */
        s->status = msg->status;
    if (!endpoint_send_head(s->front, msg) || !queue_body(s, body) || !endpoint_send_end(s->front))
        return STEP_END;
    s->flags |= STREAM_ANSWERED | STREAM_FLUSH_FRONT;
    stream_count_status(s);
    if (s->eval.frontend->option.logasap)
        log_line_stream(s);
    return stream_go(s, STEP_LAST);
}

/* The server's part is over, whatever it was. */
static void
leave_server(struct stream *s)
{
    deadline_none(s);
    s->rule_expires_ms = 0;
    queue_leave(&s->queue_entry);
    server_side_close(s, EP_CLOSE_ABORT);
    server_side_leave(s);
}

/* --- error pages --------------------------------------------------------- */

static const struct reply *
find_page(const struct stream *s, int status)
{
    const struct proxy_conf *frontend = s->eval.frontend, *backend = s->eval.backend;

    return error_page_find(frontend, backend == frontend ? NULL : backend, status);
}

/* An empty error file: close without a word. */
static enum step_result
say_nothing(struct stream *s, int status)
{
    s->status = (uint16_t)status;
    s->flags |= STREAM_MUST_CLOSE;
    return STEP_END;
}

/* What is computed for each answer is put in its place. */
static struct message *
page_message(struct stream *s, const struct reply *page, struct reply *own)
{
    struct message *msg;

    *own = *page;
    if (page->body_format != NULL)
        own->body = log_format_to_str(page->body_format, &s->eval);
    msg = own->body.ptr == NULL && page->body_format != NULL ? NULL : reply_to_message(own);
    for (unsigned i = 0; msg != NULL && i < page->header_count; i++) {
        struct str value = log_format_to_str(page->headers[i].value, &s->eval);

        if (value.ptr != NULL &&
            (value.len == 0 ||
             message_add_field_copy(msg, str_from(page->headers[i].name), value)))
            continue;
        message_give(msg);
        msg = NULL;
    }
    return msg;
}

static enum step_result
send_page(struct stream *s, const struct reply *page, int status)
{
    struct reply own;
    struct message *msg = page_message(s, page, &own);

    return send_reply(s, msg, own.body, status);
}

enum step_result
reply_error(struct stream *s, int status, enum end_cause cause, enum end_phase phase)
{
    const struct reply *page;

    stream_end_as(s, cause, phase);
    leave_server(s);
    if (!stream_is_http(s) || (s->flags & STREAM_ANSWERED) != 0)
        return STEP_END;
    page = find_page(s, status);
    if (page == NULL || page->status == 0)
        return say_nothing(s, status);
    return send_page(s, page, status);
}

/* --- rules --------------------------------------------------------------- */

static struct message *
add_fields(struct message *msg, const struct reply_action *reply)
{
    bool fine = msg != NULL;

    if (fine && reply->content_type.len > 0)
        fine = message_add_field(msg, FIELD_CONTENT_TYPE, STR("content-type"), reply->content_type);
    for (unsigned i = 0; i < reply->field_count && fine; i++)
        fine = message_add_field_copy(msg, reply->fields[i].name, reply->fields[i].value);
    if (fine)
        return msg;
    message_give(msg);
    return NULL;
}

/* `own`: what the action says itself. */
static const struct reply *
page_of(const struct stream *s, const struct reply_action *reply, const struct reply *own)
{
    switch (reply->kind) {
    case REPLY_ACTION_FILE:
        return reply->file;
    case REPLY_ACTION_PAGE:
        return find_page(s, reply->status);
    case REPLY_ACTION_MESSAGE:
        break;
    }
    return own;
}

static enum step_result
send_action(struct stream *s, const struct reply_action *reply)
{
    struct reply own = { .status = reply->status,
                         .reason = reply->status == 302 ? STR("Found")
                                                        : str_from(status_reason(reply->status)),
                         .version_minor = 1,
                         .body = reply->body };
    const struct reply *page = page_of(s, reply, &own);
    struct message *msg;
    struct reply computed;

    if (page == NULL || page->status == 0)
        return say_nothing(s, reply->status);
    if (reply->must_close)
        s->flags |= STREAM_MUST_CLOSE;
    msg = add_fields(page_message(s, page, &computed), reply);
    return send_reply(s, msg, computed.body, reply->status);
}

static enum step_result
begin_tarpit(struct stream *s)
{
    bool is_front = s->eval.proxy == s->eval.frontend;
    int64_t ms = is_front ? s->front_timeouts->tarpit_ms : s->back_timeouts->tarpit_ms;

    s->times.request_done = 0; /* as HAProxy shows it */
    if (ms <= 0)
        return tarpit_expired(s);
    deadline_in(s, ms);
    return stream_go(s, STEP_TARPIT);
}

enum step_result
reply_action(struct stream *s, enum end_phase phase)
{
    const struct reply_action *reply = s->eval.reply;

    if (reply == NULL)
        return reply_error(s, 500, END_INTERNAL, phase);
    if (reply->is_tarpit)
        return begin_tarpit(s);
    stream_end_as(s, reply->is_denial ? END_DENIED : END_LOCAL, phase);
    return send_action(s, reply);
}

/* The bytes of this live as long as the stream. */
enum step_result
reply_redir(struct stream *s, const char *prefix)
{
    struct str path = s->request->path, before = str_from(prefix);
    struct reply_field fields[2] = { { STR("cache-control"), STR("no-cache") } };
    struct reply_action reply = {
        .kind = REPLY_ACTION_MESSAGE, .status = 302, .fields = fields, .field_count = 2
    };
    char *location = arena_take(&s->arena, before.len + path.len + 1);

    leave_server(s);
    if (location == NULL)
        return reply_error(s, 500, END_RESOURCE, PHASE_CONNECT);
    memcpy(location, before.ptr, before.len);
    memcpy(location + before.len, path.ptr, path.len);
    fields[1] = (struct reply_field){ STR("location"),
                                      str_of(location, before.len + path.len) };
    stream_end_as(s, END_LOCAL, PHASE_CONNECT);
    return send_action(s, &reply);
}

enum step_result
step_tarpit(struct stream *s)
{
    (void)s;
    return STEP_WAIT;
}

enum step_result
tarpit_expired(struct stream *s)
{
    s->times.picked = stream_loop(s)->now_us;
    stream_end_as(s, END_DENIED, PHASE_TARPIT);
    return send_action(s, s->eval.reply);
}

/* --- requests that are none ---------------------------------------------- */

static bool
is_silence(const struct stream *s)
{
    return s->front->bytes_in == 0 && s->front->error != EP_ERR_BAD &&
           s->eval.frontend->option.http_ignore_probes;
}

enum step_result
reply_bad_request(struct stream *s)
{
    const struct endpoint *front = s->front;

    s->flags |= STREAM_MUST_CLOSE;
    if (is_silence(s)) {
        s->flags |= STREAM_NO_LOG;
        return stream_end_as(s, END_CLIENT_ABORT, PHASE_REQUEST);
    }
    stream_count_bad_request(s);
    switch ((enum endpoint_error)front->error) {
    case EP_ERR_TIMEOUT:
        return reply_error(s, 408, END_CLIENT_TIMEOUT, PHASE_REQUEST);
    case EP_ERR_BAD:
    case EP_ERR_TOO_LARGE:
        return reply_error(s, front->error_status == 0 ? 400 : front->error_status, END_DENIED,
                           PHASE_REQUEST);
    case EP_ERR_NONE:
    case EP_ERR_CLOSED:
    case EP_ERR_RESET:
    case EP_ERR_CONNECT:
    case EP_ERR_EMPTY:
        break;
    }
    if ((front->flags & EP_OUT_BROKEN) != 0 || front->error == EP_ERR_RESET) {
        s->status = 400;
        return stream_end_as(s, END_CLIENT_ABORT, PHASE_REQUEST);
    }
    return reply_error(s, 400, END_CLIENT_ABORT, PHASE_REQUEST);
}
