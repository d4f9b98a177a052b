/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: named ACLs, anonymous ones in braces, and, or, not.
 *
 * Owns:    nothing: all in the snapshot's arena.
 * Thread:  builder compiles; traffic tests.
 *
 * A condition is a sum of products: terms that stand side by side are all needed, "or" and "||"
 * begin an alternative. A term is a named ACL, that is a list of tests of which one suffices, or an
 * anonymous test; "!" turns it round.
 */
#include "weir/expr/condition.h"

#include <string.h>

#include "weir/base/text.h"
#include "private.h"

/* One acl line, or the inside of braces. */
struct acl_test {
    struct acl_test *next; /* another line of the same name */
    struct sample *sample;
    enum match_method method;
    enum value_type type;
    struct pattern_list *patterns;
};

struct acl {
    struct acl *next;
    const char *name;
    struct acl_test *first, *last;
};

struct acl_scope {
    struct acl *first;
    const struct acl_scope *outer;
};

struct term {
    const struct acl_test *tests;
    bool is_negated;
    bool ends_product; /* the last of its alternative */
};

struct condition {
    struct term *terms;
    unsigned count;
    bool is_negated; /* unless */
    const char *text;
};

/* --- one test ------------------------------------------------------------------------------ */

/* "hdr_beg(host)": a fetch whose name ends in a method. The base fetch is taken, with the method.
 */
static int
suffix_method(struct str name, size_t *base_len)
{
    long at = -1;
    int method;

    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '_')
            at = (long)i;
    }
    if (at <= 0)
        return -1;
    method = match_method_find(str_of(name.ptr + at + 1, name.len - (size_t)at - 1));
    if (method != MATCH_BEG && method != MATCH_END && method != MATCH_SUB && method != MATCH_DIR &&
        method != MATCH_DOM && method != MATCH_REG && method != MATCH_LEN)
        return -1;
    *base_len = (size_t)at;
    return fetch_find(str_of(name.ptr, *base_len)) == NULL ? -1 : method;
}

static enum match_method
natural_method(const struct sample *sample)
{
    switch (sample->out) {
    case VALUE_BOOL:
        return MATCH_BOOL;
    case VALUE_INT:
        return MATCH_INT;
    case VALUE_IP4:
    case VALUE_IP6:
    case VALUE_ADDR:
        return MATCH_IP;
    case VALUE_BIN:
        return MATCH_BIN;
    case VALUE_NONE:
    case VALUE_STR:
    case VALUE_METHOD:
    case VALUE_ANY:
    case VALUE_SAME:
    case VALUE_TYPES:
        break;
    }
    return MATCH_STR;
}

/* The criterion: an expression, perhaps with a method in its name. */
static bool
parse_criterion(struct parse *parse, unsigned place, struct acl_test *test, int *method)
{
    const char *word = parse_word(parse, "a criterion"), *end;
    size_t base_len;
    struct str name;

    if (word == NULL)
        return false;
    name = str_of(word, strcspn(word, "(),"));
    *method = fetch_find(name) == NULL ? suffix_method(name, &base_len) : -1;
    if (*method >= 0)
        word = arena_printf(parse->arena, "%.*s%s", (int)base_len, word, word + name.len);
    test->sample = sample_parse_text(parse, word, &end, place);
    if (test->sample == NULL)
        return false;
    return *end == '\0' || parse_alert(parse, "unexpected '%s' at the end of the criterion", end);
}

struct acl_flags {
    bool no_case;
    int method; /* -1: none given */
    const char *files[16];
    unsigned file_count;
};

static bool
parse_flag(struct parse *parse, const char *flag, struct acl_flags *flags)
{
    const char *word;

    if (strcmp(flag, "-i") == 0) {
        flags->no_case = true;
        return true;
    }
    if (strcmp(flag, "-n") == 0) /* no name lookups: weir never looks names up here */
        return true;
    if (strcmp(flag, "-f") == 0) {
        word = parse_word(parse, "a file");
        if (word != NULL && (strncmp(word, "virt@", 5) == 0 || strncmp(word, "opt@", 4) == 0))
            return parse_not_yet(parse, word);
        if (word != NULL && flags->file_count == COUNT(flags->files))
            return parse_alert(parse, "too many files");
        if (word != NULL)
            flags->files[flags->file_count++] = word;
        return word != NULL;
    }
    if (strcmp(flag, "-m") == 0) {
        word = parse_word(parse, "a match method");
        if (word == NULL)
            return false;
        flags->method = match_method_find(str_from(word));
        return flags->method >= 0 || parse_alert(parse,
                                                 "unknown match method '%s'; known: found bool int "
                                                 "ip bin len str beg sub dir dom end "
                                                 "reg",
                                                 word);
    }
    if (strcmp(flag, "-M") == 0 || strcmp(flag, "-u") == 0)
        return parse_not_yet(parse, flag);
    return parse_alert(
        parse, "unknown flag '%s'; a value that begins with '-' needs '--' before it", flag);
}

