/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables in answers of the runtime socket: read, aligned, coloured, as JSON.
 *
 * For:     weir ctl, weir top.
 * Owns:    the cells.
 * Thread:  boot.
 */
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/json.h"
#include "ctl.h"

/* --- read ----------------------------------------------------------------------------------- */

/* One field of a line of CSV, quotes taken off; moves on. */
static char *
take_csv(struct str *rest)
{
    struct text cell = TEXT_INIT;
    bool is_quoted = rest->len > 0 && rest->ptr[0] == '"', is_open = is_quoted;
    size_t i = is_quoted ? 1 : 0;
    char *copy;

    for (; i < rest->len && (is_open || rest->ptr[i] != ','); i++) {
        if (!is_quoted || rest->ptr[i] != '"') {
            text_add_char(&cell, rest->ptr[i]);
        } else if (is_open && i + 1 < rest->len && rest->ptr[i + 1] == '"') {
            text_add_char(&cell, '"');
            i++;
        } else {
            is_open = false;
        }
    }
    *rest = i < rest->len ? str_slice(*rest, i + 1, rest->len) : STR_NONE;
    copy = alloc_copy(text_cstr(&cell));
    text_fini(&cell);
    return copy;
}

static char *
take_word(struct str *rest)
{
    size_t end = 0, next;
    char *copy;

    while (end < rest->len && rest->ptr[end] != ' ')
        end++;
    for (next = end; next < rest->len && rest->ptr[next] == ' ';)
        next++;
    copy = alloc_copy_str(str_of(rest->ptr, end));
    *rest = next < rest->len ? str_slice(*rest, next, rest->len) : STR_NONE;
    return copy;
}

static size_t
count_fields(struct str header, bool is_csv)
{
    size_t count = 0;

    while (header.ptr != NULL && header.len > 0) {
        alloc_free(is_csv ? take_csv(&header) : take_word(&header));
        count++;
    }
    return count;
}

static void
add_row(struct ctl_table *table, struct str line, bool is_csv)
{
    char **row;

    table->cells =
        alloc_resize(table->cells, (table->rows + 1) * table->columns * sizeof(*table->cells));
    row = &table->cells[table->rows++ * table->columns];
    for (size_t i = 0; i < table->columns; i++) {
        if (line.ptr == NULL)
            row[i] = alloc_copy("");
        else
            row[i] = is_csv ? take_csv(&line) : take_word(&line);
    }
}

bool
ctl_table_read(struct ctl_table *table, struct str answer)
{
    struct str rest = answer, line = str_split(&rest, '\n');
    bool is_csv;

    memset(table, 0, sizeof(*table));
    if (str_eq(line, STR("1"))) /* the version before "show servers state" */
        line = str_split(&rest, '\n');
    if (!str_starts(line, STR("# ")))
        return false;
    line = str_slice(line, 2, line.len);
    is_csv = str_find_char(line, ',') >= 0;
    table->columns = count_fields(line, is_csv);
    if (table->columns == 0)
        return false;
    add_row(table, line, is_csv);
    while (rest.ptr != NULL) {
        line = str_split(&rest, '\n');
        if (line.len > 0 && line.ptr[0] == '#') { /* another table: not one of ours */
            ctl_table_fini(table);
            return false;
        }
        if (line.len > 0)
            add_row(table, line, is_csv);
    }
    return true;
}

void
ctl_table_fini(struct ctl_table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++)
        alloc_free(table->cells[i]);
    alloc_free(table->cells);
    memset(table, 0, sizeof(*table));
}

const char *
ctl_table_cell(const struct ctl_table *table, size_t row, size_t column)
{
    return table->cells[row * table->columns + column];
}

long
ctl_table_find(const struct ctl_table *table, const char *name)
{
    for (size_t i = 0; i < table->columns; i++) {
        if (strcmp(ctl_table_cell(table, 0, i), name) == 0)
            return (long)i;
    }
    return -1;
}

/* --- print ---------------------------------------------------------------------------------- */

