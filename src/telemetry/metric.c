/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures and their descriptions, printed in each of the forms that tools read.
 *
 * For:     "show info", "show stat" and the statistics page.
 * Owns:    nothing.
 * Callers: admin; rooms that describe counters of their own.
 * Thread:  any; all functions are pure.
 */
#include "weir/telemetry/metric.h"

#include <string.h>

#include "weir/base/number.h"

#define NUMBER_MAX 20

static const char *const type_names[] = {
    [METRIC_NONE] = "empty", [METRIC_U32] = "u32",  [METRIC_U64] = "u64",
    [METRIC_S32] = "s32",    [METRIC_TEXT] = "str",
};

/* A letter of the tags and the word that JSON uses. */
struct tag_word {
    char letter;
    const char *word;
};

static const struct tag_word origins[] = { { 'M', "Metric" }, { 'S', "Status" },  { 'K', "Key" },
                                           { 'C', "Config" }, { 'P', "Product" }, { 0, NULL } };
static const struct tag_word natures[] = {
    { 'A', "Age" },   { 'a', "Avg" },  { 'C', "Counter" }, { 'D', "Duration" }, { 'G', "Gauge" },
    { 'L', "Limit" }, { 'M', "Max" },  { 'm', "Min" },     { 'N', "Name" },     { 'O', "Output" },
    { 'R', "Rate" },  { 'T', "Time" }, { 0, NULL },
};
static const struct tag_word scopes[] = {
    { 'C', "Cluster" }, { 'S', "Service" }, { 'P', "Process" }, { 0, NULL }
};

static const char *
word_of(const struct tag_word *words, char letter)
{
    while (words->word != NULL && words->letter != letter)
        words++;
    return words->word == NULL ? "Unknown" : words->word;
}

void
metric_print(struct text *out, const struct metric_value *value)
{
    switch (value->type) {
    case METRIC_NONE:
        break;
    case METRIC_U32:
    case METRIC_U64:
        text_keep(out, number_format(text_reserve(out, NUMBER_MAX), value->number));
        break;
    case METRIC_S32:
        text_keep(out, number_format_int(text_reserve(out, NUMBER_MAX), value->integer));
        break;
    case METRIC_TEXT:
        text_puts(out, value->text);
        break;
    }
}

void
metric_print_csv(struct text *out, const struct metric_value *value)
{
    if (value->type != METRIC_TEXT || value->text == NULL ||
        strpbrk(value->text, ",\"\n\r") == NULL) {
        metric_print(out, value);
        return;
    }
    text_add_char(out, '"');
    for (const char *at = value->text; *at != '\0'; at++) {
        if (*at == '"')
            text_add_char(out, '"');
        text_add_char(out, *at);
    }
    text_add_char(out, '"');
}

void
metric_print_typed(struct text *out, const struct metric *metric, const struct metric_value *value)
{
    text_printf(out, "%s:%s:", metric->tags, type_names[value->type]);
    metric_print(out, value);
}

static void
add_value(struct json *json, const struct metric_value *value)
{
    switch (value->type) {
    case METRIC_U32:
    case METRIC_U64:
        json_add_uint(json, value->number);
        break;
    case METRIC_S32:
        json_add_int(json, value->integer);
        break;
    case METRIC_TEXT:
        json_add_text(json, value->text == NULL ? "" : value->text);
        break;
    case METRIC_NONE:
        json_add_null(json);
        break;
    }
}

void
metric_add_json(struct json *json, const struct metric *metric, const struct metric_value *value,
                unsigned position)
{
    json_add_key(json, "field");
    json_open_object(json);
    json_add_key(json, "pos");
    json_add_uint(json, position);
    json_add_key(json, "name");
    json_add_text(json, metric->name);
    json_close_object(json);
    json_add_key(json, "processNum");
    json_add_uint(json, 1);
    json_add_key(json, "tags");
    json_open_object(json);
    json_add_key(json, "origin");
    json_add_text(json, word_of(origins, metric->tags[0]));
    json_add_key(json, "nature");
    json_add_text(json, word_of(natures, metric->tags[1]));
    json_add_key(json, "scope");
    json_add_text(json, word_of(scopes, metric->tags[2]));
    json_close_object(json);
    json_add_key(json, "value");
    json_open_object(json);
    json_add_key(json, "type");
    json_add_text(json, type_names[value->type]);
    json_add_key(json, "value");
    add_value(json, value);
    json_close_object(json);
}

void
metric_print_help(struct text *out, const struct metric *metric)
{
    text_printf(out, ":\"%s\"", metric->help);
}
