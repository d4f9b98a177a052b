/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add-acl, del-acl, set-map, del-map: traffic changes lists of patterns.
 *
 * Thread: builder reads; traffic runs. What is there already costs a look-up, and changes nothing.
 */
#include "weir/expr/log_format.h"
#include "weir/expr/pattern_change.h"
#include "private.h"

struct list_action {
    struct pattern_file *file;
    const struct log_format *key, *value;
};

/* False: out of memory. */
static bool
make_text(const struct log_format *format, struct eval *eval, struct str *out)
{
    *out = log_format_to_str(format, eval);
    return out->ptr != NULL;
}

/* A bad value changes nothing, and the rule has no effect. */
static enum verdict
run_add_acl(const struct action *action, struct eval *eval)
{
    const struct list_action *list = action->data;
    struct str key;

    if (make_text(list->key, eval, &key))
        pattern_change_add_once(list->file, key, NULL);
    return VERDICT_CONTINUE;
}

static enum verdict
run_remove(const struct action *action, struct eval *eval)
{
    const struct list_action *list = action->data;
    struct str key;

    if (make_text(list->key, eval, &key))
        pattern_change_remove(list->file, PATTERN_CURRENT, key);
    return VERDICT_CONTINUE;
}

static enum verdict
run_set_map(const struct action *action, struct eval *eval)
{
    const struct list_action *list = action->data;
    struct str key, value;

    if (make_text(list->key, eval, &key) && make_text(list->value, eval, &value))
        pattern_change_put(list->file, key, value, NULL);
    return VERDICT_CONTINUE;
}

/* --- reading ------------------------------------------------------------------------------- */

static const struct log_format *
parse_format(struct parse *parse, const struct action *action, const char *what)
{
    const char *text;

    if (action_at_end(parse)) {
        parse_alert(parse, "'%s' wants %s", action->kind->name, what);
        return NULL;
    }
    text = parse_word(parse, what);
    return text == NULL ? NULL : log_format_parse(parse, text, action->place, 0);
}

static struct list_action *
parse_list(struct parse *parse, struct action *action, enum pattern_columns columns)
{
    struct list_action *list = ARENA_NEW(parse->arena, struct list_action);
    struct str name;

    action->data = list;
    if (!action_parenthesis(parse, action, &name) || name.len == 0) {
        parse_alert(parse, "the name of a list is missing: %s(<file>)", action->kind->name);
        return NULL;
    }
    list->file =
        pattern_change_target(parse, arena_printf(parse->arena, "%.*s", STR_ARG(name)), columns);
    if (list->file == NULL)
        return NULL;
    list->key = parse_format(parse, action, "a key");
    return list->key == NULL ? NULL : list;
}

static bool
parse_add_acl(struct parse *parse, struct action *action)
{
    action->run = run_add_acl;
    return parse_list(parse, action, PATTERN_KEYS) != NULL;
}

static bool
parse_del_acl(struct parse *parse, struct action *action)
{
    action->run = run_remove;
    return parse_list(parse, action, PATTERN_KEYS) != NULL;
}

static bool
parse_del_map(struct parse *parse, struct action *action)
{
    action->run = run_remove;
    return parse_list(parse, action, PATTERN_MAP) != NULL;
}

static bool
parse_set_map(struct parse *parse, struct action *action)
{
    struct list_action *list = parse_list(parse, action, PATTERN_MAP);

    action->run = run_set_map;
    if (list == NULL)
        return false;
    list->value = parse_format(parse, action, "a value");
    return list->value != NULL;
}

static const struct action_kind kinds[] = {
    { "add-acl", HOOKS_HTTP, .is_prefix = true, .args = "(<list>) <key>", .parse = parse_add_acl,
      .help = "Add a pattern to an ACL file's list, unless it is there." },
    { "del-acl", HOOKS_HTTP, .is_prefix = true, .args = "(<list>) <key>", .parse = parse_del_acl,
      .help = "Remove a pattern from an ACL file's list." },
    { "del-map", HOOKS_HTTP, .is_prefix = true, .args = "(<list>) <key>", .parse = parse_del_map,
      .help = "Remove a key from a map." },
    { "set-map", HOOKS_HTTP, .is_prefix = true, .args = "(<list>) <key> <value>",
      .parse = parse_set_map, .help = "Set the value of a key of a map, or add it." },
};
REGISTER(action_kind, kinds);
