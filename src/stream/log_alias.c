/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The %aliases of log formats.
 *
 * For:     log_format.c of room expr, which finds them by name.
 * Thread:  owner of the stream.
 *
 * A line about a connection that never became a stream has a session only: what a stream would know
 * is "-" then.
 */
#include <stdio.h>
#include <unistd.h>

#include "private.h"

#include "weir/base/clock.h"
#include "weir/check/check.h"
#include "weir/http/uri.h"
#include "weir/net/client_addr.h"
#include "weir/net/transport.h"
#include "weir/proxy/admission.h"
#include "weir/telemetry/process.h"

static void
put_str(struct format_out *out, struct str text, unsigned flags)
{
    format_str(out, text, flags);
}

static void
put_text(struct format_out *out, const char *text, unsigned flags)
{
    format_str(out, str_from(text), flags);
}

static void
put_none(struct format_out *out, unsigned flags)
{
    format_str(out, STR_NONE, flags);
}

/* --- addresses ----------------------------------------------------------- */

enum which_addr { ADDR_OF_CLIENT, ADDR_OF_FRONTEND, ADDR_OF_BACKEND, ADDR_OF_SERVER };

static const struct addr *
find_addr(struct eval *eval, intptr_t which)
{
    switch ((enum which_addr)which) {
    case ADDR_OF_CLIENT:
        return client_src(eval);
    case ADDR_OF_FRONTEND:
        return client_dst(eval);
    case ADDR_OF_BACKEND:
        return eval->stream == NULL ? NULL : stream_source_addr(eval->stream);
    case ADDR_OF_SERVER:
        return eval->stream == NULL ? NULL : stream_server_addr(eval->stream);
    }
    return NULL;
}

static void
put_hex_host(struct format_out *out, const struct addr *addr)
{
    static const char hex[] = "0123456789ABCDEF";
    const unsigned char *bytes = (const unsigned char *)&addr->ip6;
    size_t count = addr->family == ADDR_IPV4 ? 4 : 16;

    for (size_t i = 0; i < count; i++) {
        format_char(out, hex[bytes[i] >> 4]);
        format_char(out, hex[bytes[i] & 15]);
    }
}

static void
run_host(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    const struct addr *addr = find_addr(eval, alias->private);
    char text[ADDR_TEXT_MAX];

    if (addr == NULL || addr->family == ADDR_NONE) {
        put_none(out, flags);
    } else if (!addr_is_ip(addr)) {
        put_text(out, "unix", flags);
    } else if ((flags & FORMAT_HEX) != 0) {
        put_hex_host(out, addr);
    } else {
        put_str(out, str_of(text, addr_format_host(addr, text, sizeof(text))), flags);
    }
}

/* Most numbers are not for %{+X}. */
static void
put_decimal(struct format_out *out, int64_t n, unsigned flags)
{
    format_int(out, n, flags & ~(unsigned)FORMAT_HEX);
}

/* Ports in hex have four digits. */
static void
put_port(struct format_out *out, int64_t port, unsigned flags)
{
    char text[24];

    if ((flags & FORMAT_HEX) != 0)
        format_raw(out, text,
                   (size_t)snprintf(text, sizeof(text), "%04llX", (unsigned long long)port));
    else
        put_decimal(out, port, flags);
}

static void
run_port(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    const struct addr *addr = find_addr(eval, alias->private);

    if (addr == NULL || addr->family == ADDR_NONE)
        put_none(out, flags);
    else if (!addr_is_ip(addr))
        put_port(out, session_listener_id(eval->session), flags);
    else
        put_port(out, addr->port, flags);
}

/* --- names --------------------------------------------------------------- */

static void
run_backend(struct eval *eval, const struct log_alias *alias, unsigned flags,
            struct format_out *out)
{
    (void)alias;
    put_text(out, eval->backend->name, flags);
}

static void
run_frontend(struct eval *eval, const struct log_alias *alias, unsigned flags,
             struct format_out *out)
{
    char text[256];

    if (alias->private == 0 || eval->client->transport == &plain_transport) {
        put_text(out, eval->frontend->name, flags);
        return;
    }
    snprintf(text, sizeof(text), "%s~", eval->frontend->name);
    put_text(out, text, flags);
}

