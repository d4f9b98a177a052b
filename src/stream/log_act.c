/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions on the log: at which level, and a line now.
 *
 * For:     rules.
 * Thread:  owner; the parsers on the builder.
 */
#include "weir/telemetry/log.h"

#include "private.h"

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

/* --- do-log -------------------------------------------------------------- */

/* Before there is a stream: what custom formats say, or whose connection it is. */
static void
log_session(const struct action *action, struct eval *eval)
{
    eval->session->log_origin = (uint8_t)(ORIGIN_RULE + action->hook);
    log_line_session(eval->session, eval->frontend,
                     action->hook == HOOK_TCP_CONNECTION ? "connection" : "session", action->data);
    eval->session->log_origin = 0;
}

static enum verdict
run_do_log(const struct action *action, struct eval *eval)
{
    if (eval->frontend->logs == NULL)
        return VERDICT_CONTINUE;
    if (eval->stream == NULL)
        log_session(action, eval);
    else
        log_line_now(eval->stream, ORIGIN_RULE + (enum log_origin)action->hook, action->data);
    return VERDICT_CONTINUE;
}

static bool
parse_do_log(struct parse *parse, struct action *action)
{
    action->run = run_do_log;
    if (words_accept(parse->words, "profile"))
        return log_profile_use(parse, parse_word(parse, "the name of a log-profile section"),
                               &action->data);
    return true;
}

static const struct action_kind kinds[] = {
    { "set-log-level",
      ON(HOOK_TCP_REQUEST) | ON(HOOK_HTTP_REQUEST) | ON(HOOK_TCP_RESPONSE) |
          ON(HOOK_HTTP_RESPONSE) | ON(HOOK_HTTP_AFTER_RESPONSE),
      .args = "<level>", .parse = parse_set_log_level,
      .help = "Log this stream at another level, or not at all." },
    { "do-log", HOOKS_ALL, .args = "[profile <name>]", .parse = parse_do_log,
      .help = "Write a log line now; the usual one follows all the same." },
};
REGISTER(action_kind, kinds);
