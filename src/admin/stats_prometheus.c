/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures in the text format of Prometheus (version 0.0.4).
 *
 * For:     http-request use-service prometheus-exporter.
 * Owns:    one text for each metric while an answer is made.
 * Callers: the errand of a page.
 * Thread:  control.
 *
 * All samples of a metric must stand together, but a walk gives all figures of one object: so each
 * metric has a text of its own, and they are joined at the end.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/version.h"
#include "page.h"
#include "prometheus.h"

static const char *const front_states[] = { "DOWN", "UP", NULL };
static const char *const listener_states[] = { "WAITING", "OPEN", "FULL", NULL };
static const char *const server_states[] = { "DOWN", "UP", "MAINT", "DRAIN", "NOLB", NULL };
static const char *const check_states[] = { "HANA",  "SOCKERR", "L4OK",   "L4TOUT", "L4CON",   "L6OK",
                                            "L6TOUT", "L6RSP",  "L7TOUT", "L7RSP",  "L7OK",    "L7OKC",
                                            "L7STS", "PROCERR", "PROCTOUT", "PROCOK", NULL };
static const char *const code_classes[] = { "1xx", "2xx", "3xx", "4xx", "5xx", "other" };

enum scope {
    SCOPE_GLOBAL = 1 << 8,
    SCOPE_TABLES = 1 << 9,
    SCOPE_RESOLVERS = 1 << 10,
    SCOPE_WRONG = 1 << 11,
    SCOPE_ALL = SCOPE_GLOBAL | SCOPE_TABLES | SCOPE_RESOLVERS | 1 << STAT_FRONTEND | 1 << STAT_LISTENER | 1 << STAT_BACKEND |
                1 << STAT_SERVER
};

struct export {
    struct text *texts; /* one for each metric */
    unsigned scopes;    /* set of enum scope, and 1 << enum stat_kind */
    unsigned in_state[COUNT(server_states)], in_check[COUNT(check_states)]; /* of this backend */
};

/* --- samples ---------------------------------------------------------------------------------- */

void
prometheus_put_label(struct text *text, const char *name, const char *value, char before)
{
    text_printf(text, "%c%s=\"", before, name);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            text_add_char(text, '\\');
        text_add_char(text, *value);
    }
    text_add_char(text, '"');
}

/* "name{labels" without the brace that closes. */
static void
begin_sample(struct text *text, const struct prometheus_metric *metric, const struct stat_row *row)
{
    text_printf(text, "haproxy_%s", metric->name);
    prometheus_put_label(text, "proxy", row->values[STAT_PXNAME].text, '{');
    if (row->kind == STAT_SERVER)
        prometheus_put_label(text, "server", row->values[STAT_SVNAME].text, ',');
    if (row->kind == STAT_LISTENER)
        prometheus_put_label(text, "listener", row->values[STAT_SVNAME].text, ',');
}

static void
put_value(struct text *text, const struct metric_value *value, bool in_ms)
{
    switch (value->type) {
    case METRIC_U32:
    case METRIC_U64:
        if (in_ms)
            text_printf(text, "%.6f\n", (double)value->number / 1000);
        else
            text_printf(text, "%llu\n", (unsigned long long)value->number);
        break;
    case METRIC_S32:
        if (in_ms)
            text_printf(text, "%.6f\n", (double)value->integer / 1000);
        else
            text_printf(text, "%lld\n", (long long)value->integer);
        break;
    case METRIC_NONE:
    case METRIC_TEXT:
        text_puts(text, "NaN\n");
        break;
    }
}

static void
put_sample(struct text *text, const struct prometheus_metric *metric, const struct stat_row *row,
           const char *label, const char *label_value, unsigned long long number)
{
    begin_sample(text, metric, row);
    prometheus_put_label(text, label, label_value, ',');
    text_printf(text, "} %llu\n", number);
}

/* The word that the column begins with; -1: none of them. */
static int
find_state(const char *const *states, const char *text)
{
    if (strcmp(text, "no check") == 0)
        text = "UP";
    for (int i = 0; states[i] != NULL; i++) {
        size_t len = strlen(states[i]);

        if (strncmp(text, states[i], len) == 0 && (text[len] == '\0' || text[len] == ' '))
            return i;
    }
    return -1;
}

