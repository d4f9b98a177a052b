/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions that wait: for time to pass, for a body to come.
 *
 * For:     rules.
 * Thread:  owner; the parsers on the builder.
 */
#include "private.h"

/* eval->resume: 0 when the action begins, 1 while it waits. */
static bool
begin_wait(struct stream *s, int64_t ms)
{
    if (s->eval.resume != 0)
        return false;
    s->eval.resume = 1;
    s->rule_expires_ms = deadline_now_ms(s) + ms;
    return true;
}

static bool
wait_is_over(const struct stream *s)
{
    return stream_loop(s)->now_ms >= s->rule_expires_ms;
}

static enum verdict
run_pause(const struct action *action, struct eval *eval)
{
    struct stream *s = eval->stream;
    int64_t ms;

    if (eval->resume == 0) {
        if (!amount_find(action->data, eval, &ms) || ms <= 0)
            return VERDICT_CONTINUE;
        begin_wait(s, ms);
        return VERDICT_WAIT;
    }
    if (!wait_is_over(s))
        return VERDICT_WAIT;
    s->rule_expires_ms = 0;
    eval->resume = 0;
    return VERDICT_CONTINUE;
}

static bool
parse_pause(struct parse *parse, struct action *action)
{
    struct amount *amount = ARENA_NEW(parse->arena, struct amount);

    action->data = amount;
    action->run = run_pause;
    return amount_parse_time(parse, action, amount);
}

struct body_wait {
    int64_t time_ms;
    uint64_t at_least; /* bytes; 0: all */
};

static bool
has_enough(const struct endpoint *ep, const struct body_wait *wait)
{
    if ((ep->flags & (EP_IN_ENDED | EP_IN_BROKEN)) != 0)
        return true;
    if (wait->at_least != 0 && ep->in.bytes >= wait->at_least)
        return true;
    return ep->in.bytes >= buffer_default_size();
}

/* When the time is over, a request is answered with 408, a response becomes 504. */
static enum verdict
run_wait_for_body(const struct action *action, struct eval *eval)
{
    const struct body_wait *wait = action->data;
    struct stream *s = eval->stream;
    bool is_request = action->hook == HOOK_HTTP_REQUEST;
    struct endpoint *ep = is_request ? s->front : s->back;

    if (ep == NULL || has_enough(ep, wait)) {
        eval->resume = 0;
        return VERDICT_CONTINUE;
    }
    if (begin_wait(s, wait->time_ms)) {
        if (is_request)
            endpoint_want_body(ep);
        return VERDICT_WAIT;
    }
    if (!wait_is_over(s))
        return VERDICT_WAIT;
    s->rule_expires_ms = 0;
    eval->resume = 0;
    return VERDICT_LATE;
}

static bool
parse_wait_for_body(struct parse *parse, struct action *action)
{
    struct body_wait *wait = ARENA_NEW(parse->arena, struct body_wait);

    action->data = wait;
    action->run = run_wait_for_body;
    if (!words_accept(parse->words, "time"))
        return parse_alert_next(parse, "expected 'time <duration>'");
    if (!parse_time(parse, "a duration", "ms", &wait->time_ms))
        return false;
    if (words_accept(parse->words, "at-least") &&
        !parse_size(parse, "a number of bytes", &wait->at_least))
        return false;
    if (words_accept(parse->words, "use-large-buffer"))
        return parse_not_yet(parse, "wait-for-body use-large-buffer");
    return true;
}

static const struct action_kind kinds[] = {
    { "pause", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE), .args = "<time>|<expr>",
      .parse = parse_pause, .help = "Wait before the next rule." },
    { "wait-for-body", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE),
      .args = "time <time> [at-least <bytes>]", .parse = parse_wait_for_body,
      .help = "Wait until the body, or its beginning, is here." },
};
REGISTER(action_kind, kinds);
