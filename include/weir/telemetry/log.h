/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log messages: levels, targets, and the way from a traffic thread to the wire. A line is formatted
 * once into a ring of the thread; the control thread sends what the rings hold, in batches. A full
 * ring counts drops and says so later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/list.h"
#include "weir/base/str.h"
#include "weir/config/parse.h"

enum log_level {
    LOG_LEVEL_EMERG,
    LOG_LEVEL_ALERT,
    LOG_LEVEL_CRIT,
    LOG_LEVEL_ERR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_SILENT
};

/* The log lines that apply to one proxy, resolved: an array of targets. Immutable, in the snapshot.
 */
struct log_targets;

/* "log ..." in global, defaults and proxies: parses parse->words and adds to *targets (made when
 * NULL). "log global" and "no log" are understood. */
bool log_targets_parse(struct parse *parse, struct log_targets **targets);
/* Does anybody listen at this level? Lets the caller skip formatting. NULL targets: false. */
bool log_targets_want(const struct log_targets *targets, enum log_level level);
/* Longest message (len) any of them takes. */
size_t log_targets_max_len(const struct log_targets *targets);
/* Sends one message (without header) to all targets; each adds its own header (format, facility,
 * tag, host). `sd`: RFC 5424 structured data or empty. `tag` NULL: the global one. Traffic thread
 * or control: copies, never waits, never calls the system. */
void log_send(const struct log_targets *targets, enum log_level level, const char *tag,
              struct str message, struct str sd);
/* One message and whom it is for. */
struct log_message {
    enum log_level level;
    const char *tag;   /* NULL: the global one */
    struct str text;   /* one line, or one JSON object */
    struct str extra;  /* RFC 5424 structured data of lines; JSON members of events: "a": 1, "b": 2 */
    const char *event; /* static; a name for programs; NULL: a line of traffic */
    bool is_json;      /* the text is an object: no target cuts it */
    int only;          /* LOG_ALL, LOG_UNPROFILED, or 1 + the number of a target */
};
#define LOG_ALL        0
#define LOG_UNPROFILED (-1) /* targets without a profile */

void log_send_message(const struct log_targets *targets, const struct log_message *message);
/* Something happened: a message for people with a name and members for programs ("format json"). */
void log_event(const struct log_targets *targets, enum log_level level, const char *tag,
               const char *event, struct str members, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* How long JSON objects may be, so that each target takes them whole. */
size_t log_targets_json_len(const struct log_targets *targets);

/* Profiles: formats of one's own for a target. They belong to a room that knows formats. */
unsigned log_targets_count(const struct log_targets *targets);
bool log_targets_have_profiles(const struct log_targets *targets);
/* Of the target with that number; NULL: none. */
const void *log_targets_profile(const struct log_targets *targets, unsigned number);
/* Builder, CONFIG_RESOLVE: asks `find` for each profile that is named; NULL: reported. */
bool log_profiles_resolve(struct parse *parse,
                          const void *(*find)(struct parse *parse, const char *name,
                                              struct source_pos pos));

/* The process's own messages go to the log lines of the global section. */
void log_process(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Of a proxy: targets may be NULL. */
void log_printf(const struct log_targets *targets, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const struct log_targets *log_global_targets(void);
/* Messages dropped since start because a ring was full. */
uint64_t log_dropped(void);
const char *log_level_name(enum log_level level);
bool log_level_parse(struct str word, enum log_level *out);
