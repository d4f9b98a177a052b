/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .if .elif .else .endif, their conditions, and .notice .warning .alert .diag.
 *
 * For:     files that serve several versions and machines; -cc.
 * Thread:  builder, boot.
 *
 *     condition  = term { ("&&" | "||") term }      && binds tighter
 *     term       = "!" term | "(" condition ")" | number | predicate "(" arguments ")"
 */
#include "weir/config/conditional.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "weir/base/version.h"
#include "private.h"

struct evaluator {
    const char *text;
    const char *pos;
    struct error *err;
    bool has_failed;
};

#define ARGS_MAX 2

typedef bool predicate_fn(struct evaluator *ev, const char *const *args);

static bool
complain(struct evaluator *ev, const char *what, const char *at)
{
    if (!ev->has_failed)
        error_set(ev->err, "%s at '%s'", what, at);
    ev->has_failed = true;
    return false;
}

/* --- predicates ------------------------------------------------------------------ */

/* Numbers of a version, compared one after the other; "-dev" and "-rc" come before the release. */
static int
compare_versions(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        if (isdigit((unsigned char)*a) || isdigit((unsigned char)*b)) {
            char *a_end, *b_end;
            unsigned long x = strtoul(a, &a_end, 10), y = strtoul(b, &b_end, 10);

            if (x != y)
                return x < y ? -1 : 1;
            a = a_end;
            b = b_end;
            continue;
        }
        if (*a == '\0' || *b == '\0') {
            const char *left = *a == '\0' ? b : a;
            int sign = *a == '\0' ? -1 : 1;

            return *left == '-' ? -sign : (strspn(left, ".0") == strlen(left) ? 0 : sign);
        }
        if (*a != *b)
            return *a == '-' ? -1 : *b == '-' ? 1 : (*a < *b ? -1 : 1);
        a++;
        b++;
    }
    return 0;
}

static bool
test_defined(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return getenv(args[0]) != NULL;
}

static bool
test_feature_kind(const char *name, bool is_option)
{
    FOR_EACH_REGISTERED (feature, feature, list) {
        if (feature->is_option == is_option && strcmp(feature->name, name) == 0)
            return feature->is_on == NULL || feature->is_on();
    }
    return false;
}

static bool
test_feature(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return test_feature_kind(args[0], false);
}

static bool
test_enabled(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return test_feature_kind(args[0], true);
}

static bool
test_streq(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return strcmp(args[0], args[1]) == 0;
}

static bool
test_strneq(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return strcmp(args[0], args[1]) != 0;
}

static bool
test_strstr(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return strstr(args[0], args[1]) != NULL;
}

static bool
test_version_atleast(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return compare_versions(WEIR_COMPAT_VERSION, args[0]) >= 0;
}

static bool
test_version_before(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return compare_versions(WEIR_COMPAT_VERSION, args[0]) < 0;
}

static const char *
openssl_version(void)
{
    static char text[32];
    const char *full = OpenSSL_version(OPENSSL_VERSION_STRING);

    snprintf(text, sizeof(text), "%s", full);
    return text;
}

static bool
test_openssl_atleast(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return compare_versions(openssl_version(), args[0]) >= 0;
}

static bool
test_openssl_before(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return compare_versions(openssl_version(), args[0]) < 0;
}

static bool
test_ssllib(struct evaluator *ev, const char *const *args)
{
    const char *name = OpenSSL_version(OPENSSL_VERSION);

    (void)ev;
    return strncmp(name, args[0], strlen(args[0])) == 0;
}

static bool
test_awslc(struct evaluator *ev, const char *const *args)
{
    (void)args;
    return complain(ev, "the TLS library is not AWS-LC", "awslc_api");
}

static bool
test_fips(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    (void)args;
    return EVP_default_properties_is_fips_enabled(NULL) == 1;
}

struct predicate {
    const char *name;
    int args;
    predicate_fn *run;
};

