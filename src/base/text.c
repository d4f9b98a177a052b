/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows.
 *
 * For:     pages, reports, answers of the runtime socket, long messages.
 * Owns:    its bytes; capacity doubles, so that adding is cheap on average.
 * Callers: everybody but the traffic path.
 * Thread:  one user at a time.
 */
#include "weir/base/text.h"

#include <stdio.h>
#include <string.h>

#include "weir/base/alloc.h"

#define TEXT_CAP_MIN 128

void
text_init(struct text *text)
{
    *text = (struct text)TEXT_INIT;
}

void
text_fini(struct text *text)
{
    alloc_free(text->ptr);
    text_init(text);
}

void
text_clear(struct text *text)
{
    text->len = 0;
    if (text->ptr != NULL)
        text->ptr[0] = '\0';
}

char *
text_reserve(struct text *text, size_t len)
{
    size_t need = text->len + len + 1;

    if (need > text->cap) {
        size_t cap = text->cap * 2 < TEXT_CAP_MIN ? TEXT_CAP_MIN : text->cap * 2;

        text->cap = cap < need ? need : cap;
        text->ptr = alloc_resize(text->ptr, text->cap);
    }
    return text->ptr + text->len;
}

void
text_keep(struct text *text, size_t len)
{
    text->len += len;
    text->ptr[text->len] = '\0';
}

void
text_add(struct text *text, struct str s)
{
    if (s.len == 0)
        return;
    memcpy(text_reserve(text, s.len), s.ptr, s.len);
    text_keep(text, s.len);
}

void
text_add_char(struct text *text, char c)
{
    *text_reserve(text, 1) = c;
    text_keep(text, 1);
}

void
text_puts(struct text *text, const char *s)
{
    text_add(text, str_from(s));
}

void
text_printf(struct text *text, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    text_vprintf(text, fmt, args);
    va_end(args);
}

void
text_vprintf(struct text *text, const char *fmt, va_list args)
{
    char *to = text_reserve(text, 0);
    size_t room = text->cap - text->len;
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(to, room, fmt, args);
    if (len >= 0 && (size_t)len >= room)
        len = vsnprintf(text_reserve(text, (size_t)len), (size_t)len + 1, fmt, again);
    va_end(again);
    text_keep(text, len < 0 ? 0 : (size_t)len);
}
