/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection with one peer: hello, messages in, messages out, heartbeats.
 *
 * For:     peers.c, which says whom to dial and what for.
 * Owns:    the connection, and what is being received and sent.
 * Callers: net calls back; peers.c.
 * Thread:  control.
 *
 *     dialled:   hello ->   <- status   ready
 *     accepted:  <- hello   status ->   ready
 *
 * More is told only when all that was told before is sent, and a bounded number of entries at a time:
 * neither a slow peer nor a large table keeps the control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/loop/loop.h"
#include "weir/net/handshake.h"
#include "weir/net/listener.h"
#include "weir/tls/tls.h"
#include "peers.h"

#define HEARTBEAT_MS 3000
#define SILENCE_MS   5000
#define READ_BYTES   16384
#define READS_MOST   32 /* before others have their turn */

enum status {
    STATUS_FINE = 200,
    STATUS_LATER = 300,
    STATUS_PROTOCOL = 501,
    STATUS_VERSION = 502,
    STATUS_NOT_ME = 503,
    STATUS_UNKNOWN = 504,
};

static int64_t
now_ms(void)
{
    return loop_now_ms(loop_here());
}

/* --- end --------------------------------------------------------------------------------------- */

/* Those that are over are freed when nobody can be at work with them any more. */
static struct list ended = LIST_INIT(ended);
static struct deferred burial;

void
peer_session_free_ended(void)
{
    LIST_FOR_EACH_SAFE (session, &ended, struct peer_session, link) {
        list_remove(&session->link);
        text_fini(&session->in);
        text_fini(&session->out);
        alloc_free(session);
    }
}

static void
bury(struct deferred *work)
{
    (void)work;
    peer_session_free_ended();
}

static void
end(struct peer_session *session, bool is_refused)
{
    struct peer *peer = session->peer;
    bool counts = peer != NULL && peer->session == session;

    bool was_ready = session->state == PEER_READY;

    if (session->state == PEER_ENDS)
        return;
    session->state = PEER_ENDS;
    if (counts) {
        peer->session = NULL;
        LIST_FOR_EACH (shared, &peer->tables, struct peer_table, link) {
            peer_table_end(shared);
            shared->is_defined = shared->must_confirm = false;
            shared->scan = SCAN_NONE;
        }
    }
    timer_stop(&session->heartbeat);
    timer_stop(&session->silence);
    timer_stop(&session->go_on);
    connection_close(session->conn);
    session->conn = NULL;
    if (session->listener != NULL)
        listener_connection_ended(session->listener);
    list_remove(&session->link);
    list_add_last(&ended, &session->link);
    if (burial.run == NULL)
        deferred_init(&burial, bury);
    loop_defer(loop_here(), &burial);
    if (counts)
        peers_on_end(peer, is_refused, was_ready);
}

void
peer_session_close(struct peer_session *session)
{
    if (session != NULL)
        end(session, false);
}

/* --- sending -------------------------------------------------------------------------------------- */

static bool
is_sent(const struct peer_session *session)
{
    return session->sent == session->out.len;
}

/* False: the session is over. */
static bool
flush(struct peer_session *session)
{
    if (session->state == PEER_ENDS)
        return false;
    while (!is_sent(session)) {
        struct iovec iov = { session->out.ptr + session->sent, session->out.len - session->sent };
        size_t sent = 0;

        switch (connection_write(session->conn, &iov, 1, false, &sent)) {
        case IO_OK:
            session->sent += sent;
            timer_set(loop_here(), &session->heartbeat, now_ms() + HEARTBEAT_MS);
            if (sent < iov.iov_len)
                return true;
            break;
        case IO_WAIT:
            return true;
        case IO_CLOSED:
        case IO_FAILED:
            end(session, false);
            return false;
        }
    }
    text_clear(&session->out);
    session->sent = 0;
    return true;
}

/* The peer has broken the protocol: it is told, and that is the end. */
static void
fail(struct peer_session *session, enum peer_error error)
{
    session->peer->protocol_errors++;
    session->peer->last_status = "PROT";
    peers_log(session->peers, LOG_LEVEL_WARNING, "peers %s: peer %s sent a message that is %s",
              session->peers->name, session->peer->name,
              error == PEER_ERROR_SIZE ? "too long" : "malformed");
    peer_add_error(&session->out, error);
    if (flush(session))
        end(session, false);
}

/* --- telling ---------------------------------------------------------------------------------------- */

