/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that weir starts: checks, and those that are told of events. Control.
 */
#pragma once

struct program;

/* Starts it, in a process group of its own, with nothing of ours open but stdout and stderr. on_end(data, code) comes when
 * it has ended, never inside; code is that of exit(), or -1 for a signal. NULL: *why says why not. */
struct program *program_start(const char *path, char **arguments, char **variables,
                              void (*on_end)(void *data, int code), void *data, const char **why);
/* Kills the group; on_end() will not come. */
void program_kill(struct program *program);
