/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands for scripts and for support: wait, show fd, show libs, show dev.
 *
 * For:     people and tools at the runtime socket.
 * Owns:    nothing.
 * Callers: the runtime socket.
 * Thread:  control. Descriptors are read from the system, so no traffic thread is asked.
 */
#include <dirent.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/number.h"
#include "weir/base/version.h"
#include "weir/cli/command.h"
#include "weir/cli/wait.h"
#include "weir/loop/loop.h"
#include "weir/loop/thread.h"
#include "weir/os/addr.h"
#include "weir/os/socket.h"
#include "weir/telemetry/process.h"

/* --- wait -------------------------------------------------------------------------------- */

struct waiting {
    int64_t until_ms; /* loop time */
    const struct wait_condition *condition; /* NULL: the time alone */
    const char *word; /* borrows: of the command */
};

static void
end_wait(struct command_call *call)
{
    alloc_free(call->state);
    call->state = NULL;
}

static enum command_result
explain_wait(struct command_call *call)
{
    text_puts(call->out, "wait {-h | <delay>} [<condition> <name>]\n"
                         "  Answers after the delay (us ms s m h d; milliseconds without a unit),\n"
                         "  or earlier, once the condition is met; commands behind it on the same\n"
                         "  line run afterwards.\n"
                         "  srv-removable <backend>/<server>: 'del server' would do it\n"
                         "  be-removable <backend>: 'del backend' would do it\n");
    return COMMAND_DONE;
}

static const struct wait_condition *
find_condition(const char *name)
{
    FOR_EACH_REGISTERED (wait_condition, condition, list) {
        if (strcmp(condition->name, name) == 0)
            return condition;
    }
    return NULL;
}

static enum command_result
go_on_waiting(struct command_call *call)
{
    const struct waiting *waiting = call->state;
    bool is_over = loop_now_ms(loop_here()) >= waiting->until_ms;
    struct text why = TEXT_INIT;
    enum command_result result = COMMAND_WAIT;
    enum wait_result state = WAIT_LATER;

    if (waiting->condition != NULL)
        state = waiting->condition->test(waiting->word, &why);
    if (state == WAIT_MET || (is_over && waiting->condition == NULL))
        result = command_say(call, 6, "Done.");
    else if (state == WAIT_NEVER)
        result = command_say(call, 3, "Failed. %s", text_cstr(&why));
    else if (is_over)
        result = command_say(call, 3, "Wait delay expired. %s", text_cstr(&why));
    text_fini(&why);
    return result;
}

static enum command_result
begin_wait(struct command_call *call)
{
    const char *word = command_next(call);
    const struct wait_condition *condition = NULL;
    struct waiting *waiting;
    int64_t ms;

    if (word == NULL)
        return command_say(call, 3, "Expects a duration in milliseconds.");
    if (strcmp(word, "-h") == 0)
        return explain_wait(call);
    if (!number_parse_time(str_from(word), "ms", &ms, NULL) || ms < 0)
        return command_say(call, 3, "Invalid duration.");
    word = command_next(call);
    if (word != NULL) {
        condition = find_condition(word);
        if (condition == NULL)
            return explain_wait(call);
        word = command_next(call);
        if (word == NULL)
            return command_say(call, 3, "%s", condition->missing);
    }
    waiting = alloc_zero(sizeof(*waiting));
    waiting->until_ms = loop_now_ms(loop_here()) + ms;
    waiting->condition = condition;
    waiting->word = word;
    call->state = waiting;
    call->end = end_wait;
    return condition == NULL ? COMMAND_WAIT : go_on_waiting(call);
}

static enum command_result
run_wait(struct command_call *call)
{
    return call->state == NULL ? begin_wait(call) : go_on_waiting(call);
}

/* --- show fd ----------------------------------------------------------------------------- */

static void
add_name(struct text *out, const char *word, const struct sockaddr_storage *storage)
{
    char text[ADDR_TEXT_MAX];
    struct addr addr;

    addr_from_sockaddr(&addr, storage);
    addr_format(&addr, text, sizeof(text));
    if (*text != '\0')
        text_printf(out, " %s=%s", word, text);
}

static int
read_option(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == -1 ? -1 : value;
}

