/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MUST(): say what broke, show the object in hand, stop. And the same for signals that end the process.
 *
 * For:     broken invariants, and bad memory. What is printed goes straight to descriptor 2,
 *          because nothing else can be trusted any more.
 * Owns:    nothing.
 * Callers: everybody, through MUST() and MUST_BE().
 * Thread:  any. The first thread to get here speaks; abort() then ends all.
 */
#include "weir/base/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CRASH_FRAMES_MAX 64

static void
write_all(const char *text, size_t len)
{
    ssize_t ignored = write(STDERR_FILENO, text, len);

    (void)ignored;
}

void
crash(const char *file, int line, const char *func, const char *what, const void *object)
{
    void *frames[CRASH_FRAMES_MAX];
    char text[512];
    int len;

    len = snprintf(text, sizeof(text), "weir: BUG at %s:%d in %s(): %s\n", file, line, func, what);
    write_all(text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
    if (object != NULL) {
        uint32_t magic;

        memcpy(&magic, object, sizeof(magic));
        len = snprintf(text, sizeof(text), "weir: object %p starts with 0x%08x\n", object, magic);
        write_all(text, (size_t)len);
    }
    backtrace_symbols_fd(frames, backtrace(frames, CRASH_FRAMES_MAX), STDERR_FILENO);
    abort();
}

/* --- signals that end the process ------------------------------------------------------------- */

static void
on_fatal_signal(int number, siginfo_t *info, void *context)
{
    void *frames[CRASH_FRAMES_MAX];
    char text[512], name[32] = "?";
    int len;

    (void)context;
    (void)prctl(PR_GET_NAME, name);
    len = snprintf(text, sizeof(text),
                   "weir: died of signal %d (%s) at address %p in thread '%s' of process %d, version " WEIR_VERSION
                   "; please report this with the lines below\n",
                   number, sigdescr_np(number), info->si_addr, name, (int)getpid());
    write_all(text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
    backtrace_symbols_fd(frames, backtrace(frames, CRASH_FRAMES_MAX), STDERR_FILENO);
    (void)raise(number); /* SA_RESETHAND: now it ends us, with a core if those are on */
}

void
crash_watch_signals(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    struct sigaction action = { .sa_sigaction = on_fatal_signal, .sa_flags = SA_SIGINFO | SA_RESETHAND };
    void *frame;

    (void)backtrace(&frame, 1); /* loads what it needs, while memory is fine */
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        (void)sigaction(numbers[i], &action, NULL);
}