static const struct predicate predicates[] = {
    { "defined", 1, test_defined },
    { "feature", 1, test_feature },
    { "enabled", 1, test_enabled },
    { "streq", 2, test_streq },
    { "strneq", 2, test_strneq },
    { "strstr", 2, test_strstr },
    { "version_atleast", 1, test_version_atleast },
    { "version_before", 1, test_version_before },
    { "openssl_version_atleast", 1, test_openssl_atleast },
    { "openssl_version_before", 1, test_openssl_before },
    { "ssllib_name_startswith", 1, test_ssllib },
    { "awslc_api_atleast", 1, test_awslc },
    { "awslc_api_before", 1, test_awslc },
    { "fips_mode", 0, test_fips },
};

/* --- grammar ----------------------------------------------------------------------- */

static bool eval_or(struct evaluator *ev);

static void
skip_blanks(struct evaluator *ev)
{
    ev->pos += strspn(ev->pos, " \t");
}

/* The text between the parentheses, split at commas; blanks belong to the arguments. */
static int
read_args(struct evaluator *ev, char *room, size_t size, const char **args)
{
    const char *end = strchr(ev->pos, ')');
    int count = 0;
    char *at = room;

    if (end == NULL || (size_t)(end - ev->pos) >= size)
        return complain(ev, "a closing parenthesis is missing", ev->pos) - 1;
    memcpy(room, ev->pos, (size_t)(end - ev->pos));
    room[end - ev->pos] = '\0';
    ev->pos = end + 1;
    if (*room == '\0')
        return 0;
    while (at != NULL && count < ARGS_MAX + 1) {
        char *comma = strchr(at, ',');

        args[count++] = at;
        if (comma != NULL)
            *comma++ = '\0';
        at = comma;
    }
    return count;
}

static bool
eval_predicate(struct evaluator *ev)
{
    const char *begin = ev->pos;
    size_t len = strspn(begin, "abcdefghijklmnopqrstuvwxyz_0123456789");
    const char *args[ARGS_MAX + 1];
    char room[1024];

    for (size_t i = 0; i < COUNT(predicates); i++) {
        const struct predicate *p = &predicates[i];
        int count;

        if (strlen(p->name) != len || strncmp(p->name, begin, len) != 0 || begin[len] != '(')
            continue;
        ev->pos += len + 1;
        count = read_args(ev, room, sizeof(room), args);
        if (count < 0)
            return false;
        if (count == 0 && p->args == 1)
            args[count++] = "";
        if (count != p->args)
            return complain(ev, "wrong number of arguments", begin);
        return p->run(ev, args);
    }
    return complain(ev, "unknown predicate", begin);
}

static bool
eval_term(struct evaluator *ev)
{
    skip_blanks(ev);
    if (*ev->pos == '!') {
        ev->pos++;
        return !eval_term(ev);
    }
    if (*ev->pos == '(') {
        bool result;

        ev->pos++;
        result = eval_or(ev);
        skip_blanks(ev);
        if (*ev->pos != ')')
            return complain(ev, "a closing parenthesis is missing", ev->pos);
        ev->pos++;
        return result;
    }
    if (isdigit((unsigned char)*ev->pos) || *ev->pos == '-')
        return strtol(ev->pos, (char **)&ev->pos, 10) != 0;
    return eval_predicate(ev);
}

static bool
eval_and(struct evaluator *ev)
{
    bool result = eval_term(ev);

    for (skip_blanks(ev); !ev->has_failed && strncmp(ev->pos, "&&", 2) == 0; skip_blanks(ev)) {
        bool next;

        ev->pos += 2;
        next = eval_term(ev);
        result = result && next;
    }
    return result;
}

static bool
eval_or(struct evaluator *ev)
{
    bool result = eval_and(ev);

    while (!ev->has_failed && strncmp(ev->pos, "||", 2) == 0) {
        bool next;

        ev->pos += 2;
        next = eval_and(ev);
        result = result || next;
    }
    return result;
}

