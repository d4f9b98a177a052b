/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain facts about a stream: names, counts of connections, bytes, its unique id.
 *
 * For:     log lines, aliases, samples, the runtime socket.
 * Thread:  owner.
 */
#include <stddef.h>

#include "private.h"

const char *
stream_server_name(const struct stream *s)
{
    if (s->eval.server != NULL)
        return s->eval.server->name;
    return s->service != NULL ? s->service : "<NOSRV>";
}

/* As written, else counted within its proxy. */
static int64_t
id_of(const struct bind_conf *wanted)
{
    const struct proxy_conf *owner = wanted->owner_conf;
    int64_t id = 1;

    if (wanted->id != 0)
        return wanted->id;
    LIST_FOR_EACH (bind, &owner->binds, struct bind_conf, link) {
        if (bind == wanted)
            break;
        id++;
    }
    return id;
}

int64_t
session_listener_id(const struct session *session)
{
    const struct bind_conf *bind =
        session->listener == NULL ? NULL : grace_read(session->listener->conf);

    return bind == NULL ? 0 : id_of(bind);
}

uint64_t
stream_frontend_connections(const struct stream *s)
{
    return __atomic_load_n(&s->eval.frontend->live->front_current, __ATOMIC_RELAXED);
}

uint64_t
stream_backend_connections(const struct stream *s)
{
    return __atomic_load_n(&s->eval.backend->live->back_current, __ATOMIC_RELAXED);
}

uint64_t
stream_server_connections(const struct stream *s)
{
    return s->eval.server == NULL ? 0 : __atomic_load_n(&s->eval.server->current, __ATOMIC_RELAXED);
}

uint64_t
stream_bytes_from_client(const struct stream *s)
{
    return s->front->bytes_in;
}

uint64_t
stream_bytes_to_client(const struct stream *s)
{
    return s->front->bytes_out;
}

uint64_t
stream_bytes_from_server(const struct stream *s)
{
    return s->server_bytes_in + (s->back == NULL ? 0 : s->back->bytes_in);
}

uint64_t
stream_answer_bytes(const struct stream *s)
{
    return (s->flags & STREAM_LOCAL_REPLY) != 0 ? stream_bytes_to_client(s)
                                                : stream_bytes_from_server(s);
}

uint64_t
stream_bytes_to_server(const struct stream *s)
{
    return s->server_bytes_out + (s->back == NULL ? 0 : s->back->bytes_out);
}

uint64_t
log_line_count(const struct proxy_conf *frontend)
{
    return counter_sum(&frontend->live->front_counters, offsetof(struct proxy_row, log_lines));
}

/* --- addresses of a server's connection ---------------------------------- */

/* Asking the system for our own address costs a call: only for formats that may show it. */
void
stream_keep_addrs(struct stream *s)
{
    const struct proxy_conf *frontend = s->eval.frontend;
    struct connection *conn = s->eval.server_conn;

    if (frontend->logs == NULL || frontend->log_flavour != LOG_CUSTOM || conn == NULL)
        return;
    if (s->server_addrs == NULL)
        s->server_addrs = arena_take(&s->arena, sizeof(*s->server_addrs));
    if (s->server_addrs == NULL)
        return;
    s->server_addrs->source = *connection_src(conn);
    s->server_addrs->server = *connection_dst(conn);
}

const struct addr *
stream_source_addr(const struct stream *s)
{
    if (s->eval.server_conn != NULL)
        return connection_src(s->eval.server_conn);
    return s->server_addrs == NULL ? NULL : &s->server_addrs->source;
}

const struct addr *
stream_server_addr(const struct stream *s)
{
    if (s->eval.server_conn != NULL)
        return connection_dst(s->eval.server_conn);
    return s->server_addrs == NULL ? NULL : &s->server_addrs->server;
}

/* --- names --------------------------------------------------------------- */

struct str
stream_unique_id(struct stream *s)
{
    const struct log_format *format = s->eval.frontend->unique_id_format;

    if (s->unique_id.ptr == NULL && format != NULL) {
        s->unique_id = STR(""); /* as the format itself sees it */
        s->unique_id = log_format_to_str(format, &s->eval);
    }
    return s->unique_id;
}
