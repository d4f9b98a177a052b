/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is registered, in the form in which HAProxy lists it.
 *
 * For:     -dKall and its classes: editors build their grammar from this list, line by line.
 * Owns:    nothing.
 * Callers: keyword_list.c. Thread: boot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/config/keyword.h"
#include "weir/expr/sample.h"
#include "weir/rules/action.h"
#include "private.h"

/* --- conditions ---------------------------------------------------------------------- */

static void
add_criteria(struct name_list *names, const char *name)
{
    static const char *const methods[] = { "beg", "dir", "dom", "end", "len", "reg", "sub" };

    name_list_add(names, alloc_printf("%s = %s -m str", name, name));
    for (size_t i = 0; i < COUNT(methods); i++)
        name_list_add(names, alloc_printf("%s_%s = %s -m %s", name, methods[i], name, methods[i]));
}

void
haproxy_list_acl(void)
{
    struct name_list names = { 0 };

    FOR_EACH_REGISTERED (fetch, fetch, list) {
        if (fetch->out == VALUE_STR)
            add_criteria(&names, fetch->name);
    }
    puts("# List of registered ACL keywords:");
    name_list_print(&names);
}

/* --- configuration --------------------------------------------------------------------- */

static const char *const hook_names[HOOKS] = {
    [HOOK_TCP_CONNECTION] = "tcp-request connection",   [HOOK_TCP_SESSION] = "tcp-request session",
    [HOOK_TCP_REQUEST] = "tcp-request content",         [HOOK_HTTP_REQUEST] = "http-request",
    [HOOK_TCP_RESPONSE] = "tcp-response content",       [HOOK_HTTP_RESPONSE] = "http-response",
    [HOOK_HTTP_AFTER_RESPONSE] = "http-after-response",
};

/* "+1": one argument; "+-1": any number. */
static const char *
count_of_arguments(const struct keyword *kw)
{
    if (kw->setter == SETTER_FLAG || kw->args == NULL)
        return "";
    return strchr(kw->args, '[') == NULL && strchr(kw->args, '.') == NULL ? " +1" : " +-1";
}

static bool
is_option(const struct keyword *kw)
{
    return strncmp(kw->name, "option ", strlen("option ")) == 0;
}

static void
add_keywords(struct name_list *names, unsigned place)
{
    FOR_EACH_REGISTERED (keyword, kw, list) {
        if ((kw->place & place) && !(kw->flags & KEYWORD_HIDDEN) && !is_option(kw))
            name_list_add(names,
                          alloc_printf("\t%s%s", kw->name, kw->flags & KEYWORD_PREFIX ? "*" : ""));
    }
}

static void
add_line_options(struct name_list *names, unsigned place, const char *line)
{
    FOR_EACH_REGISTERED (keyword, kw, list) {
        if ((kw->place & place) && !(kw->flags & KEYWORD_HIDDEN))
            name_list_add(names, alloc_printf("\t%s %s%s", line, kw->name, count_of_arguments(kw)));
    }
}

static void
add_options(struct name_list *names)
{
    FOR_EACH_REGISTERED (keyword, kw, list) {
        if (!(kw->place & IN_PROXY) || (kw->flags & KEYWORD_HIDDEN) || !is_option(kw))
            continue;
        name_list_add(names,
                      alloc_printf("\t%s [%s%s%s ]", kw->name, kw->place & IN_FRONTEND ? " FE" : "",
                                   kw->place & IN_BACKEND ? " BE" : "",
                                   kw->flags & KEYWORD_HTTP_ONLY ? " HTTP" : ""));
    }
}

static void
add_actions(struct name_list *names, enum hook hook)
{
    FOR_EACH_REGISTERED (action_kind, kind, list) {
        if (kind->hooks & ON(hook))
            name_list_add(names, alloc_printf("\t%s %.*s%s", hook_names[hook],
                                              (int)strcspn(kind->name, "("), kind->name,
                                              kind->is_prefix ? "*" : ""));
    }
}

