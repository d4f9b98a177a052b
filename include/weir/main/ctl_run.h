/* SPDX-License-Identifier: Apache-2.0 */
/* weir ctl, weir top: programs for the person at the terminal. Boot. */
#pragma once

#include <stdbool.h>

/* Is argv[1] one of them? */
bool ctl_is_meant(int argc, char **argv);
/* boot_tables() has run. Returns the exit status. */
int ctl_run(int argc, char **argv);
/* The rest of the words of "weir top". */
int top_run(int argc, char **argv);
