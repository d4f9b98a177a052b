/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the start hooks that rooms have registered.
 *
 * For:     rooms that need to do something when the program or a thread begins or ends.
 * Callers: thread.c for the stages of threads, main for those of the process.
 * Thread:  the one that starts or stops.
 */
#include "weir/loop/start.h"

void
start_run_hooks(enum start_stage stage)
{
    FOR_EACH_REGISTERED (start_hook, hook, list) {
        if (hook->stage == stage)
            hook->run();
    }
}
