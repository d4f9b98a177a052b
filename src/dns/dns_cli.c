/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show resolvers; the counters of name servers elsewhere: resolvers_walk().
 *
 * Callers: the runtime socket. Thread: control.
 */
#include <string.h>

#include "weir/cli/command.h"
#include "private.h"

static void
write_section(struct text *out, const struct resolvers_conf *conf)
{
    text_printf(out, "Resolvers section %s\n", conf->name);
    LIST_FOR_EACH (nameserver, &conf->live->nameservers, struct nameserver, link) {
        text_printf(out, " nameserver %s:\n", nameserver->name);
        for (unsigned i = 0; i < NS_COUNTERS; i++) {
            const char *name =
                i == NS_SEND_ERROR ? "snd_error" : nameserver_counter_names[i]; /* sic */

            text_printf(out, "  %s:%*s%llu\n", name, (int)(12 - strlen(name)), "",
                        (unsigned long long)nameserver->counters[i]);
        }
    }
}

static enum command_result
run_show(struct command_call *call)
{
    const char *name = command_next(call);
    const struct resolvers_conf *only = NULL;

    if (name != NULL) {
        only = resolvers_conf_find(snapshot_current(), name);
        if (only == NULL)
            return command_say(call, 3, "Can't find that resolvers section");
    }
    LIST_FOR_EACH (conf, resolvers_list(snapshot_current()), struct resolvers_conf, link) {
        if (only == NULL || only == conf)
            write_section(call->out, conf);
    }
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "show resolvers", "[<id>]", LEVEL_USER, run_show,
      "what the name servers of each section have answered" },
};
REGISTER(command, commands);
