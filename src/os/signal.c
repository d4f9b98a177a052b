/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals turned into events.
 *
 * For:     stop, reload and children of the master: a handler could do next to
 *          nothing, an event of the loop can do everything.
 * Owns:    nothing; the descriptor belongs to the caller.
 * Callers: main, lua, check (children).
 * Thread:  see signal.h.
 */
#include "weir/os/signal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "weir/base/number.h"

/* Blocking one of these would turn a crash into silence. */
static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };

void
signal_block_all(void)
{
    sigset_t set;

    sigfillset(&set);
    for (size_t i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
        sigdelset(&set, crash_signals[i]);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

void
signal_unblock_all(void)
{
    sigset_t set;

    sigemptyset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    signal(SIGPIPE, SIG_DFL); /* an ignored signal would stay so in the new program */
}

void
signal_ignore_pipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}

int
signal_open(const int *signals, size_t count, struct error *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (size_t i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd == -1)
        error_set_errno(err, "signalfd()");
    return fd;
}

int
signal_read(int fd)
{
    struct signalfd_siginfo info;
    ssize_t got;

    do
        got = read(fd, &info, sizeof(info));
    while (got == -1 && errno == EINTR);
    return got == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

/* Without "SIG"; NULL when the number is no signal. */
static const char *
short_name(int number)
{
    return number > 0 && number < NSIG ? sigabbrev_np(number) : NULL;
}

const char *
signal_name(int number)
{
    static _Thread_local char name[16];
    const char *abbreviation = short_name(number);

    if (abbreviation == NULL)
        return "unknown signal";
    memcpy(name, "SIG", 3);
    strncpy(name + 3, abbreviation, sizeof(name) - 4);
    return name;
}

int
signal_find(struct str name)
{
    int64_t number;

    if (number_parse_int(name, 1, NSIG - 1, &number, NULL))
        return (int)number;
    if (name.len > 3 && str_eq_nocase(str_slice(name, 0, 3), STR("SIG")))
        name = str_slice(name, 3, name.len);
    for (int i = 1; i < NSIG; i++) {
        const char *abbreviation = short_name(i);

        if (abbreviation != NULL && str_eq_nocase(name, str_from(abbreviation)))
            return i;
    }
    return 0;
}
