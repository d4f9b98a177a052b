/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of actions.
 *
 * Thread: boot fills it; builder reads it.
 */
#include "weir/rules/action.h"

#include <string.h>

#include "weir/base/hashmap.h"
#include "private.h"

bool
action_at_end(const struct parse *parse)
{
    const char *word = words_peek(parse->words);

    return word == NULL || strcmp(word, "if") == 0 || strcmp(word, "unless") == 0;
}

bool
action_parenthesis(const struct parse *parse, const struct action *action, struct str *inside)
{
    const char *word = parse->words->items[parse->words->at - 1].text;
    struct str rest = str_from(word + strlen(action->kind->name));

    if (rest.len < 2 || rest.ptr[0] != '(' || rest.ptr[rest.len - 1] != ')')
        return false;
    *inside = str_slice(rest, 1, rest.len - 2);
    return true;
}

void
action_table_init(void)
{
    struct hashmap names = HASHMAP_INIT;

    FOR_EACH_REGISTERED (action_kind, kind, list) {
        const struct action_kind *same = hashmap_set(&names, str_from(kind->name), (void *)kind);

        MUST(same == NULL || (same->hooks & kind->hooks) == 0);
    }
    hashmap_fini(&names);
}

const struct action_kind *
action_find(const char *word, enum hook hook)
{
    const struct action_kind *best = NULL;

    FOR_EACH_REGISTERED (action_kind, kind, list) {
        size_t len = strlen(kind->name);

        if (!(kind->hooks & ON(hook)) || strncmp(kind->name, word, len) != 0)
            continue;
        if (word[len] != '\0' && !kind->is_prefix)
            continue;
        if (best == NULL || len > strlen(best->name))
            best = kind;
    }
    return best;
}

const char *
action_suggest(struct parse *parse, const char *word, enum hook hook)
{
    const char *names[256];
    size_t count = 0;

    FOR_EACH_REGISTERED (action_kind, kind, list) {
        if ((kind->hooks & ON(hook)) && count < COUNT(names) - 1)
            names[count++] = kind->name;
    }
    names[count] = NULL;
    return parse_suggest(parse, word, names);
}
