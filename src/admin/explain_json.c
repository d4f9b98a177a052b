/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recorded decision for scripts.
 *
 * For:     weir --explain --json; "explain live json".
 * Thread:  any; pure.
 */
#include "weir/admin/explain_print.h"

static void
add_pos(struct json *json, struct source_pos pos)
{
    if (pos.file == NULL)
        return;
    json_add_key(json, "file");
    json_add_text(json, pos.file);
    json_add_key(json, "line");
    json_add_int(json, pos.line);
}

static void
add_text(struct json *json, const char *key, const char *text)
{
    if (text == NULL)
        return;
    json_add_key(json, key);
    json_add_text(json, text);
}

static void
add_item(struct json *json, const struct explain_item *item)
{
    static const char *const kinds[] = { [EXPLAIN_SET] = "set",
                                         [EXPLAIN_RULE] = "rule",
                                         [EXPLAIN_TEST] = "test",
                                         [EXPLAIN_SAMPLE] = "sample",
                                         [EXPLAIN_NOTE] = "note" };
    static const char *const outcomes[] = { [OUTCOME_NONE] = NULL,
                                            [OUTCOME_YES] = "yes",
                                            [OUTCOME_NO] = "no",
                                            [OUTCOME_LATER] = "later" };
    static const char *const owners[] = { [EXPLAIN_SET] = "proxy",
                                          [EXPLAIN_RULE] = "verdict",
                                          [EXPLAIN_TEST] = "acl",
                                          [EXPLAIN_SAMPLE] = "",
                                          [EXPLAIN_NOTE] = "" };

    json_open_object(json);
    add_text(json, "kind", kinds[item->kind]);
    add_pos(json, item->pos);
    add_text(json, "text", item->text);
    add_text(json, owners[item->kind], item->owner);
    add_text(json, "outcome", outcomes[item->outcome]);
    add_text(json, "sample", item->sample);
    add_text(json, "value", item->value);
    add_text(json, "key", item->pattern);
    if (item->is_assumed) {
        json_add_key(json, "assumed");
        json_add_bool(json, true);
    }
    json_close_object(json);
}

static void
add_named(struct json *json, const char *key, const char *name, struct source_pos pos)
{
    if (name == NULL)
        return;
    json_add_key(json, key);
    json_open_object(json);
    add_text(json, "name", name);
    add_pos(json, pos);
    json_close_object(json);
}

static void
add_result(struct json *json, const struct explain *explain, struct str location)
{
    const struct explain_result *result = &explain->result;

    json_add_key(json, "result");
    json_open_object(json);
    add_named(json, "frontend", result->frontend, result->frontend_pos);
    add_named(json, "backend", result->backend, result->backend_pos);
    add_named(json, "server", result->server, result->server_pos);
    if (result->service != NULL) {
        json_add_key(json, "service");
        json_add_str(json, str_from(result->service));
    }
    if (result->status != 0) {
        json_add_key(json, "status");
        json_add_int(json, result->status);
    }
    if (location.ptr != NULL) {
        json_add_key(json, "location");
        json_add_str(json, location);
    }
    if (result->decided != NULL)
        add_named(json, "decided_by", result->decided->text, result->decided->pos);
    json_close_object(json);
}

void
explain_print_json(struct json *json, const struct explain *explain, struct str location)
{
    json_add_key(json, "steps");
    json_open_array(json);
    for (const struct explain_item *item = explain->first; item != NULL; item = item->next)
        add_item(json, item);
    json_close_array(json);
    add_result(json, explain, location);
}