static void
run_server(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    (void)alias;
    if ((flags & FORMAT_NULL) != 0 && eval->server == NULL)
        return;
    put_text(out, eval->stream == NULL ? "<NOSRV>" : stream_server_name(eval->stream), flags);
}

/* FILE:LINE of the rule that decided what became of the request. */
static void
run_rule(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    char text[512];

    (void)alias;
    if (eval->decided == NULL) {
        put_none(out, flags);
        return;
    }
    snprintf(text, sizeof(text), "%s:%d", eval->decided->file, eval->decided->line);
    put_text(out, text, flags);
}

static void
run_origin(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    (void)alias;
    put_text(out, log_origin_name(eval->stream != NULL ? (enum log_origin)eval->stream->log_origin
                                                      : log_origin_of_session(eval->session)),
             flags);
}

static void
run_host_name(struct eval *eval, const struct log_alias *alias, unsigned flags,
              struct format_out *out)
{
    static _Thread_local char name[256];

    (void)eval;
    (void)alias;
    if (name[0] == 0)
        (void)gethostname(name, sizeof(name) - 1);
    put_text(out, name, flags);
}

static void
run_unique_id(struct eval *eval, const struct log_alias *alias, unsigned flags,
              struct format_out *out)
{
    (void)alias;
    if (eval->check != NULL)
        put_str(out, check_unique_id(eval->check, eval), flags);
    else
        put_str(out, eval->stream == NULL ? STR_NONE : stream_unique_id(eval->stream), flags);
}

/* --- dates --------------------------------------------------------------- */

enum date_of { ACCEPTED, REQUESTED };

static int64_t
find_date(const struct eval *eval, intptr_t which)
{
    if (eval->stream == NULL)
        return eval->session->accepted_us;
    return which == REQUESTED ? eval->stream->times.request_wall
                              : eval->stream->times.accepted_wall;
}

static void
run_date(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    char text[64];

    (void)flags;
    format_raw(out, text, clock_format_log(text, find_date(eval, alias->private)));
}

static void
run_date_local(struct eval *eval, const struct log_alias *alias, unsigned flags,
               struct format_out *out)
{
    char text[64];

    (void)flags;
    format_raw(out, text, clock_format_log_zone(text, find_date(eval, alias->private)));
}

static void
run_date_gmt(struct eval *eval, const struct log_alias *alias, unsigned flags,
             struct format_out *out)
{
    char text[64];

    (void)flags;
    format_raw(out, text, clock_format_log_gmt(text, find_date(eval, alias->private)));
}

/* 2026-11-23T06:38:07.430859+00:00: of the request, or of the connection in TCP mode. */
static void
run_date_iso(struct eval *eval, const struct log_alias *alias, unsigned flags,
             struct format_out *out)
{
    bool is_http = eval->stream != NULL && stream_is_http(eval->stream);
    char text[64];
    size_t len = clock_format_iso(text, find_date(eval, is_http ? REQUESTED : ACCEPTED));

    (void)alias;
    put_str(out, str_of(text, len), flags);
}

static void
run_seconds(struct eval *eval, const struct log_alias *alias, unsigned flags,
            struct format_out *out)
{
    int64_t seconds = find_date(eval, alias->private) / 1000000;
    char text[24];

    if ((flags & FORMAT_HEX) != 0)
        format_raw(out, text,
                   (size_t)snprintf(text, sizeof(text), "%04llX", (unsigned long long)seconds));
    else
        format_int(out, seconds, flags);
}

static void
run_milliseconds(struct eval *eval, const struct log_alias *alias, unsigned flags,
                 struct format_out *out)
{
    unsigned ms = (unsigned)(find_date(eval, alias->private) / 1000 % 1000);
    char text[8];

    format_raw(out, text,
               (size_t)snprintf(text, sizeof(text),
                                (flags & FORMAT_HEX) != 0 ? "%02X" : "%03u", ms));
}

/* --- times --------------------------------------------------------------- */

