/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptor and memory limits (setrlimit(2)).
 *
 * For:     maxconn, ulimit-n, -m, set-dumpable.
 * Owns:    nothing.
 * Callers: main.
 * Thread:  boot.
 */
#include "weir/os/limits.h"

#include <inttypes.h>
#include <sys/resource.h>

uint64_t
limits_files(void)
{
    struct rlimit limit = { 0 };

    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

uint64_t
limits_files_max(void)
{
    struct rlimit limit = { 0 };

    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_max;
}

bool
limits_raise_files(uint64_t count, struct error *err)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        return error_set_errno(err, "getrlimit(RLIMIT_NOFILE)");
    if (limit.rlim_cur >= count)
        return true;
    limit.rlim_cur = count;
    if (limit.rlim_max < count)
        limit.rlim_max = count;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    return error_set_errno(err, "cannot raise the limit of open files to %" PRIu64, count);
}

bool
limits_set_memory(uint64_t bytes, struct error *err)
{
    const struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

    if (setrlimit(RLIMIT_DATA, &limit) == 0)
        return true;
    return error_set_errno(err, "cannot limit memory to %" PRIu64 " bytes", bytes);
}

void
limits_raise_core(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) == -1)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}
