/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the commands of a line and frames their answers.
 *
 * For:     runtime_session.c, which moves the bytes.
 * Owns:    nothing of its own: it works on the session.
 * Callers: runtime_session.c.
 * Thread:  control.
 *
 * Every answer ends with an empty line, and with the prompt in prompt mode.
 */
#include <stdio.h>
#include <string.h>

#include "weir/loop/loop.h"
#include "weir/telemetry/process.h"
#include "private.h"

#define WAIT_MS 10 /* a command that waits is asked again */

void
runtime_answer_cancel(struct runtime_session *session)
{
    if (session->call.state != NULL && session->call.end != NULL)
        session->call.end(&session->call);
    session->call = (struct command_call){ 0 };
    session->is_running = false;
}

void
runtime_answer_prompt(struct runtime_session *session)
{
    int64_t uptime_s = (loop_now_ms(loop_here()) - this_process.start_ms) / 1000;

    if (session->mode != RUNTIME_PROMPT)
        return;
    if (session->input.in_payload) {
        text_add(&session->out, STR("+ "));
        return;
    }
    if (session->has_uptime)
        text_printf(&session->out, "[%lld:%02lld:%02lld:%02lld]", (long long)(uptime_s / 86400),
                    (long long)(uptime_s / 3600 % 24), (long long)(uptime_s / 60 % 60),
                    (long long)(uptime_s % 60));
    text_add(&session->out, STR("> "));
}

/* What ends each answer. */
static void
end_answer(struct runtime_session *session)
{
    if (session->must_quit)
        return;
    text_add_char(&session->out, '\n');
    runtime_answer_prompt(session);
}

/* Does any command begin with this word? */
static bool
is_first_word(const char *word)
{
    size_t len = strlen(word);

    FOR_EACH_REGISTERED (command, command, list) {
        if (strncmp(command->name, word, len) == 0 &&
            (command->name[len] == ' ' || command->name[len] == '\0'))
            return true;
    }
    return false;
}

static void
say_unknown(struct runtime_session *session)
{
    struct command_call *call = &session->call;

    if (call->count == 0)
        command_say(call, 6, "Unknown command. Please enter one of the following commands only:");
    else if (is_first_word(call->words[0]))
        command_say(call, 6,
                    "Unknown command: '%s', but maybe one of the following ones is a "
                    "better match:",
                    call->words[0]);
    else
        command_say(call, 6,
                    "Unknown command: '%s'. Please enter one of the following commands "
                    "only:",
                    call->words[0]);
    command_help(call->out, call->words, call->count, call->level);
}

static void
begin_call(struct runtime_session *session, unsigned count)
{
    /* A payload belongs to the last command of its line. */
    bool is_last = session->rest == NULL;

    session->call = (struct command_call){
        .words = session->words,
        .count = count,
        .payload = is_last ? runtime_input_payload(&session->input) : STR_NONE,
        .level = session->access.level,
        .out = &session->out,
        .severity_output = session->access.severity_output,
        .anon_key = session->anon_key,
        .session = session,
        .command = count == 0 ? NULL : command_find(session->words, count),
    };
}

/* Nothing to run is not worth a word: "show info;", or a line feed at the prompt. */
static bool
is_skipped(const struct runtime_session *session, unsigned count, bool is_first)
{
    return count == 0 && (!is_first || session->rest != NULL || session->mode != RUNTIME_ONCE);
}

void
runtime_answer_start(struct runtime_session *session)
{
    bool is_first = session->rest == session->input.line;
    unsigned count = command_line_cut(&session->rest, session->words);

    if (is_skipped(session, count, is_first)) {
        if (is_first && session->rest == NULL)
            runtime_answer_prompt(session);
        return;
    }
    begin_call(session, count);
    if (session->call.command == NULL) {
        say_unknown(session);
    } else if (session->call.command->level > session->access.level) {
        command_say(&session->call, 3, "Permission denied");
    } else if (session->call.command->is_experimental &&
               (session->flags & RUNTIME_EXPERIMENTAL) == 0) {
        command_say(&session->call, 3, "This command is restricted to experimental mode only.");
    } else if (session->call.command->is_expert && (session->flags & RUNTIME_EXPERT) == 0) {
        command_say(&session->call, 3, "This command is restricted to expert mode only.");
    } else {
        session->call.at = command_name_words(session->call.command);
        session->is_running = true;
        return;
    }
    runtime_answer_cancel(session);
    end_answer(session);
}

bool
runtime_answer_go_on(struct runtime_session *session)
{
    int64_t now_ms = loop_now_ms(loop_here());

    switch (session->call.command->run(&session->call)) {
    case COMMAND_DONE:
        runtime_answer_cancel(session);
        end_answer(session);
        return true;
    case COMMAND_MORE:
        /* Others first, even if this reader is fast. */
        timer_set(loop_here(), &session->go_on, now_ms);
        return false;
    case COMMAND_WAIT:
        timer_set(loop_here(), &session->go_on, now_ms + WAIT_MS);
        return false;
    }
    return true;
}
