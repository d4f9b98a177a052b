/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics as CSV.
 *
 * For:     most monitoring tools: they read columns by name or by position, and
 *          count them, so each row is exactly as wide as the header.
 * Owns:    nothing.
 * Callers: stats.c, and the statistics page.
 * Thread:  control.
 *
 * Every line ends with a comma, the header as well.
 */
#include "weir/admin/stats.h"

/* The column between what tools may rely on and what may change. */
#define DELIMITER "-,"

void
stat_csv_header(struct text *out)
{
    text_add(out, STR("# "));
    for (unsigned i = 0; i < STAT_COLUMNS; i++) {
        if (i == STAT_FIRST_EXTRA)
            text_add(out, STR(DELIMITER));
        text_puts(out, stat_columns[i].name);
        text_add_char(out, ',');
    }
    text_add_char(out, '\n');
}

void
stat_csv_row(struct text *out, const struct stat_row *row)
{
    for (unsigned i = 0; i < STAT_COLUMNS; i++) {
        if (i == STAT_FIRST_EXTRA)
            text_add(out, STR(DELIMITER));
        metric_print_csv(out, &row->values[i]);
        text_add_char(out, ',');
    }
    text_add_char(out, '\n');
}
