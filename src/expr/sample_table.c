/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of fetches and converters, and what messages say about them.
 *
 * Owns:    the two tables of names.
 * Thread:  boot fills the tables; builder reads them.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/base/hashmap.h"
#include "private.h"

static struct hashmap fetches;
static struct hashmap converters;

void
sample_table_init(void)
{
    if (fetches.count > 0)
        return;
    FOR_EACH_REGISTERED (fetch, fetch, list)
        MUST(hashmap_set(&fetches, str_from(fetch->name), (void *)fetch) == NULL);
    FOR_EACH_REGISTERED (converter, conv, list)
        MUST(hashmap_set(&converters, str_from(conv->name), (void *)conv) == NULL);
}

const struct fetch *
fetch_find(struct str name)
{
    return hashmap_find(&fetches, name);
}

const struct converter *
converter_find(struct str name)
{
    return hashmap_find(&converters, name);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The nearest name in a table; sorted first, so that equal distances always give the same one. */
static const char *
suggest(struct parse *parse, const struct hashmap *map, struct str name)
{
    const char **names = alloc_array(map->count + 1, sizeof(*names)), *text;
    size_t at = 0, count = 0;
    struct str key;
    void *value;

    while (hashmap_next(map, &at, &key, &value))
        names[count++] = key.ptr;
    qsort(names, count, sizeof(*names), compare_names);
    names[count] = NULL;
    text = expr_suggest(parse, name, names);
    alloc_free(names);
    return text;
}

/* Names of HAProxy's that weir does not have, and why. */
static const struct {
    const char *prefix, *why;
} missing[] = {
    { "internal.", "; it tells of HAProxy's inside, which is not weir's" },
    { "term_events", "; it tells of HAProxy's inside, which is not weir's" },
    { "res.cache_", "; caching is not implemented yet" },
    { "fcgi.", "; FastCGI is not implemented" },
    { "spoe.", "; SPOE is not implemented" },
};

const char *
fetch_suggest(struct parse *parse, struct str name)
{
    if (converter_find(name) != NULL)
        return "; it is a converter, which needs a fetch before it";
    for (size_t i = 0; i < COUNT(missing); i++) {
        if (str_starts(name, str_from(missing[i].prefix)))
            return missing[i].why;
    }
    return suggest(parse, &fetches, name);
}

const char *
converter_suggest(struct parse *parse, struct str name)
{
    return suggest(parse, &converters, name);
}

/* --- places ------------------------------------------------------------------------------------ */

const char *
place_name(unsigned place)
{
    static const struct {
        unsigned places;
        const char *name;
    } names[] = {
        { PLACE_FE_CONNECTION, "a 'tcp-request connection' rule" },
        { PLACE_FE_SESSION, "a 'tcp-request session' rule" },
        { PLACE_FE_CONTENT | PLACE_BE_CONTENT, "a 'tcp-request content' rule" },
        { PLACE_REQUEST_RULES | PLACE_FE_REQUEST_BODY | PLACE_BE_REQUEST_BODY,
          "an 'http-request' rule" },
        { PLACE_SWITCH, "a 'use_backend' rule" },
        { PLACE_BE_SERVER, "the choice of a server" },
        { PLACE_BE_CONNECT, "the connection to a server" },
        { PLACE_BE_RES_CONTENT | PLACE_FE_RES_CONTENT, "a 'tcp-response content' rule" },
        { PLACE_BE_RESPONSE | PLACE_FE_RESPONSE | PLACE_BE_RESPONSE_BODY | PLACE_FE_RESPONSE_BODY,
          "an 'http-response' rule" },
        { PLACE_BE_STORE, "a 'stick store-response' rule" },
        { PLACE_FE_LOG, "a log line" },
        { PLACE_CHECK, "a health check" },
        { PLACE_CLI, "a command of the runtime socket" },
        { PLACE_CONFIG, "the configuration itself" },
    };

    for (size_t i = 0; i < COUNT(names); i++) {
        if (names[i].places & place)
            return names[i].name;
    }
    return "this place";
}

const char *
fetch_needs(const struct fetch *fetch)
{
    unsigned places = fetch->places;

    if ((places & PLACE_HTTP_RESPONSE) == 0)
        return "a request that is being read";
    if ((places & PLACE_HTTP_REQUEST) == 0)
        return "a response";
    if ((places & PLACE_FE_CONNECTION) == 0)
        return (places & PLACE_FE_SESSION) == 0 ? "a stream" : "a session";
    if ((places & PLACE_FE_LOG) == 0)
        return "data that is in transit";
    return "a connection";
}
