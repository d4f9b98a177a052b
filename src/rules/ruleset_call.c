/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "http-request call NAME(VALUE,...) [if ...]": the rules of a named rule set, here.
 *
 * For:     ruleset.c.
 * Thread:  builder.
 *
 * The lines are read as if they stood in the place of the call, once "@{arg}" has given way to the
 * values. The call itself is a rule that does nothing; when its condition is not met, the rules
 * behind it that belong to it are passed over.
 */
#include <string.h>

#include "weir/base/text.h"
#include "private.h"

#define CALLS_MAX 8 /* rule sets that call rule sets */

static _Thread_local unsigned depth;

struct call {
    const struct named_ruleset *named;
    struct str values[NAMED_ARGS_MAX];
    unsigned value_count;
    struct ruleset *set;
    enum hook hook;
    unsigned place;
    struct acl_scope *scope;
};

/* --- values ------------------------------------------------------------------------------------ */

static const struct str *
find_value(const struct call *call, struct str name)
{
    for (unsigned i = 0; i < call->value_count; i++) {
        if (str_eq(str_from(call->named->args[i]), name))
            return &call->values[i];
    }
    return NULL;
}

/* NULL: "@{name}" is no argument; reported. */
static const char *
substitute(struct parse *parse, const struct call *call, const struct named_line *line)
{
    struct text text = TEXT_INIT;
    const char *rest = line->text, *at, *copy;

    while ((at = strstr(rest, "@{")) != NULL && strchr(at, '}') != NULL) {
        struct str name = str_of(at + 2, strcspn(at + 2, "}"));
        const struct str *value = find_value(call, name);

        if (value == NULL) {
            text_fini(&text);
            parse_alert_at(parse, line->pos, "ruleset '%s' has no argument '%.*s'",
                           call->named->name, STR_ARG(name));
            return NULL;
        }
        text_add(&text, str_of(rest, (size_t)(at - rest)));
        text_add(&text, *value);
        rest = name.ptr + name.len + 1;
    }
    text_puts(&text, rest);
    copy = arena_copy(parse->arena, text_cstr(&text));
    text_fini(&text);
    return copy;
}

/* --- lines ------------------------------------------------------------------------------------- */

static const char *const hook_words[HOOKS][2] = {
    [HOOK_TCP_CONNECTION] = { "tcp-request", "connection" },
    [HOOK_TCP_SESSION] = { "tcp-request", "session" },
    [HOOK_TCP_REQUEST] = { "tcp-request", "content" },
    [HOOK_HTTP_REQUEST] = { "http-request", NULL },
    [HOOK_TCP_RESPONSE] = { "tcp-response", "content" },
    [HOOK_HTTP_RESPONSE] = { "http-response", NULL },
    [HOOK_HTTP_AFTER_RESPONSE] = { "http-after-response", NULL },
};

/* Is it a rule of this kind? Those of others are for the calls of others. */
static bool
accept_hook(struct parse *parse, enum hook hook)
{
    return words_accept(parse->words, hook_words[hook][0]) &&
           (hook_words[hook][1] == NULL || words_accept(parse->words, hook_words[hook][1]));
}

static bool
read_line(struct parse *parse, void *arg)
{
    const struct call *call = arg;

    if (words_accept(parse->words, "acl"))
        return acl_parse(parse, call->scope);
    if (!accept_hook(parse, call->hook))
        return true;
    parse->keyword = hook_words[call->hook][0];
    return ruleset_parse_rule(parse, call->set, call->hook, call->place, call->scope);
}

static bool
read_lines(struct parse *parse, struct call *call)
{
    struct parse inner = *parse;
    bool fine = true;

    for (const struct named_line *line = call->named->lines; line != NULL; line = line->next) {
        const char *text = substitute(parse, call, line);

        fine = text != NULL && parse_cut(&inner, line->pos, text, read_line, call) && fine;
    }
    return fine;
}

/* --- the call ---------------------------------------------------------------------------------- */

static bool
read_values(struct parse *parse, struct call *call, struct str list)
{
    unsigned count = 0;

    while (count < NAMED_ARGS_MAX && named_ruleset_next(&list, &call->values[count]))
        count++;
    call->value_count = count;
    if (count == call->named->arg_count && list.len == 0)
        return true;
    return parse_alert(parse, "ruleset '%s' takes %u argument%s, not %u (%s:%d)", call->named->name,
                       call->named->arg_count, call->named->arg_count == 1 ? "" : "s", count,
                       call->named->pos.file, call->named->pos.line);
}

/* "name(a, b)": blanks may stand between the values. */
static const char *
read_word(struct parse *parse)
{
    const char *word = parse_word(parse, "the name of a ruleset"), *more;

    while (word != NULL && strchr(word, '(') != NULL && word[strlen(word) - 1] != ')' &&
           (more = words_next(parse->words)) != NULL)
        word = arena_printf(parse->arena, "%s %s", word, more);
    return word;
}

static bool
read_name(struct parse *parse, struct call *call)
{
    const char *word = read_word(parse);
    struct str name, values;
    struct named_ruleset *named;

    if (word == NULL)
        return false;
    if (!named_ruleset_split(word, &name, &values))
        return parse_alert(parse, "')' is missing behind the values");
    named = named_ruleset_find(parse->snapshot, name);
    if (named == NULL)
        return parse_alert(parse, "there is no ruleset '%.*s' above this line%s", STR_ARG(name),
                           named_ruleset_suggest(parse, name));
    named->is_used = true;
    call->named = named;
    return read_values(parse, call, values);
}

static enum verdict
do_nothing(const struct action *action, struct eval *eval)
{
    (void)action;
    (void)eval;
    return VERDICT_CONTINUE;
}

/* Found by name in ruleset.c, because it adds rules of its own; registered to be listed. */
static const struct action_kind call_kind[] = {
    { "call", HOOKS_ALL, .args = "<ruleset>[(<value>,...)]",
      .help = "Runs the rules of a ruleset section in this place." },
};
REGISTER(action_kind, call_kind);

static const struct action *
make_action(struct parse *parse, const struct call *call)
{
    struct action *action = ARENA_NEW(parse->arena, struct action);

    action->kind = &call_kind[0];
    action->run = do_nothing;
    action->hook = call->hook;
    action->place = call->place;
    action->pos = parse_pos(parse);
    action->text = ruleset_rule_text(parse);
    return action;
}

static bool
expand(struct parse *parse, struct call *call)
{
    unsigned first = call->set->count;
    bool fine;

    if (depth == CALLS_MAX)
        return parse_alert(parse, "rulesets call each other without end, or more than %d deep",
                           CALLS_MAX);
    depth++;
    fine = read_lines(parse, call);
    depth--;
    if (!fine)
        return parse_alert(parse, "ruleset '%s' cannot be used here", call->named->name);
    call->set->rules[first - 1].skip = call->set->count - first;
    for (unsigned i = first; i < call->set->count; i++)
        call->set->rules[i].is_called = true;
    return true;
}

bool
ruleset_parse_call(struct parse *parse, struct ruleset *set, enum hook hook, unsigned place,
                   const struct acl_scope *scope)
{
    struct call call = { .set = set, .hook = hook, .place = place };
    struct condition *condition;

    if (!read_name(parse, &call) || !condition_parse_optional(parse, scope, place, &condition))
        return false;
    call.scope = acl_scope_new(parse, scope);
    ruleset_append(
        parse, set,
        (struct rule){ .condition = condition, .action = make_action(parse, &call) });
    return expand(parse, &call);
}
