/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog messages that come over a connection (RFC 6587).
 *
 * For:     bind of log-forward sections.
 * Owns:    sessions, each with its connection and what of a message has come.
 * Thread:  control.
 *
 * A message begins with "<" and ends with a line feed, or it comes behind its length: "12 <13>message". Each one is
 * looked at by itself. What is neither ends the connection; so does a message that is too long, because where the next
 * one begins is not known. The beginning of a message whose end never came is dropped.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/net/connection.h"
#include "weir/net/handshake.h"
#include "weir/tls/tls.h"
#include "log_forward.h"

#define READ_BYTES    16384
#define READS_MOST    32 /* before others have their turn */
#define MESSAGE_MAX   65535
#define LENGTH_DIGITS 5

struct log_session {
    struct list link;
    struct log_forward *forward;
    struct listener *listener;
    struct connection *conn; /* owns */
    struct timer silence;
    struct deferred go_on; /* it had much to say */
    struct text in;
};

static void
end(struct log_session *session)
{
    timer_stop(&session->silence);
    deferred_cancel(&session->go_on);
    connection_close(session->conn);
    listener_connection_ended(session->listener);
    list_remove(&session->link);
    session->forward->session_count--;
    text_fini(&session->in);
    alloc_free(session);
    listener_resume_all();
}

static void
touch(struct log_session *session)
{
    int64_t ms = session->forward->conf->client_ms;

    if (ms > 0)
        timer_set(loop_here(), &session->silence, loop_now_ms(loop_here()) + ms);
    else
        timer_stop(&session->silence);
}

static void
on_silence(struct timer *timer)
{
    end(LIST_ITEM(timer, struct log_session, silence));
}

/* --- messages -------------------------------------------------------------------------------------- */

enum framed {
    FRAMED,      /* a message; the rest has moved on */
    FRAME_PART,  /* its end has not come */
    FRAME_WRONG,
};

static enum framed
take_counted(struct str *rest, struct str *message)
{
    size_t len = 0, i;

    for (i = 0; i < rest->len && rest->ptr[i] != ' '; i++) {
        if (rest->ptr[i] < '0' || rest->ptr[i] > '9' || i == LENGTH_DIGITS)
            return FRAME_WRONG;
        len = len * 10 + (size_t)(rest->ptr[i] - '0');
    }
    if (i == rest->len)
        return FRAME_PART;
    if (len == 0 || len > MESSAGE_MAX)
        return FRAME_WRONG;
    if (rest->len < i + 1 + len)
        return FRAME_PART;
    *message = str_slice(*rest, i + 1, len);
    *rest = str_slice(*rest, i + 1 + len, rest->len);
    return FRAMED;
}

static enum framed
take_line(struct str *rest, struct str *message)
{
    long end_at = str_find_char(*rest, '\n');

    if (end_at < 0)
        return rest->len > MESSAGE_MAX ? FRAME_WRONG : FRAME_PART;
    *message = str_slice(*rest, 0, (size_t)end_at);
    *rest = str_slice(*rest, (size_t)end_at + 1, rest->len);
    return FRAMED;
}

static enum framed
take_message(const struct log_forward_conf *conf, struct str *rest, struct str *message)
{
    if (rest->len == 0)
        return FRAME_PART;
    if (conf->is_never_counted || rest->ptr[0] == '<')
        return take_line(rest, message);
    if (rest->ptr[0] < '1' || rest->ptr[0] > '9')
        return FRAME_WRONG;
    return take_counted(rest, message);
}

/* False: the session is over. */
static bool
take_messages(struct log_session *session)
{
    const struct log_forward_conf *conf = session->forward->conf;
    const struct addr *source = connection_src(session->conn);
    struct str rest = text_str(&session->in), message;
    enum framed framed;

    while ((framed = take_message(conf, &rest, &message)) == FRAMED)
        log_forward_message(conf, message, source);
    if (framed == FRAME_WRONG) {
        end(session);
        return false;
    }
    if (rest.len > 0)
        memmove(session->in.ptr, rest.ptr, rest.len);
    session->in.len = rest.len;
    return true;
}

/* --- the connection --------------------------------------------------------------------------------- */

static void
read_some(struct log_session *session)
{
    enum io result = IO_OK;
    size_t got;

    for (unsigned i = 0; i < READS_MOST; i++) {
        char *to = text_reserve(&session->in, READ_BYTES);

        result = connection_read(session->conn, to, READ_BYTES, &got);
        if (result != IO_OK)
            break;
        text_keep(&session->in, got);
        touch(session);
        if (!take_messages(session))
            return;
    }
    if (result == IO_CLOSED || result == IO_FAILED)
        end(session);
    else if (result == IO_OK)
        loop_defer(loop_here(), &session->go_on);
}

static void
go_on(struct deferred *work)
{
    read_some(LIST_ITEM(work, struct log_session, go_on));
}

static void
on_readable(struct connection *conn)
{
    read_some(conn->owner_data);
}

static void
on_established(struct connection *conn)
{
    struct log_session *session = conn->owner_data;

    if (conn->err != CONN_ERR_NONE)
        end(session);
    else
        read_some(session);
}

static const struct connection_owner owner = {
    .on_readable = on_readable,
    .on_established = on_established,
};

/* --- life --------------------------------------------------------------------------------------------- */

void
log_session_accept(struct log_forward *forward, struct listener *listener, struct connection *conn)
{
    struct log_session *session = alloc_zero(sizeof(*session));

    session->forward = forward;
    session->listener = listener;
    session->conn = conn;
    timer_init(&session->silence, on_silence);
    deferred_init(&session->go_on, go_on);
    list_add_last(&forward->sessions, &session->link);
    forward->session_count++;
    connection_set_owner(conn, &owner, session);
    if (!bind_add_handshakes(listener->conf, conn) || !tls_bind_start(listener->conf, conn)) {
        end(session);
        return;
    }
    touch(session);
    handshake_start(conn);
}

void
log_session_close_all(struct log_forward *forward)
{
    LIST_FOR_EACH_SAFE (session, &forward->sessions, struct log_session, link)
        end(session);
}
