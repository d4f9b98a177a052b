/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks at run time: enabled, disabled, overruled.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <string.h>

#include "weir/server/server_cli.h"
#include "private.h"

static enum command_result
set_health(struct command_call *call, struct server *srv)
{
    const char *word = command_next(call);

    if (word != NULL && strcmp(word, "up") == 0)
        check_force(srv, SERVER_RUNNING);
    else if (word != NULL && strcmp(word, "stopping") == 0)
        check_force(srv, SERVER_STOPPING);
    else if (word != NULL && strcmp(word, "down") == 0)
        check_force(srv, SERVER_STOPPED);
    else
        return command_say(call, 3,
                           "'set server <srv> health' expects 'up', 'stopping', or 'down'.");
    return COMMAND_DONE;
}

static enum command_result
set_agent(struct command_call *call, struct server *srv)
{
    (void)srv;
    return command_say(call, 3, "agent checks are not enabled on this server.");
}

static enum command_result
run_enable(struct command_call *call)
{
    struct server *srv = server_of_command(call);

    if (srv != NULL && !check_resume(srv))
        return command_say(call, 5,
                           "Health check was not configured on this server, cannot enable.");
    return COMMAND_DONE;
}

static enum command_result
run_disable(struct command_call *call)
{
    struct server *srv = server_of_command(call);

    if (srv != NULL)
        check_pause(srv);
    return COMMAND_DONE;
}

static enum command_result
run_enable_agent(struct command_call *call)
{
    if (server_of_command(call) != NULL)
        return command_say(call, 5, "Agent was not configured on this server, cannot enable.");
    return COMMAND_DONE;
}

static enum command_result
run_disable_agent(struct command_call *call)
{
    server_of_command(call);
    return COMMAND_DONE;
}

static const struct server_word words[] = {
    { "health", set_health },
    { "agent", set_agent },
};
REGISTER(server_word, words);

static const struct command commands[] = {
    { "enable health", "<backend>/<server>", LEVEL_ADMIN, run_enable, "check a server again" },
    { "disable health", "<backend>/<server>", LEVEL_ADMIN, run_disable, "stop checking a server" },
    { "enable agent", "<backend>/<server>", LEVEL_ADMIN, run_enable_agent, "ask agents again" },
    { "disable agent", "<backend>/<server>", LEVEL_ADMIN, run_disable_agent, "stop asking agents" },
};
REGISTER(command, commands);
