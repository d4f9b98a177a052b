/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about a word that is no keyword here.
 *
 * Callers: keyword.c. Thread: builder.
 *
 * In order: it has gone from the language; it stands in a section where it means nothing (HAProxy
 * ignores most of these with a warning, and so do we, because such files run today); weir does not
 * have it yet; it is unknown, and something similar may be meant.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "private.h"

#define WORDS_MAX       3 /* of a name: "capture request header" */
#define NAMES_MAX       4096
#define SUGGESTIONS_MAX 100 /* mistakes after which nobody reads on */

/* Where these stand wrongly, traffic would go other ways than the file says. */
static const char *const never_ignored[] = {
    "server",
    "server-template",
    "default-server",
    "declare capture",
    "tcp-request connection",
    "tcp-request session",
    "tcp-response content",
    "tcp-response inspect-delay",
    "retry-on",
    "use-fcgi-app",
    "be-unpublished",
    "force-be-switch",
    "log-steps",
    "quic-initial",
    "ssl-f-use",
};

/* The word in hand, alone and with those behind it. */
struct unknown {
    const char *names[WORDS_MAX]; /* of 1, 2 and 3 words; NULL: the line is shorter */
    unsigned places;              /* where the language has it, whether weir does or not */
    const char *name;             /* as the language has it; NULL: unknown */
};

static void
read_names(struct parse *parse, struct unknown *unknown)
{
    const struct words *words = parse->words;

    unknown->names[0] = words_peek(words);
    for (unsigned i = 1; i < WORDS_MAX; i++) {
        unknown->names[i] = words->at + i >= words->count
                                ? NULL
                                : arena_printf(parse->arena, "%s %s", unknown->names[i - 1],
                                               words->items[words->at + i].text);
        if (unknown->names[i] == NULL)
            break;
    }
}

static unsigned
registered_places(const char *name)
{
    unsigned places = 0;

    FOR_EACH_REGISTERED (keyword, kw, list) {
        if (strcmp(kw->name, name) == 0)
            places |= kw->place;
    }
    return places;
}

/* Longest name first; what the registered keywords say wins. */
static void
look_up(struct parse *parse, struct unknown *unknown)
{
    struct keyword_match match = keyword_find(parse->words, ~0u);

    if (match.kw != NULL) {
        unknown->name = match.kw->name;
        unknown->places = registered_places(match.kw->name) | known_places(match.kw->name);
        return;
    }
    for (unsigned i = WORDS_MAX; i-- > 0 && unknown->name == NULL;) {
        if (unknown->names[i] == NULL)
            continue;
        unknown->places = known_places(unknown->names[i]);
        if (unknown->places != 0)
            unknown->name = unknown->names[i];
    }
}

static bool
complain_gone(struct parse *parse, const struct unknown *unknown)
{
    for (unsigned i = 2; i-- > 0;) {
        const char *instead =
            unknown->names[i] == NULL ? NULL : known_gone(parse->place, unknown->names[i]);

        if (instead == NULL)
            continue;
        parse_alert(parse, "'%s' is not supported any more: %s", unknown->names[i], instead);
        return true;
    }
    return false;
}

/* --- wrong section ----------------------------------------------------------------- */

static bool
may_be_ignored(const struct parse *parse, const struct unknown *unknown)
{
    if (!(parse->place & (IN_FRONTEND | IN_BACKEND | IN_LISTEN)) || !(unknown->places & IN_PROXY))
        return false;
    for (size_t i = 0; i < COUNT(never_ignored); i++) {
        if (strcmp(never_ignored[i], unknown->name) == 0)
            return false;
    }
    return true;
}

static const char *
hint_for(const struct parse *parse, const char *name)
{
    if (strcmp(name, "maxconn") == 0 && (parse->place & IN_BACKEND))
        return "; is 'fullconn' meant?";
    if (strcmp(name, "fullconn") == 0 && (parse->place & IN_FRONTEND))
        return "; is 'maxconn' meant?";
    return "";
}

static bool
complain_misplaced(struct parse *parse, const struct unknown *unknown)
{
    const char *here = section_place_name(parse->place);
    unsigned near = unknown->places & ((parse->place & IN_PROXY) ? IN_PROXY : ~0u);
    const char *there = section_names_of(parse, near != 0 ? near : unknown->places);

    if (may_be_ignored(parse, unknown))
        return parse_warn(parse, "'%s' is ignored: it means nothing in '%s' (known in: %s)%s",
                          unknown->name, here, there, hint_for(parse, unknown->name));
    return parse_alert(parse, "'%s' is not allowed in '%s' (known in: %s)", unknown->name, here,
                       there);
}

/* --- spelling ----------------------------------------------------------------------- */

static size_t
collect_names(unsigned place, const char **names)
{
    size_t count = 0, known_count;
    const struct known_word *known = known_words(&known_count);

    FOR_EACH_REGISTERED (keyword, kw, list) {
        if ((kw->place & place) && !(kw->flags & KEYWORD_HIDDEN) && count < NAMES_MAX - 1)
            names[count++] = kw->name;
    }
    for (size_t i = 0; i < known_count && count < NAMES_MAX - 1; i++) {
        if (known[i].places & place)
            names[count++] = known[i].name;
    }
    names[count] = NULL;
    return count;
}

static bool
begins_names(const char *word, const char *const *names)
{
    size_t len = strlen(word);

    for (size_t i = 0; names[i] != NULL; i++) {
        if (strncmp(names[i], word, len) == 0 && names[i][len] == ' ')
            return true;
    }
    return false;
}

/* Only the first words of names count when a single word is looked for. */
static void
cut_names(struct parse *parse, const char **names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t len = strcspn(names[i], " ");

        if (names[i][len] != '\0')
            names[i] = arena_copy_str(parse->arena, str_of(names[i], len));
    }
}

static const char *
line_or_section(const struct parse *parse)
{
    return (parse->place & (IN_BIND | IN_SERVER)) ? "on a" : "in";
}

static bool
complain_spelling(struct parse *parse, const struct unknown *unknown)
{
    const char **names = alloc_array(NAMES_MAX, sizeof(*names));
    const char *word = unknown->names[0], *nearest = "";
    bool is_long;

    collect_names(parse->place, names);
    is_long = begins_names(word, names);
    if (is_long && unknown->names[1] != NULL)
        word = unknown->names[1];
    if (diag_count(parse->diag, DIAG_ALERT) < SUGGESTIONS_MAX) {
        if (!is_long)
            cut_names(parse, names);
        nearest = parse_suggest(parse, word, names);
    }
    alloc_free(names);
    if (is_long && unknown->names[1] == NULL)
        return parse_alert_next(parse, "'%s' expects another word", word);
    parse->words->at += is_long;
    return parse_alert(parse, "unknown keyword '%s' %s '%s'%s%s", word, line_or_section(parse),
                       section_place_name(parse->place),
                       (parse->place & (IN_BIND | IN_SERVER)) ? " line" : "", nearest);
}

bool
keyword_complain_unknown(struct parse *parse)
{
    struct unknown unknown = { .name = NULL };

    read_names(parse, &unknown);
    look_up(parse, &unknown);
    parse->words->at++;
    if (complain_gone(parse, &unknown))
        return false;
    if (unknown.name != NULL && (unknown.places & parse->place))
        return parse_not_yet(parse, unknown.name);
    if (unknown.name != NULL && !(parse->place & (IN_BIND | IN_SERVER)) &&
        (unknown.places & ~(unsigned)(IN_BIND | IN_SERVER)) != 0)
        return complain_misplaced(parse, &unknown);
    return complain_spelling(parse, &unknown);
}
