/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint: rulesets that nobody calls.
 *
 * Thread: boot.
 */
#include "weir/config/lint.h"
#include "private.h"

static void
find_unused(struct lint *lint, const struct snapshot *snapshot)
{
    for (const struct named_ruleset *set = named_ruleset_first(snapshot); set != NULL;
         set = set->next) {
        if (!set->is_used)
            lint_say(lint, set->pos, "call it, or leave it out", "no rule calls ruleset '%s'",
                     set->name);
    }
}

static const struct lint_check checks[] = {
    { "unused-ruleset", find_unused, "Rulesets that no rule calls." },
};
REGISTER(lint_check, checks);
