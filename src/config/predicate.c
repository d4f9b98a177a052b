/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of conditions: what .if, .elif and the command line's -cc understand.
 *
 * For:     conditional.c and main/options.c.
 * Owns:    nothing.
 * Thread:  builder, boot.
 *
 *     condition  = term { ("&&" | "||") term }      "&&" binds tighter
 *     term       = "!" term | "(" condition ")" | number | predicate "(" [argument {"," argument}]
 * ")"
 *
 * Both sides of "&&" and "||" are always read, so that a mistake is seen on every machine. Blanks
 * beside commas belong to the arguments; quotes protect commas and parentheses.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "weir/base/version.h"
#include "weir/config/conditional.h"
#include "weir/config/environment.h"
#include "private.h"

#define ARGS_MAX_COUNT 2
#define NESTING_MAX    64

struct evaluator {
    const struct snapshot *snapshot;
    const char *text;
    const char *pos;
    unsigned nesting;
    struct error *err;
    size_t failed_at;
    bool has_failed;
};

typedef bool predicate_fn(struct evaluator *ev, const char *const *args);

/* The first mistake is the one to be told. */
static bool
complain(struct evaluator *ev, const char *at, const char *what)
{
    if (!ev->has_failed) {
        error_set(ev->err, "%s at '%s'", what, at);
        ev->failed_at = (size_t)(at - ev->text);
    }
    ev->has_failed = true;
    return false;
}

/* --- versions --------------------------------------------------------------------- */

/* What is left when the other version has ended: "-dev1" and "-rc1" come before the release,
 * ".0" changes nothing, anything else comes after it. */
static int
weigh_rest(const char *rest)
{
    if (*rest == '-')
        return -1;
    return rest[strspn(rest, ".0")] == '\0' ? 0 : 1;
}

/* Below, equal to or above zero, as strcmp(). Runs of digits compare as numbers. */
static int
compare_versions(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            unsigned long x = strtoul(a, (char **)&a, 10), y = strtoul(b, (char **)&b, 10);

            if (x != y)
                return x < y ? -1 : 1;
        } else if (*a == *b) {
            a++;
            b++;
        } else {
            return *a == '-' ? -1 : *b == '-' ? 1 : *a < *b ? -1 : 1;
        }
    }
    if (*a == '\0' && *b == '\0')
        return 0;
    return *a == '\0' ? -weigh_rest(b) : weigh_rest(a);
}

/* --- predicates ------------------------------------------------------------------- */

static bool
test_defined(struct evaluator *ev, const char *const *args)
{
    return environment_find(ev->snapshot, args[0]) != NULL;
}

static bool
has_feature(const char *name, bool is_option)
{
    bool is_there = false;

    FOR_EACH_REGISTERED (feature, feature, list) {
        if (feature->is_option != is_option || strcmp(feature->name, name) != 0)
            continue;
        if (feature->is_on != NULL && !feature->is_on())
            return false;
        is_there = true;
    }
    return is_there;
}

bool
conditional_has_feature(const char *name)
{
    return has_feature(name, false);
}

static bool
test_feature(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return has_feature(args[0], false);
}