static void
add_socket(struct text *out, int fd)
{
    bool listens = read_option(fd, SO_ACCEPTCONN) == 1;
    struct sockaddr_storage here = { 0 }, there = { 0 };
    socklen_t here_len = sizeof(here), there_len = sizeof(there);

    text_puts(out, listens ? "listener" : "connection");
    if (getsockname(fd, (struct sockaddr *)&here, &here_len) == 0)
        add_name(out, "local", &here);
    if (!listens && getpeername(fd, (struct sockaddr *)&there, &there_len) == 0)
        add_name(out, "peer", &there);
}

/* False: there is no such descriptor. */
static bool
add_fd(struct text *out, int fd)
{
    char path[64], target[512];
    ssize_t len;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    len = readlink(path, target, sizeof(target) - 1);
    if (len < 0)
        return false;
    target[len] = '\0';
    text_printf(out, "%7d : ", fd);
    if (strncmp(target, "socket:", strlen("socket:")) == 0)
        add_socket(out, fd);
    else
        text_puts(out, target);
    text_add_char(out, '\n');
    return true;
}

static void
add_all_fds(struct text *out)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    if (folder == NULL) {
        text_puts(out, "/proc cannot be read; name one descriptor.\n");
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        int fd = *entry->d_name == '.' ? -1 : (int)strtol(entry->d_name, NULL, 10);

        if (fd >= 0 && fd != dirfd(folder))
            add_fd(out, fd);
    }
    closedir(folder);
}

static enum command_result
run_show_fd(struct command_call *call)
{
    const char *word = command_next(call);
    int64_t fd;

    if (word == NULL) {
        add_all_fds(call->out);
        return COMMAND_DONE;
    }
    if (*word == '-' || *word == '!')
        return command_say(call, 3, "Kinds of descriptors are not implemented yet.");
    if (!number_parse_int(str_from(word), 0, INT32_MAX, &fd, NULL))
        return command_say(call, 3, "Invalid FD number.");
    add_fd(call->out, (int)fd);
    return COMMAND_DONE;
}

/* --- show libs --------------------------------------------------------------------------- */

static int
add_library(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct text *out = arg;
    uintptr_t low = UINTPTR_MAX, high = 0;

    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        low = begin < low ? begin : low;
        high = begin + info->dlpi_phdr[i].p_memsz > high ? begin + info->dlpi_phdr[i].p_memsz : high;
    }
    if (high > low)
        text_printf(out, "0x%012llx-0x%012llx (0x%07llx) %s\n", (unsigned long long)low,
                    (unsigned long long)high - 1, (unsigned long long)(high - low),
                    *info->dlpi_name == '\0' ? this_process.name : info->dlpi_name);
    return 0;
}

static enum command_result
run_show_libs(struct command_call *call)
{
    dl_iterate_phdr(add_library, call->out);
    return COMMAND_DONE;
}

/* --- show dev ---------------------------------------------------------------------------- */

static enum command_result
run_show_dev(struct command_call *call)
{
    struct utsname system;

    text_printf(call->out, "Version: %s\n", WEIR_COMPAT_VERSION "-weir" WEIR_VERSION);
    if (uname(&system) == 0)
        text_printf(call->out, "System: %s %s %s\n", system.sysname, system.release,
                    system.machine);
    text_printf(call->out, "Pid: %d\nThreads: %u for traffic, 1 for control\n", (int)getpid(),
                thread_traffic_count());
    text_printf(call->out, "Uptime: %.3f s\n",
                (double)(loop_now_ms(loop_here()) - this_process.start_ms) / 1000);
    text_printf(call->out, "Limits: %lld connections, %llu descriptors, %llu bytes of memory\n",
                (long long)this_process.hard_maxconn, (unsigned long long)this_process.file_limit,
                (unsigned long long)this_process.memory_limit_bytes);
    return COMMAND_DONE;
}

static const struct command commands[] = {
    { "wait", "{-h|<delay>} [srv-removable <b>/<s>|be-removable <b>]", LEVEL_ADMIN, run_wait,
      "wait that long before the answer and before the next command of the line" },
    { "show fd", "[<fd>]", LEVEL_OPERATOR, run_show_fd, "open descriptors, or one of them" },
    { "show libs", NULL, LEVEL_OPERATOR, run_show_libs, "loaded object files and where they are" },
    { "show dev", NULL, LEVEL_OPERATOR, run_show_dev,
      "version, system and limits, for a report about a fault" },
};
REGISTER(command, commands);
