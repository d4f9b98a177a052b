/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stick tables in the answer for Prometheus.
 *
 * Callers: stats_prometheus.c. Thread: control.
 */
#include "weir/stick/table.h"
#include "prometheus.h"

static const char *const type_names[] = { "ip", "ipv6", "integer", "string", "binary" };

static void
put_sample(struct text *out, const char *metric, const struct stick_table_conf *conf,
           unsigned long long number)
{
    text_printf(out, "haproxy_sticktable_%s{name=\"", metric);
    for (const char *c = conf->name; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            text_add_char(out, '\\');
        text_add_char(out, *c);
    }
    text_printf(out, "\",type=\"%s\"} %llu\n", type_names[conf->layout.type], number);
}

void
prometheus_put_tables(struct text *out, const struct snapshot *snapshot)
{
    const struct stick_table_conf *first = stick_table_confs(snapshot);

    if (first == NULL)
        return;
    text_puts(out, "# HELP haproxy_sticktable_size How many entries the table may hold\n"
                   "# TYPE haproxy_sticktable_size gauge\n");
    for (const struct stick_table_conf *conf = first; conf != NULL; conf = conf->next)
        put_sample(out, "size", conf, (unsigned long long)conf->size);
    text_puts(out, "# HELP haproxy_sticktable_used How many entries the table holds\n"
                   "# TYPE haproxy_sticktable_used gauge\n");
    for (const struct stick_table_conf *conf = first; conf != NULL; conf = conf->next) {
        if (conf->live != NULL)
            put_sample(out, "used", conf, (unsigned long long)stick_table_used(conf->live));
    }
}
