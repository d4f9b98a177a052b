/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands of the runtime socket: find, help, answers.
 *
 * For:     the runtime socket.
 * Owns:    the sorted table.
 * Thread:  boot fills it; control reads it.
 */
#include "weir/cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"

#define HELP_COLUMN 40

static const struct command **table; /* owns the array; sorted by name */
static size_t table_count;

static int
compare(const void *a, const void *b)
{
    return strcmp((*(const struct command *const *)a)->name,
                  (*(const struct command *const *)b)->name);
}

void
command_table_init(void)
{
    if (table != NULL)
        return;
    FOR_EACH_REGISTERED (command, command, list) {
        table = alloc_resize(table, (table_count + 1) * sizeof(*table));
        table[table_count++] = command;
    }
    if (table_count == 0)
        return;
    qsort(table, table_count, sizeof(*table), compare);
    for (size_t i = 1; i < table_count; i++)
        MUST(strcmp(table[i - 1]->name, table[i]->name) != 0);
}

/* How many words the name has, when the line begins with it; 0: it does not. */
static unsigned
fits(const char *name, const char **words, unsigned count)
{
    unsigned at = 0;

    for (;; at++) {
        size_t len = strcspn(name, " ");

        if (at == count || strlen(words[at]) != len || strncmp(words[at], name, len) != 0)
            return 0;
        if (name[len] == '\0')
            return at + 1;
        name += len + 1;
    }
}

const struct command *
command_find(const char **words, unsigned count)
{
    const struct command *best = NULL;
    unsigned longest = 0;

    for (size_t i = 0; i < table_count; i++) {
        unsigned length = fits(table[i]->name, words, count);

        if (length > longest) {
            longest = length;
            best = table[i];
        }
    }
    return best;
}

unsigned
command_name_words(const struct command *command)
{
    unsigned count = 1;

    for (const char *c = command->name; *c != '\0'; c++)
        count += *c == ' ';
    return count;
}

/* Do the words agree with the beginning of the name, as far as both go? */
static bool
shares_words(const char *name, const char **words, unsigned count)
{
    for (unsigned at = 0; at < count; at++) {
        size_t len = strcspn(name, " ");

        if (strlen(words[at]) != len || strncmp(words[at], name, len) != 0)
            return false;
        if (name[len] == '\0')
            return true;
        name += len + 1;
    }
    return true;
}

static void
print_help(struct text *out, const struct command *command)
{
    char left[512];

    snprintf(left, sizeof(left), "%s%s%s", command->name, command->args != NULL ? " " : "",
             command->args != NULL ? command->args : "");
    text_printf(out, "  %-*s: %s\n", HELP_COLUMN, left, command->help);
}

static bool
has_match(const char **words, unsigned count, enum command_level level)
{
    for (size_t i = 0; i < table_count; i++) {
        if (table[i]->level <= level && shares_words(table[i]->name, words, count))
            return true;
    }
    return false;
}

void
command_help(struct text *out, const char **words, unsigned count, enum command_level level)
{
    while (count > 0 && !has_match(words, count, level))
        count--;
    for (size_t i = 0; i < table_count; i++) {
        if (table[i]->level <= level && shares_words(table[i]->name, words, count))
            print_help(out, table[i]);
    }
}

enum command_result
command_say(struct command_call *call, int severity, const char *fmt, ...)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    va_list args;

    if (call->severity_output == 1)
        text_printf(call->out, "[%d]:", severity);
    else if (call->severity_output == 2)
        text_printf(call->out, "[%s]:", names[severity & 7]);
    va_start(args, fmt);
    text_vprintf(call->out, fmt, args);
    va_end(args);
    if (call->out->len > 0 && call->out->ptr[call->out->len - 1] != '\n')
        text_add_char(call->out, '\n');
    return COMMAND_DONE;
}

const char *
command_next(struct command_call *call)
{
    return call->at < call->count ? call->words[call->at++] : NULL;
}

bool
command_accept(struct command_call *call, const char *word)
{
    if (call->at >= call->count || strcmp(call->words[call->at], word) != 0)
        return false;
    call->at++;
    return true;
}
