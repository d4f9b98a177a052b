/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of section kinds, and names of places for messages.
 *
 * For:     parser.c; the complaints about words that stand where they do not belong.
 * Owns:    the hash table from name to section.
 * Thread:  boot fills it; any reads it.
 */
#include "weir/config/section.h"

#include "weir/base/crash.h"
#include "weir/base/hashmap.h"
#include "private.h"

static struct hashmap sections = HASHMAP_INIT;

static const struct place_name {
    unsigned place;
    const char *name;
} place_names[] = {
    { IN_GLOBAL, "global" },
    { IN_DEFAULTS, "defaults" },
    { IN_FRONTEND, "frontend" },
    { IN_LISTEN, "listen" },
    { IN_BACKEND, "backend" },
    { IN_BIND, "bind" },
    { IN_SERVER, "server" },
    { IN_USERLIST, "userlist" },
    { IN_PEERS, "peers" },
    { IN_RESOLVERS, "resolvers" },
    { IN_MAILERS, "mailers" },
    { IN_RING, "ring" },
    { IN_CACHE, "cache" },
    { IN_HTTP_ERRORS, "http-errors" },
    { IN_LOG_FORWARD, "log-forward" },
    { IN_LOG_PROFILE, "log-profile" },
    { IN_CRT_STORE, "crt-store" },
    { IN_TRACES, "traces" },
    { IN_ACME, "acme" },
    { IN_HEALTHCHECK, "healthcheck" },
    { IN_RULESET, "ruleset" },
};

void
section_table_init(void)
{
    if (sections.count > 0)
        return;
    FOR_EACH_REGISTERED (section, section, list) {
        MUST(section->help != NULL && section->open != NULL);
        MUST(hashmap_set(&sections, str_from(section->name), (void *)section) == NULL);
    }
}

const struct section *
section_find(const char *name)
{
    return hashmap_find(&sections, str_from(name));
}

const char *
section_place_name(unsigned place)
{
    for (size_t i = 0; i < COUNT(place_names); i++) {
        if (place_names[i].place & place)
            return place_names[i].name;
    }
    return "this section";
}

const char *
section_names_of(struct parse *parse, unsigned places)
{
    const char *text = NULL;

    for (size_t i = 0; i < COUNT(place_names); i++) {
        if (!(place_names[i].place & places))
            continue;
        text = text == NULL ? place_names[i].name
                            : arena_printf(parse->arena, "%s, %s", text, place_names[i].name);
    }
    return text == NULL ? "no section" : text;
}
