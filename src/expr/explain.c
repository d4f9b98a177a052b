/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a decision: items in the order in which they came.
 *
 * For:     whoever asks why a request went where it went; room admin prints it.
 * Thread:  one at a time.
 */
#include "weir/expr/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/text.h"
#include "weir/expr/sample.h"

#define VALUE_SHOWN_MAX 200 /* bytes of a text */
#define NOTE_MAX        512

void
explain_init(struct explain *explain)
{
    memset(explain, 0, sizeof(*explain));
    arena_init(&explain->arena);
    explain->end = &explain->first;
}

void
explain_fini(struct explain *explain)
{
    arena_fini(&explain->arena);
}

static struct explain_item *
add(struct explain *explain, enum explain_kind kind, const char *text)
{
    struct explain_item *item = ARENA_NEW(&explain->arena, struct explain_item);

    item->kind = (uint8_t)kind;
    item->text = text;
    *explain->end = item;
    explain->end = &item->next;
    return item;
}

/* --- rules ------------------------------------------------------------------------------------ */

void
explain_set(struct explain *explain, const char *name, const char *proxy)
{
    add(explain, EXPLAIN_SET, name)->owner = proxy;
    explain->rule = explain->test = NULL;
}

void
explain_rule(struct explain *explain, struct source_pos pos, const char *text)
{
    explain->rule = add(explain, EXPLAIN_RULE, text);
    explain->rule->pos = pos;
    explain->test = NULL;
}

void
explain_outcome(struct explain *explain, enum explain_outcome outcome, const char *verdict)
{
    explain->test = NULL;
    if (explain->rule == NULL)
        return;
    explain->rule->outcome = (uint8_t)outcome;
    explain->rule->owner = verdict;
    if (verdict != NULL)
        explain->result.decided = explain->rule;
    explain->rule = NULL;
}

void
explain_test(struct explain *explain, struct source_pos pos, const char *text, const char *acl)
{
    explain->test = add(explain, EXPLAIN_TEST, text);
    explain->test->pos = pos;
    explain->test->owner = acl;
}

void
explain_test_outcome(struct explain *explain, enum explain_outcome outcome, const char *pattern)
{
    if (explain->test == NULL)
        return;
    explain->test->outcome = (uint8_t)outcome;
    explain->test->pattern = pattern;
    explain->test = NULL;
}

void
explain_note(struct explain *explain, const char *fmt, ...)
{
    char text[NOTE_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add(explain, EXPLAIN_NOTE, arena_copy(&explain->arena, text));
}

/* --- values ----------------------------------------------------------------------------------- */

static void
print_byte(struct text *to, unsigned char c)
{
    if (c == '"' || c == '\\')
        text_printf(to, "\\%c", c);
    else if (c < ' ' || c == 0x7f)
        text_printf(to, "\\x%02x", c);
    else
        text_add_char(to, (char)c);
}

static void
print_text(struct text *to, struct str s)
{
    size_t len = s.len > VALUE_SHOWN_MAX ? VALUE_SHOWN_MAX : s.len;

    text_add_char(to, '"');
    for (size_t i = 0; i < len; i++)
        print_byte(to, (unsigned char)s.ptr[i]);
    text_puts(to, s.len > len ? "\"..." : "\"");
}

static void
print_binary(struct text *to, struct str s)
{
    size_t len = s.len > VALUE_SHOWN_MAX / 2 ? VALUE_SHOWN_MAX / 2 : s.len;

    text_puts(to, "0x");
    for (size_t i = 0; i < len; i++)
        text_printf(to, "%02x", (unsigned char)s.ptr[i]);
    text_printf(to, "%s (%zu bytes)", s.len > len ? "..." : "", s.len);
}

static void
print_value(struct text *to, const struct value *value, struct arena *arena)
{
    struct value copy = *value;

    if (value->type == VALUE_BOOL) {
        text_puts(to, value->num != 0 ? "true" : "false");
    } else if (value->type == VALUE_INT) {
        text_printf(to, "%lld", (long long)value->num);
    } else if (value->type == VALUE_BIN) {
        print_binary(to, value->str);
    } else if (value->type == VALUE_STR) {
        print_text(to, value->str);
    } else if (value_cast(&copy, VALUE_STR, arena)) {
        text_add(to, copy.str);
    }
}

/* Rules that compare several values (header fields) show them all. */
static const char *
value_text(struct explain *explain, const struct value *value, const char *before)
{
    struct text text = TEXT_INIT;
    const char *copy;

    if (before != NULL)
        text_printf(&text, "%s, ", before);
    print_value(&text, value, &explain->arena);
    copy = arena_copy(&explain->arena, text_cstr(&text));
    text_fini(&text);
    return copy;
}

/* --- samples ---------------------------------------------------------------------------------- */

/* Fetches that tell of the world around: offline they are what they are on this machine now. */
static const char *const assumed[] = {
    "ssl_", "srv_", "be_", "fe_", "nbsrv", "avg_queue", "queue", "connslots", "rand", "date", "sc_",
    "sc0_", "sc1_", "sc2_", "src_", "table_", "fc_", "bc_", "hostname", "uuid", "proc", "thread",
    "nbproc", "cpu", "act_conn", "env", "unique-id", "dst_conn", "so_id",
};

static bool
is_assumed(const struct explain *explain, const struct sample *sample)
{
    const char *name = sample->fetch->name;

    if (!explain->is_offline)
        return false;
    for (size_t i = 0; i < COUNT(assumed); i++) {
        if (strncmp(name, assumed[i], strlen(assumed[i])) == 0)
            return true;
    }
    return false;
}

void
explain_sample(struct explain *explain, const struct sample *sample, const struct value *value)
{
    struct explain_item *item = explain->test;

    if (item == NULL)
        item = add(explain, EXPLAIN_SAMPLE, sample->text);
    item->sample = sample->text;
    item->is_assumed = is_assumed(explain, sample);
    if (value != NULL)
        item->value = value_text(explain, value, item->value);
}

/* Its name with arguments, without converters. */
static bool
begins_with(const char *text, struct str name)
{
    return strncmp(text, name.ptr, name.len) == 0 &&
           (text[name.len] == '\0' || text[name.len] == ',');
}

bool
explain_find_given(const struct explain *explain, const struct sample *sample, struct value *out,
                   struct arena *arena)
{
    for (const struct explain_given *given = explain->given; given != NULL; given = given->next) {
        if (!begins_with(sample->text, given->name))
            continue;
        value_set_str(out, given->value);
        out->flags = VALUE_CONST;
        return value_cast(out, sample->fetch->out, arena);
    }
    return false;
}
