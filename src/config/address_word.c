/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The word of an address: old files write variables in it without quotes ("bind :${PORT}").
 *
 * Callers: whatever reads an address. Thread: builder.
 */
#include <ctype.h>
#include <string.h>

#include "weir/config/environment.h"
#include "private.h"

/* The name behind a '$', in braces or not; `rest` is moved behind it. len 0: none. */
static struct str
take_name(const char **rest)
{
    const char *from = *rest;
    bool is_braced = *from == '{';
    size_t len = 0;

    from += is_braced;
    while (isalnum((unsigned char)from[len]) || from[len] == '_')
        len++;
    if (is_braced && from[len] != '}')
        return STR("");
    *rest = from + len + (len > 0 ? is_braced : 0);
    return str_of(from, len);
}

static const char *
expand(struct parse *parse, const char *word)
{
    const char *done = "", *dollar;

    while ((dollar = strchr(word, '$')) != NULL) {
        const char *rest = dollar + 1, *value = "$";
        struct str name = take_name(&rest);

        if (name.len > 0)
            value = environment_find(parse->snapshot, arena_copy_str(parse->arena, name));
        done = arena_printf(parse->arena, "%s%.*s%s", done, (int)(dollar - word), word,
                            value == NULL ? "" : value);
        word = rest;
    }
    return *done == '\0' ? word : arena_printf(parse->arena, "%s%s", done, word);
}

const char *
parse_address_word(struct parse *parse, const char *what)
{
    const char *word = parse_word(parse, what);

    return word == NULL || strchr(word, '$') == NULL ? word : expand(parse, word);
}
