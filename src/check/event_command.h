/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that are run when a server's state changes.
 */
#pragma once

/* Runs the program with these variables ("NAME=value", NULL at the end), and no arguments; all is copied. One at a time for each
 * program, in order of coming. Control. */
void event_command_run(const char *path, const char *const *variables);
