/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of "set server <backend>/<server> <word> ...", registered by the rooms that know them, and
 * the finder that all commands about one server share.
 *
 * Thread: control.
 */
#pragma once

#include "weir/base/registry.h"
#include "weir/cli/command.h"
#include "weir/server/server.h"

/* The next word as "<backend>/<server>"; NULL: said. */
struct server *server_of_command(struct command_call *call);

struct server_word {
    const char *name; /* "state" */
    enum command_result (*run)(struct command_call *call, struct server *srv);
};
REGISTRY(server_word, struct server_word);
