/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule sets: read a rule, run a set.
 *
 * Thread: builder reads; traffic runs.
 */
#include "weir/rules/ruleset.h"

#include <string.h>

#include "weir/base/text.h"
#include "weir/expr/explain.h"
#include "private.h"

/* --- reading ------------------------------------------------------------------------------ */

/* Actions of the language that weir lacks; so that a person is told "not yet" rather than
 * "unknown". */
static const char *const known[] = {
    "add-acl",
    "attach-srv",
    "cache-store",
    "cache-use",
    "del-acl",
    "del-map",
    "lua.",
    "sc-add-gpc",
    "sc-inc-gpc",
    "sc-inc-gpc0",
    "sc-inc-gpc1",
    "sc-set-gpt",
    "sc-set-gpt0",
    "send-spoe-group",
    "set-bandwidth-limit",
    "set-map",
    "track-sc",
    "use-service",
};

bool
action_is_known(const char *word)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        size_t len = strlen(known[i]);

        if (strncmp(known[i], word, len) == 0 &&
            (word[len] == '\0' || word[len] == '(' || known[i][len - 1] == '.' ||
             strcmp(known[i], "track-sc") == 0))
            return true;
    }
    return false;
}

const char *
ruleset_rule_text(struct parse *parse)
{
    struct text text = TEXT_INIT;
    const char *copy;

    for (unsigned i = 0; i < parse->words->count; i++)
        text_printf(&text, "%s%s", i > 0 ? " " : "", parse->words->items[i].text);
    copy = arena_copy(parse->arena, text_cstr(&text));
    text_fini(&text);
    return copy;
}

void
ruleset_append(struct parse *parse, struct ruleset *set, struct rule rule)
{
    if (set->count == set->cap) {
        unsigned cap = set->cap == 0 ? 4 : set->cap * 2;
        struct rule *rules = ARENA_ARRAY(parse->arena, struct rule, cap);

        if (set->count > 0)
            memcpy(rules, set->rules, set->count * sizeof(*rules));
        set->rules = rules;
        set->cap = cap;
    }
    set->rules[set->count++] = rule;
}

/* A final action without condition ends the set for good. */
static void
warn_unreachable(struct parse *parse, const struct ruleset *set)
{
    const struct rule *last;

    if (set->count == 0)
        return;
    last = &set->rules[set->count - 1];
    if (last->condition == NULL && last->action->kind->is_final && !last->is_called)
        parse_warn(parse, "this rule never runs: '%s' at %s:%d has no condition and ends the rules",
                   last->action->kind->name, last->action->pos.file, last->action->pos.line);
}

bool
ruleset_parse_rule(struct parse *parse, struct ruleset *set, enum hook hook, unsigned place,
                   const struct acl_scope *scope)
{
    const char *word = parse_word(parse, "an action");
    struct action *action = ARENA_NEW(parse->arena, struct action);
    const char *keyword = parse->keyword;
    struct condition *condition;

    if (word == NULL)
        return false;
    if (strcmp(word, "call") == 0)
        return ruleset_parse_call(parse, set, hook, place, scope);
    action->kind = action_find(word, hook);
    if (action->kind == NULL && action_is_known(word))
        return parse_not_yet(parse, arena_printf(parse->arena, "%s %s", keyword, word));
    if (action->kind == NULL)
        return parse_alert(parse, "'%s' has no action '%s'%s", keyword, word,
                           action_suggest(parse, word, hook));
    action->hook = hook;
    action->place = place;
    action->pos = parse_pos(parse);
    action->text = ruleset_rule_text(parse);
    parse->keyword = action->kind->name;
    if (!action->kind->parse(parse, action))
        return false;
    MUST(action->run != NULL);
    if (!condition_parse_optional(parse, scope, place, &condition))
        return false;
    parse->keyword = keyword;
    warn_unreachable(parse, set);
    ruleset_append(parse, set, (struct rule){ .condition = condition, .action = action });
    return true;
}

/* --- running -------------------------------------------------------------------------------- */