static const char *const *
states_of(enum stat_kind kind)
{
    if (kind == STAT_SERVER)
        return server_states;
    return kind == STAT_LISTENER ? listener_states : front_states;
}

static const char *
status_text(const struct stat_row *row)
{
    const char *text = row->values[STAT_STATUS].text;

    return row->kind == STAT_FRONTEND && strcmp(text, "OPEN") == 0 ? "UP" : text;
}

static void
put_states(struct text *text, const struct prometheus_metric *metric, const struct stat_row *row,
           const char *const *states, int now)
{
    for (int i = 0; states[i] != NULL; i++)
        put_sample(text, metric, row, "state", states[i], i == now);
}

static void
put_counts(struct text *text, const struct prometheus_metric *metric, const struct stat_row *row,
           const char *const *states, const unsigned *counts)
{
    for (int i = 0; states[i] != NULL; i++)
        put_sample(text, metric, row, "state", states[i], counts[i]);
}

static const char *
check_text(const struct stat_row *row)
{
    const struct metric_value *value = &row->values[STAT_CHECK_STATUS];
    const char *text = value->type == METRIC_TEXT && value->text != NULL ? value->text : "";

    return strncmp(text, "* ", 2) == 0 ? text + 2 : text; /* one is running */
}

static void
put_metric(const struct export *export, struct text *text, const struct prometheus_metric *metric,
           const struct stat_row *row)
{
    const struct metric_value *value = &row->values[metric->column];

    switch (metric->how) {
    case HOW_PLAIN:
    case HOW_MS:
        begin_sample(text, metric, row);
        text_puts(text, "} ");
        put_value(text, value, metric->how == HOW_MS);
        break;
    case HOW_CODES:
        for (unsigned i = 0; i < COUNT(code_classes) && value[i].type != METRIC_NONE; i++)
            put_sample(text, metric, row, "code", code_classes[i],
                       (unsigned long long)value[i].number);
        break;
    case HOW_STATUS:
        put_states(text, metric, row, states_of(row->kind),
                   find_state(states_of(row->kind), status_text(row)));
        break;
    case HOW_CHECK:
        if (check_text(row)[0] != '\0')
            put_states(text, metric, row, check_states, find_state(check_states, check_text(row)));
        break;
    case HOW_AGG_STATUS:
        put_counts(text, metric, row, server_states, export->in_state);
        break;
    case HOW_AGG_CHECK:
        put_counts(text, metric, row, check_states, export->in_check);
        break;
    }
}

/* --- walk -------------------------------------------------------------------------------------- */

static void
count_states(struct export *export, const struct stat_row *row)
{
    int state = find_state(server_states, status_text(row));
    int check = find_state(check_states, check_text(row));

    if (state >= 0)
        export->in_state[state]++;
    if (check >= 0)
        export->in_check[check]++;
}

static void
on_row(struct stat_row *row, void *arg)
{
    struct export *export = arg;

    if (row->kind == STAT_SERVER)
        count_states(export, row);
    for (unsigned i = 0; prometheus_metrics[i].name != NULL; i++) {
        if (prometheus_metrics[i].kind == row->kind && (export->scopes & 1u << row->kind) != 0)
            put_metric(export, &export->texts[i], &prometheus_metrics[i], row);
    }
    if (row->kind == STAT_BACKEND) {
        memset(export->in_state, 0, sizeof(export->in_state));
        memset(export->in_check, 0, sizeof(export->in_check));
    }
}

/* --- histograms: weir's own, beside HAProxy's averages ------------------------------------------ */

struct latency {
    const char *name; /* without "weir_backend_" */
    const char *help;
    size_t proxy_offset, server_offset; /* of the struct histogram in the row */
};

static const struct latency latencies[] = {
    { "response_time_seconds", "From the connection to the begin of the answer",
      offsetof(struct proxy_row, answer_times), offsetof(struct server_row, answer_times) },
    { "total_time_seconds", "From the begin of the request to the end of the answer",
      offsetof(struct proxy_row, total_times), offsetof(struct server_row, total_times) },
};