static bool
parse_flags(struct parse *parse, struct acl_flags *flags)
{
    const char *word;

    while ((word = words_peek(parse->words)) != NULL && word[0] == '-' && word[1] != '\0' &&
           !(word[1] >= '0' && word[1] <= '9')) {
        words_next(parse->words);
        if (strcmp(word, "--") == 0)
            return true;
        if (!parse_flag(parse, word, flags))
            return false;
    }
    return true;
}

/* "ge 5" becomes the range "5:". */
static const char *
parse_operator(struct parse *parse, const char *word)
{
    static const struct {
        const char *name, *format;
        int shift;
    } operators[] = {
        { "eq", "%lld:%lld", 0 }, { "ge", "%lld:", 0 },  { "gt", "%lld:", 1 },
        { "le", ":%lld", 0 },     { "lt", ":%lld", -1 },
    };

    for (size_t i = 0; i < COUNT(operators); i++) {
        int64_t n;

        if (strcmp(operators[i].name, word) != 0)
            continue;
        parse->keyword = word;
        if (!parse_int(parse, "a number", INT64_MIN + 1, INT64_MAX - 1, &n))
            return NULL;
        n += operators[i].shift;
        return i == 0  ? arena_printf(parse->arena, "%lld:%lld", (long long)n, (long long)n)
               : i < 3 ? arena_printf(parse->arena, "%lld:", (long long)n)
                       : arena_printf(parse->arena, ":%lld", (long long)n);
    }
    return word;
}

static bool
parse_values(struct parse *parse, struct acl_test *test, const char *end_word)
{
    const char *word;

    while ((word = words_peek(parse->words)) != NULL &&
           (end_word == NULL || strcmp(word, end_word) != 0)) {
        words_next(parse->words);
        if (test->method == MATCH_INT || test->method == MATCH_LEN)
            word = parse_operator(parse, word);
        if (word == NULL || !pattern_list_add(parse, test->patterns, word))
            return false;
    }
    return true;
}

static struct acl_test *
parse_test(struct parse *parse, unsigned place, const char *end_word)
{
    struct acl_test *test = ARENA_NEW(parse->arena, struct acl_test);
    struct acl_flags flags = { .method = -1 };
    int method;

    if (!parse_criterion(parse, place, test, &method) || !parse_flags(parse, &flags))
        return NULL;
    if (flags.method >= 0 && method >= 0 && flags.method != method)
        parse_warn(parse, "'-m %s' takes the place of the method in the criterion's name",
                   match_method_name((enum match_method)flags.method));
    if (flags.method >= 0)
        method = flags.method;
    test->method = method >= 0 ? (enum match_method)method : natural_method(test->sample);
    test->type = match_method_type(test->method, test->sample->out);
    if (test->method == MATCH_STR && test->sample->out == VALUE_METHOD)
        test->type = VALUE_METHOD;
    if (!value_can_cast(test->sample->out, test->type)) {
        parse_alert(parse, "method '%s' cannot be used on '%s', which gives %s",
                    match_method_name(test->method), test->sample->text,
                    value_type_name(test->sample->out));
        return NULL;
    }
    test->patterns = pattern_list_new(parse, test->method, flags.no_case);
    for (unsigned i = 0; i < flags.file_count; i++) {
        if (!pattern_list_add_file(parse, test->patterns, flags.files[i]))
            return NULL;
    }
    if (!parse_values(parse, test, end_word))
        return NULL;
    if (pattern_list_count(test->patterns) == 0 && flags.file_count == 0 &&
        test->method != MATCH_FOUND && test->method != MATCH_BOOL)
        parse_warn(parse, "'%s' is compared with nothing: it never matches", test->sample->text);
    pattern_list_compile(parse, test->patterns);
    return test;
}

/* --- named ACLs ------------------------------------------------------------------------------- */

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
find_acl(const struct acl_scope *scope, const char *name)
{
    struct acl *acl = NULL;

    for (; scope != NULL && acl == NULL; scope = scope->outer)
        acl = find_here(scope, name);
    return acl;
}