static void
run_timer(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    enum stream_timer timer = (enum stream_timer)alias->private;
    const struct stream *s = eval->stream;

    if (s != NULL && s->times.ended == 0 &&
        (timer == TIMER_ACTIVE || timer == TIMER_TOTAL || timer == TIMER_USER ||
         timer == TIMER_DATA))
        format_char(out, '+');
    put_decimal(out, s == NULL ? -1 : stream_timer(s, timer), flags);
}

/* --- counts -------------------------------------------------------------- */

enum count_of {
    COUNT_PROCESS,
    COUNT_FRONTEND,
    COUNT_BACKEND,
    COUNT_SERVER,
    COUNT_SERVER_QUEUE,
    COUNT_BACKEND_QUEUE,
};

static int64_t
find_count(const struct eval *eval, intptr_t which)
{
    const struct stream *s = eval->stream;

    switch ((enum count_of)which) {
    case COUNT_PROCESS:
        return (int64_t)admission_current();
    case COUNT_FRONTEND:
        return (int64_t)__atomic_load_n(&eval->frontend->live->front_current, __ATOMIC_RELAXED);
    case COUNT_BACKEND:
        return s == NULL ? 0 : (int64_t)stream_backend_connections(s);
    case COUNT_SERVER:
        return s == NULL ? 0 : (int64_t)stream_server_connections(s);
    case COUNT_SERVER_QUEUE:
        return s == NULL ? 0 : s->queue_server_position;
    case COUNT_BACKEND_QUEUE:
        return s == NULL ? 0 : s->queue_backend_position;
    }
    return 0;
}

static void
run_count(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    put_decimal(out, find_count(eval, alias->private), flags);
}

static void
run_retries(struct eval *eval, const struct log_alias *alias, unsigned flags,
            struct format_out *out)
{
    const struct stream *s = eval->stream;

    (void)alias;
    if (s != NULL && (s->flags & STREAM_REDISPATCHED) != 0)
        format_char(out, '+');
    put_decimal(out, s == NULL ? 0 : s->retries_done, flags);
}

/* The first line is number 0. */
static void
run_line_count(struct eval *eval, const struct log_alias *alias, unsigned flags,
               struct format_out *out)
{
    (void)alias;
    put_port(out, (int64_t)log_line_count(eval->frontend) - 1, flags);
}

static void
run_request_count(struct eval *eval, const struct log_alias *alias, unsigned flags,
                  struct format_out *out)
{
    (void)alias;
    put_port(out, eval->stream == NULL ? 0 : eval->stream->id, flags);
}

static void
run_pid(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    (void)eval;
    (void)alias;
    put_port(out, getpid(), flags);
}

static void
run_bytes(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    const struct stream *s = eval->stream;

    if (s != NULL && s->times.ended == 0)
        format_char(out, '+');
    if (s == NULL)
        put_decimal(out, 0, flags);
    else
        put_decimal(out,
                   (int64_t)(alias->private == 0 ? stream_answer_bytes(s)
                                                 : stream_bytes_from_client(s)),
                   flags);
}

/* --- how it ended -------------------------------------------------------- */

static void
run_state(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    const struct stream *s = eval->stream;
    char text[4] = { '-', '-', '-', '-' };

    if (s != NULL) {
        text[0] = (char)s->end_cause;
        text[1] = (char)s->end_phase;
        if (stream_is_http(s))
            persistence_letters(&s->persistence, s->eval.backend, text + 2);
    }
    (void)flags;
    format_raw(out, text, (size_t)alias->private);
}

static void
run_status(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    const struct stream *s = eval->stream;

    (void)alias;
    if (s != NULL && !stream_is_http(s) && (flags & FORMAT_NULL) == 0)
        put_decimal(out, 0, flags);
    else
        put_decimal(out, s == NULL || s->status == 0 ? -1 : s->status, flags);
}

/* --- the request --------------------------------------------------------- */

enum request_part { PART_METHOD, PART_PATH_OF_URI, PART_PATH, PART_QUERY, PART_URI, PART_LINE };

