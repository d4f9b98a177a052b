/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line that is written at the end of a stream.
 *
 * For:     stream_end(), or the first byte of the answer with option logasap.
 * Thread:  owner. Formatted once, on the stack, and handed to log_send(), which copies and never
 * waits.
 *
 * The two usual forms, option httplog and option tcplog, are written by hand here: they are the
 * price of every logged request. All others are compiled formats (log_line_conf of room proxy,
 * log_alias.c).
 */
#include <string.h>

#include "private.h"

#include "weir/base/clock.h"
#include "weir/base/number.h"
#include "weir/net/client_addr.h"
#include "weir/net/transport.h"
#include "weir/proxy/admission.h"
#include "weir/telemetry/log.h"

/* --- pieces -------------------------------------------------------------- */

static void
put(struct format_out *out, const char *text, size_t len)
{
    size_t room = (size_t)(out->end - out->pos);

    if (len > room)
        len = room;
    memcpy(out->pos, text, len);
    out->pos += len;
}

static void
put_char(struct format_out *out, char c)
{
    if (out->pos < out->end)
        *out->pos++ = c;
}

static void
put_text(struct format_out *out, const char *text)
{
    put(out, text, strlen(text));
}

static void
put_number(struct format_out *out, int64_t n)
{
    if (out->end - out->pos >= 20)
        out->pos += number_format_int(out->pos, n);
}

static void
put_number_and(struct format_out *out, int64_t n, char c)
{
    put_number(out, n);
    put_char(out, c);
}

/* "-", or '+' for what is still growing. */
static void
put_growing(struct format_out *out, const struct stream *s, int64_t n)
{
    if (s->times.ended == 0)
        put_char(out, '+');
    put_number(out, n);
}

void
log_line_client(struct format_out *out, const struct session *session, const struct addr *src)
{
    if (out->end - out->pos < ADDR_TEXT_MAX)
        return;
    if (addr_is_ip(src)) {
        out->pos += addr_format_host(src, out->pos, ADDR_TEXT_MAX);
        put_char(out, ':');
        put_number(out, src->port);
    } else {
        put_text(out, "unix:");
        put_number(out, session_listener_id(session));
    }
}

void
log_line_date(struct format_out *out, int64_t wall_us)
{
    if (out->end - out->pos < 32)
        return;
    put_char(out, ' ');
    put_char(out, '[');
    out->pos += clock_format_log(out->pos, wall_us);
    put_char(out, ']');
    put_char(out, ' ');
}

static void
put_names(struct format_out *out, const struct stream *s)
{
    put_text(out, s->eval.frontend->name);
    if (s->session->client->transport != &plain_transport)
        put_char(out, '~');
    put_char(out, ' ');
    put_text(out, s->eval.backend->name);
    put_char(out, '/');
    put_text(out, stream_server_name(s));
    put_char(out, ' ');
}

/* actconn/feconn/beconn/srv_conn/retries srv_queue/backend_queue */
static void
put_counts(struct format_out *out, const struct stream *s)
{
    put_char(out, ' ');
    put_number_and(out, (int64_t)admission_current(), '/');
    put_number_and(out, (int64_t)stream_frontend_connections(s), '/');
    put_number_and(out, (int64_t)stream_backend_connections(s), '/');
    put_number_and(out, (int64_t)stream_server_connections(s), '/');
    if ((s->flags & STREAM_REDISPATCHED) != 0)
        put_char(out, '+');
    put_number_and(out, s->retries_done, ' ');
    put_number_and(out, s->queue_server_position, '/');
    put_number(out, s->queue_backend_position);
}

/* What could break the line, or its quotes, becomes #XX. */
static void
put_escaped(struct format_out *out, struct str text, unsigned flags)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len && out->end - out->pos >= 3; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c == ']' || c == '\\') && (flags & FORMAT_ESCAPE) != 0)
            *out->pos++ = '\\';
        if (c >= 32 && c < 127 && c != '"' && c != '#') {
            *out->pos++ = (char)c;
        } else {
            *out->pos++ = '#';
            *out->pos++ = hex[c >> 4];
            *out->pos++ = hex[c & 15];
        }
    }
}

void
log_line_part(struct format_out *out, struct str text, unsigned flags)
{
    if ((flags & FORMAT_IS_LOG) != 0)
        put_escaped(out, text, flags);
    else
        put(out, text.ptr, text.len);
}

