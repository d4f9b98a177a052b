/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions on the stream itself: how long it waits, how often it tries, what comes first.
 *
 * For:     rules.
 * Thread:  owner; the parsers on the builder.
 */
#include <stddef.h>
#include <string.h>

#include "weir/net/handshake.h"
#include "weir/net/netscaler.h"
#include "weir/net/proxy_protocol.h"

#include "private.h"

/* --- set-timeout --------------------------------------------------------- */

struct timeout_setting {
    struct amount amount;
    size_t offset;  /* in struct proxy_timeouts */
    unsigned sides; /* whose: SIDE_FRONT, SIDE_BACK */
};

static const struct timeout_name {
    const char *name;
    size_t offset;
    unsigned sides;
} timeouts[] = {
    { "client", offsetof(struct proxy_timeouts, client_ms), SIDE_FRONT },
    { "connect", offsetof(struct proxy_timeouts, connect_ms), SIDE_BACK },
    { "queue", offsetof(struct proxy_timeouts, queue_ms), SIDE_BACK },
    { "server", offsetof(struct proxy_timeouts, server_ms), SIDE_BACK },
    { "tarpit", offsetof(struct proxy_timeouts, tarpit_ms), SIDE_FRONT | SIDE_BACK },
    { "tunnel", offsetof(struct proxy_timeouts, tunnel_ms), SIDE_BACK },
};

static void
set_timeout(struct proxy_timeouts *own, size_t offset, int64_t ms)
{
    if (own != NULL)
        *(int64_t *)((char *)own + offset) = ms;
}

static enum verdict
run_set_timeout(const struct action *action, struct eval *eval)
{
    const struct timeout_setting *setting = action->data;
    struct stream *s = eval->stream;
    int64_t ms;

    if (!amount_find(&setting->amount, eval, &ms) || ms <= 0)
        return VERDICT_CONTINUE;
    if ((setting->sides & SIDE_FRONT) != 0)
        set_timeout(deadline_own_front(s), setting->offset, ms);
    if ((setting->sides & SIDE_BACK) != 0)
        set_timeout(deadline_own_back(s), setting->offset, ms);
    return VERDICT_CONTINUE;
}

/* A proxy that lacks the side has no such timeout to change. */
static bool
has_side(struct parse *parse, unsigned sides)
{
    const struct proxy_conf *conf = parse->object;
    const char *kind = (conf->sides & SIDE_FRONT) != 0 ? "frontend" : "backend";

    if ((conf->sides & (sides | SIDE_DEFAULTS)) != 0)
        return true;
    return parse_alert(parse, "%s '%s' has no %s side: put the rule into a %s", kind, conf->name,
                       sides == SIDE_FRONT ? "frontend" : "backend",
                       sides == SIDE_FRONT ? "frontend or a listen" : "backend or a listen");
}

static bool
parse_set_timeout(struct parse *parse, struct action *action)
{
    struct timeout_setting *setting = ARENA_NEW(parse->arena, struct timeout_setting);
    const char *word = parse_word(parse, "the name of a timeout");
    const struct timeout_name *name = timeouts;

    if (word == NULL)
        return false;
    while (name < timeouts + COUNT(timeouts) && strcmp(word, name->name) != 0)
        name++;
    if (name == timeouts + COUNT(timeouts))
        return parse_alert(parse,
                           "'%s' is no timeout that can be set here; use client, connect, queue, "
                           "server, tarpit or tunnel",
                           word);
    setting->offset = name->offset;
    setting->sides = name->sides;
    action->data = setting;
    action->run = run_set_timeout;
    if (!has_side(parse, name->sides) || !amount_parse_time(parse, action, &setting->amount))
        return false;
    if (setting->amount.sample == NULL && setting->amount.fixed == 0)
        return parse_alert(parse, "the timeout must not be zero");
    return true;
}

/* --- set-retries --------------------------------------------------------- */

static enum verdict
run_set_retries(const struct action *action, struct eval *eval)
{
    int64_t count;

    if (!amount_find(action->data, eval, &count) || count < 0 || count > 100)
        return VERDICT_CONTINUE;
    eval->stream->retries_left = (uint16_t)count;
    eval->stream->flags |= STREAM_RETRIES_SET;
    return VERDICT_CONTINUE;
}

static bool
parse_set_retries(struct parse *parse, struct action *action)
{
    struct amount *amount = ARENA_NEW(parse->arena, struct amount);

    action->data = amount;
    action->run = run_set_retries;
    if ((((const struct proxy_conf *)parse->object)->sides & SIDE_DEFAULTS) != 0)
        return parse_alert(parse, "'set-retries' is not permitted in a defaults section");
    return has_side(parse, SIDE_BACK) && amount_parse_count(parse, action, 100, amount);
}

/* --- set-priority-class, set-priority-offset ----------------------------- */

static int64_t
clamp(int64_t n, int64_t limit)
{
    return n < -limit ? -limit : n > limit ? limit : n;
}

static enum verdict
run_set_priority_class(const struct action *action, struct eval *eval)
{
    int64_t n;

    if (amount_find(action->data, eval, &n))
        eval->stream->queue_entry.priority_class = (int16_t)clamp(n, 2047);
    return VERDICT_CONTINUE;
}