static const char *const usual_columns[] = { "pxname", "svname",   "status",   "weight",   "qcur",
                                             "scur",   "smax",     "slim",     "stot",     "rate",
                                             "bin",    "bout",     "hrsp_4xx", "hrsp_5xx", "ereq",
                                             "econ",   "eresp",    "rtime",    "ttime",    "lastchg",
                                             "addr",   "last_chk", NULL };

const char *
ctl_colour(const char *state)
{
    if (strncmp(state, "UP", 2) == 0 || strcmp(state, "OPEN") == 0)
        return "\033[32m";
    if (strncmp(state, "DOWN", 4) == 0 || strcmp(state, "STOP") == 0)
        return "\033[31m";
    if (strncmp(state, "MAINT", 5) == 0 || strncmp(state, "DRAIN", 5) == 0 ||
        strncmp(state, "NOLB", 4) == 0)
        return "\033[33m";
    return "";
}

void
ctl_add_clean(struct text *out, const char *cell)
{
    for (const char *c = cell; *c != '\0'; c++)
        text_add_char(out, (unsigned char)*c < ' ' || *c == 127 ? '?' : *c);
}

static bool
is_usual(const char *name)
{
    for (size_t i = 0; usual_columns[i] != NULL; i++) {
        if (strcmp(usual_columns[i], name) == 0)
            return true;
    }
    return false;
}

/* Its widest cell; 0: nothing is said in it, or it is not asked for. */
static size_t
width_of(const struct ctl_table *table, size_t column, bool all)
{
    size_t width = 0;

    if (!all && strcmp(ctl_table_cell(table, 0, 0), "pxname") == 0 &&
        !is_usual(ctl_table_cell(table, 0, column)))
        return 0;
    for (size_t row = 1; row < table->rows; row++) {
        size_t len = strlen(ctl_table_cell(table, row, column));

        width = len > width ? len : width;
    }
    if (width == 0 && table->rows > 1)
        return 0;
    return strlen(ctl_table_cell(table, 0, column)) > width
               ? strlen(ctl_table_cell(table, 0, column))
               : width;
}

static bool
is_number(const char *cell)
{
    return *cell != '\0' && strspn(cell, "0123456789.-") == strlen(cell);
}

static void
print_cell(struct text *out, const char *cell, size_t width, const char *colour)
{
    size_t len = strlen(cell), pad = width > len ? width - len : 0;

    if (is_number(cell))
        text_printf(out, "%*s", (int)pad, "");
    text_puts(out, colour);
    ctl_add_clean(out, cell);
    text_puts(out, *colour == '\0' ? "" : CTL_COLOUR_END);
    if (!is_number(cell))
        text_printf(out, "%*s", (int)pad, "");
}

void
ctl_table_print(const struct ctl_table *table, struct text *out, enum ctl_look look, bool all)
{
    size_t *widths = alloc_array(table->columns, sizeof(*widths));

    for (size_t i = 0; i < table->columns; i++)
        widths[i] = width_of(table, i, all);
    for (size_t row = 0; row < table->rows; row++) {
        const char *gap = "";

        for (size_t i = 0; i < table->columns; i++) {
            const char *cell = ctl_table_cell(table, row, i);

            if (widths[i] == 0)
                continue;
            text_puts(out, gap);
            gap = "  ";
            if (look == CTL_COLOURED && row == 0)
                print_cell(out, cell, widths[i], "\033[1m");
            else
                print_cell(out, cell, widths[i], look == CTL_COLOURED ? ctl_colour(cell) : "");
        }
        while (out->len > 0 && out->ptr[out->len - 1] == ' ')
            out->len--;
        text_add_char(out, '\n');
    }
    alloc_free(widths);
}

void
ctl_table_print_json(const struct ctl_table *table, struct text *out)
{
    struct json json;

    json_init(&json, out);
    json_open_array(&json);
    for (size_t row = 1; row < table->rows; row++) {
        json_open_object(&json);
        for (size_t i = 0; i < table->columns; i++) {
            if (*ctl_table_cell(table, 0, i) == '\0')
                continue;
            json_add_key(&json, ctl_table_cell(table, 0, i));
            json_add_text(&json, ctl_table_cell(table, row, i));
        }
        json_close_object(&json);
    }
    json_close_array(&json);
    text_add_char(out, '\n');
}