static void
tell_confirmations(struct peer_session *session)
{
    LIST_FOR_EACH (shared, &session->peer->tables, struct peer_table, link) {
        if (!shared->must_confirm || !shared->is_defined)
            continue;
        shared->must_confirm = false;
        peer_add_ack(&session->out, shared->definition.id, shared->got);
    }
}

/* True: there is more. */
static bool
tell_tables(struct peer_session *session)
{
    unsigned most = (unsigned)peers_updates_at_once(snapshot_current());
    bool has_more = false, is_scanning = false;

    LIST_FOR_EACH (shared, &session->peer->tables, struct peer_table, link) {
        has_more = peer_table_tell(session, shared, most) || has_more;
        is_scanning = shared->scan != SCAN_NONE || is_scanning;
    }
    if (session->must_teach && !is_scanning) {
        session->must_teach = false;
        peer_add_control(&session->out, session->peers->resync == RESYNC_DONE ? PEER_RESYNC_FULL
                                                                              : PEER_RESYNC_PARTIAL);
    }
    return has_more;
}

void
peer_session_push(struct peer_session *session)
{
    bool has_more;

    if (session->state != PEER_READY || !flush(session) || !is_sent(session))
        return;
    tell_confirmations(session);
    has_more = tell_tables(session);
    if (flush(session) && has_more && is_sent(session))
        timer_set(loop_here(), &session->go_on, now_ms());
}

static void
teach(struct peer_session *session)
{
    session->must_teach = true;
    LIST_FOR_EACH (shared, &session->peer->tables, struct peer_table, link)
        peer_table_tell_all(shared);
}

/* It is sent with what comes next: whoever asks is in the middle of something. */
void
peer_session_ask(struct peer_session *session)
{
    peer_add_control(&session->out, PEER_RESYNC_ASK);
    timer_set(loop_here(), &session->go_on, now_ms());
}

/* --- hearing ---------------------------------------------------------------------------------------- */

static void
hear_control(struct peer_session *session, uint8_t type)
{
    struct peer *peer = session->peer;

    switch (type) {
    case PEER_RESYNC_ASK:
        teach(session);
        break;
    case PEER_RESYNC_FULL:
    case PEER_RESYNC_PARTIAL:
        peer_add_control(&session->out, PEER_RESYNC_CONFIRM);
        peers_on_taught(peer, type == PEER_RESYNC_FULL);
        break;
    case PEER_RESYNC_CONFIRM:
        peers_on_told(peer);
        break;
    case PEER_HEARTBEAT:
        peer->heartbeats_got++;
        break;
    }
}

/* False: the session is over. */
static bool
hear(struct peer_session *session, const struct peer_frame *frame)
{
    if (frame->class == PEER_CONTROL) {
        hear_control(session, frame->type);
    } else if (frame->class == PEER_ERROR) {
        session->peer->protocol_errors++;
        end(session, false);
        return false;
    } else if (frame->class == PEER_TABLE && !peer_hear(session, frame)) {
        fail(session, PEER_ERROR_PROTOCOL);
        return false;
    }
    return true; /* other classes are of later versions */
}

static bool
hear_all(struct peer_session *session)
{
    struct str rest = text_str(&session->in);
    struct peer_frame frame;
    size_t used;

    for (;;) {
        switch (rest.len == 0 ? FRAME_MORE : peer_frame_read(rest, &frame, &used)) {
        case FRAME_WHOLE:
            if (!hear(session, &frame) || session->state == PEER_ENDS)
                return false;
            rest = str_slice(rest, used, rest.len - used);
            break;
        case FRAME_MORE:
            if (rest.len > 0)
                memmove(session->in.ptr, rest.ptr, rest.len);
            session->in.len = rest.len;
            return true;
        case FRAME_BAD:
            fail(session, PEER_ERROR_PROTOCOL);
            return false;
        case FRAME_TOO_LONG:
            fail(session, PEER_ERROR_SIZE);
            return false;
        }
    }
}

/* --- hello ------------------------------------------------------------------------------------------- */

static void
start(struct peer_session *session)
{
    struct peer *peer = session->peer;

    session->state = PEER_READY;
    peer->last_status = "ESTA";
    peer->last_handshake_ms = now_ms();
    LIST_FOR_EACH (shared, &peer->tables, struct peer_table, link)
        peer_table_begin(shared);
    timer_set(loop_here(), &session->heartbeat, now_ms() + HEARTBEAT_MS);
    if (session->is_of_neighbour && session->listener == NULL)
        teach(session);
    peers_on_start(peer);
}

