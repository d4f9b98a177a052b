/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a typed line into commands, words and the mark of a payload.
 *
 * Callers: the runtime socket. Thread: control. Owns nothing: it works in the caller's line.
 */
#include "weir/cli/command_line.h"

#include <string.h>

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

void
command_line_take_mark(char *line, struct payload_mark *mark)
{
    size_t len = strlen(line), at;

    mark->is_there = false;
    mark->end[0] = '\0';
    while (len > 0 && is_blank(line[len - 1]))
        len--;
    at = len;
    while (at > 0 && !is_blank(line[at - 1]))
        at--;
    if (len - at < 2 || strncmp(line + at, "<<", 2) != 0 || len - at - 2 > COMMAND_MARK_MAX)
        return;
    mark->is_there = true;
    memcpy(mark->end, line + at + 2, len - at - 2);
    mark->end[len - at - 2] = '\0';
    line[at] = '\0';
}

/* Reads one word from *from, writing it to *to (never ahead of *from). False: the command has
 * ended. Quotes are characters like others here, so that values may have them; a backslash takes
 * the meaning of any character behind it. */
static bool
cut_word(char **from, char **to)
{
    char *in = *from, *out = *to;

    while (is_blank(*in))
        in++;
    if (*in == '\0' || *in == ';') {
        *from = in;
        return false;
    }
    while (*in != '\0' && !is_blank(*in) && *in != ';') {
        if (*in == '\\' && in[1] != '\0')
            in++;
        *out++ = *in++;
    }
    *from = in;
    *to = out;
    return true;
}

unsigned
command_line_cut(char **line, const char **words)
{
    char *from = *line, *to = *line;
    unsigned count = 0;
    char ended_by;

    for (;;) {
        char *begin = to;

        if (!cut_word(&from, &to))
            break;
        ended_by = *from;
        *to = '\0';
        if (count < COMMAND_WORDS_MAX)
            words[count++] = begin;
        /* The NUL may have taken the place of the character that ended the word. */
        if (to == from && ended_by != '\0' && ended_by != ';')
            from++;
        to++;
        if (ended_by == ';' || ended_by == '\0') {
            *line = ended_by == ';' ? from + 1 : NULL;
            words[count] = NULL;
            return count;
        }
    }
    words[count] = NULL;
    *line = *from == ';' ? from + 1 : NULL;
    return count;
}
