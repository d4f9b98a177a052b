/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a configuration and telling what is wrong with it; -c. Boot. */
#pragma once

#include "weir/main/options.h"

#define CHECK_ONLY_NO_LISTENER 2 /* exit status: nothing is wrong, but nothing would be served */
#define CHECK_ONLY_FINDINGS    3 /* it is legal, but lint found something */

/* Reads, and tells all mistakes and warnings on stderr. NULL: refused. */
struct snapshot *check_only_read(const struct options *options);
/* -c: reads, tells, and returns the exit status. */
int check_only_run(const struct options *options);
