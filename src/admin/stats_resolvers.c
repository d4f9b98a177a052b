/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of name servers: "show stat domain resolvers", and for Prometheus.
 *
 * Callers: stats.c, stats_prometheus.c. Thread: control.
 */
#include <string.h>

#include "weir/base/json.h"
#include "weir/dns/resolver.h"
#include "private.h"
#include "prometheus.h"

/* --- the runtime socket ------------------------------------------------------------------------ */

struct resolvers_dump {
    struct text *out;
    struct json json;
};

static void
write_csv(const char *resolvers, const char *nameserver, const uint64_t *counters, void *arg)
{
    struct resolvers_dump *dump = arg;

    text_printf(dump->out, "%s,%s,", nameserver, resolvers);
    for (unsigned i = 0; i < NS_COUNTERS; i++)
        text_printf(dump->out, "%llu,", (unsigned long long)counters[i]);
    text_add_char(dump->out, '\n');
}

static void
write_typed(const char *resolvers, const char *nameserver, const uint64_t *counters, void *arg)
{
    struct resolvers_dump *dump = arg;

    text_printf(dump->out, "N.0.id:CGP:str:%s\nN.1.pid:CGP:str:%s\n", nameserver, resolvers);
    for (unsigned i = 0; i < NS_COUNTERS; i++)
        text_printf(dump->out, "N.%u.%s:MGP:u64:%llu\n", i + 2, nameserver_counter_names[i],
                    (unsigned long long)counters[i]);
}

static void
begin_field(struct json *json, unsigned at, const char *name, const char *origin, const char *type)
{
    json_open_object(json);
    json_add_key(json, "field");
    json_open_object(json);
    json_add_key(json, "pos");
    json_add_uint(json, at);
    json_add_key(json, "name");
    json_add_text(json, name);
    json_close_object(json);
    json_add_key(json, "tags");
    json_open_object(json);
    json_add_key(json, "origin");
    json_add_text(json, origin);
    json_add_key(json, "nature");
    json_add_text(json, "Gauge");
    json_add_key(json, "scope");
    json_add_text(json, "Process");
    json_close_object(json);
    json_add_key(json, "value");
    json_open_object(json);
    json_add_key(json, "type");
    json_add_text(json, type);
    json_add_key(json, "value");
}

static void
end_field(struct json *json)
{
    json_close_object(json);
    json_close_object(json);
}

static void
add_name(struct json *json, unsigned at, const char *name, const char *value)
{
    begin_field(json, at, name, "Config", "str");
    json_add_text(json, value);
    end_field(json);
}

static void
write_json(const char *resolvers, const char *nameserver, const uint64_t *counters, void *arg)
{
    struct json *json = &((struct resolvers_dump *)arg)->json;

    json_open_array(json);
    add_name(json, 0, "id", nameserver);
    add_name(json, 1, "pid", resolvers);
    for (unsigned i = 0; i < NS_COUNTERS; i++) {
        begin_field(json, i + 2, nameserver_counter_names[i], "Metric", "u64");
        json_add_uint(json, counters[i]);
        end_field(json);
    }
    json_close_array(json);
}

static void
write_all_csv(struct resolvers_dump *dump)
{
    text_puts(dump->out, "# id,pid,");
    for (unsigned i = 0; i < NS_COUNTERS; i++)
        text_printf(dump->out, "%s,", nameserver_counter_names[i]);
    text_add_char(dump->out, '\n');
    resolvers_walk(write_csv, dump);
}

enum command_result
stats_show_resolvers(struct command_call *call)
{
    struct resolvers_dump dump = { .out = call->out };
    const char *word = command_next(call);

    if (word != NULL && strcmp(word, "typed") == 0) {
        resolvers_walk(write_typed, &dump);
    } else if (word != NULL && strcmp(word, "json") == 0) {
        json_init(&dump.json, call->out);
        json_open_array(&dump.json);
        resolvers_walk(write_json, &dump);
        json_close_array(&dump.json);
        text_add_char(call->out, '\n');
    } else {
        write_all_csv(&dump);
    }
    return COMMAND_DONE;
}

/* --- Prometheus ---------------------------------------------------------------------------------- */

static void
put_label(struct text *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            text_add_char(out, '\\');
        text_add_char(out, *value);
    }
}

struct resolvers_metric {
    struct text *out;
    unsigned counter;
    bool has_head;
};

static void
put_sample(const char *resolvers, const char *nameserver, const uint64_t *counters, void *arg)
{
    struct resolvers_metric *metric = arg;
    const char *name = nameserver_counter_names[metric->counter];

    if (!metric->has_head)
        text_printf(metric->out,
                    "# HELP haproxy_resolver_%s Counter %s of a name server\n"
                    "# TYPE haproxy_resolver_%s gauge\n",
                    name, name, name);
    metric->has_head = true;
    text_printf(metric->out, "haproxy_resolver_%s{resolver=\"", name);
    put_label(metric->out, resolvers);
    text_puts(metric->out, "\",nameserver=\"");
    put_label(metric->out, nameserver);
    text_printf(metric->out, "\"} %llu\n", (unsigned long long)counters[metric->counter]);
}

void
prometheus_put_resolvers(struct text *out)
{
    for (unsigned i = 0; i < NS_COUNTERS; i++) {
        struct resolvers_metric metric = { .out = out, .counter = i };

        resolvers_walk(put_sample, &metric);
    }
}
