/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows "weir top" shows, and in what order.
 *
 * Owns: the array of the view. Callers: top_run.c, top_screen.c. Thread: boot.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "top.h"

static const char *const order_names[TOP_ORDERS] = {
    [TOP_AS_WRITTEN] = "configuration", [TOP_BY_RATE] = "rate",     [TOP_BY_SESSIONS] = "sessions",
    [TOP_BY_QUEUE] = "queue",           [TOP_BY_ERRORS] = "errors", [TOP_BY_TIME] = "answer time"
};

const char *
top_order_name(enum top_order order)
{
    return order_names[order];
}

const char *
top_cell(const struct top_view *view, size_t row, const char *column)
{
    long at = ctl_table_find(&view->table, column);

    return at < 0 ? "" : ctl_table_cell(&view->table, row, (size_t)at);
}

long long
top_number(const struct top_view *view, size_t row, const char *column)
{
    return strtoll(top_cell(view, row, column), NULL, 10);
}

static long long
weight_of(const struct top_view *view, size_t row)
{
    switch (view->order) {
    case TOP_BY_RATE:
        return top_number(view, row, "rate");
    case TOP_BY_SESSIONS:
        return top_number(view, row, "scur");
    case TOP_BY_QUEUE:
        return top_number(view, row, "qcur");
    case TOP_BY_ERRORS:
        return top_number(view, row, "ereq") + top_number(view, row, "econ") +
               top_number(view, row, "eresp") + top_number(view, row, "hrsp_5xx");
    case TOP_BY_TIME:
        return top_number(view, row, "rtime");
    case TOP_AS_WRITTEN:
    case TOP_ORDERS:
        break;
    }
    return 0;
}

static bool
has_text(const char *cell, const char *part)
{
    return str_find_nocase(str_from(cell), str_from(part), 0) >= 0;
}

static bool
is_shown(const struct top_view *view, size_t row)
{
    if (strcmp(top_cell(view, row, "type"), "3") == 0) /* a listener */
        return false;
    return *view->filter == '\0' || has_text(top_cell(view, row, "pxname"), view->filter) ||
           has_text(top_cell(view, row, "svname"), view->filter) ||
           has_text(top_cell(view, row, "status"), view->filter);
}

/* Rows of one weight keep their order. */
static void
insert(struct top_view *view, size_t row)
{
    long long weight = weight_of(view, row);
    size_t at = view->count++;

    for (; at > 0 && weight_of(view, view->rows[at - 1]) < weight; at--)
        view->rows[at] = view->rows[at - 1];
    view->rows[at] = row;
}

void
top_choose_rows(struct top_view *view)
{
    view->rows = alloc_resize(view->rows, (view->table.rows + 1) * sizeof(*view->rows));
    view->count = 0;
    for (size_t row = 1; row < view->table.rows; row++) {
        if (is_shown(view, row))
            insert(view, row);
    }
    if (view->selected >= view->count)
        view->selected = view->count == 0 ? 0 : view->count - 1;
}

bool
top_selected_server(const struct top_view *view, struct text *name)
{
    size_t row;

    if (view->selected >= view->count)
        return false;
    row = view->rows[view->selected];
    if (strcmp(top_cell(view, row, "type"), "2") != 0)
        return false;
    text_puts(name, top_cell(view, row, "pxname"));
    text_add_char(name, '/');
    text_puts(name, top_cell(view, row, "svname"));
    return true;
}
