/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message for a person that gains context while it climbs to the layer that
 * knows the user's words. Lives on the caller's stack; owns no memory.
 */
#pragma once

#include <stdbool.h>

struct error {
    char text[1024];
};

#define ERROR_INIT                                                                                 \
    {                                                                                              \
        .text = ""                                                                                 \
    }

/* Sets the message; returns false always: `return error_set(err, "...")`.
 * `err` may be NULL (the caller does not care). Any thread. */
bool error_set(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sets "<message>: <strerror(errno)>". */
bool error_set_errno(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "<prefix>: " before the message that is there. */
bool error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
