/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions on the stream itself: how long it waits, how loud it logs, how often it tries.
 *
 * For:     rules.
 * Thread:  owner; the parsers on the builder.
 */
#include <stddef.h>
#include <string.h>

#include "weir/net/handshake.h"
#include "weir/net/proxy_protocol.h"
#include "weir/telemetry/log.h"

#include "private.h"

/* --- a number that is written, or computed ------------------------------- */

struct amount {
    struct sample *sample; /* NULL: `fixed` */
    int64_t fixed;
};

/* A duration begins with a digit; everything else is an expression. */
static bool
is_number(const char *word)
{
    return word != NULL && word[0] >= '0' && word[0] <= '9';
}

static bool
parse_time_or_expr(struct parse *parse, const struct action *action, struct amount *amount)
{
    if (is_number(words_peek(parse->words)))
        return parse_time(parse, "a duration", "ms", &amount->fixed);
    amount->sample = sample_parse(parse, action->place);
    return amount->sample != NULL;
}

static bool
parse_count_or_expr(struct parse *parse, const struct action *action, int64_t max,
                    struct amount *amount)
{
    if (is_number(words_peek(parse->words)))
        return parse_int(parse, "a number", 0, max, &amount->fixed);
    amount->sample = sample_parse(parse, action->place);
    return amount->sample != NULL;
}

/* False: the expression has no value here. */
static bool
find_amount(const struct amount *amount, struct eval *eval, int64_t *out)
{
    struct value value = { 0 };

    *out = amount->fixed;
    if (amount->sample == NULL)
        return true;
    if (sample_run_as(amount->sample, eval, VALUE_INT, &value) != FETCH_OK)
        return false;
    *out = value.num;
    return true;
}

/* --- set-log-level ------------------------------------------------------- */

static enum verdict
run_set_log_level(const struct action *action, struct eval *eval)
{
    if (eval->stream != NULL)
        eval->stream->log_level = (int8_t)action->number;
    else
        eval->session->log_level = (int8_t)action->number;
    return VERDICT_CONTINUE;
}

static bool
parse_set_log_level(struct parse *parse, struct action *action)
{
    const char *word = parse_word(parse, "a log level");
    enum log_level level;

    if (word == NULL)
        return false;
    if (!log_level_parse(str_from(word), &level))
        return parse_alert(parse,
                           "'%s' is no log level; use emerg, alert, crit, err, warning, notice, "
                           "info, debug or silent",
                           word);
    action->number = (intptr_t)level;
    action->run = run_set_log_level;
    return true;
}

/* --- set-timeout --------------------------------------------------------- */

struct timeout_setting {
    struct amount amount;
    size_t offset; /* in struct proxy_timeouts */
    bool is_front;
};

static const struct {
    const char *name;
    size_t offset;
    bool is_front;
} timeouts[] = {
    { "client", offsetof(struct proxy_timeouts, client_ms), true },
    { "connect", offsetof(struct proxy_timeouts, connect_ms), false },
    { "queue", offsetof(struct proxy_timeouts, queue_ms), false },
    { "server", offsetof(struct proxy_timeouts, server_ms), false },
    { "tarpit", offsetof(struct proxy_timeouts, tarpit_ms), true },
    { "tunnel", offsetof(struct proxy_timeouts, tunnel_ms), false },
};

static enum verdict
run_set_timeout(const struct action *action, struct eval *eval)
{
    const struct timeout_setting *setting = action->data;
    struct stream *s = eval->stream;
    struct proxy_timeouts *own;
    int64_t ms;

    if (!find_amount(&setting->amount, eval, &ms) || ms <= 0)
        return VERDICT_CONTINUE;
    own = setting->is_front ? deadline_own_front(s) : deadline_own_back(s);
    if (own != NULL)
        *(int64_t *)((char *)own + setting->offset) = ms;
    return VERDICT_CONTINUE;
}

