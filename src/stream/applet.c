/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a stream where a program stands instead of a server's connection.
 *
 * For:     services (use-service).
 * Owns:    applets; each belongs to its stream from applet_use() to server_side_close().
 * Callers: the stream, by way of endpoints; the kinds; the timer.
 * Thread:  owner of the stream.
 *
 * The program never runs from inside of a call of the stream: it is deferred to the end of the turn, and then
 * the stream sees what came of it as it sees an event of a connection.
 */
#include "weir/stream/applet.h"

#include "weir/base/number.h"
#include "weir/http/token.h"
#include "weir/mux/mux.h"

#include "applets.h"
#include "private.h"

static struct pool applet_pool = POOL("applet", sizeof(struct applet));

static struct applet *
of_endpoint(struct endpoint *ep)
{
    struct applet *applet = LIST_ITEM(ep, struct applet, endpoint);

    MUST_BE(applet, APPLET_MAGIC);
    return applet;
}

/* --- running it --------------------------------------------------------------- */

static void
break_off(struct applet *applet)
{
    applet->endpoint.flags |= EP_IN_BROKEN;
    applet->endpoint.error = EP_ERR_CLOSED;
}

static void
note_end(struct applet *applet, bool is_good)
{
    bool is_http = stream_is_http(applet->stream);

    applet->is_over = true;
    applet->wants = 0;
    timer_stop(&applet->timer);
    chain_clear(&applet->input);
    applet->endpoint.flags &= ~(unsigned)EP_OUT_FULL;
    if (is_http && (!is_good || !applet->is_started || (applet->has_length && applet->left > 0)))
        break_off(applet);
    else
        applet->endpoint.flags |= EP_IN_ENDED;
}

static void
run(struct applet *applet)
{
    unsigned next;

    if (!applet->is_over) {
        applet->wants = 0;
        applet->is_running = true;
        next = applet->kind->run(applet);
        applet->is_running = false;
        applet->wants = next & (APPLET_WANTS_DATA | APPLET_WANTS_ROOM);
        if ((next & (APPLET_DONE | APPLET_FAILED)) != 0)
            note_end(applet, (next & APPLET_FAILED) == 0);
    }
    applet->endpoint.owner->on_event(&applet->endpoint); /* it may be gone afterwards */
}

static void
on_deferred(struct deferred *work)
{
    run(LIST_ITEM(work, struct applet, work));
}

static void
on_timer(struct timer *timer)
{
    run(LIST_ITEM(timer, struct applet, timer));
}

void
applet_wake(struct applet *applet)
{
    if (applet->is_open)
        loop_defer(stream_loop(applet->stream), &applet->work);
}

void
applet_wake_in(struct applet *applet, int64_t ms)
{
    struct loop *loop = stream_loop(applet->stream);

    timer_set(loop, &applet->timer, ms <= 0 ? TIMER_NEVER : loop->now_ms + ms);
}

static void
wake_if(struct applet *applet, unsigned wants)
{
    if ((applet->wants & wants) != 0 && !applet->is_running)
        applet_wake(applet);
}

/* --- as the stream sees it ---------------------------------------------------- */

static bool
send_head(struct endpoint *ep, struct message *msg)
{
    (void)msg; /* the kind finds it in the stream */
    applet_wake(of_endpoint(ep));
    return true;
}

static bool
send_body(struct endpoint *ep, struct chain *data)
{
    struct applet *applet = of_endpoint(ep);

    ep->bytes_out += data->bytes;
    if (applet->is_over) {
        chain_clear(data);
        return true;
    }
    chain_move(&applet->input, data);
    if (applet->input.bytes >= buffer_default_size())
        ep->flags |= EP_OUT_FULL;
    wake_if(applet, APPLET_WANTS_DATA);
    return true;
}

static bool
send_end(struct endpoint *ep)
{
    struct applet *applet = of_endpoint(ep);

    ep->flags |= EP_OUT_ENDED;
    applet->input_ended = true;
    wake_if(applet, APPLET_WANTS_DATA);
    return true;
}

static void
flush(struct endpoint *ep, bool more)
{
    (void)ep;
    (void)more;
}

static void
consumed(struct endpoint *ep)
{
    struct applet *applet = of_endpoint(ep);

    if (applet_room(applet) > 0)
        wake_if(applet, APPLET_WANTS_ROOM);
}

static void
close_it(struct endpoint *ep, enum endpoint_close how)
{
    struct applet *applet = of_endpoint(ep);

    (void)how;
    MUST(!applet->is_running);
    deferred_cancel(&applet->work);
    timer_stop(&applet->timer);
    if (applet->kind->end != NULL)
        applet->kind->end(applet);
    chain_clear(&applet->input);
    chain_clear(&ep->in);
    message_give(applet->answer);
    message_give(ep->message);
    applet->magic = 0;
    pool_give(&applet_pool, applet);
}