bool
conditional_eval(const char *text, bool *out, struct error *err)
{
    struct evaluator ev = { .text = text, .pos = text, .err = err };

    skip_blanks(&ev);
    if (*ev.pos == '\0') {
        *out = false;
        return true;
    }
    *out = eval_or(&ev);
    if (ev.has_failed)
        return false;
    skip_blanks(&ev);
    if (*ev.pos != '\0')
        return error_set(err, "unexpected text at '%s'", ev.pos);
    return true;
}

/* --- lines -------------------------------------------------------------------------- */

bool
conditional_is_open(const struct conditional *cond)
{
    for (unsigned i = 0; i < cond->depth; i++) {
        if (!cond->is_taken[i])
            return false;
    }
    return true;
}

static bool
is_open_outside(const struct conditional *cond)
{
    struct conditional outer = *cond;

    outer.depth--;
    return conditional_is_open(&outer);
}

/* The words after the directive, joined. Splitting resolves quotes and variables. */
static bool
eval_line(struct parse *parse)
{
    struct error err = ERROR_INIT;
    bool result = false;
    const char *text;

    if (!split_line(parse, parse->words->line_text))
        return false;
    parse->words->at = 1;
    text = words_rest(parse);
    if (!conditional_eval(text, &result, &err)) {
        parse->words->at = parse->words->count > 1 ? 2 : 1;
        parse_alert(parse, "condition '%s': %s", text, err.text);
    }
    return result;
}

static void
begin_block(struct conditional *cond, struct parse *parse)
{
    bool is_open = conditional_is_open(cond);

    if (cond->depth == CONDITIONAL_DEPTH) {
        parse_alert(parse, "too many '.if' inside each other (at most %d)", CONDITIONAL_DEPTH);
        return;
    }
    cond->is_taken[cond->depth] = is_open && eval_line(parse);
    cond->was_taken[cond->depth] = cond->is_taken[cond->depth];
    cond->depth++;
}

static void
next_branch(struct conditional *cond, struct parse *parse, bool is_else)
{
    unsigned at;

    if (cond->depth == 0) {
        parse_alert(parse, "'%s' without '.if'", is_else ? ".else" : ".elif");
        return;
    }
    at = cond->depth - 1;
    cond->is_taken[at] =
        !cond->was_taken[at] && is_open_outside(cond) && (is_else || eval_line(parse));
    if (cond->is_taken[at])
        cond->was_taken[at] = true;
}

static bool
say(struct conditional *cond, struct parse *parse, enum severity severity)
{
    if (!conditional_is_open(cond) || !split_line(parse, parse->words->line_text))
        return true;
    parse->words->at = 1;
    diag_add(parse->diag, severity, parse->words->pos, NULL, 0, "'%s'", words_rest(parse));
    return true;
}

bool
conditional_line(struct conditional *cond, struct parse *parse)
{
    const char *line = parse->words->line_text + strspn(parse->words->line_text, " \t");
    size_t len = strcspn(line, " \t\r#");

    if (len == 3 && strncmp(line, ".if", len) == 0) {
        begin_block(cond, parse);
    } else if (len == 5 && strncmp(line, ".elif", len) == 0) {
        next_branch(cond, parse, false);
    } else if (len == 5 && strncmp(line, ".else", len) == 0) {
        next_branch(cond, parse, true);
    } else if (len == 6 && strncmp(line, ".endif", len) == 0) {
        if (cond->depth == 0)
            parse_alert(parse, "'.endif' without '.if'");
        else
            cond->depth--;
    } else if (len == 7 && strncmp(line, ".notice", len) == 0) {
        return say(cond, parse, DIAG_NOTICE);
    } else if (len == 8 && strncmp(line, ".warning", len) == 0) {
        return say(cond, parse, DIAG_WARNING);
    } else if (len == 6 && strncmp(line, ".alert", len) == 0) {
        return say(cond, parse, DIAG_ALERT);
    } else if (len == 5 && strncmp(line, ".diag", len) == 0) {
        return say(cond, parse, DIAG_HINT);
    } else {
        return false;
    }
    return true;
}
