/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of "weir top" share. */
#pragma once

#include "ctl.h"

enum top_order { TOP_AS_WRITTEN, TOP_BY_RATE, TOP_BY_SESSIONS, TOP_BY_QUEUE, TOP_BY_ERRORS,
                 TOP_BY_TIME, TOP_ORDERS };

/* What is shown, and how. */
struct top_view {
    struct ctl_table table; /* of "show stat" */
    struct text info;       /* of "show info" */
    size_t *rows;           /* owns; rows of the table that are shown, in order */
    size_t count;
    size_t selected, first; /* positions in rows; `first` is at the top of the screen */
    enum top_order order;
    char filter[64];
    char message[200]; /* the last line */
    unsigned width, height;
    enum ctl_look look;
};

/* --- top_rows.c ----------------------------------------------------------------------------- */

/* A column of a row; "" when there is none. */
const char *top_cell(const struct top_view *view, size_t row, const char *column);
long long top_number(const struct top_view *view, size_t row, const char *column);
/* After a new table, filter or order. */
void top_choose_rows(struct top_view *view);
const char *top_order_name(enum top_order order);
/* "backend/server" of the selected row, which is a server's. False: it is none. */
bool top_selected_server(const struct top_view *view, struct text *name);

/* --- top_screen.c --------------------------------------------------------------------------- */

/* All lines of the screen, each ended with the line feed. */
void top_draw(struct top_view *view, struct text *out);
