/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line typed at the runtime socket becomes commands and their words. Pure; control.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_WORDS_MAX 64
#define COMMAND_MARK_MAX  64 /* characters of a payload's end mark */

/* The "<<" or "<<WORD" at the end of a line: a payload follows, up to an empty line or a line that is exactly WORD. */
struct payload_mark {
    bool is_there;
    char end[COMMAND_MARK_MAX + 1]; /* "": an empty line */
};

/* Removes the mark from the end of the line (NUL-terminated, without line end) and tells it. It must be a word of its own, the
 * last one. */
void command_line_take_mark(char *line, struct payload_mark *mark);
/* Cuts the next command off `*line`, up to a ';' that is not escaped, in place: words are NUL-terminated pieces of the line, with
 * backslash escapes resolved; quotes mean nothing, as in HAProxy. Returns how many words (0: an empty command); `*line` moves behind the command, NULL at
 * the end. Words beyond the maximum are dropped. `words` has room for COMMAND_WORDS_MAX + 1: a NULL follows the last. */
unsigned command_line_cut(char **line, const char **words);
