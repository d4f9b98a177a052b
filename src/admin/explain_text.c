/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recorded decision for a person at a desk with a routing problem.
 *
 * For:     weir --explain; "explain live".
 * Thread:  any; pure.
 *
 *     http-request rules of web
 *       ✗ edge.cfg:20   deny if { path_beg /admin }
 *                       path_beg /admin: no, path is "/v1/x"
 */
#include <stdio.h>
#include <string.h>

#include "weir/admin/explain_print.h"

#define POS_WIDTH_MAX 32

struct printer {
    struct text *to;
    enum explain_look look;
    int width; /* of positions */
};

enum sign { SIGN_YES, SIGN_NO, SIGN_LATER, SIGN_ARROW, SIGNS };

static const char *const plain_signs[SIGNS] = { "+", "-", "?", "=>" };
static const char *const signs[SIGNS] = { "\xe2\x9c\x93", "\xe2\x9c\x97", "\xe2\x80\xa6",
                                          "\xe2\x87\x92" };

#define BOLD  "\x1b[1m"
#define DIM   "\x1b[2m"
#define GREEN "\x1b[32m"
#define RED   "\x1b[31m"
#define PLAIN "\x1b[0m"

/* --- pieces --------------------------------------------------------------------------------- */

static void
paint(const struct printer *p, const char *colour)
{
    if (p->look == LOOK_COLOURED)
        text_puts(p->to, colour);
}

static void
put_sign(const struct printer *p, enum sign sign)
{
    text_puts(p->to, p->look == LOOK_PLAIN ? plain_signs[sign] : signs[sign]);
}

static const char *
format_pos(struct source_pos pos, char *to, size_t size)
{
    if (pos.file == NULL)
        return "";
    snprintf(to, size, "%s:%d", pos.file, pos.line);
    return to;
}

static int
width_of(struct source_pos pos)
{
    char text[512];

    return (int)strlen(format_pos(pos, text, sizeof(text)));
}

static int
widest(const struct explain *explain)
{
    int width = 0;

    for (const struct explain_item *item = explain->first; item != NULL; item = item->next) {
        int own = item->kind == EXPLAIN_RULE ? width_of(item->pos) : 0;

        if (own > width && own <= POS_WIDTH_MAX)
            width = own;
    }
    return width;
}

static void
indent(const struct printer *p)
{
    text_printf(p->to, "      %*s  ", p->width, "");
}

/* --- items ---------------------------------------------------------------------------------- */

static void
print_set(const struct printer *p, const struct explain_item *item)
{
    text_puts(p->to, "\n  ");
    paint(p, BOLD);
    text_printf(p->to, "%s", item->text);
    paint(p, PLAIN);
    text_printf(p->to, " of %s\n", item->owner);
}

static void
print_mark(const struct printer *p, enum explain_outcome outcome)
{
    static const enum sign marks[] = { [OUTCOME_NONE] = SIGN_LATER,
                                       [OUTCOME_YES] = SIGN_YES,
                                       [OUTCOME_NO] = SIGN_NO,
                                       [OUTCOME_LATER] = SIGN_LATER };

    paint(p, outcome == OUTCOME_YES ? GREEN : DIM);
    put_sign(p, marks[outcome]);
    paint(p, PLAIN);
}

static void
print_rule(const struct printer *p, const struct explain_item *item)
{
    char pos[512];

    text_puts(p->to, "    ");
    print_mark(p, (enum explain_outcome)item->outcome);
    text_printf(p->to, " %-*s  ", p->width, format_pos(item->pos, pos, sizeof(pos)));
    paint(p, item->outcome == OUTCOME_YES ? "" : DIM);
    text_puts(p->to, item->text);
    paint(p, PLAIN);
    if (item->owner != NULL) {
        paint(p, BOLD);
        text_printf(p->to, "   %s", item->owner);
        paint(p, PLAIN);
    }
    text_add_char(p->to, '\n');
}

