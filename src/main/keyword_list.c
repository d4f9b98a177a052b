/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is registered, listed: -dK.
 *
 * For:     editors that build their grammar from HAProxy's form of the list, people, and
 * scripts/check-manual. Thread:  boot.
 */
#include "weir/main/keyword_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/balance/balance.h"
#include "weir/base/alloc.h"
#include "weir/cli/command.h"
#include "weir/config/keyword.h"
#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/rules/action.h"

/* Lines are collected, sorted and printed once each. */
struct lines {
    char **items;
    size_t count;
};

static void
add_line(struct lines *lines, char *line)
{
    lines->items = alloc_resize(lines->items, (lines->count + 1) * sizeof(*lines->items));
    lines->items[lines->count++] = line;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
print_lines(struct lines *lines)
{
    qsort(lines->items, lines->count, sizeof(*lines->items), compare);
    for (size_t i = 0; i < lines->count; i++) {
        if (i == 0 || strcmp(lines->items[i], lines->items[i - 1]) != 0)
            puts(lines->items[i]);
    }
    for (size_t i = 0; i < lines->count; i++)
        alloc_free(lines->items[i]);
    alloc_free(lines->items);
    *lines = (struct lines){ 0 };
}

/* --- HAProxy's form ------------------------------------------------------------------------ */

static const struct {
    unsigned place;
    const char *name;
} places[] = {
    { IN_GLOBAL, "global" },
    { IN_DEFAULTS | IN_FRONTEND | IN_LISTEN | IN_BACKEND, "listen" },
    { IN_BIND, "bind" },
    { IN_SERVER, "server" },
};

static void
list_acl(void)
{
    static const char *const methods[] = { "beg", "dir", "dom", "end", "len", "reg", "sub" };
    struct lines lines = { 0 };

    FOR_EACH_REGISTERED (fetch, fetch, list) {
        if (fetch->out != VALUE_STR)
            continue;
        add_line(&lines, alloc_printf("%s = %s -m str", fetch->name, fetch->name));
        for (size_t i = 0; i < COUNT(methods); i++)
            add_line(&lines, alloc_printf("%s_%s = %s -m %s", fetch->name, methods[i], fetch->name,
                                          methods[i]));
    }
    puts("# List of registered ACL keywords:");
    print_lines(&lines);
}

static void
list_cfg(void)
{
    puts("# List of registered configuration keywords:");
    for (size_t i = 0; i < COUNT(places); i++) {
        struct lines lines = { 0 };

        FOR_EACH_REGISTERED (keyword, kw, list) {
            if (kw->place & places[i].place)
                add_line(&lines, alloc_printf("\t%s%s%s", kw->name, kw->args != NULL ? " " : "",
                                              kw->args != NULL ? kw->args : ""));
        }
        if (places[i].place & IN_DEFAULTS) {
            FOR_EACH_REGISTERED (action_kind, kind, list) {
                static const char *const hooks[HOOKS] = {
                    "tcp-request connection", "tcp-request session",  "tcp-request content",
                    "http-request",           "tcp-response content", "http-response",
                    "http-after-response"
                };

                for (int hook = 0; hook < HOOKS; hook++) {
                    if (kind->hooks & ON(hook))
                        add_line(&lines, alloc_printf("\t%s %s%s", hooks[hook], kind->name,
                                                      kind->is_prefix ? " +" : ""));
                }
            }
        }
        printf("%s\n", places[i].name);
        print_lines(&lines);
    }
}

static void
list_cli(void)
{
    struct text out = TEXT_INIT;

    puts("# List of registered CLI keywords:");
    command_help(&out, NULL, 0, LEVEL_ADMIN);
    fputs(text_cstr(&out), stdout);
    text_fini(&out);
}

static void
list_cnv(void)
{
    struct lines lines = { 0 };

    FOR_EACH_REGISTERED (converter, conv, list)
        add_line(&lines, alloc_printf("%s: %s => %s", conv->name, value_type_name(conv->in),
                                      value_type_name(conv->out)));
    puts("# List of registered sample converter functions:");
    print_lines(&lines);
}

static void
list_smp(void)
{
    struct lines lines = { 0 };

    FOR_EACH_REGISTERED (fetch, fetch, list) {
        char marks[64], *at = marks;

        for (int i = 0; i < 22; i++) {
            *at++ = ' ';
            *at++ = fetch->places & (1u << i) ? 'Y' : '.';
        }
        *at = '\0';
        /* Sorted by name: the marks are put in front when the line is printed. */
        add_line(&lines,
                 alloc_printf("%s: %s\t[%s ]", fetch->name, value_type_name(fetch->out), marks));
    }
    qsort(lines.items, lines.count, sizeof(*lines.items), compare);
    puts("# List of registered sample fetch functions:");
    for (size_t i = 0; i < lines.count; i++) {
        char *tab = strchr(lines.items[i], '\t');

        printf("%s %.*s\n", tab + 1, (int)(tab - lines.items[i]), lines.items[i]);
        alloc_free(lines.items[i]);
    }
    alloc_free(lines.items);
}

static void
list_flt(void)
{
    puts("# List of registered filter names:");
}

static void
list_svc(void)
{
    puts("# List of registered service names:");
}

/* --- weir's own form ------------------------------------------------------------------------- */

#define ADD(kind_, place_, item_, list_)                                                           \
    add_line(&lines, alloc_printf("%s\t%x\t%s\t%s\t%s", kind_, place_, (item_)->name,              \
                                  (list_)->file, (item_)->help))

static void
list_weir(void)
{
    struct lines lines = { 0 };

    FOR_EACH_REGISTERED (section, section, list)
        ADD("section", section->place, section, list);
    FOR_EACH_REGISTERED (keyword, kw, list) {
        if (!(kw->flags & KEYWORD_HIDDEN))
            ADD("keyword", kw->place, kw, list);
    }
    FOR_EACH_REGISTERED (fetch, fetch, list)
        ADD("fetch", fetch->places, fetch, list);
    FOR_EACH_REGISTERED (converter, conv, list)
        ADD("converter", 0u, conv, list);
    FOR_EACH_REGISTERED (action_kind, kind, list)
        ADD("action", kind->hooks, kind, list);
    FOR_EACH_REGISTERED (command, command, list)
        ADD("command", (unsigned)command->level, command, list);
    FOR_EACH_REGISTERED (balancer, balancer, list)
        ADD("balancer", 0u, balancer, list);
    FOR_EACH_REGISTERED (log_alias, alias, list)
        ADD("alias", alias->needs_http, alias, list);
    print_lines(&lines);
}

static const struct {
    const char *name;
    void (*list)(void);
    bool is_in_all;
} classes[] = {
    { "acl", list_acl, true }, { "cfg", list_cfg, true },    { "cli", list_cli, true },
    { "cnv", list_cnv, true }, { "flt", list_flt, true },    { "smp", list_smp, true },
    { "svc", list_svc, true }, { "weir", list_weir, false },
};

static bool
is_asked(const char *asked, const char *name)
{
    size_t len = strlen(name);
    const char *at = strstr(asked, name);

    return at != NULL && (at == asked || at[-1] == ',') && (at[len] == '\0' || at[len] == ',');
}

void
keyword_list_print(const char *asked)
{
    if (*asked == '\0' || is_asked(asked, "help")) {
        puts("Classes for -dK, parted by commas: all acl cfg cli cnv flt smp svc weir");
        return;
    }
    for (size_t i = 0; i < COUNT(classes); i++) {
        if (is_asked(asked, classes[i].name) || (classes[i].is_in_all && is_asked(asked, "all")))
            classes[i].list();
    }
}
