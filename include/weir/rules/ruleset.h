/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordered list of actions with conditions, and how it is run.
 */
#pragma once

#include "weir/expr/condition.h"
#include "weir/rules/action.h"

struct rule {
    const struct condition *condition; /* NULL: always */
    const struct action *action;
    uint32_t skip;  /* "call": how many rules behind it belong to it and are passed over with it */
    bool is_called; /* it stands in a named rule set */
};
struct ruleset { /* in the snapshot's arena; zeroed is empty */
    struct rule *rules;
    unsigned count, cap;
    unsigned inherited; /* how many of the first ones a defaults section wrote */
};

/* Parses "<action> <words> [if|unless <condition>]" from parse->words and appends it. */
bool ruleset_parse_rule(struct parse *parse, struct ruleset *set, enum hook hook, unsigned place,
                        const struct acl_scope *scope);

/* Where a run stands, so that it can go on after VERDICT_WAIT. Zeroed: at the beginning. */
struct rule_cursor {
    uint32_t at;
};
/* Runs rules from the cursor. CONTINUE: the end was reached. WAIT: call again later (or with eval->final). *decided (may be NULL): the rule
 * that ended the run. */
enum verdict ruleset_run(const struct ruleset *set, struct rule_cursor *cursor, struct eval *eval,
                         const struct rule **decided);
