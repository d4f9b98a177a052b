/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor-uri and monitor fail: a frontend says itself whether it is well.
 *
 * For:     step_request.c.
 * Owns:    a slot of the proxy.
 * Thread:  builder parses; the stream's owner asks.
 */
#include <string.h>

#include "weir/config/keyword.h"
#include "weir/expr/condition.h"
#include "weir/http/message.h"
#include "weir/http/reply_action.h"

#include "private.h"

struct monitor_fail {
    struct monitor_fail *next;
    const struct condition *condition;
};
struct monitor_conf {
    struct str uri; /* len 0: none */
    struct monitor_fail *fails;
};
static struct slot monitor_slot = SLOT("monitor-uri", SLOT_PROXY, struct monitor_conf);
REGISTER_SLOT(monitor_slot);

static bool
has_failed(struct stream *s, const struct monitor_conf *conf)
{
    s->eval.place = PLACE_FE_REQUEST;
    s->eval.proxy = s->eval.frontend;
    for (const struct monitor_fail *fail = conf->fails; fail != NULL; fail = fail->next) {
        if (condition_test(fail->condition, &s->eval) == TRUTH_YES)
            return true;
    }
    return false;
}

bool
monitor_answer(struct stream *s, enum step_result *result)
{
    const struct monitor_conf *conf = slot_of(s->eval.frontend->slots, &monitor_slot);
    struct reply_action *reply;

    if (__builtin_expect(conf->uri.len == 0, 1) || !str_eq(s->request->target, conf->uri))
        return false;
    s->flags |= STREAM_NO_LOG;
    reply = arena_take(&s->arena, sizeof(*reply));
    if (reply != NULL)
        *reply = (struct reply_action){
            .kind = REPLY_ACTION_PAGE,
            .status = has_failed(s, conf) ? 503 : 200,
        };
    s->eval.reply = reply;
    *result = reply_action(s, PHASE_REQUEST);
    return true;
}

/* --- keywords ------------------------------------------------------------- */

static struct monitor_conf *
conf_of(struct parse *parse)
{
    const struct proxy_conf *conf = parse->object;

    return slot_of(conf->slots, &monitor_slot);
}

static bool
parse_monitor_uri(struct parse *parse)
{
    const char *uri = parse_word(parse, "a target");

    if (uri == NULL)
        return false;
    if (*uri == '\0')
        return parse_alert(parse, "'monitor-uri' expects a target such as /health");
    conf_of(parse)->uri = str_from(arena_copy(parse->arena, uri));
    return parse_end(parse);
}

static bool
parse_monitor_fail(struct parse *parse)
{
    const struct proxy_conf *conf = parse->object;
    struct monitor_fail *fail = ARENA_NEW(parse->arena, struct monitor_fail);
    struct condition *condition = NULL;

    if (!condition_parse_optional(parse, conf->acls, PLACE_FE_REQUEST, &condition))
        return false;
    if (condition == NULL)
        return parse_alert_next(parse, "'monitor fail' expects 'if' or 'unless' and a condition");
    *fail = (struct monitor_fail){ conf_of(parse)->fails, condition };
    conf_of(parse)->fails = fail;
    return true;
}

static const struct keyword keywords[] = {
    { "monitor-uri", IN_FRONT, .flags = KEYWORD_HTTP_ONLY, .args = "<target>",
      .parse = parse_monitor_uri,
      .help = "Answer this very target with status 200, or 503 while 'monitor fail' holds." },
    { "monitor fail", IN_FRONTEND | IN_LISTEN, .flags = KEYWORD_HTTP_ONLY,
      .args = "if|unless <condition>", .parse = parse_monitor_fail,
      .help = "When the target of monitor-uri is answered with status 503." },
};
REGISTER(keyword, keywords);
