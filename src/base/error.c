/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message that gains context while it climbs.
 *
 * For:     mistakes of the user and refusals of the system, told once, by the
 *          layer that knows the user's words.
 * Owns:    nothing; the text lives in the caller's struct error. What does not
 *          fit is cut at the end.
 * Callers: everybody who returns `bool` and fills a struct error.
 * Thread:  any.
 */
#include "weir/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
error_set(struct error *err, const char *fmt, ...)
{
    char message[sizeof(err->text)]; /* an argument may be err->text itself */
    va_list args;

    if (err == NULL)
        return false;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    memcpy(err->text, message, strlen(message) + 1);
    return false;
}

bool
error_set_errno(struct error *err, const char *fmt, ...)
{
    int why = errno;
    char message[sizeof(err->text)];
    char reason[128];
    va_list args;

    if (err == NULL)
        return false;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    error_set(err, "%.800s: %s", message, strerror_r(why, reason, sizeof(reason)));
    errno = why;
    return false;
}

bool
error_prefix(struct error *err, const char *fmt, ...)
{
    char prefix[sizeof(err->text)];
    char rest[sizeof(err->text)];
    va_list args;

    if (err == NULL)
        return false;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof(prefix), fmt, args);
    va_end(args);
    memcpy(rest, err->text, sizeof(rest));
    /* The prefix is cut rather than the reason below it. */
    return error_set(err, "%.500s: %s", prefix, rest);
}
