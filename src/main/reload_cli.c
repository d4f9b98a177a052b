/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying, trying, comparing and taking back configurations from the runtime socket.
 *
 * For:     people at a terminal, and their tools: mistakes come back on the same connection.
 * Owns:    nothing; a waiting command holds its ticket.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <stdlib.h>
#include <time.h>

#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/main/reload.h"
#include "private.h"

/* --- a change that is under way ----------------------------------------------------------- */

static void
forget_ticket(struct command_call *call)
{
    reload_ticket_drop(call->state);
    call->state = NULL;
}

static void
say_changes(struct text *out, const struct reload_ticket *ticket)
{
    if (ticket->changes.len > 0)
        text_add(out, text_str(&ticket->changes));
    else
        text_puts(out, "Nothing changes.\n");
}

static enum command_result
say_outcome(struct command_call *call, const struct reload_ticket *ticket)
{
    text_add(call->out, text_str(&ticket->messages));
    if (!ticket->is_fine)
        return command_say(call, 3,
                           ticket->kind == RELOAD_TRY
                               ? "Configuration would be refused."
                               : "Configuration refused; the running one goes on unchanged.");
    say_changes(call->out, ticket);
    if (ticket->kind == RELOAD_TRY)
        return COMMAND_DONE;
    return command_say(call, 6,
                       "Configuration applied in place (generation %llu; built in %lld.%03lld ms, "
                       "put to work in %lld.%03lld ms).",
                       (unsigned long long)ticket->generation, (long long)(ticket->build_us / 1000),
                       (long long)(ticket->build_us % 1000), (long long)(ticket->apply_us / 1000),
                       (long long)(ticket->apply_us % 1000));
}

/* Called again until the change is done. */
static enum command_result
wait_for(struct command_call *call)
{
    const struct reload_ticket *ticket = call->state;

    return ticket->is_done ? say_outcome(call, ticket) : COMMAND_WAIT;
}

static enum command_result
run_order(struct command_call *call, enum reload_kind kind)
{
    if (call->state == NULL) {
        call->state = reload_start(kind);
        call->end = forget_ticket;
    }
    return wait_for(call);
}

static enum command_result
run_reload(struct command_call *call)
{
    if (call->state == NULL && command_next(call) != NULL)
        return command_say(call, 3, "'reload' expects nothing, 'dry-run' or 'rollback [<steps>]'.");
    return run_order(call, RELOAD_APPLY);
}

static enum command_result
run_dry(struct command_call *call)
{
    return run_order(call, RELOAD_TRY);
}

static enum command_result
run_rollback(struct command_call *call)
{
    const char *word = call->state != NULL ? NULL : command_next(call);
    int64_t steps = 1;

    if (call->state != NULL)
        return wait_for(call);
    if (word != NULL && !number_parse_int(str_from(word), 1, 1000, &steps, NULL))
        return command_say(call, 3, "'reload rollback' expects how many steps to go back, from 1.");
    call->state = reload_start_rollback((unsigned)steps);
    if (call->state == NULL)
        return command_say(call, 3, "There is no configuration %lld step%s before the running one.",
                           (long long)steps, steps == 1 ? "" : "s");
    call->end = forget_ticket;
    return wait_for(call);
}

/* --- show --------------------------------------------------------------------------------- */

static void
show_amendments(struct text *out, const struct snapshot *snapshot)
{
    if (snapshot->amendment_count > 0)
        text_puts(out, "# said at run time; the next reload takes it back\n");
    for (unsigned i = 0; i < snapshot->amendment_count; i++) {
        const struct amendment *amendment = &snapshot->amendments[i];

        text_printf(out, "# %s: ", amendment->origin);
        if (amendment->kind == AMEND_LINE)
            text_printf(out, "backend %s: %s\n", amendment->name, amendment->line);
        else
            text_printf(out, "%s\n",
                        amendment->kind == AMEND_OMIT ? amendment->name : amendment->line);
    }
}

static enum command_result
run_show_config(struct command_call *call)
{
    const struct snapshot *snapshot = snapshot_current();
    const struct transcript *transcript = snapshot->transcript;

    if (command_next(call) != NULL)
        return command_say(call, 3, "'show config' expects nothing, 'diff' or 'history'.");
    for (unsigned i = 0; i < transcript->count; i++) {
        const struct transcript_part *part = &transcript->parts[i];

        text_printf(call->out, "# %s:%d\n", part->name, part->first_line);
        for (struct str rest = text_str(&part->content); rest.len > 0;) {
            struct str row = str_split(&rest, '\n');

            /* An empty line would end the answer. */
            text_add(call->out, row.len == 0 ? STR("#") : row);
            text_add_char(call->out, '\n');
        }
    }
    show_amendments(call->out, snapshot);
    return COMMAND_DONE;
}

static unsigned
count_lines(const struct transcript *transcript)
{
    unsigned lines = 0;

    for (unsigned i = 0; i < transcript->count; i++) {
        struct str content = text_str(&transcript->parts[i].content);

        for (size_t at = 0; at < content.len; at++)
            lines += content.ptr[at] == '\n';
    }
    return lines;
}

static enum command_result
run_show_history(struct command_call *call)
{
    const struct history_entry *entry;
    bool is_current;

    text_puts(call->out, "# steps generation applied lines\n");
    for (unsigned i = 0; (entry = history_at(i, &is_current)) != NULL; i++) {
        time_t seconds = (time_t)(entry->applied_wall_us / 1000000);
        char date[40];
        struct tm tm;

        localtime_r(&seconds, &tm);
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
        text_printf(call->out, "%d %llu %s %u%s\n", history_steps(i),
                    (unsigned long long)entry->generation, date, count_lines(entry->transcript),
                    is_current ? " running" : "");
    }
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "reload", NULL, LEVEL_ADMIN, run_reload,
      "read the configuration again and apply it in place; mistakes are answered and change nothing" },
    { "reload dry-run", NULL, LEVEL_ADMIN, run_dry,
      "tell in words what a reload would change" },
    { "reload rollback", "[<steps>]", LEVEL_ADMIN, run_rollback,
      "return to the configuration that was applied before, or further back" },
    { "show config", NULL, LEVEL_ADMIN, run_show_config,
      "the running configuration, with files and lines" },
    { "show config diff", NULL, LEVEL_ADMIN, run_dry,
      "tell in words what the files say otherwise than the running configuration" },
    { "show config history", NULL, LEVEL_ADMIN, run_show_history,
      "the configurations that 'reload rollback' can return to" },
};
REGISTER(command, commands);