static const char *const verdict_names[] = {
    [VERDICT_CONTINUE] = NULL,      [VERDICT_STOP] = "allowed",
    [VERDICT_STOP_ALL] = "allowed", [VERDICT_REPLY] = "answered",
    [VERDICT_REJECT] = "rejected",  [VERDICT_DROP] = "dropped",
    [VERDICT_WAIT] = NULL,          [VERDICT_FAILED] = "failed",
    [VERDICT_LATE] = "late",         [VERDICT_CLOSE] = "closed",
    [VERDICT_SWITCH] = "switched to HTTP", [VERDICT_SERVICE] = "answered by a service",
};

static enum verdict
run_action(const struct rule *rule, struct eval *eval)
{
    enum verdict verdict = rule->action->run(rule->action, eval);

    if (__builtin_expect(eval->explain != NULL, 0))
        explain_outcome(eval->explain, OUTCOME_YES, verdict_names[verdict]);
    return verdict;
}

/* For those who ask why. */
static __attribute__((noinline)) enum truth
test_explained(const struct rule *rule, struct eval *eval)
{
    enum truth truth;

    explain_rule(eval->explain, rule->action->pos, rule->action->text);
    truth = condition_test(rule->condition, eval);
    if (truth != TRUTH_YES)
        explain_outcome(eval->explain, truth == TRUTH_NO ? OUTCOME_NO : OUTCOME_LATER, NULL);
    return truth;
}

/* The first rule from `at` on that is not passed over; NULL: there is none. */
static const struct rule *
find_met(const struct ruleset *set, uint32_t at, struct eval *eval, enum truth *truth)
{
    const struct rule *rule = set->rules + at, *end = set->rules + set->count;
    bool is_watched = eval->explain != NULL;

    for (; rule < end; rule += 1 + rule->skip) {
        *truth = __builtin_expect(is_watched, 0) ? test_explained(rule, eval)
                                                 : condition_test(rule->condition, eval);
        if (*truth != TRUTH_NO)
            return rule;
    }
    return NULL;
}

static void
note_decided(const struct rule *rule, enum verdict verdict, struct eval *eval,
             const struct rule **decided)
{
    if (verdict != VERDICT_STOP || eval->decided == NULL)
        eval->decided = &rule->action->pos;
    if (decided != NULL)
        *decided = rule;
}

/* A rule that waited (eval->resume) goes on, whatever its condition says by now. */
static inline enum verdict
run(const struct ruleset *set, struct rule_cursor *cursor, struct eval *eval,
    const struct rule **decided)
{
    enum verdict verdict;

    do {
        enum truth truth = TRUTH_YES;
        const struct rule *rule = eval->resume != 0 ? &set->rules[cursor->at]
                                                    : find_met(set, cursor->at, eval, &truth);

        if (rule == NULL)
            return VERDICT_CONTINUE;
        cursor->at = (uint32_t)(rule - set->rules);
        if (truth == TRUTH_LATER)
            return VERDICT_WAIT;
        verdict = run_action(rule, eval);
        if (eval->memo != NULL)
            eval->memo->number = 0;
        if (verdict == VERDICT_WAIT)
            return verdict;
        eval->resume = 0;
        cursor->at++;
        if (verdict == VERDICT_FAILED && eval->is_lenient)
            verdict = VERDICT_CONTINUE;
        if (verdict != VERDICT_CONTINUE)
            note_decided(rule, verdict, eval, decided);
    } while (verdict == VERDICT_CONTINUE);
    return verdict;
}

enum verdict
ruleset_run(const struct ruleset *set, struct rule_cursor *cursor, struct eval *eval,
            const struct rule **decided)
{
    struct sample_memo memo;
    enum verdict verdict;

    memo.number = 0;
    if (cursor->at == 0)
        eval->is_lenient = 0;
    eval->memo = eval->explain == NULL ? &memo : NULL;
    verdict = run(set, cursor, eval, decided);
    eval->memo = NULL;
    return verdict;
}
