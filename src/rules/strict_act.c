/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strict-mode: may a change of the message that fails be passed over? It holds until the rule set
 * ends.
 *
 * Thread: builder parses; traffic runs.
 */
#include "weir/rules/action.h"

static enum verdict
run_strict_mode(const struct action *action, struct eval *eval)
{
    eval->is_lenient = action->number == 0;
    return VERDICT_CONTINUE;
}

static bool
parse_strict_mode(struct parse *parse, struct action *action)
{
    bool is_strict;

    if (!parse_on_off(parse, &is_strict))
        return false;
    action->run = run_strict_mode;
    action->number = is_strict;
    return true;
}

static const struct action_kind kinds[] = {
    { "strict-mode", HOOKS_HTTP, .args = "on|off", .parse = parse_strict_mode,
      .help = "Off: later changes of this rule set that fail are passed over (on: status 500)." },
};
REGISTER(action_kind, kinds);
