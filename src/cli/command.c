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

bool
command_add(const struct command *command)
{
    for (size_t i = 0; i < table_count; i++) {
        if (strcmp(table[i]->name, command->name) == 0)
            return false;
    }
    table = alloc_resize(table, (table_count + 1) * sizeof(*table));
    table[table_count++] = command;
    qsort(table, table_count, sizeof(*table), compare);
    return true;
}

void
command_remove(const struct command *command)
{
    for (size_t i = 0; i < table_count; i++) {
        if (table[i] == command) {
            memmove(&table[i], &table[i + 1], (table_count - i - 1) * sizeof(*table));
            table_count--;
            return;
        }
    }
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

/* --- help ------------------------------------------------------------------------------ */

/* Always listed last: the way out of not knowing. */
static const char *const always[] = { "help", "prompt", "quit" };

static bool
is_always(const struct command *command)
{
    for (size_t i = 0; i < COUNT(always); i++) {
        if (strcmp(command->name, always[i]) == 0)
            return true;
    }
    return false;
}

/* How many of the typed words are beginnings of the name's words; up to the first that is not. */
static unsigned
agreeing_words(const char *name, const char **words, unsigned count)
{
    unsigned at = 0;

    for (; at < count && *name != '\0'; at++) {
        size_t len = strcspn(name, " ");
        size_t typed = strlen(words[at]);

        if (typed > len || strncmp(words[at], name, typed) != 0)
            break;
        name += len + (name[len] == ' ');
    }
    return at;
}

static bool
has_match(const char **words, unsigned count, enum command_level level)
{
    for (size_t i = 0; i < table_count; i++) {
        if (table[i]->level <= level && !is_always(table[i]) &&
            agreeing_words(table[i]->name, words, count) == count)
            return true;
    }
    return false;
}

/* The first word that may be meant: "shwo" is "show". False: none is near. */
static bool
find_nearest(const char *typed, enum command_level level, char *to, size_t size)
{
    unsigned best = 3;

    *to = '\0';
    for (size_t i = 0; i < table_count; i++) {
        struct str word = str_of(table[i]->name, strcspn(table[i]->name, " "));
        unsigned distance = str_distance(str_from(typed), word, best);

        if (table[i]->level > level || distance >= best || distance + 1 >= strlen(typed))
            continue;
        best = distance;
        snprintf(to, size, "%.*s", STR_ARG(word));
    }
    return *to != '\0';
}

static void
print_help(struct text *out, const struct command *command)
{
    char left[512];

    snprintf(left, sizeof(left), "%s%s%s", command->name, command->args != NULL ? " " : "",
             command->args != NULL ? command->args : "");
    text_printf(out, "  %-*s: %s\n", HELP_COLUMN, left, command->help);
}

static void
print_always(struct text *out, enum command_level level)
{
    for (size_t i = 0; i < COUNT(always); i++) {
        const struct command *command = command_find((const char *[]){ always[i] }, 1);

        if (command != NULL && command->level <= level)
            print_help(out, command);
    }
}

void
command_help(struct text *out, const char **words, unsigned count, enum command_level level)
{
    char word[32];
    const char *nearest = word;

    while (count > 1 && !has_match(words, count, level))
        count--;
    if (count == 1 && !has_match(words, count, level)) {
        count = find_nearest(words[0], level, word, sizeof(word));
        words = &nearest;
    }
    for (size_t i = 0; i < table_count; i++) {
        const char *name = table[i]->name;

        /* Names that begin with '_' are private to weir's own processes. */
        if (table[i]->level <= level && !is_always(table[i]) && !table[i]->is_expert && *name != '_' &&
            agreeing_words(name, words, count) == count)
            print_help(out, table[i]);
    }
    print_always(out, level);
}

/* --- answers ---------------------------------------------------------------------------- */

enum command_result
command_say(struct command_call *call, int severity, const char *fmt, ...)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    va_list args;

    if (call->severity_output == 1)
        text_printf(call->out, "[%d]: ", severity);
    else if (call->severity_output == 2)
        text_printf(call->out, "[%s]: ", names[severity & 7]);
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
