/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about the session that they are typed in: prompt, level, severity,
 * timeout, help.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <string.h>

#include "weir/base/number.h"
#include "weir/config/snapshot.h"
#include "weir/net/handover.h"
#include "weir/telemetry/log.h"
#include "private.h"

static const char *const level_names[] = {
    [LEVEL_USER] = "user", [LEVEL_OPERATOR] = "operator", [LEVEL_ADMIN] = "admin"
};

/* --- prompt, help, quit -------------------------------------------------------------- */

static enum command_result
run_prompt(struct command_call *call)
{
    struct runtime_session *session = call->session;
    const char *word = command_next(call);

    if (word == NULL)
        session->mode = session->mode == RUNTIME_PROMPT ? RUNTIME_ONCE : RUNTIME_PROMPT;
    for (; word != NULL; word = command_next(call)) {
        if (strcmp(word, "n") == 0) {
            session->mode = RUNTIME_ONCE;
        } else if (strcmp(word, "i") == 0) {
            session->mode = RUNTIME_INTERACTIVE;
        } else if (strcmp(word, "p") == 0) {
            session->mode = RUNTIME_PROMPT;
        } else if (strcmp(word, "timed") == 0) {
            session->mode = RUNTIME_PROMPT;
            session->has_uptime = !session->has_uptime;
        } else {
            text_puts(call->out, "prompt [help | n | i | p | timed]*\n"
                                 "  n      close the connection after each line\n"
                                 "  i      keep it open, without a prompt\n"
                                 "  p      keep it open, with a prompt\n"
                                 "  timed  a prompt, with or without the uptime\n"
                                 "Without a word: turn the prompt on or off.\n");
        }
    }
    return COMMAND_DONE;
}

static enum command_result
run_quit(struct command_call *call)
{
    call->session->must_quit = true;
    return COMMAND_DONE;
}

static enum command_result
run_help(struct command_call *call)
{
    command_say(call, 6, "The following commands are valid at this level:");
    command_help(call->out, call->words + call->at, call->count - call->at, call->level);
    return COMMAND_DONE;
}

static enum command_result
run_echo(struct command_call *call)
{
    const char *word;
    bool is_first = true;

    while ((word = command_next(call)) != NULL) {
        if (!is_first)
            text_add_char(call->out, ' ');
        text_puts(call->out, word);
        is_first = false;
    }
    text_add_char(call->out, '\n');
    return COMMAND_DONE;
}

/* --- level --------------------------------------------------------------------------- */

static enum command_result
run_operator(struct command_call *call)
{
    call->session->access.level = LEVEL_OPERATOR;
    return COMMAND_DONE;
}

static enum command_result
run_user(struct command_call *call)
{
    call->session->access.level = LEVEL_USER;
    return COMMAND_DONE;
}

static enum command_result
run_show_level(struct command_call *call)
{
    return command_say(call, 6, "%s", level_names[call->level]);
}

static enum command_result
set_flag(struct command_call *call, enum runtime_flag flag, const char *name)
{
    unsigned *flags = &call->session->flags;
    const char *word = command_next(call);

    if (word == NULL)
        return command_say(call, 6, "%s is %s", name, (*flags & flag) != 0 ? "ON" : "OFF");
    *flags &= ~(unsigned)flag;
    if (strcmp(word, "on") == 0)
        *flags |= flag;
    return COMMAND_DONE;
}

static enum command_result
run_expert_mode(struct command_call *call)
{
    return set_flag(call, RUNTIME_EXPERT, "expert-mode");
}

static enum command_result
run_experimental_mode(struct command_call *call)
{
    return set_flag(call, RUNTIME_EXPERIMENTAL, "experimental-mode");
}

/* --- settings of the session ---------------------------------------------------------- */

static enum command_result
run_set_severity(struct command_call *call)
{
    static const char *const words[] = { "none", "number", "string" };
    const char *word = command_next(call);

    for (unsigned i = 0; word != NULL && i < COUNT(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            call->session->access.severity_output = (int)i;
            return COMMAND_DONE;
        }
    }
    return command_say(call, 3, "one of 'none', 'number', 'string' is a required argument");
}

static enum command_result
run_set_timeout(struct command_call *call)
{
    const char *word;
    int64_t ms;

    if (!command_accept(call, "cli"))
        return command_say(call, 3, "'set timeout' only supports 'cli'.");
    word = command_next(call);
    if (word == NULL)
        return command_say(call, 3, "Expects an integer value.");
    if (!number_parse_time(str_from(word), "s", &ms, NULL) || ms < 1)
        return command_say(call, 3, "Invalid timeout value.");
    call->session->access.timeout_ms = ms;
    return COMMAND_DONE;
}

/* --- sockets --------------------------------------------------------------------------- */

static void
add_address(struct text *out, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];

    addr_format(addr, text, sizeof(text));
    if (addr->family == ADDR_IPV4)
        text_puts(out, "ipv4@");
    else if (addr->family == ADDR_IPV6)
        text_puts(out, "ipv6@");
    text_puts(out, text);
}

static enum command_result
run_show_sockets(struct command_call *call)
{
    const struct runtime_conf *conf = runtime_conf_of(snapshot_current());

    text_puts(call->out, "# socket lvl processes\n");
    LIST_FOR_EACH (bind, &conf->binds, struct bind_conf, link) {
        add_address(call->out, &bind->addr);
        text_printf(call->out, " %s all\n", level_names[bind->level]);
    }
    return COMMAND_DONE;
}

/* For the process that comes after us. The descriptors are the answer: no text may follow. */
static enum command_result
run_getsocks(struct command_call *call)
{
    struct runtime_session *session = call->session;
    struct error err = ERROR_INIT;

    if (!session->access.gives_sockets)
        return command_say(call, 3, "Permission denied");
    if (!handover_give(session->conn->fd, &err))
        log_process(LOG_LEVEL_WARNING, "_getsocks: %s", err.text);
    session->must_quit = true;
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "prompt", "[help|n|i|p|timed]*", LEVEL_USER, run_prompt,
      "change how this connection goes on after a line" },
    { "quit", NULL, LEVEL_USER, run_quit, "disconnect" },
    { "help", "[<command>]", LEVEL_USER, run_help, "list matching or all commands" },
    { "echo", "<text>", LEVEL_USER, run_echo, "print the text" },
    { "operator", NULL, LEVEL_OPERATOR, run_operator, "lower this session to level operator" },
    { "user", NULL, LEVEL_USER, run_user, "lower this session to level user" },
    { "show cli level", NULL, LEVEL_USER, run_show_level, "level of this session" },
    { "show cli sockets", NULL, LEVEL_USER, run_show_sockets, "sockets for runtime commands" },
    { "expert-mode", "[on|off]", LEVEL_ADMIN, run_expert_mode, "allow commands for experts" },
    { "experimental-mode", "[on|off]", LEVEL_ADMIN, run_experimental_mode,
      "allow experimental commands" },
    { "_getsocks", NULL, LEVEL_USER, run_getsocks, "hand over the listening sockets" },
    { "set severity-output", "[none|number|string]", LEVEL_USER, run_set_severity,
      "say how severe each answer is" },
    { "set timeout", "cli <delay>", LEVEL_USER, run_set_timeout,
      "how long this session may be silent" },
};
REGISTER(command, commands);
