/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the runtime socket: reads lines, runs their commands one
 * after the other, writes answers.
 *
 * For:     operators and their tools. They compare answers byte by byte: each
 *          one ends with an empty line, and with "> " when a prompt was asked for.
 * Owns:    its connection, what was received and what is still to be sent.
 * Callers: runtime_socket.c starts sessions; commands change theirs through
 *          call->session.
 * Thread:  control.
 *
 *          +--------- more commands in the line? more lines? ---------------+
 *          v                                                                |
 *     read_line --line--> runtime_answer_start --> runtime_answer_go_on --+
 *      ^  |                                          ^  |           DONE
 *      |  no more: wait for the socket               |  MORE: when all is sent;
 *      +--+                                          +--+  WAIT: some ms later
 *
 * Answers are sent before the next command runs, so a slow reader stops its own
 * session and nothing grows. advance() is the only place where things go on; it
 * is never entered twice.
 */
#include "weir/admin/runtime_session.h"

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/loop/loop.h"
#include "weir/loop/timer.h"
#include "private.h"

#define READ_BYTES 16384

static struct list sessions = LIST_INIT(sessions);
static unsigned session_count;

/* --- end --------------------------------------------------------------------------- */

static void
end_session(struct runtime_session *session)
{
    struct runtime_access access = session->access;

    MUST_BE(session, RUNTIME_SESSION_MAGIC);
    runtime_answer_cancel(session);
    list_remove(&session->link);
    session_count--;
    timer_stop(&session->silence);
    timer_stop(&session->go_on);
    connection_close(session->conn);
    runtime_input_fini(&session->input);
    text_fini(&session->out);
    session->magic = 0;
    alloc_free(session);
    if (access.on_end != NULL)
        access.on_end(access.data);
}

/* --- output ------------------------------------------------------------------------ */

/* IO_OK: all is sent. */
static enum io
send_out(struct runtime_session *session)
{
    while (session->sent < session->out.len) {
        struct iovec iov = { session->out.ptr + session->sent, session->out.len - session->sent };
        size_t sent = 0;
        enum io result = connection_write(session->conn, &iov, 1, false, &sent);

        session->sent += sent;
        if (result != IO_OK)
            return result;
    }
    text_clear(&session->out);
    session->sent = 0;
    return IO_OK;
}

/* --- input ------------------------------------------------------------------------- */

/* False: no line, wait for the peer (or end). */
static bool
read_line(struct runtime_session *session)
{
    for (;;) {
        switch (runtime_input_next(&session->input)) {
        case INPUT_LINE:
            session->rest = session->input.line;
            session->in_line = true;
            return true;
        case INPUT_PAYLOAD:
            runtime_answer_prompt(session);
            break;
        case INPUT_TOO_LONG:
            text_puts(&session->out, "The command or its payload is too long.\n\n");
            session->must_quit = true;
            return true;
        case INPUT_MORE:
            if (session->is_in_closed)
                session->must_quit = true;
            return session->is_in_closed;
        }
    }
}

/* A tool that sends one line wants to see the end of the answer; several lines sent at once are
 * all answered. */
static void
end_line(struct runtime_session *session)
{
    session->in_line = false;
    if (session->mode == RUNTIME_ONCE && !runtime_input_has_line(&session->input))
        session->must_quit = true;
}

/* One step. False: nothing can be done now. */
static bool
step(struct runtime_session *session)
{
    if (session->is_running)
        return runtime_answer_go_on(session);
    if (session->rest != NULL) {
        runtime_answer_start(session);
        return true;
    }
    if (session->in_line) {
        end_line(session);
        return true;
    }
    return read_line(session);
}

/* While an answer is being made, what comes in only waits; what waits is limited. */
static void
limit_input(struct runtime_session *session)
{
    bool is_full = session->input.bytes.len > session->access.payload_max + RUNTIME_LINE_MAX;

    if (is_full == session->is_in_stopped || session->is_in_closed)
        return;
    session->is_in_stopped = is_full;
    if (is_full)
        connection_stop_reading(session->conn);
    else
        connection_resume_reading(session->conn);
}

/* Goes on as far as possible. The session may be gone afterwards. */
static void
advance(struct runtime_session *session)
{
    enum io result;

    MUST(!session->is_advancing);
    session->is_advancing = true;
    do {
        result = send_out(session);
    } while (result == IO_OK && !session->must_quit && step(session));
    if (result == IO_OK)
        result = send_out(session);
    session->is_advancing = false;
    if (result == IO_CLOSED || result == IO_FAILED || (result == IO_OK && session->must_quit))
        end_session(session);
    else
        limit_input(session);
}

/* --- events ------------------------------------------------------------------------ */

static void
heard_of(struct runtime_session *session)
{
    int64_t timeout_ms = session->access.timeout_ms;
    struct loop *loop = loop_here();

    timer_set(loop, &session->silence,
              timeout_ms == 0 ? TIMER_NEVER : loop_now_ms(loop) + timeout_ms);
}

/* False: the connection is broken. */
static bool
receive(struct runtime_session *session)
{
    char bytes[READ_BYTES];
    size_t got = 0;

    for (;;) {
        switch (connection_read(session->conn, bytes, sizeof(bytes), &got)) {
        case IO_OK:
            runtime_input_add(&session->input, str_of(bytes, got));
            if (got < sizeof(bytes))
                return true;
            break;
        case IO_WAIT:
            return true;
        case IO_CLOSED:
            session->is_in_closed = true;
            connection_stop_reading(session->conn);
            return true;
        case IO_FAILED:
            return false;
        }
    }
}

static void
on_readable(struct connection *conn)
{
    struct runtime_session *session = conn->owner_data;

    MUST_BE(session, RUNTIME_SESSION_MAGIC);
    heard_of(session);
    if (!receive(session)) {
        end_session(session);
        return;
    }
    if (session->is_running)
        limit_input(session);
    else
        advance(session);
}

static void
on_writable(struct connection *conn)
{
    struct runtime_session *session = conn->owner_data;

    MUST_BE(session, RUNTIME_SESSION_MAGIC);
    heard_of(session);
    advance(session);
}

static const struct connection_owner session_owner = { .on_readable = on_readable,
                                                       .on_writable = on_writable };

static void
on_go_on(struct timer *timer)
{
    struct runtime_session *session = LIST_ITEM(timer, struct runtime_session, go_on);

    MUST_BE(session, RUNTIME_SESSION_MAGIC);
    advance(session);
}

/* A command may take its time. */
static void
on_silence(struct timer *timer)
{
    struct runtime_session *session = LIST_ITEM(timer, struct runtime_session, silence);

    MUST_BE(session, RUNTIME_SESSION_MAGIC);
    if (session->is_running && session->sent == session->out.len)
        heard_of(session);
    else
        end_session(session);
}

void
runtime_session_start(struct connection *conn, const struct runtime_access *access)
{
    struct runtime_session *session = alloc_zero(sizeof(*session));

    session->magic = RUNTIME_SESSION_MAGIC;
    session->conn = conn;
    session->access = *access;
    runtime_input_init(&session->input, access->payload_max);
    text_init(&session->out);
    timer_init(&session->silence, on_silence);
    timer_init(&session->go_on, on_go_on);
    list_add_last(&sessions, &session->link);
    session_count++;
    connection_set_owner(conn, &session_owner, session);
    heard_of(session);
    connection_start(conn);
}

void
runtime_session_end_all(void)
{
    while (!list_is_empty(&sessions))
        end_session(LIST_FIRST(&sessions, struct runtime_session, link));
}

unsigned
runtime_session_count(void)
{
    return session_count;
}