/* `server`: NULL for the backend as a whole. */
static void
put_histogram(struct text *out, const char *name, const struct proxy_conf *conf,
              const struct server *server, size_t offset)
{
    const struct counter_rows *rows =
        server == NULL ? &conf->live->back_counters : &server->counters;
    struct text labels = TEXT_INIT;
    unsigned long long count = 0;

    prometheus_put_label(&labels, "proxy", conf->name, '{');
    if (server != NULL)
        prometheus_put_label(&labels, "server", server->name, ',');
    for (unsigned i = 0; i < HISTOGRAM_CLASSES; i++) {
        count += counter_sum(rows, offset + offsetof(struct histogram, classes[i]));
        text_printf(out, "%s_bucket%s,le=\"", name, text_cstr(&labels));
        if (i < HISTOGRAM_CLASSES - 1)
            text_printf(out, "%g", (double)histogram_bounds_us[i] / 1000000);
        else
            text_puts(out, "+Inf");
        text_printf(out, "\"} %llu\n", count);
    }
    text_printf(out, "%s_sum%s} %.6f\n", name, text_cstr(&labels),
                (double)counter_sum(rows, offset + offsetof(struct histogram, sum_us)) / 1000000);
    text_printf(out, "%s_count%s} %llu\n", name, text_cstr(&labels), count);
    text_fini(&labels);
}

static void
put_servers(struct text *out, const char *name, const struct proxy_conf *conf, size_t offset,
            unsigned flags)
{
    LIST_FOR_EACH (server, &conf->live->back->servers, struct server, link) {
        unsigned admin = __atomic_load_n(&server->admin, __ATOMIC_RELAXED);

        if ((flags & STAT_NO_MAINT) == 0 || (admin & ADMIN_MAINT) == 0)
            put_histogram(out, name, conf, server, offset);
    }
}

static void
put_latency(struct text *out, const struct page *page, const struct latency *latency,
            enum stat_kind kind, unsigned flags)
{
    char name[64];

    snprintf(name, sizeof(name), "weir_%s_%s", kind == STAT_SERVER ? "server" : "backend",
             latency->name);
    text_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, latency->help, name);
    LIST_FOR_EACH (conf, proxy_list(page->snapshot), struct proxy_conf, link) {
        if (conf->live == NULL || conf->live->back == NULL || !proxy_conf_is_back(conf))
            continue;
        if (kind == STAT_SERVER)
            put_servers(out, name, conf, latency->server_offset, flags);
        else
            put_histogram(out, name, conf, NULL, latency->proxy_offset);
    }
}

static void
put_latencies(struct text *out, const struct page *page, unsigned scopes, unsigned flags)
{
    for (size_t i = 0; i < COUNT(latencies); i++) {
        if ((scopes & 1u << STAT_BACKEND) != 0)
            put_latency(out, page, &latencies[i], STAT_BACKEND, flags);
        if ((scopes & 1u << STAT_SERVER) != 0)
            put_latency(out, page, &latencies[i], STAT_SERVER, flags);
    }
}

/* --- the process -------------------------------------------------------------------------------- */

static void
put_head(struct text *out, const char *name, const char *help, bool is_counter)
{
    text_printf(out, "# HELP haproxy_%s %s\n# TYPE haproxy_%s %s\n", name, help, name,
                is_counter ? "counter" : "gauge");
}

/* A text is a label of the number 1. */
static void
put_text(struct text *out, const char *name, const char *help, const char *label, const char *value)
{
    put_head(out, name, help, false);
    text_printf(out, "haproxy_%s", name);
    prometheus_put_label(out, label, value == NULL ? "" : value, '{');
    text_puts(out, "} 1\n");
}

static void
put_process(struct text *out)
{
    struct info info;

    info_fill(&info);
    put_head(out, "process_build_info", "Version", false);
    text_printf(out, "haproxy_process_build_info{version=\"%s\"} 1\n",
                info.values[INFO_VERSION].text);
    put_text(out, "process_node", "Name of this node", "node", info.values[INFO_NODE].text);
    if (info.values[INFO_DESCRIPTION].type == METRIC_TEXT)
        put_text(out, "process_description", "Description of this process", "desc",
                 info.values[INFO_DESCRIPTION].text);
    for (const struct prometheus_field *field = prometheus_fields; field->name != NULL; field++) {
        put_head(out, field->name, info_fields[field->field].help, field->is_counter);
        text_printf(out, "haproxy_%s ", field->name);
        put_value(out, &info.values[field->field], false);
    }
}

