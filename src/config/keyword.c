/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keywords, and how a line finds its own.
 *
 * For:     sections, and the words of bind and server lines.
 * Owns:    the hash table from a keyword's first word to the keywords that begin with it.
 * Thread:  boot fills it; builders read it.
 */
#include "weir/config/keyword.h"

#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/hashmap.h"
#include "private.h"

#define NAMES_MAX 4096

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

void
keyword_table_init(void)
{
    if (families.count > 0)
        return;
    FOR_EACH_REGISTERED (keyword, kw, list) {
        struct str first = str_of(kw->name, strcspn(kw->name, " "));
        struct family *family = hashmap_find(&families, first);

        MUST(kw->help != NULL);
        if (family == NULL) {
            family = alloc_zero(sizeof(*family));
            hashmap_set(&families, first, family);
        }
        family_add(family, kw);
        if (kw->flags & KEYWORD_PREFIX)
            family_add(&prefixes, kw);
    }
}

/* How many words of the line the name covers; 0: another keyword. */
static unsigned
fits(const struct keyword *kw, const struct words *words)
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

static const struct keyword *
family_find(const struct family *family, const struct words *words, unsigned place,
            unsigned *length)
{
    const struct keyword *best = NULL;

    for (size_t i = 0; family != NULL && i < family->count; i++) {
        const struct keyword *kw = family->items[i];
        unsigned covers = (kw->place & place) ? fits(kw, words) : 0;

        if (covers > *length) {
            *length = covers;
            best = kw;
        }
    }
    return best;
}

static const struct keyword *
find(const struct words *words, unsigned place, unsigned *length)
{
    const struct keyword *kw;

    *length = 0;
    kw = family_find(hashmap_find(&families, str_from(words->items[words->at].text)), words, place,
                     length);
    return kw != NULL ? kw : family_find(&prefixes, words, place, length);
}

/* --- unknown words --------------------------------------------------------------- */

static void
collect_names(unsigned place, bool second_words_of_first, const char *first, const char **names)
{
    size_t count = 0;

    FOR_EACH_REGISTERED (keyword, kw, list) {
        size_t len = strcspn(kw->name, " ");

        if (!(kw->place & place) || (kw->flags & KEYWORD_HIDDEN) || count >= NAMES_MAX - 1)
            continue;
        if (!second_words_of_first)
            names[count++] = kw->name;
        else if (strncmp(kw->name, first, len) == 0 && first[len] == '\0' && kw->name[len] == ' ')
            names[count++] = kw->name + len + 1;
    }
    names[count] = NULL;
}

static const char *
suggest(struct parse *parse, const char *word, const char *next)
{
    const char **names = alloc_array(NAMES_MAX, sizeof(*names));
    const char *text = "";

    if (next != NULL) {
        collect_names(parse->place, true, word, names);
        text = parse_suggest(parse, next, names);
    }
    if (*text == '\0') {
        collect_names(parse->place, false, NULL, names);
        text = parse_suggest(parse, word, names);
    }
    alloc_free(names);
    return text;
}

static bool
complain_unknown(struct parse *parse)
{
    const char *word = words_next(parse->words);
    const char *next = words_peek(parse->words);
    const char *instead = known_removed(word, next);
    const char *section = parse->section == NULL ? "this section" : parse->section->name;

    if (instead != NULL)
        return parse_alert(parse, "'%s' is gone: %s", word, instead);
    if (known_word(parse->place, word, next)) {
        bool two = strcmp(word, "option") == 0 || strcmp(word, "timeout") == 0 ||
                   strcmp(word, "stats") == 0;

        return parse_alert(parse, "'%s%s%s' is not implemented yet", word, two && next ? " " : "",
                           two && next ? next : "");
    }
    return parse_alert(parse, "unknown keyword '%s%s%s' in '%s'%s", word,
                       strcmp(word, "option") == 0 && next ? " " : "",
                       strcmp(word, "option") == 0 && next ? next : "", section,
                       suggest(parse, word, next));
}

/* --- running ---------------------------------------------------------------------- */

void *
keyword_slot(struct parse *parse, const struct slot *slot)
{
    FOR_EACH_REGISTERED (place_slots, entry, list) {
        if (entry->place & parse->place)
            return slot_of(entry->slots(parse->object), slot);
    }
    MUST(!"no place_slots for this place");
    return NULL;
}

static bool
set_choice(struct parse *parse, const struct keyword *kw, int *out)
{
    return parse_choice(parse, kw->args != NULL ? kw->args : "a word", kw->choices, out);
}

static bool
set(struct parse *parse, const struct keyword *kw)
{
    char *object = kw->slot != NULL ? keyword_slot(parse, kw->slot) : parse->object;
    void *to = object + kw->offset;
    const char *what = kw->args != NULL ? kw->args : "a value";

    switch (kw->setter) {
    case SETTER_FLAG:
        *(bool *)to = !parse->negated;
        return true;
    case SETTER_INT:
        return parse_int(parse, what, kw->min, kw->max, to);
    case SETTER_TIME_MS:
        return parse_time(parse, what, "ms", to);
    case SETTER_TIME_S:
        return parse_time(parse, what, "s", to);
    case SETTER_SIZE:
        return parse_size(parse, what, to);
    case SETTER_TEXT:
        return (*(const char **)to = parse_word(parse, what)) != NULL;
    case SETTER_ON_OFF:
        return parse_on_off(parse, to);
    case SETTER_CHOICE:
        return set_choice(parse, kw, to);
    case SETTER_NONE:
        break;
    }
    MUST(!"keyword without parser");
    return false;
}

bool
keyword_run(struct parse *parse)
{
    struct words *words = parse->words;
    unsigned length;
    const struct keyword *kw;
    bool is_line = (parse->place & (IN_BIND | IN_SERVER)) == 0;

    parse->negated = false;
    kw = find(words, parse->place, &length);
    if (kw == NULL && words_peek(words) != NULL && strcmp(words_peek(words), "no") == 0 &&
        words->count > words->at + 1) {
        words->at++;
        parse->negated = true;
        kw = find(words, parse->place, &length);
    }
    if (kw == NULL)
        return complain_unknown(parse);
    parse->keyword = kw->name;
    words->at += length - ((kw->flags & KEYWORD_PREFIX) ? 1 : 0);
    if (parse->negated && !(kw->flags & KEYWORD_NO))
        return parse_alert(parse, "'%s' cannot be negated with 'no'", kw->name);
    if (kw->parse != NULL)
        return kw->parse(parse);
    return set(parse, kw) && (!is_line || parse_end(parse));
}