/* As received: rules may have changed the message since. */
static struct str
find_part(const struct stream *s, intptr_t which)
{
    struct str uri = s->asked_target;
    struct uri parts = { .path = uri };
    long at = str_find_char(uri, '?');

    switch ((enum request_part)which) {
    case PART_METHOD:
        return s->asked_method;
    case PART_PATH_OF_URI:
        return at < 0 ? uri : str_slice(uri, 0, (size_t)at);
    case PART_PATH:
        uri_split(uri, false, &parts);
        return uri_path_only(parts.path);
    case PART_QUERY:
        return at < 0 ? STR("") : str_slice(uri, (size_t)at, uri.len - (size_t)at);
    case PART_URI:
    case PART_LINE:
        break;
    }
    return uri;
}

static bool
has_request(const struct stream *s)
{
    return s != NULL && s->request != NULL && s->asked_target.ptr != NULL;
}

/* Nothing has come, or nothing that can be read. */
static void
put_bad_request(struct format_out *out, unsigned flags)
{
    if ((flags & FORMAT_NULL) == 0)
        put_text(out, "<BADREQ>", flags);
}

/* In log lines quotes are escaped even without +Q. */
static void
run_request(struct eval *eval, const struct log_alias *alias, unsigned flags,
            struct format_out *out)
{
    struct str part;

    if (!has_request(eval->stream)) {
        put_bad_request(out, flags);
        return;
    }
    part = find_part(eval->stream, alias->private);
    if (part.len == 0 && (flags & FORMAT_QUOTE) == 0)
        return; /* an empty query is no "-" */
    if ((flags & FORMAT_QUOTE) != 0)
        format_char(out, '"');
    log_line_part(out, part, flags);
    if ((flags & FORMAT_QUOTE) != 0)
        format_char(out, '"');
}

static void
run_version(struct eval *eval, const struct log_alias *alias, unsigned flags,
            struct format_out *out)
{
    char text[32];

    (void)alias;
    if (!has_request(eval->stream)) {
        put_bad_request(out, flags);
        return;
    }
    snprintf(text, sizeof(text), "HTTP/%u.%u", eval->stream->request->version_major,
             eval->stream->request->version_minor);
    put_text(out, text, flags);
}

static void
run_line(struct eval *eval, const struct log_alias *alias, unsigned flags, struct format_out *out)
{
    (void)alias;
    if (!has_request(eval->stream)) {
        put_bad_request(out, flags);
        return;
    }
    if ((flags & FORMAT_QUOTE) != 0)
        format_char(out, '"');
    log_line_request(out, eval->stream, flags);
    if ((flags & FORMAT_QUOTE) != 0)
        format_char(out, '"');
}

