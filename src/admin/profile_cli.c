/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show profiling, set profiling: what takes the threads' time.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing: loop/profile.h counts.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/loop/profile.h"
#include "weir/os/symbol.h"

#define FUNCTIONS_MAX 512

struct asked {
    bool status, tasks;
    bool by_addr, by_time;
    unsigned lines;
};

static int
compare_calls(const void *a, const void *b)
{
    const struct profile_entry *left = a, *right = b;

    return left->calls < right->calls ? 1 : left->calls > right->calls ? -1 : 0;
}

static int
compare_time(const void *a, const void *b)
{
    const struct profile_entry *left = a, *right = b;

    return left->ns < right->ns ? 1 : left->ns > right->ns ? -1 : 0;
}

static int
compare_addr(const void *a, const void *b)
{
    const struct profile_entry *left = a, *right = b;

    return left->fn < right->fn ? -1 : left->fn > right->fn;
}

/* Three digits and a unit. */
static const char *
format_ns(char *out, size_t size, uint64_t ns)
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = { { 3600e9, "h" }, { 60e9, "m" }, { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" } };

    for (unsigned i = 0; i < COUNT(units); i++) {
        double value = (double)ns / units[i].ns;

        if (value >= 1) {
            snprintf(out, size, "%.*f%s", value < 10 ? 3 : value < 100 ? 2 : 1, value,
                     units[i].unit);
            return out;
        }
    }
    snprintf(out, size, "%lluns", (unsigned long long)ns);
    return out;
}

static void
write_tasks(struct text *out, const struct asked *asked)
{
    static struct profile_entry entries[FUNCTIONS_MAX];
    unsigned count = profile_read(entries, FUNCTIONS_MAX);

    qsort(entries, count, sizeof(*entries),
          asked->by_addr ? compare_addr : asked->by_time ? compare_time : compare_calls);
    text_puts(out, "Tasks activity:\n"
                   "  function                      calls   cpu_tot   cpu_avg   lat_tot   lat_avg\n");
    for (unsigned i = 0; i < count && i < asked->lines; i++) {
        char name[64], total[24], average[24];

        symbol_format(entries[i].fn, name, sizeof(name));
        format_ns(total, sizeof(total), entries[i].ns);
        format_ns(average, sizeof(average), entries[i].ns / entries[i].calls);
        text_printf(out, "  %-24s %10llu %9s %9s         -         -\n", name,
                    (unsigned long long)entries[i].calls, total, average);
    }
}

static enum command_result
run_show(struct command_call *call)
{
    struct asked asked = { .status = true, .tasks = true, .lines = 100 };
    const char *word;
    int64_t lines;

    while ((word = command_next(call)) != NULL) {
        if (strcmp(word, "all") == 0)
            asked.status = asked.tasks = true;
        else if (strcmp(word, "status") == 0)
            asked.tasks = false;
        else if (strcmp(word, "tasks") == 0)
            asked.status = false;
        else if (strcmp(word, "memory") == 0)
            asked.status = asked.tasks = false;
        else if (strcmp(word, "byaddr") == 0)
            asked.by_addr = true;
        else if (strcmp(word, "bytime") == 0)
            asked.by_time = true;
        else if (number_parse_int(str_from(word), 0, INT32_MAX, &lines, NULL))
            asked.lines = (unsigned)lines;
        else
            return command_say(call, 3,
                               "Expects either 'all', 'status', 'tasks', 'memory', 'byaddr', "
                               "'bytime' or a max number of output lines.");
    }
    if (asked.status)
        text_printf(call->out,
                    "Per-task CPU profiling              : %-13s # set profiling tasks {on|off}\n"
                    "Memory usage profiling              : off           # not supported\n",
                    profile_is_on ? "on" : "off");
    if (asked.tasks)
        write_tasks(call->out, &asked);
    return COMMAND_DONE;
}

static enum command_result
run_set(struct command_call *call)
{
    const char *what = command_next(call), *word = command_next(call);

    if (what != NULL && strcmp(what, "memory") == 0)
        return command_say(call, 3, "Memory profiling not compiled in.");
    if (what == NULL || strcmp(what, "tasks") != 0)
        return command_say(call, 3, "Expects either 'tasks' or 'memory'.");
    if (word != NULL && strcmp(word, "on") == 0)
        profile_set(true);
    else if (word != NULL && strcmp(word, "off") == 0)
        profile_set(false);
    else
        return command_say(call, 3, "Expects 'on' or 'off' (weir has no 'auto').");
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show profiling", "[<what>|<max_lines>|byaddr|bytime]*", LEVEL_ADMIN, run_show,
      "how often and how long each function of the loops ran" },
    { "set profiling", "<what> {on|off}", LEVEL_ADMIN, run_set, "begin or end to count that" },
};
REGISTER(command, commands);
