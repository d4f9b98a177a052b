/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches of facts about the process and its threads.
 *
 * Thread: traffic.
 */
#include <string.h>
#include <unistd.h>

#include "weir/config/conditional.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/process.h"
#include "private.h"

enum fact {
    FACT_THREADS,
    FACT_THREAD,
    FACT_ZERO,
    FACT_ONE,
    FACT_PID,
    FACT_UPTIME,
    FACT_USAGE_THREAD,
    FACT_USAGE_PROCESS,
};

static int64_t
uptime_s(void)
{
    const struct loop *loop = loop_here();

    return loop == NULL ? 0 : (loop->wall_us - this_process.start_wall_us) / 1000000;
}

/* The average of all traffic threads. */
static int64_t
usage_of_process(void)
{
    unsigned sum = 0;

    for (unsigned i = 1; i < thread_count(); i++)
        sum += loop_usage(thread_at(i)->loop);
    return thread_traffic_count() == 0 ? 0 : sum / thread_traffic_count();
}

static int64_t
find_fact(enum fact fact)
{
    switch (fact) {
    case FACT_THREADS:
        return thread_traffic_count();
    case FACT_THREAD:
        return this_thread == NULL || this_thread->index == 0 ? 0 : this_thread->index - 1;
    case FACT_ZERO:
        return 0;
    case FACT_ONE:
        return 1;
    case FACT_PID:
        return getpid();
    case FACT_UPTIME:
        return uptime_s();
    case FACT_USAGE_THREAD:
        return loop_here() == NULL ? 0 : loop_usage(loop_here());
    case FACT_USAGE_PROCESS:
        return usage_of_process();
    }
    return 0;
}

static enum fetched
run_fact(struct eval *eval, const struct fetch *fetch, const struct arg *args, struct value *out)
{
    (void)eval;
    (void)args;
    return fetched_int(out, find_fact((enum fact)fetch->private));
}

static enum fetched
run_stopping(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    (void)eval;
    (void)fetch;
    (void)args;
    return fetched_bool(out, __atomic_load_n(&this_process.is_stopping, __ATOMIC_RELAXED));
}

static enum fetched
run_hostname(struct eval *eval, const struct fetch *fetch, const struct arg *args,
             struct value *out)
{
    char name[256] = "";

    (void)fetch;
    (void)args;
    if (gethostname(name, sizeof(name) - 1) == -1)
        return FETCH_NONE;
    return value_set_copy(out, VALUE_STR, eval->arena, name, strlen(name)) ? FETCH_OK : FETCH_NONE;
}

#define FACT_AT(place_, name_, fact_, help_)                                                       \
    {                                                                                              \
        name_, VALUE_INT, place_, { { 0 } }, run_fact, fact_, .help = help_                        \
    }
#define FACT(name_, fact_, help_) FACT_AT(PLACE_ANY, name_, fact_, help_)

static const struct fetch fetches[] = {
    FACT("nbthread", FACT_THREADS, "How many traffic threads there are."),
    FACT("thread", FACT_THREAD, "The number of this traffic thread, from 0."),
    FACT("tgroup", FACT_ZERO, "The group of this thread: there is one, 0."),
    FACT("nbproc", FACT_ONE, "How many processes serve: one."),
    FACT("proc", FACT_ONE, "The number of this process: 1."),
    FACT("pid", FACT_PID, "The process id."),
    FACT("uptime", FACT_UPTIME, "The seconds since the process began."),
    FACT_AT(PLACE_RUNNING, "cpu_usage_thr", FACT_USAGE_THREAD,
            "How busy this thread was around its last sleep, in percent."),
    FACT_AT(PLACE_RUNNING, "cpu_usage_grp", FACT_USAGE_PROCESS,
            "The same of all traffic threads of its group."),
    FACT_AT(PLACE_RUNNING, "cpu_usage_proc", FACT_USAGE_PROCESS,
            "The same of all traffic threads."),
    { "stopping",
      VALUE_BOOL,
      PLACE_ANY,
      { { 0 } },
      run_stopping,
      .help = "Is the process stopping?" },
    { "hostname",
      VALUE_STR,
      PLACE_ANY,
      { { 0 } },
      run_hostname,
      .help = "The name of the machine." },
};
REGISTER(fetch, fetches);

static bool
is_on(void)
{
    return true;
}

static const struct feature features[] = {
    { "EPOLL", false, NULL },        { "POLL", false, NULL },
    { "THREAD", false, NULL },       { "PCRE2", false, NULL },
    { "PCRE2_JIT", false, NULL },    { "GETADDRINFO", false, NULL },
    { "ACCEPT4", false, NULL },      { "TFO", false, NULL },
    { "NS", false, NULL },           { "TPROXY", false, NULL },
    { "CRYPT_H", false, NULL },      { "LINUX_SPLICE", false, NULL },
    { "SYSTEMD", false, NULL },      { "EPOLL", true, is_on },
    { "POLL", true, is_on },         { "SPLICE", true, is_on },
    { "GETADDRINFO", true, is_on },  { "REUSEPORT", true, is_on },
    { "FAST-FORWARD", true, is_on },
};
REGISTER(feature, features);