/* --- what was asked for -------------------------------------------------------------------------- */

/* "scope=frontend&scope=server", "scope=*", "scope=": from left to right. */
static unsigned
read_scopes(struct str query)
{
    static const struct {
        const char *name;
        unsigned scopes;
    } names[] = {
        { "global", SCOPE_GLOBAL },         { "frontend", 1 << STAT_FRONTEND },
        { "listener", 1 << STAT_LISTENER }, { "backend", 1 << STAT_BACKEND },
        { "server", 1 << STAT_SERVER },     { "*", SCOPE_ALL },
        { "sticktable", SCOPE_TABLES },     { "resolver", SCOPE_RESOLVERS },
    };
    unsigned scopes = SCOPE_ALL;
    bool is_given = false;

    while (query.ptr != NULL) {
        struct str value = str_split(&query, '&'), name = str_split(&value, '=');
        bool is_known = value.len == 0;

        if (!str_eq(name, STR("scope")) || value.ptr == NULL)
            continue;
        if (!is_given || value.len == 0)
            scopes = 0;
        is_given = true;
        for (size_t i = 0; i < COUNT(names) && !is_known; i++) {
            is_known = str_eq(value, str_from(names[i].name));
            scopes |= is_known ? names[i].scopes : 0;
        }
        scopes |= is_known ? 0 : SCOPE_WRONG;
    }
    return scopes;
}

static bool
has_word(struct str query, struct str word)
{
    while (query.ptr != NULL) {
        if (str_eq(str_split(&query, '&'), word))
            return true;
    }
    return false;
}

static void
join(struct text *out, struct export *export, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct prometheus_metric *metric = &prometheus_metrics[i];

        if (export->texts[i].len > 0) {
            put_head(out, metric->name, stat_columns[metric->column].help, metric->is_counter);
            text_add(out, text_str(&export->texts[i]));
        }
        text_fini(&export->texts[i]);
    }
}

void
stats_prometheus_work(struct errand *errand)
{
    struct page *page = (struct page *)errand;
    struct str query = str_from(page->target), path = str_split(&query, '?');
    struct stat_filter filter = { .proxy_id = -1, .kinds = -1, .id = -1 };
    struct export export = { .scopes = read_scopes(query) };
    unsigned count = 0;

    (void)path;
    page->content_type = "text/plain; version=0.0.4";
    if ((export.scopes & SCOPE_WRONG) != 0) {
        page->status = 400;
        text_puts(&page->body, "scope: global, frontend, listener, backend, server, sticktable, "
                               "resolver or *\n");
        return;
    }
    if (has_word(query, STR("no-maint")))
        filter.flags |= STAT_NO_MAINT;
    while (prometheus_metrics[count].name != NULL)
        count++;
    export.texts = alloc_array(count, sizeof(*export.texts));
    for (unsigned i = 0; i < count; i++)
        text_init(&export.texts[i]);
    if ((export.scopes & SCOPE_GLOBAL) != 0)
        put_process(&page->body);
    LIST_FOR_EACH (conf, proxy_list(page->snapshot), struct proxy_conf, link) {
        stats_walk_proxy(conf, &filter, on_row, &export);
    }
    join(&page->body, &export, count);
    if (has_word(query, STR("extra-counters")))
        prometheus_put_extra(&page->body, page->snapshot, &filter, export.scopes);
    if ((export.scopes & SCOPE_TABLES) != 0)
        prometheus_put_tables(&page->body, page->snapshot);
    if ((export.scopes & SCOPE_RESOLVERS) != 0)
        prometheus_put_resolvers(&page->body);
    put_latencies(&page->body, page, export.scopes, filter.flags);
    alloc_free(export.texts);
    prometheus_filter(&page->body, query);
}
