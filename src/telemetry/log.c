/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log messages: levels, and the calls by which all rooms speak.
 *
 * For:     one call for a line, whoever listens.
 * Owns:    nothing.
 * Callers: stream (log lines), and every room that has something to tell.
 * Thread:  traffic and control; boot. Not builder threads.
 */
#include "weir/telemetry/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "weir/base/clock.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "private.h"

#define PRINTF_MAX 2048

static const char *const level_names[] = {
    [LOG_LEVEL_EMERG] = "emerg", [LOG_LEVEL_ALERT] = "alert",     [LOG_LEVEL_CRIT] = "crit",
    [LOG_LEVEL_ERR] = "err",     [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",     [LOG_LEVEL_SILENT] = "silent",
};

const char *
log_level_name(enum log_level level)
{
    return level_names[level];
}

bool
log_level_parse(struct str word, enum log_level *out)
{
    for (unsigned i = 0; i < COUNT(level_names); i++) {
        if (str_eq(word, str_from(level_names[i]))) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool
log_targets_want(const struct log_targets *targets, enum log_level level)
{
    return targets != NULL && (int)level <= targets->level;
}

size_t
log_targets_max_len(const struct log_targets *targets)
{
    return targets == NULL ? 0 : targets->max_len;
}

static struct str
cut(struct str s, size_t max)
{
    return s.len > max ? str_of(s.ptr, max) : s;
}

static struct str
without_line_end(struct str s)
{
    while (s.len > 0 && s.ptr[s.len - 1] == '\n')
        s.len--;
    return s;
}

size_t
log_targets_json_len(const struct log_targets *targets)
{
    return targets == NULL ? 0 : targets->json_len;
}

unsigned
log_targets_count(const struct log_targets *targets)
{
    return targets->count;
}

bool
log_targets_have_profiles(const struct log_targets *targets)
{
    return targets->has_profiles;
}

const void *
log_targets_profile(const struct log_targets *targets, unsigned number)
{
    return targets->items[number]->profile;
}

void
log_send(const struct log_targets *targets, enum log_level level, const char *tag,
         struct str message, struct str sd)
{
    struct log_message one = {
        .level = level, .tag = tag, .text = message, .extra = sd, .only = LOG_ALL
    };

    log_send_message(targets, &one);
}

void
log_send_message(const struct log_targets *targets, const struct log_message *message)
{
    struct loop *loop = loop_here();
    struct log_line line;

    if (!log_targets_want(targets, message->level))
        return;
    line = (struct log_line){
        .targets = targets,
        .level = message->level,
        .tag = message->tag,
        .wall_us = loop == NULL ? clock_wall_us() : loop->wall_us,
        .message =
            cut(without_line_end(message->text), message->is_json ? LOG_LEN_MAX : targets->max_len),
        .sd = cut(str_trim(message->extra), LOG_LEN_MAX),
        .event = message->event,
        .is_json = message->is_json,
        .only = message->only,
    };
    if (this_thread == NULL || thread_is_control())
        log_writer_write(&line);
    else
        log_writer_pass_on(&line);
}

__attribute__((format(printf, 3, 0))) static void
send_formatted(const struct log_targets *targets, struct log_message message, const char *fmt,
               va_list args)
{
    char text[PRINTF_MAX];
    int len = vsnprintf(text, sizeof(text), fmt, args);

    if (len <= 0)
        return;
    message.text = str_of(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
    message.only = LOG_ALL;
    log_send_message(targets, &message);
}

void
log_printf(const struct log_targets *targets, enum log_level level, const char *fmt, ...)
{
    va_list args;

    if (!log_targets_want(targets, level))
        return;
    va_start(args, fmt);
    send_formatted(targets, (struct log_message){ .level = level, .event = "message" }, fmt, args);
    va_end(args);
}

void
log_event(const struct log_targets *targets, enum log_level level, const char *tag,
          const char *event, struct str members, const char *fmt, ...)
{
    struct log_message message = { .level = level, .tag = tag, .extra = members, .event = event };
    va_list args;

    if (!log_targets_want(targets, level))
        return;
    va_start(args, fmt);
    send_formatted(targets, message, fmt, args);
    va_end(args);
}

void
log_process(enum log_level level, const char *fmt, ...)
{
    const struct log_targets *targets = log_global_targets();
    va_list args;

    if (!log_targets_want(targets, level))
        return;
    va_start(args, fmt);
    send_formatted(targets, (struct log_message){ .level = level, .event = "message" }, fmt, args);
    va_end(args);
}

const struct log_targets *
log_global_targets(void)
{
    const struct snapshot *snapshot = snapshot_current();

    return snapshot == NULL ? NULL : log_conf_of(snapshot)->global;
}

uint64_t
log_dropped(void)
{
    return log_writer_dropped() + log_sink_dropped();
}