static bool
read_status(struct peer_session *session)
{
    struct str line = text_str(&session->in);
    const char *newline = line.len == 0 ? NULL : memchr(line.ptr, '\n', line.len);
    size_t used;
    int status;

    if (newline == NULL) {
        if (line.len > 16)
            end(session, false);
        return false;
    }
    used = (size_t)(newline - line.ptr) + 1;
    status = atoi(line.ptr);
    memmove(session->in.ptr, session->in.ptr + used, session->in.len - used);
    session->in.len -= used;
    if (status == STATUS_FINE) {
        start(session);
        return session->state != PEER_ENDS;
    }
    session->peer->last_status = status == STATUS_LATER      ? "TRYL"
                                 : status == STATUS_VERSION  ? "VERS"
                                 : status == STATUS_NOT_ME   ? "LMIS"
                                 : status == STATUS_UNKNOWN  ? "RMIS"
                                                             : "ERRO";
    /* The other version is next. */
    session->peer->is_old = status == STATUS_VERSION && !session->is_old;
    if (status != STATUS_LATER)
        peers_log(session->peers, LOG_LEVEL_WARNING, "peers %s: peer %s refuses us with status %d",
                  session->peers->name, session->peer->name, status);
    end(session, false);
    return false;
}

/* 0: another session with this peer gives way, if there is one. */
static enum status
judge_hello(struct peer_session *session, const struct peer_hello *hello)
{
    struct peer *peer;
    char pid[16];

    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    if (!str_eq(hello->protocol, STR("HAProxyS")) || hello->version.ptr == NULL)
        return STATUS_PROTOCOL;
    if (!str_starts(hello->version, STR("2.")))
        return STATUS_VERSION;
    session->is_old = str_eq(hello->version, STR("2.0"));
    if (!str_eq(hello->to, str_from(peers_local_name())))
        return STATUS_NOT_ME;
    peer = peers_find_peer(session->peers, hello->from);
    if (peer == NULL || (peer->conf->is_local && str_eq(hello->pid, str_from(pid))))
        return STATUS_UNKNOWN;
    if (peer->session != NULL && peer->conf->is_local)
        return STATUS_LATER;
    session->peer = peer;
    session->is_of_neighbour = peer->conf->is_local;
    return STATUS_FINE;
}

/* The one that connected last stays. */
static void
take_place(struct peer_session *session)
{
    struct peer_session *old = session->peer->session;

    session->peer->session = session;
    timer_stop(&session->peer->reconnect);
    if (old == NULL)
        return;
    session->peer->collisions++;
    if (session->peers->teacher == session->peer)
        session->peers->teacher = NULL;
    LIST_FOR_EACH (shared, &session->peer->tables, struct peer_table, link) {
        peer_table_end(shared);
        shared->is_defined = shared->must_confirm = false;
    }
    end(old, false);
}

static bool
read_hello(struct peer_session *session)
{
    struct peer_hello hello;
    size_t used = 0;
    enum peer_framing framing = peer_hello_read(text_str(&session->in), &hello, &used);
    enum status status = STATUS_PROTOCOL;

    if (framing == FRAME_MORE)
        return false;
    if (framing == FRAME_WHOLE)
        status = judge_hello(session, &hello);
    text_printf(&session->out, "%d\n", (int)status);
    if (status != STATUS_FINE) {
        if (flush(session))
            end(session, false);
        return false;
    }
    memmove(session->in.ptr, session->in.ptr + used, session->in.len - used);
    session->in.len -= used;
    take_place(session);
    start(session);
    return session->state != PEER_ENDS;
}

/* --- events --------------------------------------------------------------------------------------------- */

/* False: the session is over. */
static bool
understand(struct peer_session *session)
{
    if (session->state == PEER_AWAITS_STATUS && !read_status(session))
        return false; /* or it waits for more: nothing else can be done */
    if (session->state == PEER_AWAITS_HELLO && !read_hello(session))
        return false;
    return session->state == PEER_READY ? hear_all(session) : session->state != PEER_ENDS;
}

static void
read_more(struct peer_session *session)
{
    for (unsigned i = 0; i < READS_MOST; i++) {
        char *room = text_reserve(&session->in, READ_BYTES);
        size_t got = 0;
        enum io result = connection_read(session->conn, room, READ_BYTES, &got);

        if (result == IO_WAIT)
            break;
        if (result != IO_OK) {
            end(session, false);
            return;
        }
        text_keep(&session->in, got);
        timer_set(loop_here(), &session->silence, now_ms() + SILENCE_MS);
        if (!understand(session))
            return;
        if (i + 1 == READS_MOST)
            timer_set(loop_here(), &session->go_on, now_ms());
    }
    peer_session_push(session);
}

