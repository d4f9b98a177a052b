/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keywords, and how a line finds its own.
 *
 * For:     sections, and the words of bind and server lines.
 * Owns:    the hash table from a keyword's first word to the keywords that begin with it.
 * Thread:  boot fills it; builders read it.
 */
#include "weir/config/keyword.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/hashmap.h"
#include "weir/config/environment.h"
#include "private.h"

/* Keywords with the same first word. */
struct family {
    const struct keyword **items;
    size_t count;
};

static struct hashmap families;
static struct family prefixes; /* keywords that go on after their name, whatever their first word */

static void
family_add(struct family *family, const struct keyword *kw)
{
    for (size_t i = 0; i < family->count; i++)
        MUST(strcmp(family->items[i]->name, kw->name) != 0 ||
             !(family->items[i]->place & kw->place));
    family->items = alloc_resize(family->items, (family->count + 1) * sizeof(*family->items));
    family->items[family->count++] = kw;
}

static void
table_add(const struct keyword *kw)
{
    struct str first = str_of(kw->name, strcspn(kw->name, " "));
    struct family *family = hashmap_find(&families, first);

    MUST(kw->help != NULL && kw->place != 0);
    MUST((kw->parse != NULL) != (kw->setter != SETTER_NONE));
    if (family == NULL) {
        family = alloc_zero(sizeof(*family));
        hashmap_set(&families, first, family);
    }
    family_add(family, kw);
    if (kw->flags & KEYWORD_PREFIX)
        family_add(&prefixes, kw);
}

void
keyword_table_init(void)
{
    if (families.count > 0)
        return;
    environment_capture();
    section_table_init();
    FOR_EACH_REGISTERED (keyword, kw, list)
        table_add(kw);
}

/* --- finding ----------------------------------------------------------------------- */

/* How many words of the line the name covers; 0: another keyword. */
static unsigned
covers(const struct keyword *kw, const struct words *words)
{
    const char *name = kw->name;
    unsigned at = words->at;

    for (;;) {
        size_t len = strcspn(name, " ");
        const char *word = at < words->count ? words->items[at].text : NULL;
        bool is_last = name[len] == '\0';

        if (word == NULL || strncmp(word, name, len) != 0)
            return 0;
        if (word[len] != '\0' && !(is_last && (kw->flags & KEYWORD_PREFIX)))
            return 0;
        at++;
        if (is_last)
            return at - words->at;
        name += len + 1;
    }
}

/* The longest name wins; among keywords that go on after their name, the one with most characters
 * ("set-var-fmt(" before "set-var"). */
static struct keyword_match
family_find(const struct family *family, const struct words *words, unsigned place)
{
    struct keyword_match best = { NULL, 0 };

    for (size_t i = 0; family != NULL && i < family->count; i++) {
        const struct keyword *kw = family->items[i];
        unsigned length = (kw->place & place) ? covers(kw, words) : 0;

        if (length > best.length ||
            (length > 0 && length == best.length && strlen(kw->name) > strlen(best.kw->name)))
            best = (struct keyword_match){ kw, length };
    }
    return best;
}

struct keyword_match
keyword_find(const struct words *words, unsigned place)
{
    struct keyword_match match = { NULL, 0 };
    const char *first = words_peek(words);

    if (first != NULL)
        match = family_find(hashmap_find(&families, str_from(first)), words, place);
    if (first != NULL && match.kw == NULL && prefixes.count > 0)
        match = family_find(&prefixes, words, place);
    return match;
}

/* --- running ----------------------------------------------------------------------- */

/* Moves behind "no" or "default" if one begins the line. */
static void
read_modifier(struct parse *parse)
{
    struct words *words = parse->words;
    const char *word = words_peek(words);

    if (words->count <= words->at + 1)
        return;
    parse->is_default = strcmp(word, "default") == 0;
    parse->negated = parse->is_default || strcmp(word, "no") == 0;
    words->at += parse->negated;
}

static bool
may_stand_here(struct parse *parse, const struct keyword *kw)
{
    if (parse->negated && !(kw->flags & KEYWORD_NO))
        return parse_alert(parse, "'%s' cannot be preceded by '%s'", kw->name,
                           parse->is_default ? "default" : "no");
    if ((kw->flags & KEYWORD_NAMED_DEFAULTS) && parse->place == IN_DEFAULTS &&
        parse->section_name == NULL)
        return parse_alert(parse, "'%s' is allowed only in a 'defaults' section that has a name",
                           kw->name);
    return true;
}

bool
keyword_run_found(struct parse *parse, struct keyword_match match)
{
    const struct keyword *kw = match.kw;
    bool is_line = (parse->place & (IN_BIND | IN_SERVER)) == 0;

    parse->keyword = kw->name;
    parse->words->at += match.length;
    if (!may_stand_here(parse, kw))
        return false;
    if (kw->flags & KEYWORD_PREFIX)
        parse->words->at--;
    if (kw->parse != NULL)
        return kw->parse(parse);
    return setter_run(parse, kw) && (!is_line || parse_end(parse));
}

bool
keyword_run(struct parse *parse)
{
    struct keyword_match match = keyword_find(parse->words, parse->place);

    parse->negated = parse->is_default = false;
    if (match.kw == NULL) {
        read_modifier(parse);
        match = keyword_find(parse->words, parse->place);
    }
    return match.kw == NULL ? keyword_complain_unknown(parse) : keyword_run_found(parse, match);
}
