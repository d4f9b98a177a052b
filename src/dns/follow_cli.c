/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set server <b>/<s> fqdn: another name for a server that follows one.
 *
 * Callers: the runtime socket. Thread: control.
 */
#include <string.h>
#include <strings.h>

#include "weir/server/server_cli.h"
#include "follow.h"

static enum command_result
set_fqdn(struct command_call *call, struct server *srv)
{
    const char *name = command_next(call), *before = server_fqdn(srv);
    struct follow *follow = srv->follow;
    char normal[256];

    if (name == NULL)
        return command_say(call, 3, "set server <b>/<s> fqdn requires a FQDN.");
    if (follow == NULL)
        return command_say(call, 3,
                           "set server <b>/<s> fqdn failed because no resolution is configured.");
    if (follow->service != NULL)
        return command_say(call, 3,
                           "set server <b>/<s> fqdn failed because SRV resolution is configured.");
    if (!dns_name_normalise(str_from(name), normal, sizeof(normal)))
        return command_say(call, 3, "could not update %s/%s FQDN by 'stats socket command'",
                           srv->backend->name, srv->name);
    if (before != NULL && strcasecmp(before, normal) == 0)
        return command_say(call, 6, "no need to change the FDQN");
    command_say(call, 4, "%s/%s changed its FQDN from %s to %s by 'stats socket command'",
                srv->backend->name, srv->name, before == NULL ? "(null)" : before, name);
    server_set_fqdn(srv, name, "'stats socket command'");
    server_set_admin(srv, ADMIN_HMAINT, 0, NULL);
    follow->known_ms = -1;
    follow_name(follow, normal);
    return COMMAND_DONE;
}

static const struct server_word words[] = {
    { "fqdn", set_fqdn },
};
REGISTER(server_word, words);
