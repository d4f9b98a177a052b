/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Complaints about the inside of a word: an expression may be long, so the caret stands where it
 * goes wrong.
 *
 * Thread: builder.
 *
 * The word in hand has lost its quotes and escapes. The place in it is mapped back to the line by
 * walking along both; where they differ, the line has a quote or a backslash more.
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

/* The word that was read last, if `at` lies in it. */
static const struct word *
word_of(const struct words *words, const char *at)
{
    const struct word *word;

    if (words == NULL || words->at == 0 || words->at > words->count)
        return NULL;
    word = &words->items[words->at - 1];
    return at >= word->text && at <= word->text + strlen(word->text) ? word : NULL;
}

/* The column of the line, from 1; 0: unknown. */
static unsigned
column_of(const struct words *words, const char *at)
{
    const struct word *word = word_of(words, at);
    const char *line, *text;

    if (word == NULL || words->line_text == NULL || word->column == 0 ||
        word->column > strlen(words->line_text))
        return word == NULL ? 0 : word->column;
    line = words->line_text + word->column - 1;
    for (text = word->text; *line != '\0'; line++) {
        while (*line != '\0' && *line != *text && strchr("\"'\\", *line) != NULL)
            line++;
        if (text >= at || *line == '\0')
            break;
        if (*line != *text)
            return word->column; /* a variable was expanded here */
        text++;
    }
    return (unsigned)(line - words->line_text) + 1;
}

bool
expr_alert(struct parse *parse, const char *at, const char *fmt, ...)
{
    unsigned column = at == NULL ? 0 : column_of(parse->words, at);
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (column == 0 || parse->diag == NULL)
        return parse_alert(parse, "%s", text);
    diag_add(parse->diag, DIAG_ALERT, parse->words->pos, parse->words->line_text, column, "%s",
             text);
    return false;
}

const char *
expr_suggest(struct parse *parse, struct str word, const char *const *names)
{
    return parse_suggest(parse, arena_copy_str(parse->arena, word), names);
}