static void
print_section(const char *name, unsigned place)
{
    struct name_list names = { 0 };

    add_keywords(&names, place);
    if (names.count == 0)
        return;
    puts(name);
    name_list_print(&names);
}

static void
print_proxies(void)
{
    struct name_list names = { 0 };

    print_section("listen", IN_PROXY);
    add_line_options(&names, IN_BIND, "bind <addr>");
    name_list_print(&names);
    add_line_options(&names, IN_SERVER, "server <name> <addr>");
    name_list_print(&names);
    add_options(&names);
    name_list_print(&names);
    for (int hook = 0; hook < HOOKS; hook++) {
        add_actions(&names, hook);
        name_list_print(&names);
    }
}

void
haproxy_list_cfg(void)
{
    struct name_list others = { 0 };

    puts("# List of registered configuration keywords:");
    print_section("global", IN_GLOBAL);
    print_proxies();
    FOR_EACH_REGISTERED (section, section, list) {
        if (!(section->place & (IN_GLOBAL | IN_PROXY)))
            name_list_add(&others, alloc_copy(section->name));
    }
    name_list_sort(&others);
    for (size_t i = 0; i < others.count; i++)
        print_section(others.items[i], section_find(others.items[i])->place);
    name_list_fini(&others);
}

/* --- runtime commands ------------------------------------------------------------------- */

void
haproxy_list_cli(void)
{
    struct name_list names = { 0 };

    FOR_EACH_REGISTERED (command, command, list)
        name_list_add(&names, alloc_printf("%s [WORKER] ", command->name));
    puts("# List of registered CLI keywords:");
    name_list_print(&names);
}

/* --- samples ---------------------------------------------------------------------------- */

static const char *
argument_name(const struct arg_spec *spec)
{
    switch ((enum arg_kind)spec->kind) {
    case ARG_INT:
    case ARG_INT_OR_VAR:
        return "integer";
    case ARG_SIZE:
        return "size";
    case ARG_TIME_MS:
        return "delay";
    case ARG_IP4:
        return "IPv4 address";
    case ARG_IP6:
        return "IPv6 address";
    case ARG_MASK4:
        return "IPv4 mask";
    case ARG_MASK6:
        return "IPv6 mask";
    case ARG_REGEX:
        return "regex";
    case ARG_NAMED:
        return strcmp(spec->type_name, "userlist") == 0 ? "user list" : spec->type_name;
    case ARG_END:
    case ARG_STR:
    case ARG_VARIABLE:
    case ARG_STR_OR_VAR:
        break;
    }
    return "string";
}

/* "(string[,integer])", or nothing. */
static void
add_arguments(struct text *text, const struct arg_spec *specs)
{
    bool is_open = false;

    for (int i = 0; i <= ARGS_MAX && specs[i].kind != ARG_END; i++) {
        text_puts(text, i == 0 ? "(" : "");
        if (specs[i].is_optional && !is_open) {
            text_puts(text, "[");
            is_open = true;
        }
        text_puts(text, i == 0 ? "" : ",");
        text_puts(text, argument_name(&specs[i]));
    }
    if (specs[0].kind != ARG_END)
        text_puts(text, is_open ? "])" : ")");
}

void
haproxy_list_cnv(void)
{
    struct name_list names = { 0 };

    FOR_EACH_REGISTERED (converter, conv, list) {
        struct text text = TEXT_INIT;

        text_puts(&text, conv->name);
        add_arguments(&text, conv->args);
        text_printf(&text, ": %s => %s", value_type_name(conv->in), value_type_name(conv->out));
        name_list_add(&names, alloc_copy_str(text_str(&text)));
        text_fini(&text);
    }
    puts("# List of registered sample converter functions:");
    name_list_print(&names);
}