static enum verdict
run_set_priority_offset(const struct action *action, struct eval *eval)
{
    int64_t n;

    if (amount_find(action->data, eval, &n))
        eval->stream->queue_entry.offset_ms = (int32_t)clamp(n, 524287);
    return VERDICT_CONTINUE;
}

static bool
parse_priority(struct parse *parse, struct action *action, action_fn *run)
{
    struct amount *amount = ARENA_NEW(parse->arena, struct amount);

    action->data = amount;
    action->run = run;
    amount->sample = sample_parse(parse, action->place);
    return amount->sample != NULL;
}

static bool
parse_set_priority_class(struct parse *parse, struct action *action)
{
    return parse_priority(parse, action, run_set_priority_class);
}

static bool
parse_set_priority_offset(struct parse *parse, struct action *action)
{
    return parse_priority(parse, action, run_set_priority_offset);
}

/* --- expect-proxy, expect-netscaler-cip ---------------------------------- */

/* As the bind line's accept-proxy: what it says counts from the session rules on. */
static enum verdict
run_expect_proxy(const struct action *action, struct eval *eval)
{
    (void)action;
    return handshake_add(eval->client, proxy_header_receive, NULL) ? VERDICT_CONTINUE
                                                                   : VERDICT_FAILED;
}

static bool
parse_expect_proxy(struct parse *parse, struct action *action)
{
    action->run = run_expect_proxy;
    if (!words_accept(parse->words, "layer4"))
        return parse_alert_next(parse, "expected 'layer4'");
    return true;
}

static enum verdict
run_expect_cip(const struct action *action, struct eval *eval)
{
    const struct listener *listener = eval->session->listener;
    const struct bind_conf *bind = listener == NULL ? NULL : grace_read(listener->conf);
    uint32_t magic_number = bind == NULL ? 0 : (uint32_t)bind->cip_magic;

    (void)action;
    return netscaler_header_expect(eval->client, magic_number) ? VERDICT_CONTINUE : VERDICT_FAILED;
}

static bool
parse_expect_cip(struct parse *parse, struct action *action)
{
    action->run = run_expect_cip;
    if (!words_accept(parse->words, "layer4"))
        return parse_alert_next(parse, "expected 'layer4'");
    return true;
}

/* --- small ones ---------------------------------------------------------- */

static enum verdict
run_disable_retry(const struct action *action, struct eval *eval)
{
    (void)action;
    eval->stream->flags |= STREAM_NO_L7_RETRY;
    return VERDICT_CONTINUE;
}

static bool
parse_disable_retry(struct parse *parse, struct action *action)
{
    (void)parse;
    action->run = run_disable_retry;
    return true;
}

static enum verdict
run_nothing(const struct action *action, struct eval *eval)
{
    (void)action;
    (void)eval;
    return VERDICT_CONTINUE;
}

/* Streams of one thread take turns event by event: there is nothing to be nice about. */
static bool
parse_set_nice(struct parse *parse, struct action *action)
{
    int64_t nice;

    action->run = run_nothing;
    if (!parse_int(parse, "a nice value", -1024, 1024, &nice))
        return false;
    parse_warn(parse, "'set-nice' has no effect: the streams of a thread take turns");
    return true;
}

#define IN_REQUESTS  (ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST))
#define IN_RESPONSES (ON(HOOK_TCP_RESPONSE) | ON(HOOK_HTTP_RESPONSE))

static const struct action_kind kinds[] = {
    { "expect-proxy", ON(HOOK_TCP_CONNECTION), .args = "layer4", .parse = parse_expect_proxy,
      .help = "A PROXY protocol header comes first." },
    { "expect-netscaler-cip", ON(HOOK_TCP_CONNECTION), .args = "layer4", .parse = parse_expect_cip,
      .help = "A NetScaler client IP header comes first." },
    { "set-timeout", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE),
      .args = "client|connect|queue|server|tarpit|tunnel <time>|<expr>", .parse = parse_set_timeout,
      .help = "Use another timeout for this stream." },
    { "set-retries", IN_REQUESTS, .args = "<count>|<expr>", .parse = parse_set_retries,
      .help = "Try a failed server more or less often than 'retries' says." },
    { "set-priority-class", IN_REQUESTS, .args = "<expr>", .parse = parse_set_priority_class,
      .help = "Which requests leave the queue first: the lowest class (-2047 to 2047)." },
    { "set-priority-offset", IN_REQUESTS, .args = "<expr>", .parse = parse_set_priority_offset,
      .help = "Queue as if it had come that many milliseconds later (or, below 0, earlier)." },
    { "disable-l7-retry", ON(HOOK_HTTP_REQUEST), .args = "", .parse = parse_disable_retry,
      .help = "Never send this request twice once a server may have seen it." },
    { "set-nice", IN_REQUESTS | IN_RESPONSES, .args = "<nice>", .parse = parse_set_nice,
      .help = "Understood, with a warning: streams of a thread take turns by themselves." },
};
REGISTER(action_kind, kinds);
