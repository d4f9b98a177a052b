/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands without a runtime socket.
 *
 * For:     scripts, which may ask and change what people may.
 * Thread:  control.
 */
#include "weir/cli/command_run.h"

#include "weir/base/alloc.h"
#include "weir/cli/command_line.h"

static void
run(struct command_call *call)
{
    while (call->command->run(call) == COMMAND_MORE)
        continue;
    if (call->end != NULL)
        call->end(call);
}

bool
command_run_line(const char *line, struct str payload, enum command_level level,
                 struct text *out)
{
    char *copy = alloc_copy(line), *rest = copy;
    const char *words[COMMAND_WORDS_MAX + 1];
    struct command_call call = { .words = words, .payload = payload, .level = level, .out = out };
    bool is_known;

    call.count = command_line_cut(&rest, words);
    call.command = call.count == 0 ? NULL : command_find(words, call.count);
    is_known = call.command != NULL;
    if (is_known) {
        call.at = command_name_words(call.command);
        run(&call);
    } else {
        text_printf(out, "Unknown command: '%s'\n", call.count == 0 ? "" : words[0]);
    }
    alloc_free(copy);
    return is_known;
}
