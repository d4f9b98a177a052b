/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures that Prometheus gets: names that dashboards know.
 */
#pragma once

#include "weir/admin/info.h"
#include "weir/admin/stats.h"

enum prometheus_how {
    HOW_PLAIN,
    HOW_MS,         /* the column has milliseconds, seconds are told */
    HOW_CODES,      /* six columns from this one on: a sample for each class of status */
    HOW_STATUS,     /* a sample for each state, 1 for the one that is */
    HOW_CHECK,      /* the same for results of checks */
    HOW_AGG_STATUS, /* of a backend: how many servers are in each state */
    HOW_AGG_CHECK,
};

/* Of proxies, listeners and servers. */
struct prometheus_metric {
    enum stat_kind kind;
    const char *name; /* without "haproxy_" */
    enum stat_column column;
    bool is_counter;
    enum prometheus_how how;
};

/* Of the process. */
struct prometheus_field {
    const char *name;
    enum info_field field;
    bool is_counter;
};

/* Each ends with a row without name. */
extern const struct prometheus_metric prometheus_metrics[];
extern const struct prometheus_field prometheus_fields[];

struct snapshot;

/* prometheus_filter.c: leaves out the metrics that "metrics=a,-b" of the query does not want. */
void prometheus_filter(struct text *body, struct str query);
/* stats_prometheus.c: ',name="value"', or with '{' in front. */
void prometheus_put_label(struct text *text, const char *name, const char *value, char before);
/* prometheus_extra.c: columns of protocols, of those kinds (set of 1 << enum stat_kind). Control. */
void prometheus_put_extra(struct text *out, const struct snapshot *snapshot,
                          const struct stat_filter *filter, unsigned kinds);
/* prometheus_stick.c: sizes of stick tables. Control. */
void prometheus_put_tables(struct text *out, const struct snapshot *snapshot);
/* stats_resolvers.c: name servers. Control. */
void prometheus_put_resolvers(struct text *out);