const struct mux applet_mux = {
    .name = "applet",
    .send_head = send_head,
    .send_body = send_body,
    .send_end = send_end,
    .flush = flush,
    .consumed = consumed,
    .close = close_it,
};

/* --- for the kinds ------------------------------------------------------------ */

enum verdict
applet_use(struct eval *eval, const struct applet_kind *kind, void *data, const char *name)
{
    struct stream *s = eval->stream;
    struct applet *applet = pool_take(&applet_pool);

    if (applet == NULL)
        return VERDICT_FAILED;
    MUST(s->back == NULL);
    *applet = (struct applet){ .magic = APPLET_MAGIC, .kind = kind, .data = data, .stream = s };
    endpoint_init(&applet->endpoint, &applet_mux, NULL);
    applet->endpoint.flags = EP_BACK | EP_CONNECTED | EP_OUT_FLUSHED | EP_LOCAL;
    applet->endpoint.owner = &stream_endpoint_owner;
    applet->endpoint.owner_data = s;
    deferred_init(&applet->work, on_deferred);
    timer_init(&applet->timer, on_timer);
    s->back = &applet->endpoint;
    s->service = name;
    return VERDICT_SERVICE;
}

struct applet *
applet_of(const struct stream *s)
{
    return s->back == NULL || s->back->mux != &applet_mux ? NULL : of_endpoint(s->back);
}

void
applet_open(struct endpoint *ep)
{
    struct applet *applet = of_endpoint(ep);

    applet->is_open = true;
    applet_wake(applet);
}

bool
applet_is_open(struct endpoint *ep)
{
    return of_endpoint(ep)->is_open;
}

void
applet_consumed(struct applet *applet)
{
    if (applet->input.bytes < buffer_default_size())
        applet->endpoint.flags &= ~(unsigned)EP_OUT_FULL;
}

struct message *
applet_answer(struct applet *applet, int status, struct str reason)
{
    struct message *msg = applet->answer;

    if (applet->is_started)
        return NULL;
    if (msg == NULL)
        msg = applet->answer = message_take();
    if (msg == NULL)
        return NULL;
    msg->flags |= MESSAGE_IS_RESPONSE; /* not MESSAGE_LOCAL: the rest of the request is read */
    msg->version_major = msg->version_minor = 1;
    msg->status = (uint16_t)status;
    msg->reason = reason.ptr == NULL ? str_from(status_reason(status)) : message_copy(msg, reason);
    return msg;
}

struct message *
applet_draft(struct applet *applet)
{
    if (applet->answer != NULL && !applet->is_started)
        return applet->answer;
    return applet_answer(applet, 200, STR_NONE);
}

/* How its body is told from what follows. */
static void
frame(struct applet *applet, struct message *msg)
{
    int at = message_find_field(msg, FIELD_CONTENT_LENGTH, 0);
    uint64_t length;

    applet->drops_body = msg->status == 204 || msg->status == 304;
    if (applet->drops_body)
        msg->flags |= MESSAGE_NO_BODY_EXPECTED;
    if (applet->stream->request->method == METHOD_HEAD) {
        applet->drops_body = true;
        msg->flags |= MESSAGE_NO_BODY_EXPECTED;
    }
    msg->body = msg->status == 204 || msg->status == 304 ? BODY_NONE : BODY_CHUNKED;
    if (at < 0 || !number_read_digits(field_value(&msg->fields[at]), &length))
        return;
    msg->body = BODY_LENGTH;
    msg->body_length = length;
    applet->has_length = !applet->drops_body;
    applet->left = length;
}

bool
applet_start(struct applet *applet)
{
    struct message *msg = applet->answer;

    if (msg == NULL || applet->is_started)
        return false;
    frame(applet, msg);
    applet->answer = NULL;
    applet->is_started = true;
    applet->endpoint.message = msg;
    applet->endpoint.flags |= EP_HEAD;
    return true;
}

size_t
applet_room(const struct applet *applet)
{
    size_t size = buffer_default_size();

    return applet->endpoint.in.bytes >= size ? 0 : size - applet->endpoint.in.bytes;
}

size_t
applet_send(struct applet *applet, struct str bytes)
{
    size_t room = applet_room(applet);
    size_t len = bytes.len < room ? bytes.len : room, sent = len;

    if (applet->drops_body)
        return bytes.len;
    if (applet->has_length && applet->left == 0)
        return bytes.len;
    if (applet->has_length && sent > applet->left)
        sent = (size_t)applet->left;
    if (sent == 0 || !chain_add_copy(&applet->endpoint.in, bytes.ptr, sent))
        return 0;
    applet->endpoint.bytes_in += sent;
    applet->left -= applet->has_length ? sent : 0;
    return len;
}
