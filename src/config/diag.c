/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts and warnings of a configuration, collected while it is read.
 *
 * For:     the parser and the hooks after it; printed at the end, all in one go.
 * Owns:    the texts.
 * Thread:  one user at a time (builder, then control).
 */
#include "weir/config/diag.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/base/list.h"

struct diag_entry {
    struct list link;
    enum severity severity;
    char *file; /* owns; NULL: the mistake is in none */
    char *text; /* owns */
    struct str reason; /* in `text`: without the frame */
};

#define ENTRIES_MAX                                                                                \
    1000 /* that are kept: a file that is no configuration has a mistake in each line */

struct diag {
    struct list entries;
    unsigned kept;
    unsigned counts[DIAG_HINT + 1];
};

static const char *const labels[] = {
    [DIAG_ALERT] = "[ALERT]    ",
    [DIAG_WARNING] = "[WARNING]  ",
    [DIAG_NOTICE] = "[NOTICE]   ",
    [DIAG_HINT] = "[DIAG]     ",
};

struct diag *
diag_new(void)
{
    struct diag *diag = alloc_zero(sizeof(*diag));

    list_init(&diag->entries);
    return diag;
}

void
diag_free(struct diag *diag)
{
    if (diag == NULL)
        return;
    LIST_FOR_EACH_SAFE (entry, &diag->entries, struct diag_entry, link) {
        list_remove(&entry->link);
        alloc_free(entry->text);
        alloc_free(entry->file);
        alloc_free(entry);
    }
    alloc_free(diag);
}

/* Bytes that would move the cursor or colour the terminal are shown as '?'. */
static void
add_line(struct text *text, const char *line_text)
{
    for (const char *c = line_text; *c != '\0'; c++)
        text_add_char(text, (unsigned char)*c < ' ' && *c != '\t' ? '?' : *c);
}

/* The caret stands below the character, whatever its number of bytes. */
static void
add_caret(struct text *text, const char *line_text, unsigned column)
{
    text_puts(text, "    | ");
    add_line(text, line_text);
    text_puts(text, "\n");
    if (column == 0)
        return;
    text_puts(text, "    | ");
    for (unsigned i = 1; i < column && line_text[i - 1] != '\0'; i++) {
        if ((line_text[i - 1] & 0xc0) != 0x80)
            text_add_char(text, line_text[i - 1] == '\t' ? '\t' : ' ');
    }
    text_puts(text, "^\n");
}

void
diag_vadd(struct diag *diag, enum severity severity, struct source_pos pos, const char *line_text,
          unsigned column, const char *fmt, va_list args)
{
    struct diag_entry *entry;
    struct text text = TEXT_INIT;
    size_t begin, len;

    diag->counts[severity]++;
    if (diag->kept == ENTRIES_MAX)
        return;
    diag->kept++;
    text_printf(&text, "%s(%d) : config : ", labels[severity], (int)getpid());
    if (pos.file != NULL && pos.line > 0)
        text_printf(&text, "parsing [%s:%d] : ", pos.file, pos.line);
    else if (pos.file != NULL)
        text_printf(&text, "[%s] : ", pos.file);
    begin = text.len;
    text_vprintf(&text, fmt, args);
    len = text.len - begin;
    text_add_char(&text, '\n');
    if (line_text != NULL)
        add_caret(&text, line_text, column);
    entry = alloc_zero(sizeof(*entry));
    entry->severity = severity;
    entry->file = pos.file == NULL ? NULL : alloc_copy(pos.file);
    entry->text = alloc_copy_str(text_str(&text));
    entry->reason = str_of(entry->text + begin, len);
    text_fini(&text);
    list_add_last(&diag->entries, &entry->link);
}

void
diag_add(struct diag *diag, enum severity severity, struct source_pos pos, const char *line_text,
         unsigned column, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    diag_vadd(diag, severity, pos, line_text, column, fmt, args);
    va_end(args);
}

unsigned
diag_count(const struct diag *diag, enum severity severity)
{
    return diag->counts[severity];
}

/* Is it the first alert in its file? */
static bool
begins_file(const struct diag *diag, const struct diag_entry *of)
{
    if (of->severity != DIAG_ALERT || of->file == NULL)
        return false;
    LIST_FOR_EACH (entry, &diag->entries, struct diag_entry, link) {
        if (entry == of)
            return true;
        if (entry->severity == DIAG_ALERT && entry->file != NULL &&
            strcmp(entry->file, of->file) == 0)
            return false;
    }
    return false;
}

const char *
diag_bad_file(const struct diag *diag, unsigned n)
{
    LIST_FOR_EACH (entry, &diag->entries, struct diag_entry, link) {
        if (begins_file(diag, entry) && n-- == 0)
            return entry->file;
    }
    return NULL;
}

void
diag_print_reason(const struct diag *diag, struct text *out)
{
    LIST_FOR_EACH (entry, &diag->entries, struct diag_entry, link) {
        if (entry->severity == DIAG_ALERT) {
            text_add(out, entry->reason);
            return;
        }
    }
}

void
diag_print(const struct diag *diag, struct text *out, enum severity least)
{
    unsigned all = 0;

    LIST_FOR_EACH (entry, &diag->entries, struct diag_entry, link) {
        if (entry->severity <= least)
            text_puts(out, entry->text);
    }
    for (int i = 0; i <= DIAG_HINT; i++)
        all += diag->counts[i];
    if (all > diag->kept)
        text_printf(out, "%s(%d) : config : and %u messages more.\n", labels[DIAG_ALERT],
                    (int)getpid(), all - diag->kept);
}
