/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of others, in the form that a target wants.
 *
 * For:     log-forward sections: log_dispatch.c asks for each line and target.
 * Owns:    nothing.
 * Callers: log_dispatch.c; log_relay() by whoever receives messages.
 * Thread:  control.
 *
 * A target without a format gets the form that the message came in. What that lacks is made up: the date is now, the
 * host the sender's (option host) or "localhost", the facility the target's. Nothing of our own name goes in.
 */
#include "weir/telemetry/log_relay.h"

#include <time.h>

#include "weir/base/clock.h"
#include "weir/base/json.h"
#include "weir/loop/loop.h"
#include "private.h"

#define DATE_MAX 40

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static enum log_header_kind
kind_for(const struct log_target *target, const struct log_incoming *in)
{
    if (target->kind_is_given || (target->ring != NULL && target->ring->has_format))
        return target->kind;
    if (in->form == INCOMING_RFC5424 && in->time.len > 0)
        return HEADER_RFC5424;
    if (in->form == INCOMING_RFC3164)
        return in->host.len > 0 ? HEADER_RFC3164 : HEADER_LOCAL;
    return in->has_priority ? HEADER_PRIORITY : HEADER_RAW;
}

static bool
is_bsd_date(struct str date)
{
    return date.len > 0 && date.ptr[0] >= 'A';
}

static void
add_now(struct text *out, bool is_iso, int64_t wall_us)
{
    char *to = text_reserve(out, DATE_MAX);

    text_keep(out, is_iso ? clock_format_iso(to, wall_us) : clock_format_syslog(to, wall_us));
}

/* Dates of RFC 3164 have no year: this one. */
static void
add_iso_date(struct text *out, struct str date, int64_t wall_us)
{
    time_t now = (time_t)(wall_us / 1000000);
    struct tm tm;

    if (!is_bsd_date(date)) {
        if (date.len > 0)
            text_add(out, date);
        else
            add_now(out, true, wall_us);
        return;
    }
    localtime_r(&now, &tm);
    text_printf(out, "%04d-%02u-%c%cT%.*s-00:00", tm.tm_year + 1900, log_month_of(date),
                date.ptr[4] == ' ' ? '0' : date.ptr[4], date.ptr[5], 8, date.ptr + 7);
}

static void
add_bsd_date(struct text *out, struct str date, int64_t wall_us)
{
    unsigned month;

    if (date.len == 0) {
        add_now(out, false, wall_us);
    } else if (is_bsd_date(date)) {
        text_add(out, date);
    } else {
        month = (unsigned)((date.ptr[5] - '0') * 10 + date.ptr[6] - '0');
        text_printf(out, "%.3s %c%c %.8s", month_names + (size_t)(month - 1) * 3,
                    date.ptr[8] == '0' ? ' ' : date.ptr[8], date.ptr[9], date.ptr + 11);
    }
}

static void
add_host(struct text *out, const struct log_incoming *in, const char *unknown)
{
    bool has_source = in->source != NULL;
    bool only_source = has_source && (in->host_rule == RELAY_HOST_REPLACE ||
                                      (in->host.len == 0 && in->host_rule != RELAY_HOST_KEEP));

    if (only_source)
        text_puts(out, in->source);
    else if (in->host.len > 0)
        text_add(out, in->host);
    else
        text_puts(out, unknown);
    if (has_source && !only_source && in->host_rule == RELAY_HOST_APPEND)
        text_printf(out, ",%s", in->source);
    text_add_char(out, ' ');
}

static void
add_bsd_tag(struct text *out, const struct log_incoming *in)
{
    if (in->tag.len == 0)
        return;
    text_add(out, in->tag);
    if (in->pid.len > 0)
        text_printf(out, "[%.*s]", STR_ARG(in->pid));
    text_add(out, STR(": "));
}

static void
add_or_nil(struct text *out, struct str s)
{
    text_add(out, s.len > 0 ? s : STR("-"));
    text_add_char(out, ' ');
}

static void
add_rfc5424(struct text *out, const struct log_incoming *in, int64_t wall_us)
{
    text_add(out, STR("1 "));
    /* One that says it has no date stays without. */
    if (in->form == INCOMING_RFC5424 && in->time.len == 0)
        text_add_char(out, '-');
    else
        add_iso_date(out, in->time, wall_us);
    text_add_char(out, ' ');
    add_host(out, in, "-");
    add_or_nil(out, in->tag);
    add_or_nil(out, in->pid);
    add_or_nil(out, in->message_id);
    add_or_nil(out, in->sd);
}

static void
add_member(struct text *out, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    text_printf(out, ", \"%s\": \"", name);
    json_escape(out, value);
    text_add_char(out, '"');
}

static void
add_json(struct text *out, const struct log_incoming *in, enum log_level level, int64_t wall_us)
{
    struct text host = TEXT_INIT;

    text_add(out, STR("{\"time\": \""));
    add_iso_date(out, in->time, wall_us);
    text_printf(out, "\", \"level\": \"%s\"", log_level_name(level));
    add_host(&host, in, "");
    add_member(out, "host", str_trim(text_str(&host)));
    text_fini(&host);
    add_member(out, "process", in->tag);
    add_member(out, "pid", in->pid);
    add_member(out, "message", in->message);
    text_add_char(out, '}');
}

void
log_relay_format(struct text *out, const struct log_target *target, const struct log_line *line)
{
    const struct log_incoming *in = line->incoming;
    enum log_header_kind kind = kind_for(target, in);
    enum log_level level = line->level > target->level_min ? line->level : target->level_min;
    unsigned facility = in->has_priority ? in->priority / 8 : target->facility;

    if (kind == HEADER_JSON) {
        add_json(out, in, level, line->wall_us);
        return;
    }
    if (kind == HEADER_SHORT || kind == HEADER_TIMED)
        text_printf(out, "<%u>", (unsigned)level);
    else if (kind != HEADER_ISO && kind != HEADER_RAW)
        text_printf(out, "<%u>", facility * 8 + (unsigned)level);
    if (kind == HEADER_RFC5424)
        add_rfc5424(out, in, line->wall_us);
    if (kind == HEADER_TIMED || kind == HEADER_ISO)
        add_iso_date(out, in->time, line->wall_us);
    if (kind == HEADER_RFC3164 || kind == HEADER_LOCAL || kind == HEADER_DEFAULT)
        add_bsd_date(out, in->time, line->wall_us);
    if (kind != HEADER_RFC5424 && kind != HEADER_RAW && kind != HEADER_SHORT && kind != HEADER_PRIORITY)
        text_add_char(out, ' ');
    if (kind == HEADER_RFC3164 || kind == HEADER_DEFAULT)
        add_host(out, in, "localhost");
    if (kind == HEADER_RFC3164 || kind == HEADER_LOCAL || kind == HEADER_DEFAULT)
        add_bsd_tag(out, in);
    text_add(out, in->message);
}

void
log_relay(const struct log_targets *targets, const struct log_incoming *incoming)
{
    struct log_line line = {
        .targets = targets,
        .level = (enum log_level)(incoming->priority % 8),
        .wall_us = loop_here()->wall_us,
        .message = incoming->message,
        .incoming = incoming,
        .only = LOG_ALL,
    };

    if (log_targets_want(targets, line.level))
        log_writer_write(&line);
}
