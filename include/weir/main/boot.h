/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the command line to a serving process, and back to nothing.
 */
#pragma once

#include "weir/main/options.h"

/* Registered tables, sorted and laid out. First of all. */
void boot_tables(void);
/* -c: reads the configuration and tells what is wrong. Returns the exit status. */
int boot_check(const struct options *options);
/* One traffic thread that serves no socket, for those who ask what would happen (explain_run.h).
 * False: told why. */
bool boot_offline(const struct options *options);
void boot_offline_end(void);
/* Runs until told to stop. Returns the exit status. */
int boot_run(const struct options *options);
