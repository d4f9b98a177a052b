/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "extra-counters": the columns of protocols as metrics.
 *
 * For:     stats_prometheus.c.
 * Owns:    one text for each kind of object and column, while an answer is made.
 * Thread:  control.
 */
#include "weir/base/alloc.h"
#include "page.h"
#include "prometheus.h"

#define EXTRAS (STAT_COLUMNS - STAT_FIRST_EXTRA)
#define KINDS  4

static const char *const kind_names[KINDS] = {
    [STAT_FRONTEND] = "frontend",
    [STAT_BACKEND] = "backend",
    [STAT_SERVER] = "server",
    [STAT_LISTENER] = "listener",
};

struct extra_texts {
    struct text texts[KINDS][EXTRAS];
    unsigned kinds; /* set of 1 << enum stat_kind */
};

static void
on_row(struct stat_row *row, void *arg)
{
    struct extra_texts *extra = arg;

    if (!(extra->kinds & 1u << row->kind))
        return;
    for (unsigned i = 0; i < EXTRAS; i++) {
        const struct metric_value *value = &row->values[STAT_FIRST_EXTRA + i];
        struct text *text = &extra->texts[row->kind][i];

        if (value->type == METRIC_NONE || value->type == METRIC_TEXT)
            continue;
        text_printf(text, "haproxy_%s_%s", kind_names[row->kind],
                    stat_columns[STAT_FIRST_EXTRA + i].name);
        prometheus_put_label(text, "proxy", row->values[STAT_PXNAME].text, '{');
        if (row->kind == STAT_SERVER || row->kind == STAT_LISTENER)
            prometheus_put_label(text, kind_names[row->kind], row->values[STAT_SVNAME].text, ',');
        text_puts(text, "} ");
        metric_print(text, value);
        text_add_char(text, '\n');
    }
}

static void
put_metric(struct text *out, unsigned kind, unsigned column, struct text *text)
{
    const struct metric *metric = &stat_columns[STAT_FIRST_EXTRA + column];

    if (text->len > 0) {
        text_printf(out, "# HELP haproxy_%s_%s %s\n", kind_names[kind], metric->name, metric->help);
        text_printf(out, "# TYPE haproxy_%s_%s %s\n", kind_names[kind], metric->name,
                    metric->tags[1] == 'C' ? "counter" : "gauge");
        text_add(out, text_str(text));
    }
    text_fini(text);
}

void
prometheus_put_extra(struct text *out, const struct snapshot *snapshot,
                     const struct stat_filter *filter, unsigned kinds)
{
    static const unsigned order[KINDS] = { STAT_FRONTEND, STAT_LISTENER, STAT_BACKEND,
                                           STAT_SERVER };
    struct extra_texts *extra = alloc_zero(sizeof(*extra));

    extra->kinds = kinds;
    LIST_FOR_EACH (conf, proxy_list(snapshot), struct proxy_conf, link)
        stats_walk_proxy(conf, filter, on_row, extra);
    for (unsigned i = 0; i < KINDS; i++) {
        for (unsigned column = 0; column < EXTRAS; column++)
            put_metric(out, order[i], column, &extra->texts[order[i]][column]);
    }
    alloc_free(extra);
}
