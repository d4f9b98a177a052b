/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start hooks: what a room needs to do when the program starts or a thread
 * starts or stops. Few stages; no hook may rely on another of the same stage.
 */
#pragma once

#include "weir/base/registry.h"

enum start_stage {
    START_BOOT,         /* first thing; one thread, before the configuration is read */
    START_AFTER_CONFIG, /* the first snapshot is published; before traffic threads start */
    START_THREAD,       /* in each traffic thread and in the control thread, before its loop runs */
    SOFT_STOP,          /* the control thread: the process will end when its work is done */
    STOP_THREAD,        /* in each, after its loop */
    STOP_PROCESS,       /* last: one thread again */
};

struct start_hook {
    enum start_stage stage;
    void (*run)(void);
};
REGISTRY(start_hook, struct start_hook);

void start_run_hooks(enum start_stage stage);
