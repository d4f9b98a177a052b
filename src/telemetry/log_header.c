/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before a log message on the wire: priority, date, host, tag, pid.
 *
 * For:     each target of a message may want another form of it.
 * Owns:    nothing.
 * Callers: log_writer.c, for each line and target.
 * Thread:  pure; in practice the control thread.
 *
 * The bytes are those of HAProxy: rsyslog rules, halog and grok patterns count on
 * them.
 *
 *     rfc3164   <134>Nov 23 06:38:07 host tag[pid]: message
 *     local     <134>Nov 23 06:38:07 tag[pid]: message
 *     rfc5424   <134>1 2026-11-23T06:38:07.430859+00:00 host tag pid - sd message
 *     priority  <134>message
 *     short     <6>message                      the level alone
 *     timed     <6>2026-11-23T06:38:07.430859+00:00 message
 *     iso       2026-11-23T06:38:07.430859+00:00 message
 *     raw       message
 *     json      {"time": "...", "level": "info", "process": "tag", "pid": 12    log_dispatch.c goes
 * on
 */
#include "weir/base/clock.h"
#include "weir/base/json.h"
#include "weir/base/number.h"
#include "private.h"

#define NUMBER_MAX   20 /* digits */
#define DATE_MAX     40
#define NIL          "-" /* RFC 5424: nothing to say */
#define UNKNOWN_HOST "localhost"

const char *const log_header_names[] = { "rfc3164", "rfc5424", "priority", "short", "timed",
                                         "iso",     "raw",     "local",    "json",  NULL };

static void
add_number(struct text *out, uint64_t n)
{
    text_keep(out, number_format(text_reserve(out, NUMBER_MAX), n));
}

static void
add_priority(struct text *out, unsigned priority)
{
    text_add_char(out, '<');
    add_number(out, priority);
    text_add_char(out, '>');
}

static void
add_iso_date(struct text *out, int64_t wall_us)
{
    text_keep(out, clock_format_iso(text_reserve(out, DATE_MAX), wall_us));
    text_add_char(out, ' ');
}

/* A word and a blank. */
static void
add_word(struct text *out, const char *word)
{
    text_puts(out, word == NULL || *word == '\0' ? NIL : word);
    text_add_char(out, ' ');
}

static void
add_bsd(struct text *out, const struct log_header *header, const char *host)
{
    text_keep(out, clock_format_syslog(text_reserve(out, DATE_MAX), header->wall_us));
    text_add_char(out, ' ');
    if (host != NULL)
        add_word(out, host);
    text_puts(out, header->tag);
    text_add_char(out, '[');
    add_number(out, (uint64_t)header->pid);
    text_add(out, STR("]: "));
}

static void
add_rfc5424(struct text *out, const struct log_header *header)
{
    text_add(out, STR("1 "));
    add_iso_date(out, header->wall_us);
    add_word(out, header->host);
    add_word(out, header->tag);
    add_number(out, (uint64_t)header->pid);
    text_add(out, STR(" " NIL " ")); /* no message id */
    text_add(out, header->sd.len == 0 ? STR(NIL) : header->sd);
    text_add_char(out, ' ');
}

static void
add_member(struct text *out, const char *name, const char *value)
{
    text_printf(out, ", \"%s\": \"", name);
    json_escape(out, str_from(value));
    text_add_char(out, '"');
}

/* An object that is still open. */
static void
add_json(struct text *out, const struct log_header *header)
{
    text_add(out, STR("{\"time\": \""));
    text_keep(out, clock_format_iso(text_reserve(out, DATE_MAX), header->wall_us));
    text_add_char(out, '"');
    add_member(out, "level", log_level_name(header->level));
    if (header->host != NULL)
        add_member(out, "host", header->host);
    add_member(out, "process", header->tag);
    text_add(out, STR(", \"pid\": "));
    add_number(out, (uint64_t)header->pid);
}

void
log_header_format(struct text *out, const struct log_header *header)
{
    unsigned priority = header->facility * 8 + (unsigned)header->level;

    switch (header->kind) {
    case HEADER_RFC3164:
        add_priority(out, priority);
        add_bsd(out, header, header->host == NULL ? UNKNOWN_HOST : header->host);
        break;
    case HEADER_DEFAULT:
        add_priority(out, priority);
        add_bsd(out, header, header->host);
        break;
    case HEADER_LOCAL:
        add_priority(out, priority);
        add_bsd(out, header, NULL);
        break;
    case HEADER_RFC5424:
        add_priority(out, priority);
        add_rfc5424(out, header);
        break;
    case HEADER_PRIORITY:
        add_priority(out, priority);
        break;
    case HEADER_SHORT:
        add_priority(out, (unsigned)header->level);
        break;
    case HEADER_TIMED:
        add_priority(out, (unsigned)header->level);
        add_iso_date(out, header->wall_us);
        break;
    case HEADER_ISO:
        add_iso_date(out, header->wall_us);
        break;
    case HEADER_RAW:
        break;
    case HEADER_JSON:
        add_json(out, header);
        break;
    }
}
