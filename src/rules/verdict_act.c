/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions that only decide: accept, allow, reject.
 *
 * Thread: builder reads; traffic runs.
 */
#include "private.h"

static enum verdict
run_number(const struct action *action, struct eval *eval)
{
    (void)eval;
    return (enum verdict)action->number;
}

static bool
decide(struct action *action, enum verdict verdict)
{
    action->run = run_number;
    action->number = verdict;
    return true;
}

static bool
parse_accept(struct parse *parse, struct action *action)
{
    (void)parse;
    return decide(action, VERDICT_STOP);
}

static bool
parse_reject(struct parse *parse, struct action *action)
{
    (void)parse;
    return decide(action, VERDICT_REJECT);
}

static bool
parse_close(struct parse *parse, struct action *action)
{
    (void)parse;
    return decide(action, VERDICT_CLOSE);
}

#define HOOKS_TCP                                                                                  \
    (ON(HOOK_TCP_CONNECTION) | ON(HOOK_TCP_SESSION) | ON(HOOK_TCP_REQUEST) | ON(HOOK_TCP_RESPONSE))

static const struct action_kind kinds[] = {
    { "accept", HOOKS_TCP, .is_final = true, .parse = parse_accept,
      .help = "Let it through; no further rule of this set is looked at." },
    { "allow", HOOKS_HTTP, .is_final = true, .parse = parse_accept,
      .help = "Let it through; no further rule of this set is looked at." },
    { "close", ON(HOOK_TCP_RESPONSE), .is_final = true, .parse = parse_close,
      .help = "Close the server's connection; what it has sent is still delivered." },
    { "reject", HOOKS_TCP | ON(HOOK_HTTP_REQUEST), .is_final = true, .parse = parse_reject,
      .help = "Close the connection without an answer." },
};
REGISTER(action_kind, kinds);
