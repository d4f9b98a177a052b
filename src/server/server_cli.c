/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers at run time: state, weight, address, maxconn.
 *
 * For:     people and tools at the runtime socket; the words of "set server" that belong to checks
 *          stand in room check.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 *
 * What is set here lasts until the configuration says something new about the same thing.
 */
#include "weir/server/server_cli.h"

#include <string.h>

#include "weir/base/number.h"
#include "private.h"

#define SOURCE "stats socket command"

struct server *
server_of_command(struct command_call *call)
{
    const char *word = command_next(call);
    struct str name = str_from(word), backend;
    struct proxy *proxy;
    struct server *srv;

    if (word == NULL || str_find_char(name, '/') < 0 || word[strlen(word) - 1] == '/') {
        command_say(call, 3, "Require 'backend/server'.");
        return NULL;
    }
    backend = str_split(&name, '/');
    proxy = proxy_find(backend, SIDE_BACK);
    if (proxy == NULL || proxy->conf == NULL) {
        command_say(call, 3, "No such backend.");
        return NULL;
    }
    srv = server_find(proxy, name);
    if (srv == NULL)
        command_say(call, 3, "No such server.");
    return srv;
}

/* --- weight, maxconn ---------------------------------------------------------------------- */

static enum command_result
set_weight(struct command_call *call, struct server *srv)
{
    const char *word = command_next(call);
    struct error err = ERROR_INIT;

    if (word == NULL)
        return command_say(call, 3, "Require <weight> or <weight%%>.");
    if (!server_set_weight(srv, str_from(word), &err))
        return command_say(call, 3, "%s", err.text);
    return COMMAND_DONE;
}

static enum command_result
run_set_weight(struct command_call *call)
{
    struct server *srv = server_of_command(call);

    return srv == NULL ? COMMAND_DONE : set_weight(call, srv);
}

static enum command_result
run_get_weight(struct command_call *call)
{
    const struct server *srv = server_of_command(call);

    if (srv != NULL)
        text_printf(call->out, "%lld (initial %lld)\n", (long long)srv->user_weight,
                    (long long)srv->conf->weight);
    return COMMAND_DONE;
}

static enum command_result
run_set_maxconn(struct command_call *call)
{
    struct server *srv = server_of_command(call);
    const char *word;
    int64_t n;

    if (srv == NULL)
        return COMMAND_DONE;
    word = command_next(call);
    if (word == NULL)
        return command_say(call, 3, "Require <maxconn>.");
    if (!number_parse_int(str_from(word), 0, INT32_MAX, &n, NULL))
        return command_say(call, 3, "maxconn string empty or preceded by garbage");
    server_set_maxconn(srv, n);
    return COMMAND_DONE;
}

/* --- state -------------------------------------------------------------------------------- */

static enum command_result
set_state(struct command_call *call, struct server *srv)
{
    const char *word = command_next(call);

    if (word != NULL && strcmp(word, "ready") == 0)
        server_set_admin(srv, 0, ADMIN_FMAINT | ADMIN_FDRAIN, NULL);
    else if (word != NULL && strcmp(word, "drain") == 0)
        server_set_admin(srv, ADMIN_FDRAIN, ADMIN_FMAINT, NULL);
    else if (word != NULL && strcmp(word, "maint") == 0)
        server_set_admin(srv, ADMIN_FMAINT, ADMIN_FDRAIN, NULL);
    else
        return command_say(call, 3,
                           "'set server <srv> state' expects 'ready', 'drain' and 'maint'.");
    return COMMAND_DONE;
}

static enum command_result
run_enable(struct command_call *call)
{
    struct server *srv = server_of_command(call);

    if (srv != NULL)
        server_set_admin(srv, 0, ADMIN_FMAINT | ADMIN_FDRAIN, NULL);
    return COMMAND_DONE;
}

static enum command_result
run_disable(struct command_call *call)
{
    struct server *srv = server_of_command(call);

    if (srv != NULL)
        server_set_admin(srv, ADMIN_FMAINT, ADMIN_FDRAIN, NULL);
    return COMMAND_DONE;
}

/* --- address ------------------------------------------------------------------------------ */

