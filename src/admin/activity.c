/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads do: "show activity", "show threads", "show pools".
 *
 * For:     finding out why a process is busy.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control; figures of other threads are read while they run, so they
 *          are of about the same moment.
 */
#include <stdlib.h>

#include "weir/base/pool.h"
#include "weir/cli/command.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/telemetry/process.h"

typedef uint64_t figure_fn(const struct loop *loop);

/* A line of "show activity". */
struct figure {
    const char *name;
    figure_fn *read;
    bool is_average; /* over threads, else the sum */
};

static uint64_t
read_turns(const struct loop *loop)
{
    return __atomic_load_n(&loop->turns, __ATOMIC_RELAXED);
}

static uint64_t
read_busy_ms(const struct loop *loop)
{
    return __atomic_load_n(&loop->busy_us, __ATOMIC_RELAXED) / 1000;
}

static uint64_t
read_idle_ms(const struct loop *loop)
{
    return __atomic_load_n(&loop->idle_us, __ATOMIC_RELAXED) / 1000;
}

static uint64_t
read_turn_us(const struct loop *loop)
{
    uint64_t turns = read_turns(loop);

    return turns == 0 ? 0 : __atomic_load_n(&loop->busy_us, __ATOMIC_RELAXED) / turns;
}

static uint64_t
read_load(const struct loop *loop)
{
    return __atomic_load_n(&loop->load, __ATOMIC_RELAXED);
}

static uint64_t
read_cpu_pct(const struct loop *loop)
{
    uint64_t busy_us = __atomic_load_n(&loop->busy_us, __ATOMIC_RELAXED);
    int64_t uptime_ms = loop_now_ms(loop_here()) - this_process.start_ms;

    return uptime_ms <= 0 ? 0 : busy_us / 10 / (uint64_t)uptime_ms;
}

static const struct figure figures[] = {
    { "loops", read_turns, false },        { "busy_ms", read_busy_ms, false },
    { "idle_ms", read_idle_ms, false },    { "avg_loop_us", read_turn_us, true },
    { "avg_cpu_pct", read_cpu_pct, true }, { "curr_load", read_load, false },
};

/* `only`: a thread from 1 on; 0: the sum alone; -1: all. */
static void
write_figure(struct text *out, const struct figure *figure, long only)
{
    unsigned threads = thread_traffic_count();
    uint64_t sum = 0;

    for (unsigned i = 1; i <= threads; i++)
        sum += figure->read(thread_at(i)->loop);
    if (figure->is_average && threads > 0)
        sum /= threads;
    if (only > 0)
        sum = figure->read(thread_at((unsigned)only)->loop);
    text_printf(out, "%s: %llu", figure->name, (unsigned long long)sum);
    if (only == -1 && threads > 1) {
        text_puts(out, " [");
        for (unsigned i = 1; i <= threads; i++)
            text_printf(out, " %llu", (unsigned long long)figure->read(thread_at(i)->loop));
        text_puts(out, " ]");
    }
    text_add_char(out, '\n');
}

static enum command_result
run_show_activity(struct command_call *call)
{
    const char *word = command_next(call);
    long only = word == NULL ? -1 : strtol(word, NULL, 10);
    const struct loop *here = loop_here();

    if (only > (long)thread_traffic_count())
        return command_say(call, 3, "No such thread.");
    text_printf(call->out, "thread_id: 0 (1..%u)\n", thread_traffic_count());
    text_printf(call->out, "date_now: %lld.%06lld\n", (long long)(here->wall_us / 1000000),
                (long long)(here->wall_us % 1000000));
    text_printf(call->out, "uptime_now: %.6f\n",
                (double)(loop_now_ms(here) - this_process.start_ms) / 1000);
    for (unsigned i = 0; i < COUNT(figures); i++)
        write_figure(call->out, &figures[i], only);
    return COMMAND_DONE;
}

static enum command_result
run_show_threads(struct command_call *call)
{
    for (unsigned i = 0; i < thread_count(); i++) {
        const struct thread *thread = thread_at(i);
        const struct loop *loop = thread->loop;

        text_printf(call->out,
                    "%c Thread %u: name=%s working=%d loops=%llu busy_ms=%llu load=%llu\n",
                    thread == this_thread ? '*' : ' ', i, thread->name,
                    __atomic_load_n(&loop->is_working, __ATOMIC_RELAXED),
                    (unsigned long long)read_turns(loop), (unsigned long long)read_busy_ms(loop),
                    (unsigned long long)read_load(loop));
    }
    return COMMAND_DONE;
}

static enum command_result
run_show_pools(struct command_call *call)
{
    text_puts(call->out, "Dumping pools usage.\n");
    pool_report(call->out);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show activity", "[-1|0|<thread>]", LEVEL_OPERATOR, run_show_activity,
      "what each thread has done (for support and developers)" },
    { "show threads", NULL, LEVEL_OPERATOR, run_show_threads, "the threads of this process" },
    { "show pools", NULL, LEVEL_USER, run_show_pools, "memory of traffic objects" },
};
REGISTER(command, commands);
