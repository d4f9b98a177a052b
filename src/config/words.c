/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking over the words of a line.
 *
 * Thread: builder.
 */
#include "weir/config/words.h"

#include <string.h>

#include "weir/base/text.h"
#include "weir/config/parse.h"

const char *
words_peek(const struct words *words)
{
    return words->at < words->count ? words->items[words->at].text : NULL;
}

const char *
words_next(struct words *words)
{
    return words->at < words->count ? words->items[words->at++].text : NULL;
}

bool
words_accept(struct words *words, const char *text)
{
    const char *word = words_peek(words);

    if (word == NULL || strcmp(word, text) != 0)
        return false;
    words->at++;
    return true;
}

bool
words_at_end(const struct words *words)
{
    return words->at >= words->count;
}

const char *
words_rest(struct parse *parse)
{
    struct text text = TEXT_INIT;
    const char *word, *copy;

    while ((word = words_next(parse->words)) != NULL) {
        if (text.len > 0)
            text_add_char(&text, ' ');
        text_puts(&text, word);
    }
    copy = arena_copy(parse->arena, text_cstr(&text));
    text_fini(&text);
    return copy;
}
