/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live receivers of log lines, one for each address, whatever number of
 * log lines and snapshots name it.
 *
 * For:     lines are collected here and sent many at a time.
 * Owns:    the output, and lines that its reader has not taken yet: at most
 *          BACKLOG_MAX bytes, what comes then is dropped and counted.
 * Callers: log_writer.c; log_conf.c adopts and drops.
 * Thread:  control (at boot: the only one).
 *
 * `waiting` holds lines one behind the other, each after its length:
 *
 *     [sent][len|line][len|line][len|line that is being written]
 *           ^at                 ^line_start
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

#define BACKLOG_MAX (1024 * 1024)
#define FLUSH_AT    (64 * 1024)

struct log_sink {
    struct list link;
    unsigned refs;
    struct addr addr;
    char *path; /* owns: of unix addresses, else NULL */
    struct log_output output;
    struct text waiting;
    size_t at;         /* the first line that is not sent */
    size_t partly;     /* bytes of it that are */
    size_t line_start; /* of the line that is being written */
    bool is_stuck;     /* its reader was slow at the last try */
};

static struct list sinks = LIST_INIT(sinks);
static uint64_t dropped; /* atomic: other threads read it */

static void
count_dropped(uint64_t lines)
{
    __atomic_fetch_add(&dropped, lines, __ATOMIC_RELAXED);
}

uint64_t
log_sink_dropped(void)
{
    return __atomic_load_n(&dropped, __ATOMIC_RELAXED);
}

/* --- send ---------------------------------------------------------------------- */

/* Finds the next lines; returns how many. */
static unsigned
collect(const struct log_sink *sink, struct iovec *lines)
{
    unsigned count = 0;

    for (size_t at = sink->at; at < sink->waiting.len && count < LOG_BATCH_MAX; count++) {
        uint32_t len;

        memcpy(&len, sink->waiting.ptr + at, sizeof(len));
        at += sizeof(len);
        lines[count] = (struct iovec){ sink->waiting.ptr + at, len };
        at += len;
    }
    if (count > 0) {
        lines[0].iov_base = (char *)lines[0].iov_base + sink->partly;
        lines[0].iov_len -= sink->partly;
    }
    return count;
}

static void
advance(struct log_sink *sink, const struct log_progress *progress)
{
    for (unsigned i = 0; i < progress->done; i++) {
        uint32_t len;

        memcpy(&len, sink->waiting.ptr + sink->at, sizeof(len));
        sink->at += sizeof(len) + len;
        sink->partly = 0;
    }
    sink->partly += progress->partly;
    count_dropped(progress->lost);
}

/* Sent lines leave the text, so that it does not grow for ever. */
static void
compact(struct log_sink *sink)
{
    size_t left = sink->waiting.len - sink->at;

    if (sink->at == 0)
        return;
    memmove(sink->waiting.ptr, sink->waiting.ptr + sink->at, left);
    sink->waiting.len = left;
    sink->at = 0;
}

/* True: all is sent. */
static bool
flush(struct log_sink *sink)
{
    struct iovec lines[LOG_BATCH_MAX];
    unsigned count;

    sink->is_stuck = false;
    while (!sink->is_stuck && (count = collect(sink, lines)) > 0) {
        struct log_progress progress = log_output_send(&sink->output, lines, count);

        advance(sink, &progress);
        sink->is_stuck = progress.must_wait;
    }
    compact(sink);
    return sink->waiting.len == 0;
}

bool
log_sink_flush_all(void)
{
    bool is_left = false;

    LIST_FOR_EACH (sink, &sinks, struct log_sink, link) {
        if (sink->waiting.len > 0 && !flush(sink))
            is_left = true;
    }
    return is_left;
}

/* --- life ---------------------------------------------------------------------- */

static bool
is_same(const struct addr *a, const struct addr *b)
{
    if (a->family != b->family)
        return false;
    return a->family == ADDR_FD ? a->fd == b->fd : addr_eq(a, b);
}

static struct log_sink *
find(const struct addr *addr)
{
    LIST_FOR_EACH (sink, &sinks, struct log_sink, link) {
        if (is_same(&sink->addr, addr))
            return sink;
    }
    return NULL;
}

static bool
has_path(const struct addr *addr)
{
    return addr->family == ADDR_UNIX || addr->family == ADDR_ABSTRACT ||
           addr->family == ADDR_ABSTRACT_SHORT;
}

struct log_sink *
log_sink_adopt(const struct addr *addr, struct error *err)
{
    struct log_sink *sink = find(addr);
    struct log_output output;

    if (sink != NULL) {
        sink->refs++;
        return sink;
    }
    if (!log_output_open(&output, addr, err))
        return NULL;
    sink = alloc_zero(sizeof(*sink));
    sink->refs = 1;
    sink->output = output;
    sink->addr = *addr;
    if (has_path(addr))
        sink->addr.path = sink->path = alloc_copy(addr->path);
    text_init(&sink->waiting);
    list_add_last(&sinks, &sink->link);
    return sink;
}

/* What is left after one more try is lost. */
void
log_sink_drop(struct log_sink *sink)
{
    if (sink == NULL || --sink->refs > 0)
        return;
    flush(sink);
    while (sink->at < sink->waiting.len) {
        uint32_t len;

        memcpy(&len, sink->waiting.ptr + sink->at, sizeof(len));
        sink->at += sizeof(len) + len;
        count_dropped(1);
    }
    list_remove(&sink->link);
    log_output_close(&sink->output);
    text_fini(&sink->waiting);
    alloc_free(sink->path);
    alloc_free(sink);
}

/* --- write --------------------------------------------------------------------- */

struct text *
log_sink_begin(struct log_sink *sink)
{
    uint32_t len = 0;

    sink->line_start = sink->waiting.len;
    text_add(&sink->waiting, str_of((char *)&len, sizeof(len)));
    return &sink->waiting;
}

void
log_sink_end(struct log_sink *sink)
{
    struct text *waiting = &sink->waiting;
    uint32_t len = (uint32_t)(waiting->len - sink->line_start - sizeof(len));

    memcpy(waiting->ptr + sink->line_start, &len, sizeof(len));
    if (waiting->len >= FLUSH_AT && !sink->is_stuck)
        flush(sink);
    else if (waiting->len > BACKLOG_MAX) {
        waiting->len = sink->line_start;
        count_dropped(1);
    }
}
