/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the runtime socket that weir gives itself: scripts.
 */
#pragma once

#include "weir/cli/command.h"

/* Runs one command line, and adds its answer to `out`. `payload`: what would follow "<<"; ptr NULL: nothing. Commands that would
 * wait for something end there. False: there is no such command, which `out` says. Control. */
bool command_run_line(const char *line, struct str payload, enum command_level level,
                      struct text *out);
