/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the global section that tune the machinery: few of them mean anything to weir's.
 *
 * For:     files that were tuned for HAProxy and must run unchanged.
 * Owns:    nothing but what `priority` says.
 * Thread:  builder; control.
 *
 * Three kinds, told apart by what the user sees: settings that work; settings that ask for what
 * weir does anyway, or for what it has no use for (accepted, the help says why); and settings whose
 * lack changes nothing but speed (a warning).
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "weir/config/keyword.h"
#include "weir/loop/profile.h"
#include "weir/loop/thread.h"
#include "weir/loop/watchdog.h"
#include "private.h"

#define WATCHDOG_STOP_MS 10000 /* a thread that stays away so long stops the program */

struct tuning_conf {
    bool has_runtime_nice;
    int64_t startup_nice, runtime_nice;
    bool has_startup_nice;
    int64_t warn_blocked_ms; /* 0: the built-in time */
    enum { PROFILE_UNSAID, PROFILE_OFF, PROFILE_ON } profile;
};

static struct slot tuning_slot = SLOT("tuning", SLOT_GLOBAL, struct tuning_conf);
REGISTER_SLOT(tuning_slot);

static struct tuning_conf *
tuning_of(struct parse *parse)
{
    return snapshot_slot(parse->snapshot, &tuning_slot);
}

/* --- priority: while the configuration is read at the start, and then -------------------- */

static bool
is_boot(void)
{
    return thread_count() == 0;
}

static bool
parse_nice(struct parse *parse)
{
    struct tuning_conf *conf = tuning_of(parse);
    bool is_runtime = strcmp(parse->keyword, "tune.renice.runtime") == 0;
    int64_t *to = is_runtime ? &conf->runtime_nice : &conf->startup_nice;

    if (!parse_int(parse, "a priority from -20 to 19", -20, 19, to))
        return false;
    *(is_runtime ? &conf->has_runtime_nice : &conf->has_startup_nice) = true;
    if (!is_runtime && is_boot() && setpriority(PRIO_PROCESS, 0, (int)*to) == -1)
        parse_warn(parse, "cannot set the priority to %d: %s", (int)*to, strerror(errno));
    return parse_end(parse);
}

/* Threads inherit the priority: they start later. */
static bool
set_runtime_nice(struct parse *parse)
{
    const struct tuning_conf *conf = tuning_of(parse);
    int nice = conf->has_runtime_nice ? (int)conf->runtime_nice : 0;

    if (!is_boot() || (!conf->has_runtime_nice && !conf->has_startup_nice))
        return true;
    if (setpriority(PRIO_PROCESS, 0, nice) == -1)
        parse_warn_at(parse, (struct source_pos){ NULL, 0 }, "cannot set the priority to %d: %s",
                      nice, strerror(errno));
    return true;
}

/* --- watchdog ------------------------------------------------------------------------------ */

static bool
parse_warn_blocked(struct parse *parse)
{
    struct tuning_conf *conf = tuning_of(parse);

    if (!parse_time(parse, "a time from 1 to 1000 ms", "ms", &conf->warn_blocked_ms))
        return false;
    if (conf->warn_blocked_ms < 1 || conf->warn_blocked_ms > 1000)
        return parse_alert(parse, "'%s' expects a time from 1 to 1000 ms", parse->keyword);
    return parse_end(parse);
}

static bool
set_watchdog(struct parse *parse)
{
    const struct tuning_conf *conf = tuning_of(parse);

    if (is_boot() && conf->warn_blocked_ms > 0)
        watchdog_set_limits((unsigned)conf->warn_blocked_ms, WATCHDOG_STOP_MS);
    return true;
}

/* --- profile of the loops ------------------------------------------------------------------ */

/* "auto" is off: "set profiling tasks on" begins when somebody wants to know. */
static bool
parse_profiling(struct parse *parse)
{
    static const char *const words[] = { "auto", "off", "on", NULL };
    int word;

    if (!parse_choice(parse, "'auto', 'on' or 'off'", words, &word))
        return false;
    tuning_of(parse)->profile = word == 2 ? PROFILE_ON : PROFILE_OFF;
    return parse_end(parse);
}