static void
on_readable(struct connection *conn)
{
    read_more(conn->owner_data);
}

static void
on_writable(struct connection *conn)
{
    struct peer_session *session = conn->owner_data;

    if (flush(session))
        peer_session_push(session);
}

static void
on_established(struct connection *conn)
{
    struct peer_session *session = conn->owner_data;

    if (conn->err != CONN_ERR_NONE) {
        if (session->peer != NULL)
            session->peer->last_status = "CONN";
        end(session, true);
        return;
    }
    if (session->state != PEER_DIALS)
        return;
    session->state = PEER_AWAITS_STATUS;
    session->is_old = session->peer->is_old;
    text_printf(&session->out, "HAProxyS 2.%d\n%s\n%s %ld 1\n", session->is_old ? 0 : 1,
                session->peer->name, peers_local_name(), (long)getpid());
    (void)flush(session);
}

static const struct connection_owner owner = {
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_established = on_established,
};

static struct peer_session *
session_of(struct timer *timer, size_t offset)
{
    return (struct peer_session *)(void *)((char *)timer - offset);
}

static void
on_heartbeat(struct timer *timer)
{
    struct peer_session *session = session_of(timer, offsetof(struct peer_session, heartbeat));

    timer_set(loop_here(), timer, now_ms() + HEARTBEAT_MS);
    if (session->state != PEER_READY || !is_sent(session))
        return;
    session->peer->heartbeats_sent++;
    peer_add_control(&session->out, PEER_HEARTBEAT);
    (void)flush(session);
}

static void
on_silence(struct timer *timer)
{
    struct peer_session *session = session_of(timer, offsetof(struct peer_session, silence));

    if (session->peer != NULL) {
        session->peer->silences++;
        if (session->state == PEER_READY)
            peers_log(session->peers, LOG_LEVEL_WARNING, "peers %s: peer %s is silent",
                      session->peers->name, session->peer->name);
    }
    end(session, true);
}

static void
on_go_on(struct timer *timer)
{
    read_more(session_of(timer, offsetof(struct peer_session, go_on)));
}

/* --- begin --------------------------------------------------------------------------------------------- */

static struct peer_session *
new_session(struct peers *peers, struct peer *peer, enum peer_state state)
{
    struct peer_session *session = alloc_zero(sizeof(*session));

    session->magic = PEER_SESSION_MAGIC;
    session->peers = peers;
    session->peer = peer;
    session->state = state;
    text_init(&session->in);
    text_init(&session->out);
    timer_init(&session->heartbeat, on_heartbeat);
    timer_init(&session->silence, on_silence);
    timer_init(&session->go_on, on_go_on);
    list_add_last(&peers->sessions, &session->link);
    timer_set(loop_here(), &session->silence, now_ms() + SILENCE_MS);
    return session;
}

void
peer_session_dial(struct peer *peer)
{
    const struct peer_conf *conf = peer->conf;
    struct dial_request request = { .conf = &conf->server->dial, .to = conf->addr };
    struct tls_check wish = { .is_default = true };
    struct peer_session *session;
    enum connection_error err;
    struct tls_dial tls;

    if (conf->addr_text == NULL) /* the local one, whose address is on the bind line */
        request.to = LIST_FIRST(&peer->peers->conf->binds, struct bind_conf, link)->addr;
    tls_dial_for_check(&tls, conf->server->slots, &wish);
    tls_dial_apply(&tls, &request);
    session = new_session(peer->peers, peer, PEER_DIALS);
    session->is_of_neighbour = conf->is_local;
    peer->session = session;
    peer->connects++;
    session->conn = connector_dial(loop_here(), &request, &owner, session, &err);
    if (session->conn == NULL)
        end(session, true);
}

void
peer_session_accept(struct peers *peers, struct listener *listener, struct connection *conn)
{
    struct peer_session *session = new_session(peers, NULL, PEER_AWAITS_HELLO);

    session->conn = conn;
    session->listener = listener;
    connection_set_owner(conn, &owner, session);
    if (!bind_add_handshakes(listener->conf, conn) || !tls_bind_start(listener->conf, conn)) {
        end(session, false);
        return;
    }
    handshake_start(conn);
}
