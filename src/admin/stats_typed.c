/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics as typed text and as JSON: one item for each figure, with its
 * position, its tags and its type.
 *
 * For:     "show stat typed", "show stat json".
 * Owns:    nothing.
 * Callers: stats.c.
 * Thread:  control.
 *
 *     S.4.1.17.status.1:SGPV:str:UP
 *     | | | |  |      |
 *     | | | |  name   process
 *     | | | position of the column
 *     | | id of the server or listener
 *     | id of the proxy
 *     kind
 */
#include "weir/admin/stats.h"

static const char kind_letters[] = {
    [STAT_FRONTEND] = 'F', [STAT_BACKEND] = 'B', [STAT_SERVER] = 'S', [STAT_LISTENER] = 'L'
};

static const char *const kind_names[] = { [STAT_FRONTEND] = "Frontend",
                                          [STAT_BACKEND] = "Backend",
                                          [STAT_SERVER] = "Server",
                                          [STAT_LISTENER] = "Listener" };

void
stat_typed_row(struct text *out, const struct stat_row *row, bool with_help)
{
    for (unsigned i = 0; i < STAT_COLUMNS; i++) {
        const struct metric *column = &stat_columns[i];

        if (row->values[i].type == METRIC_NONE)
            continue;
        text_printf(out, "%c.%lld.%lld.%u.%s.1:", kind_letters[row->kind], (long long)row->proxy_id,
                    (long long)row->id, i, column->name);
        metric_print_typed(out, column, &row->values[i]);
        if (with_help)
            metric_print_help(out, column);
        text_add_char(out, '\n');
    }
}

void
stat_json_row(struct json *json, const struct stat_row *row)
{
    json_open_array(json);
    for (unsigned i = 0; i < STAT_COLUMNS; i++) {
        if (row->values[i].type == METRIC_NONE)
            continue;
        json_open_object(json);
        json_add_key(json, "objType");
        json_add_text(json, kind_names[row->kind]);
        json_add_key(json, "proxyId");
        json_add_int(json, row->proxy_id);
        json_add_key(json, "id");
        json_add_int(json, row->id);
        metric_add_json(json, &stat_columns[i], &row->values[i], i);
        json_close_object(json);
    }
    json_close_array(json);
}