/* A file that says nothing leaves what was set at the runtime socket. */
static bool
set_profile(struct parse *parse)
{
    const struct tuning_conf *conf = tuning_of(parse);

    if (conf->profile != PROFILE_UNSAID)
        profile_set(conf->profile == PROFILE_ON);
    return true;
}

static const struct config_hook hooks[] = {
    { CONFIG_CHECK, ORDER_MAIN, set_runtime_nice, "main: priority" },
    { CONFIG_CHECK, ORDER_MAIN, set_watchdog, "main: watchdog" },
    { CONFIG_PUBLISH, ORDER_MAIN, set_profile, "main: profile of the loops" },
};
REGISTER(config_hook, hooks);

/* --- what is only accepted -------------------------------------------------------------------- */

static bool
parse_without_meaning(struct parse *parse)
{
    words_rest(parse);
    return true;
}

static bool
parse_without_effect(struct parse *parse)
{
    if (!parse->negated)
        parse_warn(parse, "'%s' has no effect yet", parse->keyword);
    words_rest(parse);
    return true;
}

static bool
parse_memory_profile(struct parse *parse)
{
    const char *word = words_peek(parse->words);

    if (word != NULL && strcmp(word, "off") != 0)
        return parse_without_effect(parse);
    return parse_without_meaning(parse);
}

#define WITHOUT_MEANING(name_, args_, why_)                                                        \
    {                                                                                              \
        name_, IN_GLOBAL, .flags = KEYWORD_NO, .args = args_, .parse = parse_without_meaning,      \
                          .help = why_                                                             \
    }
#define WITHOUT_EFFECT(name_, args_)                                                               \
    {                                                                                              \
        name_, IN_GLOBAL, .flags = KEYWORD_NO, .args = args_, .parse = parse_without_effect,       \
                          .help = "Accepted with a warning: it has no effect yet."                 \
    }

