/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections "ruleset NAME(ARG,...)": rules that are written once and called from several places.
 *
 * For:     ruleset_call.c.
 * Owns:    nothing: all in the snapshot's arena.
 * Thread:  builder.
 *
 * The lines are kept as they stand. What they mean depends on where they are called: the names of
 * acls, the proxy, the values of the arguments.
 */
#include <string.h>

#include "weir/config/snapshot.h"
#include "private.h"

struct named_rulesets {
    struct named_ruleset *first;
};

static struct slot rulesets_slot = SLOT("ruleset", SLOT_GLOBAL, struct named_rulesets);
REGISTER_SLOT(rulesets_slot);

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"

static struct named_rulesets *
rulesets_of(const struct snapshot *snapshot)
{
    return snapshot_slot(snapshot, &rulesets_slot);
}

const struct named_ruleset *
named_ruleset_first(const struct snapshot *snapshot)
{
    return rulesets_of(snapshot)->first;
}

struct named_ruleset *
named_ruleset_find(const struct snapshot *snapshot, struct str name)
{
    struct named_ruleset *set = rulesets_of(snapshot)->first;

    while (set != NULL && !str_eq(str_from(set->name), name))
        set = set->next;
    return set;
}

const char *
named_ruleset_suggest(struct parse *parse, struct str name)
{
    const char *names[256];
    size_t count = 0;

    for (const struct named_ruleset *set = rulesets_of(parse->snapshot)->first;
         set != NULL && count < COUNT(names) - 1; set = set->next)
        names[count++] = set->name;
    names[count] = NULL;
    return parse_suggest(parse, arena_copy_str(parse->arena, name), names);
}

/* --- "name(a,b)" --------------------------------------------------------------------------- */

bool
named_ruleset_split(const char *text, struct str *name, struct str *inside)
{
    struct str whole = str_from(text);
    long open = str_find_char(whole, '(');

    *inside = STR("");
    *name = open < 0 ? whole : str_slice(whole, 0, (size_t)open);
    if (open < 0)
        return true;
    if (whole.ptr[whole.len - 1] != ')')
        return false;
    *inside = str_slice(whole, (size_t)open + 1, whole.len - (size_t)open - 2);
    return true;
}

bool
named_ruleset_next(struct str *list, struct str *value)
{
    if (list->len == 0)
        return false;
    *value = str_trim(str_split(list, ','));
    return true;
}

/* --- the section ----------------------------------------------------------------------------- */

static bool
read_args(struct parse *parse, struct named_ruleset *set, struct str list)
{
    struct str arg;

    while (named_ruleset_next(&list, &arg)) {
        if (arg.len == 0 || strspn(arg.ptr, NAME_CHARS) < arg.len)
            return parse_alert(parse, "'%.*s' cannot be the name of an argument", STR_ARG(arg));
        if (set->arg_count == NAMED_ARGS_MAX)
            return parse_alert(parse, "a ruleset has at most %d arguments", NAMED_ARGS_MAX);
        set->args[set->arg_count++] = arena_copy_str(parse->arena, arg);
    }
    return true;
}

/* "ruleset api-limits(rate, burst)": blanks may stand between the arguments. */
static bool
open_ruleset(struct parse *parse)
{
    struct named_rulesets *sets = rulesets_of(parse->snapshot);
    struct named_ruleset *set = ARENA_NEW(parse->arena, struct named_ruleset), *same;
    const char *text = words_rest(parse);
    struct str name, inside;

    if (text == NULL || *text == '\0')
        return parse_alert_next(parse, "'ruleset' expects a name");
    if (!named_ruleset_split(text, &name, &inside))
        return parse_alert(parse, "')' is missing behind the arguments of the ruleset");
    if (name.len == 0 || strspn(name.ptr, NAME_CHARS) < name.len)
        return parse_alert(parse, "a ruleset's name has letters, digits and '_.:-' only");
    same = named_ruleset_find(parse->snapshot, name);
    if (same != NULL)
        return parse_alert(parse, "ruleset '%s' stands at %s:%d already", same->name,
                           same->pos.file, same->pos.line);
    set->name = arena_copy_str(parse->arena, name);
    set->pos = parse_pos(parse);
    set->end = &set->lines;
    set->next = sets->first;
    sets->first = set;
    parse->object = set;
    return read_args(parse, set, inside);
}

static bool
is_rule(const char *word)
{
    static const char *const words[] = { "acl",          "http-request",        "http-response",
                                         "tcp-request",  "http-after-response", "tcp-response" };

    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

static bool
read_ruleset_line(struct parse *parse)
{
    struct named_ruleset *set = parse->object;
    struct named_line *line = ARENA_NEW(parse->arena, struct named_line);
    const char *word = words_next(parse->words);

    if (!is_rule(word))
        return parse_alert(parse, "a ruleset holds acl, tcp-request, tcp-response, http-request, "
                                  "http-response and http-after-response lines, not '%s'",
                           word);
    line->pos = parse_pos(parse);
    line->text = arena_copy(parse->arena, parse->words->line_text);
    *set->end = line;
    set->end = &line->next;
    return true;
}

static const struct section sections[] = {
    { "ruleset", IN_RULESET, open_ruleset, NULL,
      "Rules that are written once and called with arguments: http-request call NAME(VALUE,...).",
      read_ruleset_line },
};
REGISTER(section, sections);
