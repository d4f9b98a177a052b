/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "metrics=a,-b": which metrics of an answer for Prometheus are wanted.
 *
 * Callers: stats_prometheus.c. Thread: any; pure.
 */
#include "prometheus.h"

/* Do the lists of the query name it, with or without '-'? */
static bool
is_named(struct str query, struct str metric, bool is_taken_away)
{
    while (query.ptr != NULL) {
        struct str list = str_split(&query, '&'), key = str_split(&list, '=');

        while (str_eq(key, STR("metrics")) && list.ptr != NULL) {
            struct str name = str_split(&list, ',');
            bool has_minus = name.len > 0 && name.ptr[0] == '-';

            if (has_minus)
                name = str_slice(name, 1, name.len);
            if (has_minus == is_taken_away && (metric.ptr == NULL || str_eq(name, metric)))
                return name.len > 0;
        }
    }
    return false;
}

void
prometheus_filter(struct text *body, struct str query)
{
    bool is_limited = is_named(query, STR_NONE, false), is_kept = true;
    struct text kept = TEXT_INIT;
    struct str rest = text_str(body);

    if (!is_limited && !is_named(query, STR_NONE, true))
        return;
    while (rest.ptr != NULL && rest.len > 0) {
        struct str line = str_split(&rest, '\n'), name = line;

        if (str_starts(line, STR("# HELP "))) {
            name = str_slice(line, sizeof("# HELP ") - 1, line.len);
            name = str_split(&name, ' ');
            is_kept = (!is_limited || is_named(query, name, false)) && !is_named(query, name, true);
        }
        if (is_kept) {
            text_add(&kept, line);
            text_add_char(&kept, '\n');
        }
    }
    text_fini(body);
    *body = kept;
}