static struct acl *
add_acl(struct parse *parse, struct acl_scope *scope, const char *name)
{
    struct acl *acl = find_here(scope, name);

    if (acl != NULL)
        return acl;
    acl = ARENA_NEW(parse->arena, struct acl);
    acl->name = name;
    acl->next = scope->first;
    scope->first = acl;
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

    if (name == NULL)
        return false;
    if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-")] !=
        '\0')
        return parse_alert(
            parse, "the name of an acl has letters, digits and '_.:-' only, not '%s'", name);
    if (strcmp(name, "or") == 0)
        return parse_alert(parse, "an acl cannot be named 'or'");
    test = parse_test(parse, 0, NULL);
    if (test == NULL)
        return false;
    add_test(add_acl(parse, scope, name), test);
    return true;
}

/* --- predefined ACLs ----------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    const char *words[6];
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
    { "REQ_CONTENT", { "req.len", "gt", "0" } },
    { "WAIT_END", { "wait_end" } },
};

/* Compiled where it is used. */
static const struct acl_test *
make_predefined(struct parse *parse, const char *name, unsigned place)
{
    for (size_t i = 0; i < COUNT(predefined); i++) {
        struct word items[6];
        struct words words = *parse->words;
        struct parse inner = *parse;

        if (strcmp(predefined[i].name, name) != 0)
            continue;
        words.items = items;
        words.at = words.count = 0;
        for (; words.count < 6 && predefined[i].words[words.count] != NULL; words.count++)
            items[words.count] =
                (struct word){ .text = predefined[i].words[words.count], .column = 1 };
        inner.words = &words;
        return parse_test(&inner, place, NULL);
    }
    return NULL;
}

/* --- conditions
 * ------------------------------------------------------------------------------------ */

struct builder {
    struct parse *parse;
    const struct acl_scope *scope;
    unsigned place;
    struct term terms[256];
    unsigned count;
};

static const char *
suggest_acl(struct builder *b, const char *name)
{
    const char *names[512];
    size_t count = 0;

    for (const struct acl_scope *scope = b->scope; scope != NULL; scope = scope->outer) {
        for (const struct acl *acl = scope->first; acl != NULL && count < COUNT(names) - 1;
             acl = acl->next)
            names[count++] = acl->name;
    }
    names[count] = NULL;
    return parse_suggest(b->parse, name, names);
}

/* A named ACL was read without knowing where it would be used: its fetches are checked here. */
static void
check_places(struct builder *b, const struct acl *acl)
{
    for (const struct acl_test *test = acl->first; test != NULL; test = test->next) {
        if (b->place != 0 && (test->sample->fetch->places & b->place) == 0)
            parse_warn(b->parse, "acl '%s' never matches here: '%s' is not known at this point",
                       acl->name, test->sample->fetch->name);
    }
}

static bool
add_named(struct builder *b, const char *name, bool is_negated)
{
    const struct acl *acl = find_acl(b->scope, name);
    const struct acl_test *tests;

    if (acl != NULL)
        check_places(b, acl);
    tests = acl != NULL ? acl->first : make_predefined(b->parse, name, b->place);
    if (tests == NULL)
        return parse_alert(b->parse, "there is no acl '%s'%s", name, suggest_acl(b, name));
    b->terms[b->count++] = (struct term){ .tests = tests, .is_negated = is_negated };
    return true;
}

static bool
add_anonymous(struct builder *b, bool is_negated)
{
    struct acl_test *test = parse_test(b->parse, b->place, "}");

    if (test == NULL)
        return false;
    if (!words_accept(b->parse->words, "}"))
        return parse_alert_next(
            b->parse, "the brace of this condition is not closed; blanks are needed around '{' and "
                      "'}'");
    b->terms[b->count++] = (struct term){ .tests = test, .is_negated = is_negated };
    return true;
}

static bool
add_word(struct builder *b, const char *word)
{
    bool is_negated = false;

    if (strcmp(word, "or") == 0 || strcmp(word, "||") == 0) {
        if (b->count == 0 || b->terms[b->count - 1].ends_product)
            return parse_alert(b->parse, "'%s' stands between two conditions", word);
        b->terms[b->count - 1].ends_product = true;
        return true;
    }
    while (word != NULL && *word == '!') {
        is_negated = !is_negated;
        word = word[1] == '\0' ? words_next(b->parse->words) : word + 1;
    }
    if (word == NULL)
        return parse_alert_next(b->parse, "a condition should follow '!'");
    if (b->count == COUNT(b->terms))
        return parse_alert(b->parse, "this condition has too many terms");
    return strcmp(word, "{") == 0 ? add_anonymous(b, is_negated) : add_named(b, word, is_negated);
}