static bool
parse_set_timeout(struct parse *parse, struct action *action)
{
    struct timeout_setting *setting = ARENA_NEW(parse->arena, struct timeout_setting);
    const char *word = parse_word(parse, "the name of a timeout");

    if (word == NULL)
        return false;
    for (size_t i = 0; i < COUNT(timeouts); i++) {
        if (strcmp(word, timeouts[i].name) != 0)
            continue;
        setting->offset = timeouts[i].offset;
        setting->is_front = timeouts[i].is_front;
        action->data = setting;
        action->run = run_set_timeout;
        if (!parse_time_or_expr(parse, action, &setting->amount))
            return false;
        if (setting->amount.sample == NULL && setting->amount.fixed == 0)
            return parse_alert(parse, "the timeout must not be zero");
        return true;
    }
    return parse_alert(parse,
                       "'%s' is no timeout that can be set here; use client, connect, queue, "
                       "server, tarpit or tunnel",
                       word);
}

/* --- set-retries --------------------------------------------------------- */

static enum verdict
run_set_retries(const struct action *action, struct eval *eval)
{
    int64_t count;

    if (!find_amount(action->data, eval, &count) || count < 0 || count > 100)
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
    return parse_count_or_expr(parse, action, 100, amount);
}

/* --- waiting ------------------------------------------------------------- */

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
        if (!find_amount(action->data, eval, &ms) || ms <= 0)
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
    return parse_time_or_expr(parse, action, amount);
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

/* As HAProxy: when the time is over, a request is answered with 408; a response goes on with what
 * is there. */
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
    return VERDICT_CONTINUE;
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
    (void)words_accept(parse->words, "use-large-buffer");
    return true;
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
    return parse_int(parse, "a nice value", -1024, 1024, &nice);
}

/* Handshakes are over before the first request is read. */
static bool
parse_wait_for_handshake(struct parse *parse, struct action *action)
{
    (void)parse;
    action->run = run_nothing;
    return true;
}

#define IN_REQUESTS  (ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST))
#define IN_RESPONSES (ON(HOOK_TCP_RESPONSE) | ON(HOOK_HTTP_RESPONSE))

static const struct action_kind kinds[] = {
    { "expect-proxy", ON(HOOK_TCP_CONNECTION), .args = "layer4", .parse = parse_expect_proxy,
      .help = "A PROXY protocol header comes first." },
    { "set-log-level", IN_REQUESTS | IN_RESPONSES | ON(HOOK_HTTP_AFTER_RESPONSE), .args = "<level>",
      .parse = parse_set_log_level, .help = "Log this stream at another level, or not at all." },
    { "set-timeout", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE) | ON(HOOK_TCP_REQUEST),
      .args = "client|connect|queue|server|tarpit|tunnel <time>|<expr>", .parse = parse_set_timeout,
      .help = "Use another timeout for this stream." },
    { "set-retries", IN_REQUESTS, .args = "<count>|<expr>", .parse = parse_set_retries,
      .help = "Try a failed server more or less often than 'retries' says." },
    { "pause", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE), .args = "<time>|<expr>",
      .parse = parse_pause, .help = "Wait before the next rule." },
    { "wait-for-body", ON(HOOK_HTTP_REQUEST) | ON(HOOK_HTTP_RESPONSE),
      .args = "time <time> [at-least <bytes>]", .parse = parse_wait_for_body,
      .help = "Wait until the body, or its beginning, is here." },
    { "disable-l7-retry", ON(HOOK_HTTP_REQUEST), .args = "", .parse = parse_disable_retry,
      .help = "Never send this request twice once a server may have seen it." },
    { "set-nice", IN_REQUESTS | IN_RESPONSES, .args = "<nice>", .parse = parse_set_nice,
      .help = "Understood; streams of a thread take turns by themselves." },
    { "wait-for-handshake", ON(HOOK_HTTP_REQUEST), .args = "", .parse = parse_wait_for_handshake,
      .help = "Understood; handshakes are over before a request is read." },
};
REGISTER(action_kind, kinds);
