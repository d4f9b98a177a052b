/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MUST(): say what broke, show the object in hand, stop.
 *
 * For:     broken invariants. What is printed goes straight to descriptor 2,
 *          because nothing else can be trusted any more.
 * Owns:    nothing.
 * Callers: everybody, through MUST() and MUST_BE().
 * Thread:  any. The first thread to get here speaks; abort() then ends all.
 */
#include "weir/base/crash.h"

#include <execinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
