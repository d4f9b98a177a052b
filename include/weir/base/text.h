/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows: pages, reports, answers of the runtime socket, error
 * messages. Control and builder threads; never fails.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "weir/base/str.h"

struct text {
    char *ptr; /* owns; NUL-terminated when len > 0 */
    size_t len;
    size_t cap;
};

#define TEXT_INIT                                                                                  \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void text_init(struct text *text);
void text_fini(struct text *text);
void text_clear(struct text *text);
void text_add(struct text *text, struct str s);
void text_add_char(struct text *text, char c);
void text_puts(struct text *text, const char *s);
void text_printf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *fmt, va_list args);
/* Room for `len` bytes at the end, to be written and then counted by text_keep(). */
char *text_reserve(struct text *text, size_t len) __attribute__((returns_nonnull));
void text_keep(struct text *text, size_t len);

static inline struct str
text_str(const struct text *text)
{
    return (struct str){ text->ptr == NULL ? "" : text->ptr, text->len };
}

/* NUL-terminated, valid until the next change; "" when empty. */
static inline const char *
text_cstr(const struct text *text)
{
    return text->ptr == NULL ? "" : text->ptr;
}
