/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named ACLs: those of a proxy, and the predefined ones.
 *
 * Owns:    nothing: all in the snapshot's arena.
 * Thread:  builder.
 */
#include "acl.h"

#include <string.h>

#include "weir/base/registry.h"
#include "private.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"

struct acl_scope {
    struct acl *first, *last;
    const struct acl_scope *outer;
};

/* --- scopes ---------------------------------------------------------------------------------- */

struct acl_scope *
acl_scope_new(struct parse *parse, const struct acl_scope *outer)
{
    struct acl_scope *scope = ARENA_NEW(parse->arena, struct acl_scope);

    scope->outer = outer;
    return scope;
}

static struct acl *
find_here(const struct acl_scope *scope, const char *name)
{
    for (struct acl *acl = scope->first; acl != NULL; acl = acl->next) {
        if (strcmp(acl->name, name) == 0)
            return acl;
    }
    return NULL;
}

static struct acl *
find(const struct acl_scope *scope, const char *name)
{
    struct acl *acl = NULL;

    for (; scope != NULL && acl == NULL; scope = scope->outer)
        acl = find_here(scope, name);
    return acl;
}

static struct acl *
find_or_add(struct parse *parse, struct acl_scope *scope, const char *name)
{
    struct expr_room *room = expr_room_of(parse->snapshot);
    struct acl *acl = find_here(scope, name);

    if (acl != NULL)
        return acl;
    acl = ARENA_NEW(parse->arena, struct acl);
    acl->name = name;
    acl->following = room->acls;
    room->acls = acl;
    if (scope->first == NULL)
        scope->first = acl;
    else
        scope->last->next = acl;
    scope->last = acl;
    return acl;
}

static void
add_test(struct acl *acl, struct acl_test *test)
{
    if (acl->last == NULL)
        acl->first = test;
    else
        acl->last->next = test;
    acl->last = test;
}

bool
acl_parse(struct parse *parse, struct acl_scope *scope)
{
    const char *name = parse_word(parse, "a name");
    struct acl_test *test;
    size_t good;

    if (name == NULL)
        return false;
    good = strspn(name, NAME_CHARS);
    if (name[good] != '\0')
        return expr_alert(parse, name + good,
                          "the name of an acl has letters, digits and '_.:-' only, not '%c'",
                          name[good]);
    if (strcmp(name, "or") == 0)
        return parse_alert(parse, "an acl cannot be named 'or', which stands between conditions");
    test = acl_test_parse(parse, 0, NULL);
    if (test == NULL)
        return false;
    test->name = name;
    add_test(find_or_add(parse, scope, name), test);
    return true;
}

/* --- predefined -------------------------------------------------------------------------------- */

#define PREDEFINED_WORDS 6

static const struct {
    const char *name;
    const char *words[PREDEFINED_WORDS];
} predefined[] = {
    { "FALSE", { "always_false" } },
    { "TRUE", { "always_true" } },
    { "HTTP", { "req.proto_http" } },
    { "HTTP_1.0", { "req.ver", "1.0" } },
    { "HTTP_1.1", { "req.ver", "1.1" } },
    { "HTTP_2.0", { "req.ver", "2.0" } },
    { "HTTP_3.0", { "req.ver", "3.0" } },
    { "HTTP_CONTENT", { "req.hdr_val(content-length)", "gt", "0" } },
    { "HTTP_URL_ABS", { "url_reg", "^[^/:]*://" } },
    { "HTTP_URL_SLASH", { "url_beg", "/" } },
    { "HTTP_URL_STAR", { "url", "*" } },
    { "LOCALHOST", { "src", "127.0.0.1/8", "::1" } },
    { "METH_CONNECT", { "method", "CONNECT" } },
    { "METH_DELETE", { "method", "DELETE" } },
    { "METH_GET", { "method", "GET", "HEAD" } },
    { "METH_HEAD", { "method", "HEAD" } },
    { "METH_OPTIONS", { "method", "OPTIONS" } },
    { "METH_POST", { "method", "POST" } },
    { "METH_PUT", { "method", "PUT" } },
    { "METH_TRACE", { "method", "TRACE" } },
    { "RDP_COOKIE", { "req.rdp_cookie_cnt", "gt", "0" } },
    { "REQ_CONTENT", { "req.len", "gt", "0" } },
    { "WAIT_END", { "wait_end" } },
};

/* Compiled where it is used: few are, and a line of its own costs no more. */
static const struct acl_test *
make_predefined(struct parse *parse, size_t at)
{
    struct word items[PREDEFINED_WORDS];
    struct words words = *parse->words;
    struct parse inner = *parse;
    struct acl_test *test;

    words.items = items;
    words.at = words.count = 0;
    for (; words.count < PREDEFINED_WORDS && predefined[at].words[words.count] != NULL;
         words.count++)
        items[words.count] = (struct word){ .text = predefined[at].words[words.count] };
    inner.words = &words;
    test = acl_test_parse(&inner, 0, NULL);
    if (test != NULL)
        test->name = predefined[at].name;
    return test;
}

static int
find_predefined(const char *name)
{
    for (size_t i = 0; i < COUNT(predefined); i++) {
        if (strcmp(predefined[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* --- for conditions ------------------------------------------------------------------------------ */

static const char *
suggest(struct parse *parse, const struct acl_scope *scope, const char *name)
{
    const char *names[512];
    size_t count = 0;

    for (; scope != NULL; scope = scope->outer) {
        for (const struct acl *acl = scope->first; acl != NULL && count < 400; acl = acl->next)
            names[count++] = acl->name;
    }
    for (size_t i = 0; i < COUNT(predefined); i++)
        names[count++] = predefined[i].name;
    names[count] = NULL;
    return parse_suggest(parse, name, names);
}

/* A named ACL was read without knowing where it would be used: its fetches are checked here. */
static void
check_places(struct parse *parse, const struct acl_test *tests, const char *name, unsigned place)
{
    const struct fetch *misplaced = NULL;
    bool has_good = false;

    for (const struct acl_test *test = tests; test != NULL; test = test->next) {
        if (place == 0 || (test->sample->fetch->places & place) != 0)
            has_good = true;
        else
            misplaced = test->sample->fetch;
    }
    if (misplaced != NULL)
        parse_warn(parse, "%s of acl '%s' never match%s here: '%s' is not known in %s",
                   has_good ? "a line" : "the tests", name, has_good ? "es" : "", misplaced->name,
                   place_name(place));
}

const struct acl_test *
acl_find(struct parse *parse, const struct acl_scope *scope, const char *name, unsigned place)
{
    struct acl *acl = find(scope, name);
    const struct acl_test *tests = acl == NULL ? NULL : acl->first;
    int at = acl == NULL ? find_predefined(name) : -1;

    if (acl != NULL)
        acl->is_used = true;
    if (at >= 0)
        tests = make_predefined(parse, (size_t)at);
    if (tests != NULL)
        check_places(parse, tests, name, place);
    else if (at < 0)
        parse_alert(parse, "there is no acl '%s'%s", name, suggest(parse, scope, name));
    return tests;
}
