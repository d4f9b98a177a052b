/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show events: rings, and what is in them.
 *
 * Callers: the runtime socket. Owns: the state of a running command. Thread: control.
 */
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/cli/command.h"
#include "private.h"

#define PIECE_BYTES 16384

struct event_dump {
    struct ring *ring; /* holds */
    struct ring_cursor cursor;
    bool waits;
    char line_end;
};

static enum command_result
list_sinks(struct command_call *call)
{
    text_puts(call->out,
              "Supported events sinks are listed below. Add -0(zero), -w(wait), -n(new). Any key "
              "to stop.\n"
              "    stdout     : type=fd, 0 dropped, standard output (fd#1)\n"
              "    stderr     : type=fd, 0 dropped, standard output (fd#2)\n");
    LIST_FOR_EACH (conf, rings_list(snapshot_current()), struct ring_conf, link)
        text_printf(call->out, "    %-10s : type=buffer, %llu dropped, %s\n", conf->name,
                    (unsigned long long)ring_dropped(conf->live), conf->description);
    return COMMAND_DONE;
}

static void
end_dump(struct command_call *call)
{
    struct event_dump *dump = call->state;

    ring_drop(dump->ring);
    alloc_free(dump);
    call->state = NULL;
}

static enum command_result
go_on(struct command_call *call)
{
    struct event_dump *dump = call->state;
    bool has_read = false;

    while (call->out->len < PIECE_BYTES) {
        if (!ring_read(dump->ring, &dump->cursor, call->out)) {
            if (!dump->waits)
                return COMMAND_DONE;
            return has_read ? COMMAND_MORE : COMMAND_WAIT;
        }
        text_add_char(call->out, dump->line_end);
        has_read = true;
    }
    return COMMAND_MORE;
}

/* "-w", "-n", "-0", or several letters. */
static bool
read_options(struct command_call *call, struct event_dump *dump, bool *only_new)
{
    const char *word;

    while ((word = command_next(call)) != NULL) {
        if (word[0] != '-' || word[1] == '\0' || strspn(word + 1, "wn0") != strlen(word + 1))
            return false;
        dump->waits |= strchr(word, 'w') != NULL;
        *only_new |= strchr(word, 'n') != NULL;
        if (strchr(word, '0') != NULL)
            dump->line_end = '\0';
    }
    return true;
}

static enum command_result
begin(struct command_call *call, const struct ring_conf *conf)
{
    struct event_dump options = { .line_end = '\n' }, *dump;
    bool only_new = false;

    if (!read_options(call, &options, &only_new))
        return command_say(call, 3, "unknown option");
    dump = alloc_zero(sizeof(*dump));
    *dump = options;
    dump->ring = conf->live;
    ring_hold(dump->ring);
    if (only_new)
        ring_seek_end(dump->ring, &dump->cursor);
    else
        ring_seek_begin(dump->ring, &dump->cursor);
    call->state = dump;
    call->end = end_dump;
    return go_on(call);
}

static enum command_result
run_show_events(struct command_call *call)
{
    const struct ring_conf *conf;
    const char *name;

    if (call->state != NULL)
        return go_on(call);
    name = command_next(call);
    if (name == NULL)
        return list_sinks(call);
    if (call->level < LEVEL_OPERATOR)
        return command_say(call, 3, "Permission denied");
    conf = ring_conf_find(snapshot_current(), name);
    if (conf == NULL)
        return command_say(call, 3, "No such event sink");
    return begin(call, conf);
}

static const struct command commands[] = {
    { "show events", "[<sink>] [-w] [-n] [-0]", LEVEL_USER, run_show_events,
      "the log lines that a ring holds; without a name, all rings" },
};
REGISTER(command, commands);