static const struct log_alias aliases[] = {
    { "ci", run_host, ADDR_OF_CLIENT, 0, "client address" },
    { "cp", run_port, ADDR_OF_CLIENT, ALIAS_NUMBER, "client port" },
    { "fi", run_host, ADDR_OF_FRONTEND, 0, "accepting address" },
    { "fp", run_port, ADDR_OF_FRONTEND, ALIAS_NUMBER, "accepting port" },
    { "bi", run_host, ADDR_OF_BACKEND, 0, "source address towards the server" },
    { "bp", run_port, ADDR_OF_BACKEND, ALIAS_NUMBER, "source port towards the server" },
    { "si", run_host, ADDR_OF_SERVER, 0, "server address" },
    { "sp", run_port, ADDR_OF_SERVER, ALIAS_NUMBER, "server port" },
    { "b", run_backend, 0, ALIAS_ANYWHERE, "backend name" },
    { "f", run_frontend, 0, 0, "frontend name" },
    { "ft", run_frontend, 1, 0, "frontend name, with ~ over TLS" },
    { "s", run_server, 0, 0, "server name" },
    { "RL", run_rule, 0, 0, "file and line of the rule that decided" },
    { "OG", run_origin, 0, 0, "why the line is written" },
    { "ISO", run_date_iso, 0, 0, "date of the request as in ISO 8601" },
    { "H", run_host_name, 0, ALIAS_ANYWHERE, "local host name" },
    { "ID", run_unique_id, 0, ALIAS_ANYWHERE, "unique id" },
    { "t", run_date, ACCEPTED, 0, "accept date with milliseconds" },
    { "tr", run_date, REQUESTED, ALIAS_HTTP, "request date with milliseconds" },
    { "T", run_date_gmt, ACCEPTED, 0, "accept date, UTC" },
    { "Tl", run_date_local, ACCEPTED, 0, "accept date, local" },
    { "trg", run_date_gmt, REQUESTED, ALIAS_HTTP, "request date, UTC" },
    { "trl", run_date_local, REQUESTED, ALIAS_HTTP, "request date, local" },
    { "Ts", run_seconds, ACCEPTED, ALIAS_NUMBER, "accept date, seconds since 1970" },
    { "ms", run_milliseconds, ACCEPTED, ALIAS_NUMBER, "milliseconds of the accept date" },
    { "Th", run_timer, TIMER_HANDSHAKE, ALIAS_NUMBER, "handshake time" },
    { "Ti", run_timer, TIMER_IDLE, ALIAS_HTTP | ALIAS_NUMBER, "idle time before the request" },
    { "TR", run_timer, TIMER_REQUEST, ALIAS_HTTP | ALIAS_NUMBER, "time to receive the request's head" },
    { "Tq", run_timer, TIMER_TO_REQUEST, ALIAS_HTTP | ALIAS_NUMBER, "Th + Ti + TR" },
    { "Tw", run_timer, TIMER_QUEUE, ALIAS_NUMBER, "queue time" },
    { "Tc", run_timer, TIMER_CONNECT, ALIAS_NUMBER, "connect time" },
    { "Tr", run_timer, TIMER_RESPONSE, ALIAS_HTTP | ALIAS_NUMBER, "response time of the server" },
    { "Td", run_timer, TIMER_DATA, ALIAS_NUMBER, "data transfer time" },
    { "Ta", run_timer, TIMER_ACTIVE, ALIAS_HTTP | ALIAS_NUMBER, "active time of the request" },
    { "Tt", run_timer, TIMER_TOTAL, ALIAS_NUMBER, "total time" },
    { "Tu", run_timer, TIMER_USER, ALIAS_NUMBER, "total time without idle time" },
    { "ac", run_count, COUNT_PROCESS, ALIAS_NUMBER, "connections of the process" },
    { "fc", run_count, COUNT_FRONTEND, ALIAS_NUMBER, "connections of the frontend" },
    { "bc", run_count, COUNT_BACKEND, ALIAS_NUMBER, "connections of the backend" },
    { "sc", run_count, COUNT_SERVER, ALIAS_NUMBER, "connections of the server" },
    { "sq", run_count, COUNT_SERVER_QUEUE, ALIAS_NUMBER, "position in the server's queue" },
    { "bq", run_count, COUNT_BACKEND_QUEUE, ALIAS_NUMBER, "position in the backend's queue" },
    { "lc", run_line_count, 0, ALIAS_NUMBER, "log lines of the frontend so far" },
    { "rc", run_retries, 0, ALIAS_NUMBER, "retries, with + after a redispatch" },
    { "rt", run_request_count, 0, ALIAS_NUMBER, "number of the request" },
    { "pid", run_pid, 0, ALIAS_NUMBER | ALIAS_ANYWHERE, "process id" },
    { "B", run_bytes, 0, ALIAS_NUMBER, "bytes from the server" },
    { "U", run_bytes, 1, ALIAS_NUMBER, "bytes from the client" },
    { "ts", run_state, 2, 0, "termination state" },
    { "tsc", run_state, 4, ALIAS_HTTP, "termination state with cookie status" },
    { "ST", run_status, 0, ALIAS_NUMBER, "status code" },
    { "HM", run_request, PART_METHOD, ALIAS_HTTP, "method" },
    { "HP", run_request, PART_PATH_OF_URI, ALIAS_HTTP, "URI without query" },
    { "HPO", run_request, PART_PATH, ALIAS_HTTP, "path" },
    { "HQ", run_request, PART_QUERY, ALIAS_HTTP, "query with its question mark" },
    { "HU", run_request, PART_URI, ALIAS_HTTP, "URI" },
    { "HV", run_version, 0, ALIAS_HTTP, "HTTP version" },
    { "r", run_line, 0, ALIAS_HTTP, "request line" },
};
REGISTER(log_alias, aliases);
