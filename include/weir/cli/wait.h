/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "wait <delay> <condition> <word>" can wait for; registered by the rooms that know it.
 */
#pragma once

#include "weir/base/registry.h"
#include "weir/base/text.h"

enum wait_result {
    WAIT_MET,
    WAIT_LATER, /* not yet; `why` says what is in the way */
    WAIT_NEVER, /* waiting is in vain; `why` says why */
};

struct wait_condition {
    const char *name;
    const char *missing; /* said when the word behind it is missing */
    enum wait_result (*test)(const char *word, struct text *why);
};
REGISTRY(wait_condition, struct wait_condition);
