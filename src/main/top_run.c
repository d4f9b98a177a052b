/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir top: a live view of a running process in the terminal.
 *
 * For:     the person at the terminal.
 * Owns:    the terminal's settings while it runs.
 * Callers: ctl_run.c.
 * Thread:  boot.
 */
#include "weir/main/ctl_run.h"

#include <stdio.h>

int
top_run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs("weir top: not implemented yet\n", stderr);
    return 1;
}