/* The columns of the table of places, in HAProxy's order. */
static const struct {
    unsigned place;
    const char *name;
} columns[] = {
    { PLACE_FE_CONNECTION, "frontend tcp-request connection rule" },
    { PLACE_FE_SESSION, "frontend tcp-request session rule" },
    { PLACE_FE_CONTENT, "frontend tcp-request content rule" },
    { PLACE_FE_REQUEST, "frontend http-request header rule" },
    { PLACE_FE_REQUEST_BODY, "frontend http-request body rule" },
    { PLACE_SWITCH, "frontend use-backend rule" },
    { PLACE_BE_CONTENT, "backend tcp-request content rule" },
    { PLACE_BE_REQUEST, "backend http-request header rule" },
    { PLACE_BE_REQUEST_BODY, "backend http-request body rule" },
    { PLACE_BE_SERVER, "backend use-server, balance or stick-match rule" },
    { PLACE_BE_CONNECT, "server source selection" },
    { PLACE_BE_RES_CONTENT, "backend tcp-response content rule" },
    { PLACE_BE_RESPONSE, "backend http-response header rule" },
    { PLACE_BE_RESPONSE_BODY, "backend http-response body rule" },
    { PLACE_BE_STORE, "backend stick-store rule" },
    { PLACE_FE_RES_CONTENT, "frontend tcp-response content rule" },
    { PLACE_FE_RESPONSE, "frontend http-response header rule" },
    { PLACE_FE_RESPONSE_BODY, "frontend http-response body rule" },
    { PLACE_FE_LOG, "logs" },
    { PLACE_CHECK, "backend tcp-check rule" },
    { PLACE_CONFIG, "configuration parser" },
    { PLACE_CLI, "CLI parser" },
};

/* The slanted heading: each row names one column. */
static void
print_columns(void)
{
    for (size_t i = 0; i < COUNT(columns); i++) {
        printf("# %*s", (int)(COUNT(columns) - i), "");
        for (size_t k = 0; k < i; k++)
            printf("/ ");
        printf("_.");
        for (size_t k = i; k < COUNT(columns); k++)
            printf("-");
        printf(" %s\n", columns[i].name);
    }
    printf("# ");
    for (size_t i = 0; i < COUNT(columns); i++)
        printf("/ ");
    printf(" \n# ");
    for (size_t i = 0; i < COUNT(columns); i++)
        printf("| ");
    printf("\n");
}

static int
compare_fetches(const void *a, const void *b)
{
    return strcmp((*(const struct fetch *const *)a)->name, (*(const struct fetch *const *)b)->name);
}

static void
print_fetch(const struct fetch *fetch)
{
    struct text text = TEXT_INIT;

    text_puts(&text, "[ ");
    for (size_t i = 0; i < COUNT(columns); i++)
        text_puts(&text, fetch->places & columns[i].place ? "Y " : ". ");
    text_printf(&text, "] %s", fetch->name);
    add_arguments(&text, fetch->args);
    printf("%s: %s\n", text_cstr(&text), value_type_name(fetch->out));
    text_fini(&text);
}

void
haproxy_list_smp(void)
{
    const struct fetch **fetches = NULL;
    size_t count = 0;

    FOR_EACH_REGISTERED (fetch, fetch, list) {
        fetches = alloc_resize(fetches, (count + 1) * sizeof(const struct fetch *));
        fetches[count++] = fetch;
    }
    puts("# List of registered sample fetch functions:");
    print_columns();
    if (count > 0)
        qsort(fetches, count, sizeof(const struct fetch *), compare_fetches);
    for (size_t i = 0; i < count; i++)
        print_fetch(fetches[i]);
    alloc_free(fetches);
}

/* --- nothing registers these yet ---------------------------------------------------------- */

void
haproxy_list_flt(void)
{
    puts("# List of registered filter names:");
}

void
haproxy_list_svc(void)
{
    puts("# List of registered service names:");
}