void
log_line_request(struct format_out *out, const struct stream *s, unsigned flags)
{
    const struct message *request = s->request;

    if (request == NULL || s->asked_target.ptr == NULL) {
        put_text(out, "<BADREQ>");
        return;
    }
    log_line_part(out, s->asked_method, flags);
    put_char(out, ' ');
    log_line_part(out, s->asked_target, flags);
    put_text(out, " HTTP/");
    put_number_and(out, request->version_major, '.');
    put_number(out, request->version_minor);
}

/* --- the two usual lines ------------------------------------------------- */

static void
put_http(struct format_out *out, const struct stream *s)
{
    char letters[2];

    log_line_client(out, s->session, client_src(&s->eval));
    log_line_date(out, s->times.request_wall);
    put_names(out, s);
    put_number_and(out, stream_timer(s, TIMER_REQUEST), '/');
    put_number_and(out, stream_timer(s, TIMER_QUEUE), '/');
    put_number_and(out, stream_timer(s, TIMER_CONNECT), '/');
    put_number_and(out, stream_timer(s, TIMER_RESPONSE), '/');
    put_growing(out, s, stream_timer(s, TIMER_ACTIVE));
    put_char(out, ' ');
    put_number_and(out, s->status == 0 ? -1 : s->status, ' ');
    put_growing(out, s, (int64_t)stream_answer_bytes(s));
    put_text(out, " - - ");
    put_char(out, (char)s->end_cause);
    put_char(out, (char)s->end_phase);
    persistence_letters(&s->persistence, s->eval.backend, letters);
    put_char(out, letters[0]);
    put_char(out, letters[1]);
    put_counts(out, s);
    put_text(out, " \"");
    log_line_request(out, s, FORMAT_IS_LOG);
    put_char(out, '"');
}

static void
put_tcp(struct format_out *out, const struct stream *s)
{
    log_line_client(out, s->session, client_src(&s->eval));
    log_line_date(out, s->times.accepted_wall);
    put_names(out, s);
    put_number_and(out, stream_timer(s, TIMER_QUEUE), '/');
    put_number_and(out, stream_timer(s, TIMER_CONNECT), '/');
    put_growing(out, s, stream_timer(s, TIMER_TOTAL));
    put_char(out, ' ');
    put_growing(out, s, (int64_t)stream_answer_bytes(s));
    put_char(out, ' ');
    put_char(out, (char)s->end_cause);
    put_char(out, (char)s->end_phase);
    put_counts(out, s);
}

/* --- whether, and how loud ----------------------------------------------- */

static bool
is_error(const struct stream *s)
{
    if ((s->flags & STREAM_REDISPATCHED) != 0)
        return true;
    if (s->end_cause != END_NORMAL && s->end_cause != END_LOCAL)
        return true;
    if (s->end_cause == END_NORMAL && s->retries_done != 0)
        return true;
    return stream_is_http(s) && s->status >= 500;
}

static bool
is_null(const struct stream *s)
{
    return s->front->bytes_in == 0;
}

static enum log_level
level_of(const struct stream *s, const struct proxy_conf *frontend)
{
    if (s->log_level >= 0)
        return (enum log_level)s->log_level;
    if ((s->flags & STREAM_NO_LOG) != 0)
        return LOG_LEVEL_SILENT;
    if (frontend->option.dontlognull && is_null(s))
        return LOG_LEVEL_SILENT;
    if (!is_error(s))
        return frontend->option.dontlog_normal ? LOG_LEVEL_SILENT : LOG_LEVEL_INFO;
    return frontend->option.log_separate_errors ? LOG_LEVEL_ERR : LOG_LEVEL_INFO;
}

/* The two usual ones; without "option httplog" and the like, profiles need some line too. */
static void
put_line(struct format_out *out, struct stream *s)
{
    if (s->eval.frontend->log_flavour == LOG_HTTP && stream_is_http(s))
        put_http(out, s);
    else
        put_tcp(out, s);
}

static struct str
structured_data(struct stream *s, const struct log_format *format)
{
    return format == NULL ? STR_NONE : log_format_to_str(format, &s->eval);
}

/* A line in this format; NULL: the usual one. For the targets that `message` names. Apart, because
 * of its stack. */
static __attribute__((noinline)) void
send_line(struct stream *s, const struct log_format *format, const struct log_format *sd,
          struct log_message message)
{
    const struct proxy_conf *frontend = s->eval.frontend;
    char line[LOG_LINE_MAX];
    struct format_out out = { line, line + sizeof(line), false };