static bool
test_enabled(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return has_feature(args[0], true);
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

static bool
test_openssl_atleast(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return compare_versions(OpenSSL_version(OPENSSL_VERSION_STRING), args[0]) >= 0;
}

static bool
test_openssl_before(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return compare_versions(OpenSSL_version(OPENSSL_VERSION_STRING), args[0]) < 0;
}

static bool
test_ssllib(struct evaluator *ev, const char *const *args)
{
    (void)ev;
    return strncmp(OpenSSL_version(OPENSSL_VERSION), args[0], strlen(args[0])) == 0;
}

static bool
test_awslc(struct evaluator *ev, const char *const *args)
{
    (void)args;
    return complain(ev, ev->text, "the TLS library is OpenSSL, not AWS-LC,");
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

/* --- arguments -------------------------------------------------------------------- */

struct arguments {
    char bytes[1024]; /* the arguments, each with its NUL */
    size_t len;
    const char *items[ARGS_MAX_COUNT];
    int count;
};

/* Quotes within a condition are their own: those of the line are gone already. */
static bool
read_argument(struct evaluator *ev, struct arguments *args)
{
    const char *begin = ev->pos;
    char quote = '\0';

    for (; quote != '\0' || (*ev->pos != ',' && *ev->pos != ')'); ev->pos++) {
        char c = *ev->pos;

        if (c == '\0')
            return complain(ev, begin, quote ? "a quote is not closed" : "')' is missing");
        if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            continue;
        }
        if (quote != '\0' && c == quote) {
            quote = '\0';
            continue;
        }
        if (quote == '"' && c == '\\' && (ev->pos[1] == '"' || ev->pos[1] == '\\'))
            c = *++ev->pos;
        if (args->len + 2 > sizeof(args->bytes))
            return complain(ev, begin, "an argument is too long");
        args->bytes[args->len++] = c;
    }
    args->bytes[args->len++] = '\0';
    return true;
}

/* Behind the opening parenthesis, up to and with the closing one. No text at all is one empty
 * argument for a predicate that wants one. */
static bool
read_arguments(struct evaluator *ev, const struct predicate *p, struct arguments *args)
{
    const char *begin = ev->pos;

    if (p->args == 0 && *ev->pos == ')') {
        ev->pos++;
        return true;
    }
    for (;;) {
        if (args->count == p->args)
            return complain(ev, ev->pos, "too many arguments");
        args->items[args->count++] = args->bytes + args->len;
        if (!read_argument(ev, args))
            return false;
        if (*ev->pos++ == ')')
            break;
    }
    return args->count == p->args || complain(ev, begin, "an argument is missing");
}

/* --- grammar ---------------------------------------------------------------------- */

static bool eval_or(struct evaluator *ev);

static void
skip_blanks(struct evaluator *ev)
{
    ev->pos += strspn(ev->pos, " \t");
}

static bool
complain_unknown(struct evaluator *ev, struct str name)
{
    const char *nearest = NULL;
    unsigned best = 4;

    for (size_t i = 0; i < COUNT(predicates); i++) {
        unsigned distance = str_distance(name, str_from(predicates[i].name), best);

        if (distance < best && distance < name.len) {
            best = distance;
            nearest = predicates[i].name;
        }
    }
    complain(ev, ev->pos, "a number or a predicate is expected");
    if (nearest != NULL && ev->err != NULL) {
        size_t len = strlen(ev->err->text);

        snprintf(ev->err->text + len, sizeof(ev->err->text) - len, "; did you mean '%s()'?",
                 nearest);
    }
    return false;
}

static bool
eval_predicate(struct evaluator *ev)
{
    size_t len = strspn(ev->pos, "abcdefghijklmnopqrstuvwxyz_0123456789");
    struct arguments args = { .len = 0 };

    for (size_t i = 0; i < COUNT(predicates); i++) {
        const struct predicate *p = &predicates[i];

        if (strlen(p->name) != len || strncmp(p->name, ev->pos, len) != 0 || ev->pos[len] != '(')
            continue;
        ev->pos += len + 1;
        return read_arguments(ev, p, &args) && p->run(ev, args.items);
    }
    return complain_unknown(ev, str_of(ev->pos, len));
}

static bool
eval_group(struct evaluator *ev)
{
    const char *begin = ev->pos++;
    bool result = eval_or(ev);

    if (ev->has_failed)
        return false;
    skip_blanks(ev);
    if (*ev->pos != ')')
        return complain(ev, begin, "this parenthesis is not closed");
    ev->pos++;
    return result;
}

static bool
eval_term(struct evaluator *ev)
{
    bool result;

    skip_blanks(ev);
    if (isdigit((unsigned char)*ev->pos) ||
        ((*ev->pos == '-' || *ev->pos == '+') && isdigit((unsigned char)ev->pos[1])))
        return strtol(ev->pos, (char **)&ev->pos, 10) != 0;
    if (*ev->pos != '!' && *ev->pos != '(')
        return eval_predicate(ev);
    if (++ev->nesting > NESTING_MAX)
        return complain(ev, ev->pos, "too many parentheses or negations");
    if (*ev->pos == '!') {
        ev->pos++;
        result = !eval_term(ev);
    } else {
        result = eval_group(ev);
    }
    ev->nesting--;
    return result;
}

static bool
eval_and(struct evaluator *ev)
{
    bool result = eval_term(ev);

    for (skip_blanks(ev); !ev->has_failed && strncmp(ev->pos, "&&", 2) == 0; skip_blanks(ev)) {
        ev->pos += 2;
        result = eval_term(ev) && result;
    }
    return result;
}

static bool
eval_or(struct evaluator *ev)
{
    bool result = eval_and(ev);

    while (!ev->has_failed && strncmp(ev->pos, "||", 2) == 0) {
        ev->pos += 2;
        result = eval_and(ev) || result;
    }
    return result;
}

bool
predicate_eval(const struct snapshot *snapshot, const char *text, struct predicate_result *out,
               struct error *err)
{
    struct evaluator ev = { .snapshot = snapshot, .text = text, .pos = text, .err = err };

    *out = (struct predicate_result){ .is_true = false };
    skip_blanks(&ev);
    if (*ev.pos == '\0')
        return true;
    out->is_true = eval_or(&ev);
    skip_blanks(&ev);
    if (!ev.has_failed && *ev.pos != '\0')
        complain(&ev, ev.pos, "'&&', '||' or the end is expected");
    out->failed_at = ev.failed_at;
    return !ev.has_failed;
}

bool
conditional_eval(const char *text, bool *out, struct error *err)
{
    struct predicate_result result;

    if (!predicate_eval(NULL, text, &result, err))
        return false;
    *out = result.is_true;
    return true;
}
