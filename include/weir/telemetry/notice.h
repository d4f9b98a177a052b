/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says on stderr, in HAProxy's frame: "[WARNING]  (pid) : text". Kept for "show startup-logs".
 */
#pragma once

#include <stdbool.h>

#include "weir/base/text.h"

enum notice_level { NOTICE_ALERT, NOTICE_WARNING, NOTICE_NOTICE };
void notice_print(enum notice_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Already framed text (a report of diag.h). */
void notice_print_framed(struct str text);
void notice_set_quiet(bool quiet, bool verbose);
/* Everything said since start. Control. */
struct str notice_startup_text(void);