static void
print_value(const struct printer *p, const struct explain_item *item)
{
    if (item->value == NULL)
        text_printf(p->to, "there is no %s", item->sample);
    else
        text_printf(p->to, "%s is %s", item->sample, item->value);
    if (item->is_assumed)
        text_puts(p->to, " (assumed)");
}

static void
print_test(const struct printer *p, const struct explain_item *item)
{
    static const char *const words[] = { [OUTCOME_NONE] = "not known",
                                         [OUTCOME_YES] = "yes",
                                         [OUTCOME_NO] = "no",
                                         [OUTCOME_LATER] = "not known yet" };
    char pos[512];

    indent(p);
    if (item->owner != NULL && item->pos.file != NULL)
        text_printf(p->to, "%s (%s) ", item->owner, format_pos(item->pos, pos, sizeof(pos)));
    text_printf(p->to, "%s: ", item->text);
    paint(p, item->outcome == OUTCOME_YES ? GREEN : RED);
    text_puts(p->to, words[item->outcome]);
    paint(p, PLAIN);
    text_puts(p->to, ", ");
    print_value(p, item);
    if (item->pattern != NULL)
        text_printf(p->to, ", found as \"%s\"", item->pattern);
    text_add_char(p->to, '\n');
}

static void
print_item(const struct printer *p, const struct explain_item *item)
{
    switch ((enum explain_kind)item->kind) {
    case EXPLAIN_SET:
        print_set(p, item);
        break;
    case EXPLAIN_RULE:
        print_rule(p, item);
        break;
    case EXPLAIN_TEST:
        print_test(p, item);
        break;
    case EXPLAIN_SAMPLE:
        indent(p);
        print_value(p, item);
        text_add_char(p->to, '\n');
        break;
    case EXPLAIN_NOTE:
        text_printf(p->to, "      %s\n", item->text);
        break;
    }
}

void
explain_print_text(struct text *to, const struct explain *explain, enum explain_look look)
{
    struct printer p = { .to = to, .look = look, .width = widest(explain) };

    for (const struct explain_item *item = explain->first; item != NULL; item = item->next)
        print_item(&p, item);
}

/* --- what came of it ------------------------------------------------------------------------ */

static void
print_named(struct text *to, const char *kind, const char *name, struct source_pos at)
{
    char pos[512];

    text_printf(to, "%s %s", kind, name);
    if (at.file != NULL)
        text_printf(to, " (%s)", format_pos(at, pos, sizeof(pos)));
}

static void
print_decided(struct text *to, const struct explain_item *rule)
{
    char pos[512];

    if (rule != NULL)
        text_printf(to, ", by %s: %s", format_pos(rule->pos, pos, sizeof(pos)), rule->text);
}

static void
print_target(struct text *to, const struct explain_result *result)
{
    print_named(to, "backend", result->backend, result->backend_pos);
    text_puts(to, ", ");
    if (result->server != NULL)
        print_named(to, "server", result->server, result->server_pos);
    else
        text_puts(to, "no server yet: it waits for one");
}

void
explain_print_result(struct text *to, const struct explain *explain, struct str location,
                     enum explain_look look)
{
    const struct explain_result *result = &explain->result;
    struct printer p = { .to = to, .look = look };

    text_add_char(to, '\n');
    paint(&p, BOLD);
    put_sign(&p, SIGN_ARROW);
    text_add_char(to, ' ');
    if (result->status != 0) {
        text_printf(to, "%d from weir", result->status);
        if (location.ptr != NULL)
            text_printf(to, " to %.*s", STR_ARG(location));
        print_decided(to, result->decided);
    } else if (result->service != NULL) {
        text_printf(to, "service %s", result->service);
        print_decided(to, result->decided);
    } else if (result->backend != NULL) {
        print_target(to, result);
    } else {
        text_puts(to, "the connection is closed");
        print_decided(to, result->decided);
    }
    paint(&p, PLAIN);
    text_add_char(to, '\n');
}