/* Says what changes; "now" gets the new port. False: no good. */
static bool
change_port(struct text *out, const char *word, const struct addr *before, struct addr *now)
{
    int64_t port;

    if (*word == '+' || *word == '-') {
        text_puts(out, "can't change <port> to port map at run time");
        return false;
    }
    if (!number_parse_int(str_from(word), 1, 65535, &port, NULL)) {
        text_printf(out, "problem converting port '%s' to an int", word);
        return false;
    }
    now->port = (uint16_t)port;
    if (now->port != before->port)
        text_printf(out, "port changed from '%u' to '%u'", before->port, now->port);
    return true;
}

/* What the change is, in words; nothing when there is none. False: no good. */
static bool
describe_change(struct text *out, const struct addr *before, struct addr *now, const char *port)
{
    char from[80] = "", to[80];
    struct text port_text = TEXT_INIT;
    bool fine = true;

    addr_format_host(before, from, sizeof(from));
    addr_format_host(now, to, sizeof(to));
    if (!addr_eq_host(now, before))
        text_printf(out, "IP changed from '%s' to '%s'", from, to);
    if (port != NULL)
        fine = change_port(&port_text, port, before, now);
    if (out->len > 0 && port_text.len > 0)
        text_puts(out, ", ");
    text_add(out, text_str(&port_text));
    text_fini(&port_text);
    return fine;
}

static enum command_result
change_addr(struct command_call *call, struct server *srv, struct addr *now, const char *port)
{
    struct text what = TEXT_INIT;
    struct addr before;
    bool fine;

    server_addr(srv, &before);
    now->port = before.port;
    fine = describe_change(&what, &before, now, port);
    if (what.len == 0) {
        command_say(call, 6, "nothing changed");
    } else {
        if (fine)
            server_set_addr(srv, now, SOURCE);
        command_say(call, fine ? 6 : 3, "%s by '" SOURCE "'", text_cstr(&what));
    }
    text_fini(&what);
    return COMMAND_DONE;
}

static enum command_result
set_addr(struct command_call *call, struct server *srv)
{
    const char *word = command_next(call), *port = NULL;
    struct addr addr = { 0 };

    if (word == NULL)
        return command_say(call, 3,
                           "set server <b>/<s> addr requires an address and optionally a port.");
    if (!addr_parse_host(str_from(word), &addr))
        return command_say(call, 3, "Invalid addr '%s' by '" SOURCE "'", word);
    if (command_accept(call, "port")) {
        port = command_next(call);
        if (port == NULL)
            return command_say(
                call, 3, "set server <b>/<s> addr requires an address and optionally a port.");
    }
    return change_addr(call, srv, &addr, port);
}

/* --- set server --------------------------------------------------------------------------- */

static enum command_result
run_set_server(struct command_call *call)
{
    struct server *srv = server_of_command(call);
    const char *word;

    if (srv == NULL)
        return COMMAND_DONE;
    word = command_next(call);
    FOR_EACH_REGISTERED (server_word, known, list) {
        if (word != NULL && strcmp(known->name, word) == 0)
            return known->run(call, srv);
    }
    return command_say(call, 3,
                       "usage: set server <backend>/<server> addr | agent | agent-addr | "
                       "agent-port | agent-send | check-addr | check-port | fqdn | health | name | "
                       "ssl | state | weight");
}

static const struct server_word words[] = {
    { "state", set_state },
    { "weight", set_weight },
    { "addr", set_addr },
};
REGISTER(server_word, words);

static const struct command commands[] = {
    { "set server", "<backend>/<server> [opts]", LEVEL_ADMIN, run_set_server,
      "change a server's state, weight, address" },
    { "enable server", "<backend>/<server>", LEVEL_ADMIN, run_enable,
      "end a server's maintenance" },
    { "disable server", "<backend>/<server>", LEVEL_ADMIN, run_disable,
      "put a server in maintenance" },
    { "set weight", "<backend>/<server> <weight>[%]", LEVEL_ADMIN, run_set_weight,
      "change a server's weight" },
    { "get weight", "<backend>/<server>", LEVEL_USER, run_get_weight, "report a server's weight" },
    { "set maxconn server", "<backend>/<server> <value>", LEVEL_ADMIN, run_set_maxconn,
      "change a server's maxconn" },
};
REGISTER(command, commands);
