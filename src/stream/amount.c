/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number of an action: written, or computed by an expression.
 *
 * For:     actions such as set-timeout, set-retries, pause, set-fc-mark.
 * Thread:  builder reads; owner finds.
 */
#include <errno.h>
#include <stdlib.h>

#include "private.h"

/* A number begins with a digit; everything else is an expression. */
static bool
is_number(const char *word)
{
    return word != NULL && word[0] >= '0' && word[0] <= '9';
}

static bool
parse_expression(struct parse *parse, const struct action *action, struct amount *amount)
{
    amount->sample = sample_parse(parse, action->place);
    return amount->sample != NULL;
}

bool
amount_parse_time(struct parse *parse, const struct action *action, struct amount *amount)
{
    if (is_number(words_peek(parse->words)))
        return parse_time(parse, "a duration", "ms", &amount->fixed);
    return parse_expression(parse, action, amount);
}

bool
amount_parse_count(struct parse *parse, const struct action *action, int64_t max,
                   struct amount *amount)
{
    if (is_number(words_peek(parse->words)))
        return parse_int(parse, "a number", 0, max, &amount->fixed);
    return parse_expression(parse, action, amount);
}

bool
amount_parse_bits(struct parse *parse, const struct action *action, int64_t max,
                  struct amount *amount)
{
    const char *word = words_peek(parse->words);
    unsigned long long number;
    char *end;

    if (!is_number(word))
        return parse_expression(parse, action, amount);
    errno = 0;
    number = strtoull(word, &end, 0);
    if (*end != '\0' || errno != 0 || number > (unsigned long long)max)
        return parse_alert_next(parse, "expected a number from 0 to %lld (0x%llx), not '%s'",
                                (long long)max, (unsigned long long)max, word);
    amount->fixed = (int64_t)number;
    return parse_word(parse, "a number") != NULL;
}

bool
amount_find(const struct amount *amount, struct eval *eval, int64_t *out)
{
    struct value value = { 0 };

    *out = amount->fixed;
    if (amount->sample == NULL)
        return true;
    if (sample_run_as(amount->sample, eval, VALUE_INT, &value) != FETCH_OK)
        return false;
    *out = value.num;
    return true;
}
