/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs that this process may use, and where its threads run.
 *
 * For:     the default number of threads, cpu-map.
 * Owns:    nothing.
 * Callers: boot; each thread binds itself.
 * Thread:  boot; cpu_bind_thread() binds the thread that calls.
 */
#include "weir/os/cpu.h"

#include <unistd.h>

#include "weir/base/number.h"

unsigned
cpu_count_usable(void)
{
    cpu_set_t set;
    int count;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        count = CPU_COUNT(&set);
        return count > 0 ? (unsigned)count : 1;
    }
    /* More CPUs than cpu_set_t can name. */
    count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

static void
add_every(cpu_set_t *set, unsigned first, unsigned step)
{
    for (unsigned cpu = first; cpu < CPU_SETSIZE; cpu += step)
        CPU_SET(cpu, set);
}

/* "3" or "0-3" */
static bool
add_range(cpu_set_t *set, struct str range, struct error *err)
{
    struct str rest = range;
    struct str low_text = str_split(&rest, '-');
    int64_t low, high;

    if (!number_parse_int(low_text, 0, CPU_SETSIZE - 1, &low, err))
        return false;
    high = low;
    if (rest.ptr != NULL && rest.len == 0)
        high = CPU_SETSIZE - 1; /* "4-": to the last one */
    else if (rest.ptr != NULL && !number_parse_int(rest, 0, CPU_SETSIZE - 1, &high, err))
        return false;
    if (low > high)
        return error_set(err, "CPU range '%.*s' is empty", STR_ARG(range));
    for (int64_t cpu = low; cpu <= high; cpu++)
        CPU_SET((size_t)cpu, set);
    return true;
}

bool
cpu_parse_set(struct str s, cpu_set_t *out, struct error *err)
{
    if (str_eq(s, STR("all")))
        add_every(out, 0, 1);
    else if (str_eq(s, STR("odd")))
        add_every(out, 1, 2);
    else if (str_eq(s, STR("even")))
        add_every(out, 0, 2);
    else {
        do {
            struct str range = str_split(&s, ',');

            if (!add_range(out, range, err))
                return false;
        } while (s.ptr != NULL);
    }
    return true;
}

bool
cpu_bind_thread(const cpu_set_t *set, struct error *err)
{
    if (sched_setaffinity(0, sizeof(*set), set) == 0)
        return true;
    return error_set_errno(err, "cannot bind the thread to its CPUs");
}
