/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws "weir top": figures of the process, then a row for each frontend, server and backend.
 *
 * Callers: top_run.c. Thread: boot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/registry.h"
#include "top.h"

#define HEAD_LINES 3
#define FOOT_LINES 2
#define NAME_WIDTH 30

struct figure {
    const char *title;
    const char *column;
    int width;
    bool is_bytes;
};

static const struct figure figures[] = {
    { "rate", "rate", 7, false },    { "req/s", "req_rate", 7, false },
    { "sess", "scur", 6, false },    { "max", "smax", 6, false },
    { "queue", "qcur", 6, false },   { "in", "bin", 8, true },
    { "out", "bout", 8, true },      { "5xx", "hrsp_5xx", 6, false },
    { "conerr", "econ", 7, false },  { "rsperr", "eresp", 7, false },
    { "ans ms", "rtime", 7, false }, { "all ms", "ttime", 7, false },
    { "weight", "weight", 7, false },
};

static void
format_bytes(const char *cell, char *to, size_t size)
{
    static const char units[] = " kMGTP";
    double n = strtod(cell, NULL);
    size_t unit = 0;

    while (n >= 1000 && unit + 2 < sizeof(units)) {
        n /= 1000;
        unit++;
    }
    snprintf(to, size, unit == 0 ? "%.0f" : "%.1f%c", n, units[unit]);
}

static struct str
info_value(const struct top_view *view, const char *name)
{
    struct str rest = text_str(&view->info);

    while (rest.ptr != NULL) {
        struct str line = str_split(&rest, '\n');

        if (str_starts(line, str_from(name)) && line.len > strlen(name) &&
            line.ptr[strlen(name)] == ':')
            return str_trim(str_slice(line, strlen(name) + 1, line.len));
    }
    return STR("?");
}

static void
add_info(const struct top_view *view, struct text *line, const char *title, const char *name)
{
    struct str value = info_value(view, name);

    text_printf(line, "%s ", title);
    text_add(line, value);
    text_puts(line, "  ");
}

/* No wider than the screen; escape sequences stand outside. */
static void
put_line(const struct top_view *view, struct text *out, const struct text *line,
         const char *begin, const char *end)
{
    struct str shown = str_slice(text_str(line), 0, view->width);

    if (view->look == CTL_COLOURED)
        text_puts(out, begin);
    text_add(out, shown);
    if (view->look == CTL_COLOURED)
        text_puts(out, end);
    text_add_char(out, '\n');
}

static void
draw_head(const struct top_view *view, struct text *out)
{
    struct text line = TEXT_INIT;

    text_puts(&line, "weir top  ");
    add_info(view, &line, "version", "Version");
    add_info(view, &line, "up", "Uptime");
    add_info(view, &line, "idle %", "Idle_pct");
    add_info(view, &line, "pid", "Pid");
    put_line(view, out, &line, "\033[1m", CTL_COLOUR_END);
    text_clear(&line);
    add_info(view, &line, "connections", "CurrConns");
    add_info(view, &line, "of", "Maxconn");
    add_info(view, &line, "conn/s", "ConnRate");
    add_info(view, &line, "sess/s", "SessRate");
    add_info(view, &line, "requests", "CumReq");
    put_line(view, out, &line, "", "");
    text_clear(&line);
    text_printf(&line, "%-*s %-10s", NAME_WIDTH, "name", "state");
    for (size_t i = 0; i < COUNT(figures); i++)
        text_printf(&line, "%*s", figures[i].width, figures[i].title);
    put_line(view, out, &line, "\033[7m", CTL_COLOUR_END);
    text_fini(&line);
}

static void
add_name(const struct top_view *view, size_t row, struct text *line)
{
    struct text name = TEXT_INIT;

    ctl_add_clean(&name, top_cell(view, row, "pxname"));
    text_add_char(&name, '/');
    ctl_add_clean(&name, top_cell(view, row, "svname"));
    text_printf(line, "%-*.*s ", NAME_WIDTH, NAME_WIDTH, text_cstr(&name));
    text_fini(&name);
}

static void
draw_row(const struct top_view *view, size_t at, struct text *out)
{
    size_t row = view->rows[at];
    const char *state = top_cell(view, row, "status");
    bool is_selected = at == view->selected && view->look == CTL_COLOURED;
    struct text line = TEXT_INIT;
    char bytes[32];

    add_name(view, row, &line);
    text_printf(&line, "%-10.10s", state);
    for (size_t i = 0; i < COUNT(figures); i++) {
        const char *cell = top_cell(view, row, figures[i].column);

        if (figures[i].is_bytes && *cell != '\0') {
            format_bytes(cell, bytes, sizeof(bytes));
            cell = bytes;
        }
        text_printf(&line, "%*s", figures[i].width, cell);
    }
    if (is_selected)
        text_puts(out, "\033[7m");
    put_line(view, out, &line, ctl_colour(state), CTL_COLOUR_END);
    text_fini(&line);
}

static void
draw_foot(const struct top_view *view, struct text *out)
{
    struct text line = TEXT_INIT;

    text_printf(&line, "%zu rows, by %s%s%s  ", view->count, top_order_name(view->order),
                *view->filter == '\0' ? "" : ", with ", view->filter);
    text_puts(&line, view->message);
    put_line(view, out, &line, "", "");
    text_clear(&line);
    text_puts(&line, "q quit  up/down choose  d drain  r ready  m maintenance  s sort  / filter");
    put_line(view, out, &line, "\033[2m", CTL_COLOUR_END);
    text_fini(&line);
}

void
top_draw(struct top_view *view, struct text *out)
{
    size_t room = view->height > HEAD_LINES + FOOT_LINES
                      ? view->height - HEAD_LINES - FOOT_LINES
                      : 1;

    if (view->selected < view->first)
        view->first = view->selected;
    if (view->selected >= view->first + room)
        view->first = view->selected - room + 1;
    draw_head(view, out);
    for (size_t i = view->first; i < view->count && i < view->first + room; i++)
        draw_row(view, i, out);
    draw_foot(view, out);
}
