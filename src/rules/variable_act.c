/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set-var, set-var-fmt, unset-var.
 *
 * Thread: builder reads; traffic runs.
 */
#include <string.h>

#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/expr/variable.h"
#include "private.h"

struct variable_action {
    struct variable_name name;
    unsigned conditions;         /* set of enum variable_condition */
    const struct sample *sample; /* or */
    const struct log_format *format;
};

static enum verdict
run_set_var(const struct action *action, struct eval *eval)
{
    const struct variable_action *set = action->data;
    struct value value = { .cursor = VALUE_SINGLE };

    switch (sample_run(set->sample, eval, &value)) {
    case FETCH_OK:
        variable_store_if(eval, &set->name, set->conditions, &value);
        break;
    case FETCH_LATER:
        return VERDICT_WAIT;
    case FETCH_NONE:
        break;
    }
    return VERDICT_CONTINUE;
}

static enum verdict
run_set_var_fmt(const struct action *action, struct eval *eval)
{
    const struct variable_action *set = action->data;
    struct value value = { .type = VALUE_STR };

    value.str = log_format_to_str(set->format, eval);
    if (value.str.ptr != NULL)
        variable_store_if(eval, &set->name, set->conditions, &value);
    return VERDICT_CONTINUE;
}

static enum verdict
run_unset_var(const struct action *action, struct eval *eval)
{
    const struct variable_action *set = action->data;

    variable_forget(eval, &set->name);
    return VERDICT_CONTINUE;
}

/* --- reading -------------------------------------------------------------- */

/* "(txn.name)" or "(txn.name,ifexists,...)" */
static bool
parse_inside(struct parse *parse, struct str inside, struct variable_action *set)
{
    struct error err = ERROR_INIT;

    if (!variable_name_parse(str_split(&inside, ','), &set->name, &err))
        return parse_alert(parse, "%s", err.text);
    while (inside.ptr != NULL) {
        struct str word = str_split(&inside, ',');
        unsigned condition = variable_condition_find(word);

        if (condition == 0)
            return parse_alert(parse, "unknown condition '%.*s'; known are ifexists, ifnotexists, "
                                      "ifempty, ifnotempty, ifset, ifnotset, ifgt and iflt",
                               STR_ARG(word));
        set->conditions |= condition;
    }
    return true;
}

static struct variable_action *
parse_target(struct parse *parse, struct action *action)
{
    struct variable_action *set = ARENA_NEW(parse->arena, struct variable_action);
    struct str inside;

    action->data = set;
    if (!action_parenthesis(parse, action, &inside)) {
        parse_alert(parse, "the name of a variable is missing: %s(txn.name)", action->kind->name);
        return NULL;
    }
    return parse_inside(parse, inside, set) ? set : NULL;
}

static bool
parse_set_var(struct parse *parse, struct action *action)
{
    struct variable_action *set = parse_target(parse, action);

    action->run = run_set_var;
    if (set == NULL)
        return false;
    set->sample = sample_parse(parse, action->place);
    return set->sample != NULL;
}

static bool
parse_set_var_fmt(struct parse *parse, struct action *action)
{
    struct variable_action *set = parse_target(parse, action);
    const char *text = set == NULL ? NULL : parse_word(parse, "a format");

    action->run = run_set_var_fmt;
    if (text == NULL)
        return false;
    set->format = log_format_parse(parse, text, action->place, 0);
    return set->format != NULL;
}

static bool
parse_unset_var(struct parse *parse, struct action *action)
{
    struct variable_action *set = parse_target(parse, action);

    action->run = run_unset_var;
    if (set == NULL)
        return false;
    return set->conditions == 0 || parse_alert(parse, "'unset-var' takes no conditions");
}

static const struct action_kind kinds[] = {
    { "set-var", HOOKS_ALL, .is_prefix = true, .args = "(<name>[,<condition>...]) <expression>",
      .parse = parse_set_var, .help = "Put the value of an expression into a variable." },
    { "set-var-fmt", HOOKS_ALL, .is_prefix = true, .args = "(<name>[,<condition>...]) <format>",
      .parse = parse_set_var_fmt, .help = "Put the result of a format into a variable." },
    { "unset-var", HOOKS_ALL, .is_prefix = true, .args = "(<name>)", .parse = parse_unset_var,
      .help = "Forget the value of a variable." },
};
REGISTER(action_kind, kinds);
