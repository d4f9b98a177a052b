/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line to each of its targets: which of them want it, in which form.
 *
 * For:     log_writer.c, which brings lines from all threads.
 * Owns:    nothing; the place in a sample belongs to the target.
 * Callers: log_writer.c.
 * Thread:  control (at boot: the only one).
 */
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

static const char *
tag_of(const struct log_line *line)
{
    if (line->tag != NULL)
        return line->tag;
    return line->targets->conf->tag != NULL ? line->targets->conf->tag : this_process.name;
}

static void
write_to(const struct log_target *target, const struct log_line *line, int pid)
{
    struct text *out = log_sink_begin(target->sink);
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
        .sd = line->sd,
    };

    log_header_format(out, &header);
    text_add(out, line->message);
    if (out->len - start > max)
        out->len = start + max;
    text_add_char(out, '\n');
    log_sink_end(target->sink);
}

void
log_dispatch(const struct log_line *line, int pid)
{
    for (unsigned i = 0; i < line->targets->count; i++) {
        const struct log_target *target = line->targets->items[i];

        if (target->sink != NULL && line->level <= target->level_max && is_sampled(target))
            write_to(target, line, pid);
    }
}
