/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set-var and unset-var.
 *
 * Thread: builder reads; traffic runs.
 */
#include <string.h>

#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/expr/variable.h"
#include "private.h"

struct set_var {
    struct variable_name name;
    const struct sample *sample; /* or */
    const struct log_format *format;
};

static enum verdict
run_set_var(const struct action *action, struct eval *eval)
{
    const struct set_var *set = action->data;
    struct value value = { .cursor = VALUE_SINGLE };

    if (set->format != NULL) {
        value.type = VALUE_STR;
        value.str = log_format_to_str(set->format, eval);
        if (value.str.ptr != NULL)
            variable_set_value(eval->variables, &set->name, &value);
        return VERDICT_CONTINUE;
    }
    switch (sample_run(set->sample, eval, &value)) {
    case FETCH_OK:
        variable_set_value(eval->variables, &set->name, &value);
        break;
    case FETCH_LATER:
        return VERDICT_WAIT;
    case FETCH_NONE:
        break;
    }
    return VERDICT_CONTINUE;
}

static enum verdict
run_unset_var(const struct action *action, struct eval *eval)
{
    const struct set_var *set = action->data;

    variable_unset(eval->variables, &set->name);
    return VERDICT_CONTINUE;
}

/* "(scope.name)" behind the action's name. */
static bool
parse_name(struct parse *parse, const char *prefix, struct variable_name *out)
{
    const char *word = parse->words->items[parse->words->at - 1].text + strlen(prefix);
    size_t len = strlen(word);
    struct error err = ERROR_INIT;

    if (len < 3 || word[0] != '(' || word[len - 1] != ')')
        return parse_alert(parse, "'%s' expects the name of a variable: %s(txn.name)", prefix,
                           prefix);
    if (strchr(word, ',') != NULL)
        return parse_not_yet(parse, "conditions of set-var");
    if (!variable_name_parse(str_of(word + 1, len - 2), out, &err))
        return parse_alert(parse, "%s", err.text);
    return true;
}

static bool
parse_set_var(struct parse *parse, struct action *action)
{
    struct set_var *set = ARENA_NEW(parse->arena, struct set_var);

    action->run = run_set_var;
    action->data = set;
    if (!parse_name(parse, "set-var", &set->name))
        return false;
    set->sample = sample_parse(parse, action->place);
    return set->sample != NULL;
}

static bool
parse_set_var_fmt(struct parse *parse, struct action *action)
{
    struct set_var *set = ARENA_NEW(parse->arena, struct set_var);
    const char *text;

    action->run = run_set_var;
    action->data = set;
    if (!parse_name(parse, "set-var-fmt", &set->name))
        return false;
    text = parse_word(parse, "a format");
    if (text == NULL)
        return false;
    set->format = log_format_parse(parse, text, action->place, 0);
    return set->format != NULL;
}

static bool
parse_unset_var(struct parse *parse, struct action *action)
{
    struct set_var *set = ARENA_NEW(parse->arena, struct set_var);

    action->run = run_unset_var;
    action->data = set;
    return parse_name(parse, "unset-var", &set->name);
}

static const struct action_kind kinds[] = {
    { "set-var", HOOKS_ALL, .is_prefix = true, .args = "(<name>) <expression>",
      .parse = parse_set_var, .help = "Put the value of an expression into a variable." },
    { "set-var-fmt", HOOKS_ALL, .is_prefix = true, .args = "(<name>) <format>",
      .parse = parse_set_var_fmt, .help = "Put the result of a format into a variable." },
    { "unset-var", HOOKS_ALL, .is_prefix = true, .args = "(<name>)", .parse = parse_unset_var,
      .help = "Forget a variable." },
};
REGISTER(action_kind, kinds);