static const char *
text_from(struct parse *parse, unsigned from)
{
    struct text text = TEXT_INIT;
    const char *copy;

    for (unsigned i = from; i < parse->words->count; i++)
        text_printf(&text, "%s%s", i > from ? " " : "", parse->words->items[i].text);
    copy = arena_copy(parse->arena, text_cstr(&text));
    text_fini(&text);
    return copy;
}

struct condition *
condition_parse(struct parse *parse, const struct acl_scope *scope, unsigned place, bool negate)
{
    struct builder b = { .parse = parse, .scope = scope, .place = place };
    struct condition *condition;
    unsigned from = parse->words->at;
    const char *word;

    if (words_at_end(parse->words)) {
        parse_alert_next(parse, "a condition is missing here");
        return NULL;
    }
    while ((word = words_next(parse->words)) != NULL) {
        if (!add_word(&b, word))
            return NULL;
    }
    if (b.terms[b.count - 1].ends_product) {
        parse_alert(parse, "a condition should follow 'or'");
        return NULL;
    }
    b.terms[b.count - 1].ends_product = true;
    condition = ARENA_NEW(parse->arena, struct condition);
    condition->terms = ARENA_ARRAY(parse->arena, struct term, b.count);
    memcpy(condition->terms, b.terms, b.count * sizeof(b.terms[0]));
    condition->count = b.count;
    condition->is_negated = negate;
    condition->text = text_from(parse, from);
    return condition;
}

bool
condition_parse_optional(struct parse *parse, const struct acl_scope *scope, unsigned place,
                         struct condition **out)
{
    const char *word = words_peek(parse->words);
    bool is_unless = word != NULL && strcmp(word, "unless") == 0;

    *out = NULL;
    if (word == NULL)
        return true;
    if (!is_unless && strcmp(word, "if") != 0)
        return parse_alert_next(parse, "'if' or 'unless' should stand here, not '%s'", word);
    words_next(parse->words);
    *out = condition_parse(parse, scope, place, is_unless);
    return *out != NULL;
}

const char *
condition_text(const struct condition *condition)
{
    return condition == NULL ? "" : condition->text;
}

/* --- testing
 * ------------------------------------------------------------------------------------------- */

/* A fetch may have several values (header fields): one that matches is enough. */
static enum truth
test_one(const struct acl_test *test, struct eval *eval)
{
    struct value value;

    value.cursor = 0;
    do {
        enum fetched result = sample_run(test->sample, eval, &value);
        uint8_t flags = value.flags;

        if (result == FETCH_LATER)
            return TRUTH_LATER;
        if (result == FETCH_OK && value_cast(&value, test->type, eval->arena) &&
            pattern_list_match(test->patterns, &value))
            return TRUTH_YES;
        if ((flags & VALUE_MAY_CHANGE) != 0 && !eval->final)
            return TRUTH_LATER;
        if ((flags & VALUE_MORE) == 0)
            return TRUTH_NO;
    } while (true);
}

static enum truth
test_any(const struct acl_test *test, struct eval *eval)
{
    enum truth result = TRUTH_NO;

    for (; test != NULL; test = test->next) {
        enum truth truth = test_one(test, eval);

        if (truth == TRUTH_YES)
            return TRUTH_YES;
        if (truth == TRUTH_LATER)
            result = TRUTH_LATER;
    }
    return result;
}

enum truth
condition_test(const struct condition *condition, struct eval *eval)
{
    enum truth product = TRUTH_YES, sum = TRUTH_NO;

    if (condition == NULL)
        return TRUTH_YES;
    for (unsigned i = 0; i < condition->count && sum != TRUTH_YES; i++) {
        const struct term *term = &condition->terms[i];

        if (product != TRUTH_NO) {
            enum truth truth = test_any(term->tests, eval);

            if (term->is_negated && truth != TRUTH_LATER)
                truth = truth == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
            if (truth != TRUTH_YES && product == TRUTH_YES)
                product = truth;
            if (truth == TRUTH_NO)
                product = TRUTH_NO;
        }
        if (!term->ends_product)
            continue;
        if (product != TRUTH_NO)
            sum = product;
        product = TRUTH_YES;
    }
    if (sum == TRUTH_LATER)
        return TRUTH_LATER;
    return (sum == TRUTH_YES) != condition->is_negated ? TRUTH_YES : TRUTH_NO;
}
