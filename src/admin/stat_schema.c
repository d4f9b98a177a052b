/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show schema json: what "show info json", "show stat json" and their errors look like, as a JSON
 * schema.
 *
 * For:     programs that check or generate code for what they read.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include "weir/cli/command.h"

#define REF(name)     "{\"$ref\":\"#/definitions/" name "\"}"
#define WORDS(...)    "{\"type\":\"string\",\"enum\":[" __VA_ARGS__ "]}"
#define COUNT_FROM(n) "{\"type\":\"integer\",\"minimum\":" n "}"
#define VALUE(type, values) \
    "{\"type\":\"object\",\"properties\":{\"type\":" WORDS("\"" type "\"") ",\"value\":" values \
    "},\"required\":[\"type\",\"value\"]}"
#define RANGE(from, to) "{\"type\":\"integer\",\"minimum\":" from ",\"maximum\":" to "}"

/* The four members of each figure. */
#define FIGURE                                                                                     \
    "\"field\":" REF("field") ",\"processNum\":" REF("processNum") ",\"tags\":" REF("tags")        \
    ",\"value\":" REF("typedValue")
#define FIGURE_NAMES "\"field\",\"processNum\",\"tags\",\"value\""

static const char schema[] =
    "{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"oneOf\":["
    "{\"title\":\"Info\",\"type\":\"array\",\"items\":{\"title\":\"InfoItem\",\"type\":\"object\","
    "\"properties\":{" FIGURE "},\"required\":[" FIGURE_NAMES "]}},"
    "{\"title\":\"Stat\",\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{"
    "\"title\":\"StatItem\",\"type\":\"object\",\"properties\":{\"objType\":"
    WORDS("\"Frontend\",\"Backend\",\"Listener\",\"Server\",\"Unknown\"")
    ",\"proxyId\":" COUNT_FROM("0") ",\"id\":" COUNT_FROM("0") "," FIGURE "},"
    "\"required\":[\"objType\",\"proxyId\",\"id\"," FIGURE_NAMES "]}}},"
    "{\"title\":\"Error\",\"type\":\"object\",\"properties\":{\"errorStr\":{\"type\":\"string\"}},"
    "\"required\":[\"errorStr\"]}],"
    "\"definitions\":{"
    "\"field\":{\"type\":\"object\",\"properties\":{\"pos\":" COUNT_FROM("0")
    ",\"name\":{\"type\":\"string\"}},\"required\":[\"pos\",\"name\"]},"
    "\"processNum\":" COUNT_FROM("1") ","
    "\"tags\":{\"type\":\"object\",\"properties\":{\"origin\":"
    WORDS("\"Metric\",\"Status\",\"Key\",\"Config\",\"Product\",\"Unknown\"")
    ",\"nature\":"
    WORDS("\"Gauge\",\"Limit\",\"Min\",\"Max\",\"Rate\",\"Counter\",\"Duration\",\"Age\",\"Time\","
          "\"Name\",\"Output\",\"Avg\",\"Unknown\"")
    ",\"scope\":" WORDS("\"Cluster\",\"Process\",\"Service\",\"System\",\"Unknown\"")
    "},\"required\":[\"origin\",\"nature\",\"scope\"]},"
    "\"typedValue\":{\"oneOf\":["
    VALUE("s32", RANGE("-2147483648", "2147483647")) ","
    VALUE("u32", RANGE("0", "4294967295")) ","
    VALUE("u64", COUNT_FROM("0")) ","
    VALUE("str", "{\"type\":\"string\"}")
    "]}}}\n";

static enum command_result
run_show_schema(struct command_call *call)
{
    text_puts(call->out, schema);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show schema json", NULL, LEVEL_USER, run_show_schema,
      "what the JSON of 'show info' and 'show stat' looks like" },
};
REGISTER(command, commands);