static const struct keyword keywords[] = {
    { "tune.renice.startup", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<priority>", .parse = parse_nice,
      .help = "Priority of the process while it reads its configuration at the start." },
    { "tune.renice.runtime", IN_GLOBAL, .flags = KEYWORD_RESTART, .args = "<priority>", .parse = parse_nice,
      .help = "Priority of the process once it has read its configuration." },
    { "warn-blocked-traffic-after", IN_GLOBAL, .args = "<time>", .parse = parse_warn_blocked,
      .help = "A thread that does not come back to its loop for so long is told about." },
    { "profiling.tasks", IN_GLOBAL, .args = "{auto|on|off}", .parse = parse_profiling,
      .help = "Counts what the loops call and how long it takes: show profiling, cpu_ns_tot." },
    { "profiling.memory", IN_GLOBAL, .args = "{on|off}", .parse = parse_memory_profile,
      .help = "Accepted: 'on' has no effect, which a warning says." },

    WITHOUT_MEANING("cluster-secret", "<secret>", "Accepted: nothing in weir needs it."),
    WITHOUT_MEANING("debug.counters", "<on|off>", "Accepted: there are no such counters."),
    WITHOUT_MEANING("expose-deprecated-directives", NULL, "Accepted: what is there is not hidden."),
    WITHOUT_MEANING("expose-experimental-directives", NULL,
                    "Accepted: what is there is not hidden."),
    WITHOUT_MEANING("harden.reject-privileged-ports.quic", "<on|off>",
                    "Accepted: there is no QUIC."),
    WITHOUT_MEANING("insecure-fork-wanted", NULL, "Accepted: weir does not forbid itself to fork."),
    WITHOUT_MEANING("limited-quic", NULL, "Accepted: there is no QUIC."),
    WITHOUT_MEANING("mworker-max-reloads", "<count>",
                    "Accepted: a reload starts no process, so none are left behind."),
    WITHOUT_MEANING("no-memory-trimming", NULL, "Accepted: a reload doubles no memory."),
    WITHOUT_MEANING("noevports", NULL, "Accepted: there are no event ports on Linux."),
    WITHOUT_MEANING("nogetaddrinfo", NULL,
                    "Accepted: names are always looked up through the system."),
    WITHOUT_MEANING("nokqueue", NULL, "Accepted: there is no kqueue on Linux."),
    WITHOUT_MEANING("noktls", NULL, "Accepted: kernel TLS is not used."),
    WITHOUT_MEANING("prealloc-fd", NULL, "Accepted: the kernel grows its tables by need."),
    WITHOUT_MEANING("quick-exit", NULL, "Accepted: leaving takes no time."),
    WITHOUT_MEANING("tune.applet.zero-copy-forwarding", "<on|off>",
                    "Accepted: buffers move between sides without copies of their own."),
    WITHOUT_MEANING("tune.buffers.limit", "<count>",
                    "Accepted: buffers are taken when there is data and given back at once."),
    WITHOUT_MEANING("tune.buffers.reserve", "<count>",
                    "Accepted: buffers are taken when there is data and given back at once."),
    WITHOUT_MEANING("tune.bufsize.small", "<size>", "Accepted: there is one size of buffers."),
    WITHOUT_MEANING("tune.defaults.purge", "[all|none|proxies|servers]",
                    "Accepted: a configuration is freed as a whole."),
    WITHOUT_MEANING("tune.disable-zero-copy-forwarding", NULL,
                    "Accepted: buffers move between sides without copies of their own."),
    WITHOUT_MEANING("tune.epoll.mask-events", "<event>[,...]",
                    "Accepted: libev decides which events it looks at."),
    WITHOUT_MEANING("tune.events.max-events-at-once", "<count>",
                    "Accepted: events of health checks are not queued."),
    WITHOUT_MEANING("tune.fd.edge-triggered", "<on|off>",
                    "Accepted: events are level-triggered and armed once."),
    WITHOUT_MEANING("tune.fd.tables", "<shared|per-thread-group>",
                    "Accepted: threads share no table of descriptors."),
    WITHOUT_MEANING("tune.listener.default-shards", "<how>",
                    "Accepted: each thread has its own listening socket."),
    WITHOUT_MEANING("tune.listener.multi-queue", "<on|off|fair>",
                    "Accepted: each thread has its own listening socket."),
    WITHOUT_MEANING("tune.maxpollevents", "<count>",
                    "Accepted: libev sizes its list of events by need."),
    WITHOUT_MEANING("tune.memory.hot-size", "<size>",
                    "Accepted: the caches of threads size themselves."),
    WITHOUT_MEANING("tune.pt.zero-copy-forwarding", "<on|off>",
                    "Accepted: buffers move between sides without copies of their own."),
    { "tune.quic.", IN_GLOBAL, .flags = KEYWORD_PREFIX, .args = "<value>",
      .parse = parse_without_meaning, .help = "Accepted: there is no QUIC." },
    WITHOUT_MEANING("tune.recv_enough", "<size>", "Accepted: a short read always ends reading."),
    WITHOUT_MEANING("tune.ring.queues", "<count>", "Accepted: each thread has its own ring."),
    WITHOUT_MEANING("tune.runqueue-depth", "<count>",
                    "Accepted: there is no run queue; events are served in order."),
    WITHOUT_MEANING("tune.sched.low-latency", "<on|off>",
                    "Accepted: there is no run queue; events are served in order."),

    WITHOUT_EFFECT("busy-polling", NULL),
    WITHOUT_EFFECT("tune.disable-fast-forward", NULL),
    WITHOUT_EFFECT("tune.idletimer", "<time>"),
    WITHOUT_EFFECT("tune.max-rules-at-once", "<count>"),
};
REGISTER(keyword, keywords);