    s->eval.proxy = frontend;
    s->eval.place = PLACE_FE_LOG;
    if (format == NULL)
        format = frontend->log_format;
    message.is_json = format != NULL && log_format_is_json(format);
    if (message.is_json && log_targets_json_len(frontend->logs) < sizeof(line))
        out.end = line + log_targets_json_len(frontend->logs);
    if (format != NULL)
        log_format_run(format, &s->eval, &out);
    else
        put_line(&out, s);
    message.text = str_of(line, (size_t)(out.pos - line));
    message.extra = structured_data(s, sd);
    log_send_message(frontend->logs, &message);
}

/* As a profile has it. */
static void
send_as(struct stream *s, const struct log_profile *profile, struct log_message message)
{
    const struct log_profile_step *step = log_profile_step(profile, (enum log_origin)s->log_origin);
    const struct log_format *sd = s->eval.frontend->log_format_sd;

    if (step != NULL && step->is_dropped)
        return;
    if (step != NULL && step->sd != NULL)
        sd = step->sd;
    if (log_profile_tag(profile) != NULL)
        message.tag = log_profile_tag(profile);
    send_line(s, step == NULL ? NULL : step->format, sd, message);
}

/* To each target as its profile has it, and to those without profile the usual line. */
static void
write_profiled(struct stream *s, struct log_message message)
{
    const struct proxy_conf *frontend = s->eval.frontend;

    message.only = LOG_UNPROFILED;
    send_line(s, NULL, frontend->log_format_sd, message);
    for (unsigned i = 0; i < log_targets_count(frontend->logs); i++) {
        message.only = (int)i + 1;
        if (log_targets_profile(frontend->logs, i) != NULL)
            send_as(s, log_targets_profile(frontend->logs, i), message);
    }
}

static void
write_line(struct stream *s, enum log_level level)
{
    const struct proxy_conf *frontend = s->eval.frontend;
    struct log_message message = { .level = level, .tag = frontend->log_tag, .only = LOG_ALL };

    counter_add(&s->front_row->log_lines, 1);
    if (s->log_profile != NULL)
        send_as(s, s->log_profile, message);
    else if (log_targets_have_profiles(frontend->logs))
        write_profiled(s, message);
    else
        send_line(s, NULL, frontend->log_format_sd, message);
}

void
log_line_step(struct stream *s, enum log_origin origin)
{
    const struct proxy_conf *frontend = s->eval.frontend;
    enum log_level level = s->log_level >= 0 ? (enum log_level)s->log_level : LOG_LEVEL_INFO;

    if ((frontend->log_steps >> origin & 1) == 0 || level == LOG_LEVEL_SILENT ||
        !log_targets_want(frontend->logs, level))
        return;
    s->log_origin = (uint8_t)origin;
    write_line(s, level);
    s->log_origin = ORIGIN_CLOSE;
}

/* False: nobody wants it. */
static bool
write_if_wanted(struct stream *s)
{
    const struct proxy_conf *frontend = s->eval.frontend;
    enum log_level level;

    if (frontend->logs == NULL ||
        (frontend->log_flavour == LOG_DEFAULT && frontend->log_format == NULL &&
         !log_targets_have_profiles(frontend->logs)))
        return false;
    level = level_of(s, frontend);
    if (level == LOG_LEVEL_SILENT || !log_targets_want(frontend->logs, level))
        return false;
    write_line(s, level);
    return true;
}

void
log_line_now(struct stream *s, enum log_origin origin, const struct log_profile *profile)
{
    const struct proxy_conf *proxy = s->eval.proxy; /* whose rules run */
    uint32_t place = s->eval.place;

    s->log_origin = (uint8_t)origin;
    s->log_profile = profile;
    (void)write_if_wanted(s);
    s->eval.proxy = proxy;
    s->eval.place = place;
    s->log_profile = NULL;
    s->log_origin = ORIGIN_CLOSE;
}

void
log_line_stream(struct stream *s)
{
    unsigned wanted = s->eval.frontend->log_steps;

    if (wanted != 0 && (wanted & 1u << ORIGIN_CLOSE) == 0)
        return;
    if ((s->flags & STREAM_LOGGED) == 0 && write_if_wanted(s))
        s->flags |= STREAM_LOGGED;
}
