/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that are not about a stream that has ended: a connection that came, or that failed before
 * its first stream.
 *
 * For:     session_start.c, stream.c, do-log.
 * Thread:  owner.
 */
#include <string.h>

#include "private.h"

#include "weir/net/client_addr.h"
#include "weir/telemetry/log.h"

static void
put_text(struct format_out *out, const char *text)
{
    format_raw(out, text, strlen(text));
}

static void
put_destination(struct format_out *out, const struct session *session)
{
    const struct addr *dst = connection_dst(session->client);

    if (out->end - out->pos < ADDR_TEXT_MAX)
        return;
    if (addr_is_ip(dst)) {
        out->pos += addr_format_host(dst, out->pos, ADDR_TEXT_MAX);
        format_char(out, ':');
        format_int(out, dst->port, 0);
    } else {
        format_raw(out, "unix:", 5);
        format_int(out, session_listener_id(session), 0);
    }
}

void
log_line_connect(struct stream *s)
{
    const struct proxy_conf *frontend = s->eval.frontend;
    char line[512];
    struct format_out out = { line, line + sizeof(line), false };

    if (!log_targets_want(frontend->logs, LOG_LEVEL_INFO))
        return;
    format_raw(&out, "Connect from ", 13);
    log_line_client(&out, s->session, client_src(&s->eval));
    format_raw(&out, " to ", 4);
    put_destination(&out, s->session);
    format_raw(&out, " (", 2);
    put_text(&out, frontend->name);
    put_text(&out, stream_is_http(s) ? "/HTTP)" : "/TCP)");
    log_send(frontend->logs, LOG_LEVEL_INFO, frontend->log_tag,
             str_of(line, (size_t)(out.pos - line)), STR_NONE);
}

static void
put_bind(struct format_out *out, const struct session *session)
{
    const struct bind_conf *bind =
        session->listener == NULL ? NULL : grace_read(session->listener->conf);

    if (bind != NULL && bind->name != NULL)
        put_text(out, bind->name);
    else
        format_int(out, session_listener_id(session), 0);
}

static void
put_session_error(struct format_out *out, struct session *session,
                  const struct proxy_conf *frontend, const char *message)
{
    log_line_client(out, session, connection_src(session->client));
    log_line_date(out, session->accepted_us);
    put_text(out, frontend->name);
    format_char(out, '/');
    put_bind(out, session);
    format_raw(out, ": ", 2);
    put_text(out, message);
}

static void
send_session_line(struct session *session, const struct proxy_conf *frontend,
                  const struct log_format *format, const char *text, struct log_message message)
{
    char line[LOG_LINE_MAX];
    struct format_out out = { line, line + sizeof(line), false };

    message.is_json = format != NULL && log_format_is_json(format);
    if (message.is_json && log_targets_json_len(frontend->logs) < sizeof(line))
        out.end = line + log_targets_json_len(frontend->logs);
    if (format != NULL)
        session_start_format(session, format, &out);
    else
        put_session_error(&out, session, frontend, text);
    message.text = str_of(line, (size_t)(out.pos - line));
    log_send_message(frontend->logs, &message);
}

/* As a profile has it. */
static void
send_session_as(struct session *session, const struct proxy_conf *frontend,
                const struct log_profile *profile, const char *text, struct log_message message)
{
    const struct log_profile_step *step = log_profile_step(profile, log_origin_of_session(session));
    const struct log_format *format = frontend->error_log_format;

    if (step != NULL && step->is_dropped)
        return;
    if (step != NULL && step->format != NULL)
        format = step->format;
    if (log_profile_tag(profile) != NULL)
        message.tag = log_profile_tag(profile);
    send_session_line(session, frontend, format, text, message);
}

void
log_line_session(struct session *session, const struct proxy_conf *frontend, const char *text,
                 const struct log_profile *profile)
{
    struct log_message message = {
        .level = frontend->option.log_separate_errors ? LOG_LEVEL_ERR : LOG_LEVEL_INFO,
        .tag = frontend->log_tag,
        .only = LOG_ALL,
    };

    if (!log_targets_want(frontend->logs, message.level))
        return;
    if (profile != NULL) {
        send_session_as(session, frontend, profile, text, message);
        return;
    }
    if (log_targets_have_profiles(frontend->logs))
        message.only = LOG_UNPROFILED;
    send_session_line(session, frontend, frontend->error_log_format, text, message);
    for (unsigned i = 0; message.only != LOG_ALL && i < log_targets_count(frontend->logs); i++) {
        message.only = (int)i + 1;
        if (log_targets_profile(frontend->logs, i) != NULL)
            send_session_as(session, frontend, log_targets_profile(frontend->logs, i), text,
                            message);
    }
}
