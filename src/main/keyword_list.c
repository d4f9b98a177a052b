/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is registered, listed: -dK.
 *
 * For:     editors, which know HAProxy's form (haproxy_list.c), people, and the check of the
 * manual. Owns:    nothing. Callers: main. Thread: boot.
 */
#include "weir/main/keyword_list.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/balance/balance.h"
#include "weir/base/alloc.h"
#include "weir/base/str.h"
#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/config/keyword.h"
#include "weir/expr/log_format.h"
#include "weir/expr/sample.h"
#include "weir/rules/action.h"
#include "private.h"

/* --- lists of names ----------------------------------------------------------------------- */

void
name_list_add(struct name_list *names, char *name)
{
    names->items = alloc_resize(names->items, (names->count + 1) * sizeof(*names->items));
    names->items[names->count++] = name;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void
name_list_sort(struct name_list *names)
{
    if (names->count > 0)
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
}

void
name_list_print(struct name_list *names)
{
    name_list_sort(names);
    for (size_t i = 0; i < names->count; i++) {
        if (i == 0 || strcmp(names->items[i], names->items[i - 1]) != 0)
            puts(names->items[i]);
    }
    name_list_fini(names);
}

void
name_list_fini(struct name_list *names)
{
    for (size_t i = 0; i < names->count; i++)
        alloc_free(names->items[i]);
    alloc_free(names->items);
    *names = (struct name_list){ 0 };
}

/* --- weir's own form ------------------------------------------------------------------------- */

static char *
synopsis(const struct arg_spec *specs)
{
    static const char *const names[] = {
        [ARG_STR] = "text",
        [ARG_INT] = "number",
        [ARG_SIZE] = "size",
        [ARG_TIME_MS] = "time",
        [ARG_IP4] = "ipv4",
        [ARG_IP6] = "ipv6",
        [ARG_MASK4] = "mask",
        [ARG_MASK6] = "mask6",
        [ARG_REGEX] = "regex",
        [ARG_VARIABLE] = "variable",
        [ARG_NAMED] = "name",
        [ARG_STR_OR_VAR] = "text|variable",
        [ARG_INT_OR_VAR] = "number|variable",
    };
    struct text out = TEXT_INIT;
    char *copy;

    for (int i = 0; specs[i].kind != ARG_END; i++)
        text_printf(&out, "%s%s%s%s", i == 0 ? "(" : ",", specs[i].is_optional ? "[" : "",
                    specs[i].type_name != NULL ? specs[i].type_name : names[specs[i].kind],
                    specs[i].is_optional ? "]" : "");
    if (out.len > 0)
        text_add_char(&out, ')');
    copy = alloc_copy(text_cstr(&out));
    text_fini(&out);
    return copy;
}

/* "kind<TAB>place<TAB>name<TAB>file<TAB>help<TAB>synopsis" */
#define ADD_WITH(kind_, place_, item_, list_, args_)                                               \
    name_list_add(&names,                                                                          \
                  alloc_printf("%s\t%x\t%s\t%s\t%s\t%s", kind_, (unsigned)(place_), (item_)->name, \
                               (list_)->file, (item_)->help, (args_) == NULL ? "" : (args_)))
#define ADD(kind_, place_, item_, list_) ADD_WITH(kind_, place_, item_, list_, (const char *)NULL)

static void
list_weir(void)
{
    struct name_list names = { 0 };

    FOR_EACH_REGISTERED (section, section, list)
        ADD("section", section->place, section, list);
    FOR_EACH_REGISTERED (keyword, kw, list) {
        if (!(kw->flags & KEYWORD_HIDDEN))
            ADD_WITH("keyword", kw->place, kw, list, kw->args);
    }
    FOR_EACH_REGISTERED (fetch, fetch, list) {
        char *args = synopsis(fetch->args);

        ADD_WITH("fetch", fetch->places, fetch, list, args);
        alloc_free(args);
    }
    FOR_EACH_REGISTERED (converter, conv, list) {
        char *args = synopsis(conv->args);

        ADD_WITH("converter", 0, conv, list, args);
        alloc_free(args);
    }
    FOR_EACH_REGISTERED (action_kind, kind, list)
        ADD_WITH("action", kind->hooks, kind, list, kind->args);
    FOR_EACH_REGISTERED (command, command, list)
        ADD_WITH("command", command->level, command, list, command->args);
    FOR_EACH_REGISTERED (balancer, balancer, list)
        ADD_WITH("balancer", 0, balancer, list, balancer->args);
    FOR_EACH_REGISTERED (log_alias, alias, list)
        ADD("alias", alias->traits & ALIAS_HTTP, alias, list);
    name_list_print(&names);
}

/* --- classes ------------------------------------------------------------------------------------
 */

static void list_help(void);

static void
list_all(void)
{
    haproxy_list_acl();
    haproxy_list_cfg();
    haproxy_list_cli();
    haproxy_list_cnv();
    haproxy_list_flt();
    haproxy_list_smp();
    haproxy_list_svc();
}

static const struct {
    const char *name;
    void (*print)(void);
    const char *help;
} classes[] = {
    { "all", list_all, "list all keywords" },
    { "acl", haproxy_list_acl, "ACL keywords" },
    { "cfg", haproxy_list_cfg, "configuration keywords" },
    { "cli", haproxy_list_cli, "CLI keywords" },
    { "cnv", haproxy_list_cnv, "sample converter keywords" },
    { "flt", haproxy_list_flt, "filter names" },
    { "smp", haproxy_list_smp, "sample fetch functions" },
    { "svc", haproxy_list_svc, "service names" },
    { "weir", list_weir, "all of it with place, source file and help, a line each" },
    { "help", list_help, "this list" },
};

static void
list_help(void)
{
    puts("# List of supported keyword classes:");
    for (size_t i = 0; i < COUNT(classes); i++)
        printf("%s: %s\n", classes[i].name, classes[i].help);
}

static bool
print_class(struct str name)
{
    for (size_t i = 0; i < COUNT(classes); i++) {
        if (str_eq(name, str_from(classes[i].name))) {
            classes[i].print();
            return true;
        }
    }
    return false;
}

void
keyword_list_print(const char *asked)
{
    struct str rest = str_from(*asked == '\0' ? "help" : asked);

    while (rest.ptr != NULL) {
        struct str name = str_split(&rest, ',');

        if (!print_class(name))
            fprintf(stderr, "-dK does not know '%.*s'; -dKhelp lists the classes\n", STR_ARG(name));
    }
    fflush(stdout);
}
