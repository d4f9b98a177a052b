/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line to each of its targets: which of them want it, in which form.
 *
 * For:     log_writer.c, which brings lines from all threads.
 * Owns:    nothing; the place in a sample belongs to the target.
 * Callers: log_writer.c.
 * Thread:  control (at boot: the only one).
 */
#include "weir/base/json.h"
#include "weir/telemetry/process.h"
#include "private.h"

static bool
is_sampled(const struct log_target *target)
{
    uint32_t position;

    if (target->range_count == 0)
        return true;
    position = *target->sample_position % target->sample_size + 1;
    *target->sample_position = position;
    for (unsigned i = 0; i < target->range_count; i++) {
        if (position >= target->ranges[i].low && position <= target->ranges[i].high)
            return true;
    }
    return false;
}

static bool
is_for(const struct log_line *line, unsigned number)
{
    if (line->only == LOG_ALL)
        return true;
    if (line->only == LOG_UNPROFILED)
        return line->targets->items[number]->profile == NULL;
    return line->only == (int)number + 1;
}

static const char *
tag_of(const struct log_line *line)
{
    if (line->tag != NULL)
        return line->tag;
    return line->targets->conf->tag != NULL ? line->targets->conf->tag : this_process.name;
}

/* What follows a JSON header: the members of a line that is an object itself, or the text of
 * another one, shortened until all fits into `max` bytes. */
static void
add_json_rest(struct text *out, size_t start, size_t max, const struct log_line *line)
{
    struct str message = line->message;
    size_t mark;

    if (line->is_json) {
        if (message.len > 2)
            text_add(out, STR(", "));
        text_add(out, str_slice(message, 1, message.len));
        return;
    }
    if (line->event != NULL)
        text_printf(out, ", \"event\": \"%s\"%s%.*s", line->event, line->sd.len > 0 ? ", " : "",
                    STR_ARG(line->sd));
    text_add(out, STR(", \"message\": \""));
    mark = out->len;
    for (;;) {
        json_escape(out, message);
        if (out->len - start + 2 <= max || message.len == 0)
            break;
        message.len -= 1 + message.len / 8;
        out->len = mark;
    }
    text_add(out, STR("\"}"));
}

static void
format_line(struct text *out, const struct log_target *target, const struct log_line *line, int pid)
{
    size_t start = out->len;
    /* The line end counts on descriptors, not in datagrams: as HAProxy counts. */
    size_t max = target->addr.family == ADDR_FD ? target->len - 1 : target->len;
    struct log_header header = {
        .kind = target->kind,
        .facility = target->facility,
        .level = line->level > target->level_min ? line->level : target->level_min,
        .wall_us = line->wall_us,
        .host = line->targets->conf->host,
        .tag = tag_of(line),
        .pid = pid,
        .sd = line->event == NULL ? line->sd : STR_NONE,
    };

    if (line->incoming == NULL)
        log_header_format(out, &header);
    if (line->incoming != NULL)
        log_relay_format(out, target, line);
    else if (target->kind == HEADER_JSON)
        add_json_rest(out, start, max, line);
    else
        text_add(out, line->message);
    if (out->len - start > max && !line->is_json)
        out->len = start + max;
}

static void
write_elsewhere(const struct log_target *target, const struct log_line *line, int pid)
{
    static struct text text; /* control */

    text_clear(&text);
    format_line(&text, target, line, pid);
    if (target->ring != NULL)
        ring_write(target->ring->live,
                   str_slice(text_str(&text), 0, (size_t)target->ring->max_len));
    else
        target->backend_kind->write(target->backend, text_str(&text));
}

static void
write_to(const struct log_target *target, const struct log_line *line, int pid)
{
    struct text *out;

    if (target->sink == NULL) {
        write_elsewhere(target, line, pid);
        return;
    }
    out = log_sink_begin(target->sink);
    format_line(out, target, line, pid);
    text_add_char(out, '\n');
    log_sink_end(target->sink);
}

/* Before ADOPT nobody listens. */
static bool
is_live(const struct log_target *target)
{
    return target->sink != NULL || target->backend != NULL ||
           (target->ring != NULL && target->ring->live != NULL);
}

void
log_dispatch(const struct log_line *line, int pid)
{
    for (unsigned i = 0; i < line->targets->count; i++) {
        const struct log_target *target = line->targets->items[i];

        if (is_live(target) && line->level <= target->level_max && is_for(line, i) &&
            is_sampled(target))
            write_to(target, line, pid);
    }
}
