/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says on stderr, in HAProxy's frame: "[WARNING]  (pid) : text". What is said
 * while it starts is kept for "show startup-logs".
 */
#pragma once

#include <stdbool.h>

#include "weir/base/str.h"

enum notice_level { NOTICE_ALERT, NOTICE_WARNING, NOTICE_NOTICE };

/* --- any thread ------------------------------------------------------------------------- */

/* No line end needed; further lines of the text are marked with "   | ". */
void notice_print(enum notice_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Already framed text (a report of diag.h). */
void notice_print_framed(struct str text);

/* --- boot, control ------------------------------------------------------------------------ */

/* Quiet: say nothing. Verbose wins. */
void notice_set_quiet(bool quiet, bool verbose);
/* The start is over: what follows is not kept, and the first warning no longer tells the
 * version. Happens by itself when threads start. */
void notice_end_startup(void);
/* Forgets what was said: another start (a reload) begins. */
void notice_begin_startup(void);
/* Everything said between begin and end. */
struct str notice_startup_text(void);
/* How many warnings were printed since the process began. */
unsigned notice_warning_count(void);
