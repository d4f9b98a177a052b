/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Complaints of keyword parsers, and the words that most of them read.
 *
 * Thread: builder.
 */
#include "weir/config/parse.h"

#include <string.h>

#include "weir/base/number.h"
#include "weir/base/str.h"

static unsigned
column_of(const struct words *words, unsigned at)
{
    if (at < words->count)
        return words->items[at].column;
    if (words->line_text == NULL)
        return 0;
    return (unsigned)strlen(words->line_text) + 1;
}

static void
report(struct parse *parse, enum severity severity, unsigned at, const char *fmt, va_list args)
{
    struct words *words = parse->words;

    if (parse->diag == NULL)
        return;
    if (words == NULL)
        diag_vadd(parse->diag, severity, (struct source_pos){ NULL, 0 }, NULL, 0, fmt, args);
    else
        diag_vadd(parse->diag, severity, words->pos, words->line_text, column_of(words, at), fmt,
                  args);
}

bool
parse_alert(struct parse *parse, const char *fmt, ...)
{
    va_list args;
    unsigned at = parse->words == NULL || parse->words->at == 0 ? 0 : parse->words->at - 1;

    va_start(args, fmt);
    report(parse, DIAG_ALERT, at, fmt, args);
    va_end(args);
    return false;
}

bool
parse_alert_next(struct parse *parse, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    report(parse, DIAG_ALERT, parse->words == NULL ? 0 : parse->words->at, fmt, args);
    va_end(args);
    return false;
}

bool
parse_warn(struct parse *parse, const char *fmt, ...)
{
    va_list args;
    unsigned at = parse->words == NULL || parse->words->at == 0 ? 0 : parse->words->at - 1;

    va_start(args, fmt);
    report(parse, DIAG_WARNING, at, fmt, args);
    va_end(args);
    return true;
}

bool
parse_not_yet(struct parse *parse, const char *what)
{
    return parse_alert(parse, "'%s' is not implemented yet", what);
}

bool
parse_alert_at(struct parse *parse, struct source_pos pos, const char *fmt, ...)
{
    va_list args;

    if (parse->diag == NULL)
        return false;
    va_start(args, fmt);
    diag_vadd(parse->diag, DIAG_ALERT, pos, NULL, 0, fmt, args);
    va_end(args);
    return false;
}

bool
parse_warn_at(struct parse *parse, struct source_pos pos, const char *fmt, ...)
{
    va_list args;

    if (parse->diag == NULL)
        return true;
    va_start(args, fmt);
    diag_vadd(parse->diag, DIAG_WARNING, pos, NULL, 0, fmt, args);
    va_end(args);
    return true;
}

struct source_pos
parse_pos(const struct parse *parse)
{
    return parse->words == NULL ? (struct source_pos){ NULL, 0 } : parse->words->pos;
}

/* --- typed words -------------------------------------------------------------- */

const char *
parse_word(struct parse *parse, const char *what)
{
    const char *word = words_next(parse->words);

    if (word == NULL)
        parse_alert_next(parse, "'%s' expects %s", parse->keyword, what);
    return word;
}

bool
parse_int(struct parse *parse, const char *what, int64_t min, int64_t max, int64_t *out)
{
    const char *word = parse_word(parse, what);
    struct error err = ERROR_INIT;

    if (word == NULL)
        return false;
    if (!number_parse_int(str_from(word), min, max, out, &err))
        return parse_alert(parse, "'%s' expects %s: %s", parse->keyword, what, err.text);
    return true;
}

bool
parse_time(struct parse *parse, const char *what, const char *default_unit, int64_t *out_ms)
{
    const char *word = parse_word(parse, what);
    struct error err = ERROR_INIT;

    if (word == NULL)
        return false;
    if (!number_parse_time(str_from(word), default_unit, out_ms, &err))
        return parse_alert(parse, "'%s' expects %s: %s", parse->keyword, what, err.text);
    return true;
}

bool
parse_size(struct parse *parse, const char *what, uint64_t *out_bytes)
{
    const char *word = parse_word(parse, what);
    struct error err = ERROR_INIT;

    if (word == NULL)
        return false;
    if (!number_parse_size(str_from(word), out_bytes, &err))
        return parse_alert(parse, "'%s' expects %s: %s", parse->keyword, what, err.text);
    return true;
}

bool
parse_on_off(struct parse *parse, bool *out)
{
    static const char *const names[] = { "on", "off", NULL };
    int at;

    if (!parse_choice(parse, "'on' or 'off'", names, &at))
        return false;
    *out = at == 0;
    return true;
}

bool
parse_choice(struct parse *parse, const char *what, const char *const *names, int *out)
{
    const char *word = parse_word(parse, what);

    if (word == NULL)
        return false;
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    return parse_alert(parse, "'%s' expects %s, not '%s'%s", parse->keyword, what, word,
                       parse_suggest(parse, word, names));
}

bool
parse_end(struct parse *parse)
{
    if (words_at_end(parse->words))
        return true;
    return parse_alert_next(parse, "'%s' takes nothing more, but '%s' follows", parse->keyword,
                            words_peek(parse->words));
}

const char *
parse_suggest(struct parse *parse, const char *word, const char *const *names)
{
    unsigned best = 2 + (unsigned)strlen(word) / 4; /* more edits are a guess, not a help */
    const char *nearest = NULL;

    for (int i = 0; names[i] != NULL; i++) {
        unsigned distance = str_distance(str_from(word), str_from(names[i]), best);

        if (distance < best && distance < strlen(word)) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest == NULL ? "" : arena_printf(parse->arena, "; did you mean '%s'?", nearest);
}
