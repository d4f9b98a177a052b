/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind the URI of the statistics page: ";csv", ";up", "?scope=web".
 *
 * Callers: stats_page.c. Thread: any; pure.
 */
#include <string.h>

#include "page.h"

static bool
has_word(struct str rest, const char *word)
{
    struct str wanted = str_from(word);

    for (long at = str_find(rest, wanted, 0); at >= 0; at = str_find(rest, wanted, (size_t)at + 1)) {
        size_t end = (size_t)at + wanted.len;

        if (end == rest.len || strchr(";&?", rest.ptr[end]) != NULL)
            return true;
    }
    return false;
}

/* The value behind "name=", up to the next mark. */
static struct str
find_value(struct str rest, const char *name)
{
    struct str wanted = str_from(name), value;
    long at = str_find(rest, wanted, 0);

    if (at < 0)
        return STR("");
    value = str_slice(rest, (size_t)at + wanted.len, rest.len);
    for (size_t i = 0; i < value.len; i++) {
        if (strchr(";&?", value.ptr[i]) != NULL)
            return str_slice(value, 0, i);
    }
    return value;
}

bool
page_query_parse(struct page_query *query, struct str target, const char *uri)
{
    struct str rest;

    *query = (struct page_query){ .form = PAGE_HTML };
    if (!str_starts(target, str_from(uri)))
        return false;
    rest = str_slice(target, strlen(uri), target.len);
    if (has_word(rest, ";csv"))
        query->form = PAGE_CSV;
    else if (has_word(rest, ";json"))
        query->form = PAGE_JSON;
    if (has_word(rest, ";up"))
        query->flags |= STAT_UP_ONLY;
    if (has_word(rest, ";no-maint"))
        query->flags |= STAT_NO_MAINT;
    query->no_refresh = has_word(rest, ";norefresh");
    query->scope = find_value(rest, "scope=");
    query->status = find_value(rest, ";st=");
    return true;
}
