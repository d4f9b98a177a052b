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

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/server/server_cli.h"
#include "agent.h"

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
    const char *word = command_next(call);

    if (srv->agent == NULL)
        return command_say(call, 3, "agent checks are not enabled on this server.");
    if (word != NULL && strcmp(word, "up") == 0)
        agent_set(srv->agent, true, "changed from CLI");
    else if (word != NULL && strcmp(word, "down") == 0)
        agent_set(srv->agent, false, "changed from CLI");
    else
        return command_say(call, 3, "'set server <srv> agent' expects 'up' or 'down'.");
    return COMMAND_DONE;
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
    struct server *srv = server_of_command(call);

    if (srv != NULL && !agent_resume(srv))
        return command_say(call, 5, "Agent was not configured on this server, cannot enable.");
    return COMMAND_DONE;
}

static enum command_result
run_disable_agent(struct command_call *call)
{
    struct server *srv = server_of_command(call);

    if (srv != NULL)
        agent_pause(srv);
    return COMMAND_DONE;
}

/* --- where to --------------------------------------------------------------------------------- */

static bool
read_addr(const char *word, struct addr *to)
{
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (word == NULL || !addr_parse(word, 0, &spec, &err) || !addr_is_ip(&spec.addr))
        return false;
    *to = spec.addr;
    return true;
}

static bool
read_port(const char *word, uint16_t *to)
{
    uint64_t n;

    if (word == NULL || !number_read_digits(str_from(word), &n) || n < 1 || n > 65535)
        return false;
    *to = (uint16_t)n;
    return true;
}

static enum command_result
set_agent_addr(struct command_call *call, struct server *srv)
{
    struct agent *agent = srv->agent;

    if (agent == NULL)
        return command_say(call, 3, "agent checks are not enabled on this server.");
    if (!read_addr(command_next(call), &agent->addr))
        return command_say(call, 3, "'set server <srv> agent-addr' expects an IP address.");
    return COMMAND_DONE;
}

static enum command_result
set_agent_port(struct command_call *call, struct server *srv)
{
    struct agent *agent = srv->agent;

    if (agent == NULL)
        return command_say(call, 3, "agent checks are not enabled on this server.");
    if (!read_port(command_next(call), &agent->port))
        return command_say(call, 3, "'set server <srv> agent-port' expects a port.");
    return COMMAND_DONE;
}

static enum command_result
set_agent_send(struct command_call *call, struct server *srv)
{
    const char *word = command_next(call);
    struct agent *agent = srv->agent;

    if (agent == NULL)
        return command_say(call, 3, "agent checks are not enabled on this server.");
    if (word == NULL)
        return command_say(call, 3, "'set server <srv> agent-send' expects a text.");
    alloc_free(agent->send);
    agent->send = alloc_copy(word);
    return COMMAND_DONE;
}

static enum command_result
set_check_addr(struct command_call *call, struct server *srv)
{
    struct check *check = srv->check;
    const char *word = command_next(call), *port;

    if (check == NULL)
        return command_say(call, 3, "health checks are not enabled on this server.");
    if (!read_addr(word, &check->addr))
        return command_say(call, 3, "'set server <srv> check-addr' expects an IP address.");
    port = command_next(call);
    if (port != NULL && strcmp(port, "port") == 0 && !read_port(command_next(call), &check->port))
        return command_say(call, 3, "'port' expects a port.");
    return COMMAND_DONE;
}

static enum command_result
set_check_port(struct command_call *call, struct server *srv)
{
    struct check *check = srv->check;

    if (check == NULL)
        return command_say(call, 3, "health checks are not enabled on this server.");
    if (!read_port(command_next(call), &check->port))
        return command_say(call, 3, "'set server <srv> check-port' expects a port.");
    return command_say(call, 5, "health check port updated.");
}

static const struct server_word words[] = {
    { "health", set_health },
    { "agent", set_agent },
    { "agent-addr", set_agent_addr },
    { "agent-port", set_agent_port },
    { "agent-send", set_agent_send },
    { "check-addr", set_check_addr },
    { "check-port", set_check_port },
};
REGISTER(server_word, words);

static const struct command commands[] = {
    { "enable health", "<backend>/<server>", LEVEL_ADMIN, run_enable, "check a server again" },
    { "disable health", "<backend>/<server>", LEVEL_ADMIN, run_disable, "stop checking a server" },
    { "enable agent", "<backend>/<server>", LEVEL_ADMIN, run_enable_agent, "ask agents again" },
    { "disable agent", "<backend>/<server>", LEVEL_ADMIN, run_disable_agent, "stop asking agents" },
};
REGISTER(command, commands);
