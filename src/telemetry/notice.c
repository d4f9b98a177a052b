/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says on stderr.
 *
 * For:     people at the terminal, and tools that cut "[ALERT] (pid) : ..." apart.
 * Owns:    the text of the start, for "show startup-logs".
 * Callers: main, config reports, server states; everybody who must be seen
 *          where no log is read.
 * Thread:  any. A message is one write(2); a lock guards the kept text.
 *
 * Before the first warning or alert of a start stand two notices with version
 * and path of the program: bug reports are made by copying from there on.
 */
#include "weir/telemetry/notice.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/loop/lock.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/process.h"

#define KEPT_MAX (256 * 1024) /* bytes of startup text */

static struct lock lock = LOCK_INIT(LOCK_TELEMETRY);
static struct text kept = TEXT_INIT;
static bool is_quiet;
static bool is_started;
static bool has_told_version;
static unsigned warnings; /* atomic */

/* Padded, so that the pids of a report stand in one column. */
static const char *const frames[] = {
    [NOTICE_ALERT] = "[ALERT]   ",
    [NOTICE_WARNING] = "[WARNING] ",
    [NOTICE_NOTICE] = "[NOTICE]  ",
};

static void
write_all(struct str s)
{
    while (s.len > 0) {
        ssize_t done = write(STDERR_FILENO, s.ptr, s.len);

        if (done <= 0)
            return;
        s = str_slice(s, (size_t)done, s.len);
    }
}

static void
say(struct str s)
{
    lock_take(&lock);
    if (!is_started && kept.len + s.len <= KEPT_MAX)
        text_add(&kept, s);
    lock_give(&lock);
    if (!is_quiet)
        write_all(s);
}

static void
frame(struct text *out, enum notice_level level, struct str message)
{
    text_printf(out, "%s (%d) : ", frames[level], (int)getpid());
    while (message.len > 0 && message.ptr[message.len - 1] == '\n')
        message.len--;
    while (message.ptr != NULL) {
        text_add(out, str_split(&message, '\n'));
        text_add_char(out, '\n');
        if (message.ptr != NULL)
            text_add(out, STR("   | "));
    }
}

static void
tell_version(void)
{
    struct text out = TEXT_INIT;
    char path[1024], line[1100];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (has_told_version || is_started)
        return;
    has_told_version = true;
    path[len < 0 ? 0 : len] = '\0';
    snprintf(line, sizeof(line), "%s version is %s", this_process.name, this_process.version);
    frame(&out, NOTICE_NOTICE, str_from(line));
    snprintf(line, sizeof(line), "path to executable is %s", path);
    frame(&out, NOTICE_NOTICE, str_from(line));
    say(text_str(&out));
    text_fini(&out);
}

static void
count_warnings(unsigned count)
{
    __atomic_fetch_add(&warnings, count, __ATOMIC_RELAXED);
}

void
notice_print(enum notice_level level, const char *fmt, ...)
{
    struct text message = TEXT_INIT, out = TEXT_INIT;
    va_list args;

    va_start(args, fmt);
    text_vprintf(&message, fmt, args);
    va_end(args);
    frame(&out, level, text_str(&message));
    if (level != NOTICE_NOTICE)
        tell_version();
    if (level == NOTICE_WARNING)
        count_warnings(1);
    say(text_str(&out));
    text_fini(&message);
    text_fini(&out);
}

static unsigned
warnings_in(struct str report)
{
    unsigned count = 0;

    for (long at = 0; (at = str_find(report, STR("[WARNING]"), (size_t)at)) >= 0; at++)
        count++;
    return count;
}

void
notice_print_framed(struct str text)
{
    if (text.len == 0)
        return;
    if (str_find(text, STR("[ALERT]"), 0) >= 0 || str_find(text, STR("[WARNING]"), 0) >= 0)
        tell_version();
    count_warnings(warnings_in(text));
    say(text);
}

void
notice_set_quiet(bool quiet, bool verbose)
{
    is_quiet = quiet && !verbose;
}

void
notice_end_startup(void)
{
    is_started = true;
}

void
notice_begin_startup(void)
{
    lock_take(&lock);
    text_clear(&kept);
    is_started = false;
    has_told_version = false;
    lock_give(&lock);
}

struct str
notice_startup_text(void)
{
    return text_str(&kept);
}

unsigned
notice_warning_count(void)
{
    return __atomic_load_n(&warnings, __ATOMIC_RELAXED);
}

/* The first thread that starts ends the start: the configuration was accepted. */
static void
start_thread(void)
{
    if (thread_is_control())
        notice_end_startup();
}

static const struct start_hook hooks[] = { { START_THREAD, start_thread } };
REGISTER(start_hook, hooks);
