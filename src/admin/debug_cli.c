/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug dev: ways to break this process, for those who test what happens then.
 *
 * For:     developers, after "expert-mode on".
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/base/number.h"
#include "weir/cli/command.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/os/symbol.h"
#include "weir/telemetry/log.h"

#define WRITE_MAX (64 << 20)

static int64_t
read_number(struct command_call *call, int64_t otherwise)
{
    const char *word = command_next(call);
    int64_t n;

    return word != NULL && number_parse_int(str_from(word), 0, INT32_MAX, &n, NULL) ? n : otherwise;
}

static enum command_result
run_exit(struct command_call *call)
{
    _exit((int)read_number(call, 0) & 255);
}

static enum command_result
run_abort(struct command_call *call)
{
    (void)call;
    abort();
}

/* The control thread alone stands still. */
static enum command_result
run_delay(struct command_call *call)
{
    usleep((useconds_t)read_number(call, 100) * 1000);
    return COMMAND_DONE;
}

static enum command_result
run_loop(struct command_call *call)
{
    int64_t end_us = clock_monotonic_us() + read_number(call, 100) * 1000;

    while (clock_monotonic_us() < end_us)
        continue;
    return COMMAND_DONE;
}

static enum command_result
run_log(struct command_call *call)
{
    struct text line = TEXT_INIT;
    const char *word;

    while ((word = command_next(call)) != NULL) {
        if (line.len > 0)
            text_add_char(&line, ' ');
        text_puts(&line, word);
    }
    log_process(LOG_LEVEL_INFO, "%s", text_cstr(&line));
    text_fini(&line);
    return COMMAND_DONE;
}

static enum command_result
run_write(struct command_call *call)
{
    int64_t size = read_number(call, 0);

    if (size > WRITE_MAX)
        return command_say(call, 3, "At most %d bytes.", WRITE_MAX);
    for (int64_t i = 0; i < size; i++)
        text_add_char(call->out, (i & 63) == 63 || i == size - 1 ? '\n' : '.');
    return COMMAND_DONE;
}

static enum command_result
run_sym(struct command_call *call)
{
    const char *word = command_next(call);
    const void *addr = (const void *)strtoul(word == NULL ? "0" : word, NULL, 0);
    char name[128];

    symbol_format(addr, name, sizeof(name));
    return command_say(call, 6, "%p resolves to %s", addr, name);
}

/* "debug dev tkill [<thread> [<signal>]]": 0 is the control thread. */
static enum command_result
run_tkill(struct command_call *call)
{
    int64_t index = read_number(call, 0);
    int64_t number = read_number(call, SIGABRT);

    if (index >= thread_count())
        return command_say(call, 3, "No such thread.");
    pthread_kill(thread_at((unsigned)index)->posix, (int)number);
    return COMMAND_DONE;
}

#define EXPERT .is_expert = true
static const struct command commands[] = {
    { "debug dev exit", "[<status>]", LEVEL_ADMIN, run_exit, "end this process at once", EXPERT },
    { "debug dev abort", NULL, LEVEL_ADMIN, run_abort, "crash this process", EXPERT },
    { "debug dev panic", NULL, LEVEL_ADMIN, run_abort, "crash this process", EXPERT },
    { "debug dev bug", NULL, LEVEL_ADMIN, run_abort, "crash this process", EXPERT },
    { "debug dev delay", "[<ms>]", LEVEL_ADMIN, run_delay, "let the control thread sleep", EXPERT },
    { "debug dev loop", "[<ms>]", LEVEL_ADMIN, run_loop, "keep the control thread busy", EXPERT },
    { "debug dev log", "<text>", LEVEL_ADMIN, run_log, "write a line to the global logs", EXPERT },
    { "debug dev write", "<bytes>", LEVEL_ADMIN, run_write, "answer so many bytes", EXPERT },
    { "debug dev sym", "<address>", LEVEL_ADMIN, run_sym, "the function at an address", EXPERT },
    { "debug dev tkill", "[<thread> [<signal>]]", LEVEL_ADMIN, run_tkill,
      "send a signal to a thread", EXPERT },
};
REGISTER(command, commands);
