/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about the process: version, environment, start-up messages, limits.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <stdlib.h>
#include <string.h>

#include "weir/base/number.h"
#include "weir/base/version.h"
#include "weir/cli/command.h"
#include "weir/telemetry/notice.h"
#include "weir/telemetry/process.h"

extern char **environ;

static enum command_result
run_show_version(struct command_call *call)
{
    return command_say(call, 6, "%s", WEIR_COMPAT_VERSION "-weir" WEIR_VERSION);
}

static enum command_result
run_show_env(struct command_call *call)
{
    const char *name = command_next(call);
    const char *value;

    if (name != NULL) {
        value = getenv(name);
        if (value == NULL)
            return command_say(call, 3, "Variable not found");
        text_printf(call->out, "%s=%s\n", name, value);
        return COMMAND_DONE;
    }
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        text_printf(call->out, "%s\n", *variable);
    return COMMAND_DONE;
}

static enum command_result
run_show_startup_logs(struct command_call *call)
{
    struct str said = notice_startup_text();

    text_add(call->out, said.len == 0 ? STR("\n") : said);
    return COMMAND_DONE;
}

/* 0 brings back the highest value. */
static enum command_result
run_set_maxconn(struct command_call *call)
{
    const char *word = command_next(call);
    int64_t n;

    if (word == NULL || !number_parse_int(str_from(word), INT32_MIN, INT32_MAX, &n, NULL))
        return command_say(call, 3, "Expects an integer value.");
    if (n < 0 || n > this_process.hard_maxconn)
        return command_say(call, 3, "Value out of range.");
    __atomic_store_n(&this_process.maxconn, n == 0 ? this_process.hard_maxconn : n,
                     __ATOMIC_RELAXED);
    return COMMAND_DONE;
}

/* --- rate-limit ------------------------------------------------------------------------- */

static int64_t *
find_rate_limit(const char *name)
{
    if (strcmp(name, "connections") == 0)
        return &this_process.connection_rate_limit;
    if (strcmp(name, "sessions") == 0)
        return &this_process.session_rate_limit;
    if (strcmp(name, "ssl-sessions") == 0)
        return &this_process.tls_rate_limit;
    return NULL;
}

static enum command_result
run_set_rate_limit(struct command_call *call)
{
    const char *name = command_next(call);
    int64_t *limit = name == NULL ? NULL : find_rate_limit(name);
    const char *word;
    int64_t n;

    if (limit == NULL || !command_accept(call, "global"))
        return command_say(
            call, 3,
            "'set rate-limit' only supports :\n"
            "   - 'connections global' to set the per-process maximum connection rate\n"
            "   - 'sessions global' to set the per-process maximum session rate\n"
            "   - 'ssl-sessions global' to set the per-process maximum SSL session rate");
    word = command_next(call);
    if (word == NULL || !number_parse_int(str_from(word), INT32_MIN, INT32_MAX, &n, NULL))
        return command_say(call, 3, "Expects an integer value.");
    if (n < 0)
        return command_say(call, 3, "Value out of range.");
    if (limit == &this_process.tls_rate_limit && n != 0)
        return command_say(call, 3, "'set rate-limit ssl-sessions' is not implemented yet.");
    __atomic_store_n(limit, n, __ATOMIC_RELAXED);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show version", NULL, LEVEL_USER, run_show_version, "version of this process" },
    { "show env", "[<name>]", LEVEL_OPERATOR, run_show_env, "environment of this process" },
    { "show startup-logs", NULL, LEVEL_OPERATOR, run_show_startup_logs,
      "what was said while it started" },
    { "set maxconn global", "<value>", LEVEL_ADMIN, run_set_maxconn,
      "limit of connections of this process" },
    { "set rate-limit", "<setting> global <value>", LEVEL_ADMIN, run_set_rate_limit,
      "limits per second of this process" },
};
REGISTER(command, commands);
