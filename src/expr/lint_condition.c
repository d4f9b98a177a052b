/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lint: conditions that are always true or false, regular expressions that a plain match would
 * serve, acls that nobody uses.
 *
 * Thread: boot.
 */
#include <stdio.h>
#include <string.h>

#include "weir/config/lint.h"
#include "acl.h"
#include "private.h"

/* --- what a test always says --------------------------------------------------------------------- */

static bool
has_only(const struct acl_test *test, const char *sample, const char *value)
{
    if (strcmp(test->sample->text, sample) != 0)
        return false;
    for (unsigned i = 0; i < test->value_count; i++) {
        if (strcmp(test->values[i], value) == 0)
            return true;
    }
    return false;
}

/* 1: always, 0: never, -1: it depends. */
static int
constant(const struct acl_test *test)
{
    const char *sample = test->sample->text;

    if (test->method == MATCH_BOOL && strcmp(sample, "always_true") == 0)
        return 1;
    if (test->method == MATCH_BOOL && strcmp(sample, "always_false") == 0)
        return 0;
    if (test->method == MATCH_BEG && (has_only(test, "path", "/") || has_only(test, "url", "/")))
        return 1;
    if (test->method == MATCH_IP && has_only(test, "src", "0.0.0.0/0") &&
        has_only(test, "src", "::/0"))
        return 1;
    return -1;
}

static void
look_at_term(struct lint *lint, const struct condition *condition, const struct term *term)
{
    const struct acl_test *test = term->tests;
    int says = constant(test);

    /* What is named TRUE is meant. */
    if (says < 0 || test->next != NULL || strncmp(test->sample->text, "always_", 7) == 0)
        return;
    lint_say(lint, condition->pos, says != term->is_negated ? "leave it out" : "leave the rule out",
             "'%s%s' is always %s", term->is_negated ? "!" : "", test->text,
             says != term->is_negated ? "true" : "false");
}

/* "a !a" */
static void
look_at_product(struct lint *lint, const struct condition *condition, unsigned at)
{
    unsigned end = condition->terms[at].next;

    for (unsigned i = at; i < end; i++) {
        look_at_term(lint, condition, &condition->terms[i]);
        for (unsigned j = i + 1; j < end; j++) {
            if (condition->terms[i].tests == condition->terms[j].tests &&
                condition->terms[i].is_negated != condition->terms[j].is_negated)
                lint_say(lint, condition->pos, "leave one of the two out; \"or\" stands between alternatives",
                         "'%s' asks for something and its contrary: it is never true",
                         condition->text);
        }
    }
}

static void
find_constant(struct lint *lint, const struct snapshot *snapshot)
{
    for (const struct condition *condition = expr_room_of(snapshot)->conditions; condition != NULL;
         condition = condition->following) {
        for (unsigned at = 0; at < condition->count; at = condition->terms[at].next)
            look_at_product(lint, condition, at);
    }
}

/* --- regular expressions ------------------------------------------------------------------------- */

/* Is it plain text, where "\." and its like stand for themselves? */
static bool
is_plain(const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (from[i] == '\\') {
            if (i + 1 == len || strchr(".-/+*?()[]{}|^$", from[i + 1]) == NULL)
                return false;
            i++;
        } else if (strchr(".*+?()[]{}|^$", from[i]) != NULL) {
            return false;
        }
    }
    return len > 0;
}

static bool
cut_end(const char *text, size_t *len, const char *end)
{
    size_t end_len = strlen(end);

    if (*len < end_len || memcmp(text + *len - end_len, end, end_len) != 0)
        return false;
    if (*len > end_len && text[*len - end_len - 1] == '\\')
        return false;
    *len -= end_len;
    return true;
}

/* The method that would do; NULL: none. */
static const char *
plain_method(const char *regex, size_t *from, size_t *len)
{
    bool at_begin = false, at_end = false;

    *from = 0;
    *len = strlen(regex);
    if (*regex == '^') {
        at_begin = true;
        *from = 1;
        --*len;
    }
    at_end = cut_end(regex + *from, len, "$");
    if (cut_end(regex + *from, len, ".*"))
        at_end = false;
    if (*len > 2 && strncmp(regex + *from, ".*", 2) == 0) {
        at_begin = false;
        *from += 2;
        *len -= 2;
    }
    if (!is_plain(regex + *from, *len))
        return NULL;
    if (at_begin && at_end)
        return "str";
    return at_begin ? "beg" : at_end ? "end" : "sub";
}

static void
unescape(char *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (from[i] == '\\')
            i++;
        *to++ = from[i];
    }
    *to = '\0';
}

static void
look_at_regex(struct lint *lint, const struct acl_test *test, const char *regex)
{
    char fix[512], plain[256];
    size_t from, len;
    const char *method = plain_method(regex, &from, &len);

    if (method == NULL || len >= sizeof(plain))
        return;
    unescape(plain, regex + from, len);
    snprintf(fix, sizeof(fix), "write: %s%s -m %s %s", test->sample->text,
             test->no_case ? " -i" : "", method, plain);
    lint_say(lint, test->pos, fix, "the regular expression '%s' is plain text, which is found faster without one",
             regex);
}

static void
look_at_tests(struct lint *lint, const struct acl_test *tests)
{
    for (const struct acl_test *test = tests; test != NULL; test = test->next) {
        for (unsigned i = 0; test->method == MATCH_REG && i < test->value_count; i++)
            look_at_regex(lint, test, test->values[i]);
    }
}

static void
find_regexes(struct lint *lint, const struct snapshot *snapshot)
{
    const struct expr_room *room = expr_room_of(snapshot);

    for (const struct acl *acl = room->acls; acl != NULL; acl = acl->following)
        look_at_tests(lint, acl->first);
    for (const struct condition *condition = room->conditions; condition != NULL;
         condition = condition->following) {
        for (unsigned i = 0; i < condition->count; i++) {
            if (condition->terms[i].tests->name == NULL)
                look_at_tests(lint, condition->terms[i].tests);
        }
    }
}

/* --- acls ------------------------------------------------------------------------------------------ */

static void
find_unused(struct lint *lint, const struct snapshot *snapshot)
{
    for (const struct acl *acl = expr_room_of(snapshot)->acls; acl != NULL; acl = acl->following) {
        if (!acl->is_used)
            lint_say(lint, acl->first->pos, "use it, or leave it out", "no rule uses acl '%s'",
                     acl->name);
    }
}

static const struct lint_check checks[] = {
    { "constant-condition", find_constant, "Conditions that are always true or always false." },
    { "slow-regex", find_regexes, "Regular expressions that a plain match would serve faster." },
    { "unused-acl", find_unused, "Named ACLs that no rule uses." },
};
REGISTER(lint_check, checks);
