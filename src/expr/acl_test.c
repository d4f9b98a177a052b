/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One test of a condition: "path_beg -i /api /static".
 *
 * Thread: builder reads; traffic tests.
 *
 * The criterion is a sample expression. How its value is matched is said by -m, else by the end of
 * the fetch's name ("path_beg" is "path" and "beg"; not once a converter follows), else by the type
 * of the value.
 */
#include <inttypes.h>
#include <string.h>

#include "weir/base/number.h"

#include "weir/expr/explain.h"
#include "weir/loop/grace.h"
#include "acl.h"
#include "pattern_file.h"
#include "private.h"

#define FILES_MAX 16

struct test_flags {
    bool no_case;
    bool is_map;   /* -M: files have a second column */
    bool is_ended; /* "--" was there: no patterns is what is meant */
    int method;    /* -1: none given */
    const char *files[FILES_MAX];
    unsigned file_count;
    int64_t id; /* of the patterns of the line, at run time; -1: any */
};

/* --- the criterion ------------------------------------------------------------------------- */

/* Names that mean something else in a criterion than in an expression. */
static const struct {
    const char *name, *fetch;
    int method; /* -1: as the type says */
} criteria[] = {
    { "hdr", "req.hdr", -1 },
    { "payload", "req.payload", MATCH_BIN },
    { "payload_lv", "req.payload_lv", MATCH_BIN },
};

static struct str
fetch_of(struct str name, int *method)
{
    for (size_t i = 0; i < COUNT(criteria); i++) {
        if (!str_eq(str_from(criteria[i].name), name))
            continue;
        *method = criteria[i].method;
        return str_from(criteria[i].fetch);
    }
    return name;
}

/* "hdr_beg" to "req.hdr" and its method; other names as they are. */
static struct str
split_criterion(struct str name, int *method)
{
    const char *at = name.len == 0 ? NULL : memrchr(name.ptr, '_', name.len);
    struct str base;
    int suffix;

    *method = -1;
    if (fetch_find(name) != NULL || at == NULL)
        return fetch_of(name, method);
    base = str_of(name.ptr, (size_t)(at - name.ptr));
    suffix = match_method_find(str_slice(name, base.len + 1, name.len));
    if (suffix < 0)
        return name;
    base = fetch_of(base, method);
    if (fetch_find(base) == NULL)
        return name;
    *method = suffix;
    return base;
}

static const struct sample *
parse_criterion(struct parse *parse, unsigned place, int *method)
{
    const char *word = parse_word(parse, "a criterion"), *end;
    struct sample *sample;
    struct str name, fetch;

    if (word == NULL)
        return NULL;
    name = str_of(word, strcspn(word, SAMPLE_NAME_END));
    fetch = split_criterion(name, method);
    if (!str_eq(fetch, name))
        word = arena_printf(parse->arena, "%.*s%s", STR_ARG(fetch), word + name.len);
    sample = sample_parse_text(parse, word, &end, 0);
    if (sample == NULL)
        return NULL;
    if (*end != '\0') {
        expr_alert(parse, end, "unexpected '%s' behind the criterion", end);
        return NULL;
    }
    if (place != 0 && (sample->fetch->places & place) == 0)
        parse_warn(parse, "this never matches: '%s' is not known in %s", sample->fetch->name,
                   place_name(place));
    if (sample->step_count > 0)
        *method = -1;
    return sample;
}

/* --- flags ------------------------------------------------------------------------------------ */

static bool
parse_method(struct parse *parse, struct test_flags *flags)
{
    const char *word = parse_word(parse, "a match method");

    if (word == NULL)
        return false;
    if (flags->method >= 0)
        return parse_alert(parse, "'-m' was given already");
    if (flags->file_count > 0)
        return parse_alert(parse, "'-m' must stand before '-f'");
    flags->method = match_method_find(str_from(word));
    return flags->method >= 0 ||
           parse_alert(parse, "unknown match method '%s'; known are %s", word,
                       match_method_list());
}

static bool
parse_file(struct parse *parse, struct test_flags *flags)
{
    const char *word = parse_word(parse, "a file");

    if (word == NULL)
        return false;
    if (flags->file_count == FILES_MAX)
        return parse_alert(parse, "at most %d files", FILES_MAX);
    flags->files[flags->file_count++] = word;
    return true;
}

static bool
parse_id(struct parse *parse, struct test_flags *flags)
{
    const char *word = parse_word(parse, "a number");

    if (word == NULL)
        return false;
    return number_parse_int(str_from(word), 0, INT32_MAX, &flags->id, NULL) ||
           parse_alert(parse, "'-u' wants a number from 0 to %d, not '%s'", INT32_MAX, word);
}

static bool
parse_flag(struct parse *parse, const char *flag, struct test_flags *flags)
{
    switch (flag[2] == '\0' ? flag[1] : '\0') {
    case 'i':
        return flags->no_case = true;
    case 'M':
        return flags->is_map = true;
    case 'n': /* no name look-ups: weir makes none here anyway */
        return true;
    case 'm':
        return parse_method(parse, flags);
    case 'f':
        return parse_file(parse, flags);
    case 'u':
        return parse_id(parse, flags);
    default:
        return parse_alert(parse,
                           "unknown flag '%s'; a value that begins with '-' needs '--' before it",
                           flag);
    }
}

static bool
is_flag(const char *word)
{
    return word != NULL && word[0] == '-' && word[1] != '\0' &&
           !(word[1] >= '0' && word[1] <= '9');
}

static bool
parse_flags(struct parse *parse, struct test_flags *flags)
{
    while (is_flag(words_peek(parse->words))) {
        const char *word = words_next(parse->words);

        if (strcmp(word, "--") == 0)
            return flags->is_ended = true;
        if (!parse_flag(parse, word, flags))
            return false;
    }
    return true;
}

/* --- patterns ----------------------------------------------------------------------------------- */

/* "3.1" as the number that it stands for; other words, which are not versions, as they are. */
static const char *
version_number(struct parse *parse, struct str text)
{
    struct str minor = text, major = str_split(&minor, '.');
    uint64_t high = 0, low = 0;

    if (!number_read_digits(major, &high) || high > UINT16_MAX ||
        (minor.ptr != NULL && (!number_read_digits(minor, &low) || low > UINT16_MAX)))
        return arena_printf(parse->arena, "%.*s", STR_ARG(text));
    return arena_printf(parse->arena, "%" PRIu64, high << 16 | low);
}

static const char *
version_range(struct parse *parse, const char *word)
{
    struct str high = str_from(word), low = str_split(&high, ':');

    if (high.ptr == NULL)
        return version_number(parse, low);
    return arena_printf(parse->arena, "%s:%s", version_number(parse, low),
                        version_number(parse, high));
}

/* As a range, which needs no operator: what the runtime socket shows and takes. */
static const char *
range_text(struct parse *parse, const char *word, int compare)
{
    int64_t n;

    if (compare == COMPARE_EQ ||
        !number_parse_int(str_from(word), INT64_MIN + 1, INT64_MAX - 1, &n, NULL))
        return word;
    if (compare == COMPARE_LE || compare == COMPARE_LT)
        return arena_printf(parse->arena, ":%" PRId64, compare == COMPARE_LT ? n - 1 : n);
    return arena_printf(parse->arena, "%" PRId64 ":", compare == COMPARE_GT ? n + 1 : n);
}

/* An operator counts for all numbers behind it. */
static bool
add_value(struct parse *parse, struct pattern_line *line, const char *word, int *compare)
{
    struct pattern_set *set = line->list->set;
    bool is_number = line->method == MATCH_INT || line->method == MATCH_LEN;
    int operator= is_number ? compare_find(word) : -1;
    struct error err = ERROR_INIT;

    if (operator>= 0) {
        *compare = operator;
        return true;
    }
    line->keys[line->count++] = range_text(parse, word, *compare);
    return pattern_set_add(set, str_from(word), (enum compare) * compare, NULL, &err) ||
           parse_alert(parse, "%s", err.text);
}

static bool
parse_values(struct parse *parse, const struct sample *sample, struct pattern_line *line,
             const char *end_word)
{
    bool is_version =
        line->method == MATCH_INT && sample->fetch->is_version && sample->step_count == 0;
    const char *word;
    int compare = COMPARE_EQ;

    line->keys = ARENA_ARRAY(parse->arena, const char *, parse->words->count - parse->words->at + 1);
    while ((word = words_peek(parse->words)) != NULL &&
           (end_word == NULL || strcmp(word, end_word) != 0)) {
        words_next(parse->words);
        if (is_version && compare_find(word) < 0)
            word = version_range(parse, word);
        if (!add_value(parse, line, word, &compare))
            return false;
    }
    pattern_set_compile(line->list->set);
    return true;
}

static bool
parse_files(struct parse *parse, struct acl_test *test, const struct test_flags *flags)
{
    enum pattern_columns columns = flags->is_map ? PATTERN_MAP : PATTERN_KEYS;

    test->lists = ARENA_ARRAY(parse->arena, struct pattern_list *, flags->file_count + 1);
    for (unsigned i = 0; i < flags->file_count; i++) {
        struct pattern_list *list =
            pattern_file_use(parse, flags->files[i], columns, test->method, test->no_case);

        if (list == NULL)
            return false;
        test->lists[test->list_count++] = list;
    }
    return true;
}

static struct pattern_line *
line_new(struct parse *parse, const struct acl_test *test, struct str name)
{
    struct pattern_line *line = ARENA_NEW(parse->arena, struct pattern_line);

    line->name = name;
    line->pos = parse_pos(parse);
    line->method = test->method;
    line->no_case = test->no_case;
    line->list = pattern_list_new(parse, test->method, test->no_case);
    return line;
}

/* Files first: they are walked or hashed on their own; then the values of the line. */
static bool
parse_patterns(struct parse *parse, struct acl_test *test, const struct test_flags *flags,
               struct str name, const char *end_word)
{
    struct pattern_line *line = line_new(parse, test, name);

    if (!parse_files(parse, test, flags) || !parse_values(parse, test->sample, line, end_word))
        return false;
    if (line->count == 0 && flags->file_count == 0 && !flags->is_ended &&
        match_method_has_patterns(test->method))
        parse_warn(parse,
                   "'%s' is compared with nothing and never matches; say '--' if that is meant",
                   test->sample->text);
    if (line->count == 0 && flags->file_count > 0 && flags->id < 0)
        return true;
    test->lists[test->list_count++] = line->list;
    pattern_line_seal(line);
    return pattern_use_line(parse, line, flags->id);
}

static void
keep_values(struct parse *parse, struct acl_test *test, unsigned from)
{
    unsigned count = parse->words->at - from;
    const char **values = ARENA_ARRAY(parse->arena, const char *, count + 1);

    for (unsigned i = 0; i < count; i++)
        values[i] = parse->words->items[from + i].text;
    test->values = values;
    test->value_count = count;
}

/* The words that were read, from `from` on. */
static const char *
words_text(const struct parse *parse, unsigned from)
{
    const char *text = parse->words->items[from].text;

    for (unsigned i = from + 1; i < parse->words->at; i++)
        text = arena_printf(parse->arena, "%s %s", text, parse->words->items[i].text);
    return text;
}

static bool
choose_method(struct parse *parse, const struct sample *sample, const struct test_flags *flags,
              int *method)
{
    if (flags->method >= 0 && *method >= 0 && flags->method != *method)
        parse_warn(parse, "'-m %s' takes the place of the method in the criterion's name",
                   match_method_name((enum match_method)flags->method));
    if (flags->method >= 0)
        *method = flags->method;
    if (*method < 0)
        *method = match_method_natural(sample->out);
    if (*method < 0)
        return parse_alert(parse, "'%s' gives %s: say with '-m' how it is matched (%s)",
                           sample->text, value_type_name(sample->out), match_method_list());
    if (!value_can_cast(sample->out,
                        match_method_type((enum match_method) * method, sample->out)))
        return parse_alert(parse, "method '%s' cannot be used on '%s', which gives %s",
                           match_method_name((enum match_method) * method), sample->text,
                           value_type_name(sample->out));
    return true;
}

struct acl_test *
acl_test_parse(struct parse *parse, unsigned place, const char *end_word)
{
    struct acl_test *test = ARENA_NEW(parse->arena, struct acl_test);
    struct test_flags flags = { .method = -1, .id = -1 };
    unsigned from = parse->words->at, values_from;
    const char *name = words_peek(parse->words);
    int method;

    test->sample = parse_criterion(parse, place, &method);
    if (test->sample == NULL || !parse_flags(parse, &flags) ||
        !choose_method(parse, test->sample, &flags, &method))
        return NULL;
    test->method = (enum match_method)method;
    test->no_case = flags.no_case;
    test->has_files = flags.file_count > 0;
    values_from = parse->words->at;
    test->type = match_method_type((enum match_method)method, test->sample->out);
    if (!parse_patterns(parse, test, &flags, str_of(name, strcspn(name, SAMPLE_NAME_END)),
                        end_word))
        return NULL;
    keep_values(parse, test, values_from);
    test->text = words_text(parse, from);
    test->pos = parse_pos(parse);
    return test;
}

/* --- testing ---------------------------------------------------------------------------------------- */

static const struct pattern *
find_match(const struct acl_test *test, const struct value *value)
{
    const struct pattern *pattern = NULL;

    for (unsigned i = 0; i < test->list_count && pattern == NULL; i++)
        pattern = pattern_set_find(grace_read(test->lists[i]->set), value);
    return pattern;
}

/* What another rule has asked for just before. */
static inline const struct sample_memo *
recall(const struct acl_test *test, const struct eval *eval)
{
    const struct sample_memo *memo = eval->memo;

    if (memo == NULL || test->sample->memo == 0 || memo->number != test->sample->memo ||
        (!memo->is_none && memo->value.type != test->type))
        return NULL;
    return memo;
}

/* One value, or none, that will not change by itself. */
static inline void
remember(struct sample_memo *memo, const struct acl_test *test, enum fetched result,
         const struct value *value)
{
    memo->number = 0;
    if (test->sample->memo == 0 || (value->flags & (VALUE_MORE | VALUE_MAY_CHANGE)) != 0)
        return;
    memo->number = test->sample->memo;
    memo->is_none = result == FETCH_NONE;
    if (!memo->is_none)
        memo->value = *value;
}

/* A fetch may have several values (header fields): one that matches is enough. */
static __attribute__((noinline)) enum truth
run(const struct acl_test *test, struct eval *eval, const struct pattern **matched)
{
    bool is_first = true;
    struct value value;
    uint8_t flags;

    *matched = NULL;
    value.cursor = 0;
    do {
        enum fetched result = sample_run(test->sample, eval, &value);

        if (result == FETCH_LATER)
            return TRUTH_LATER;
        flags = value.flags;
        if (eval->memo != NULL && is_first)
            remember(eval->memo, test, result, &value);
        is_first = false;
        if (result == FETCH_OK && value_cast(&value, test->type, eval->arena) &&
            (*matched = find_match(test, &value)) != NULL)
            return TRUTH_YES;
    } while ((flags & VALUE_MORE) != 0);
    return (flags & VALUE_MAY_CHANGE) != 0 && !eval->final ? TRUTH_LATER : TRUTH_NO;
}

/* The key in a list; patterns of the line itself are in its text. */
static const char *
key_of(struct explain *explain, const struct pattern *matched)
{
    if (matched == NULL || matched->entry == NULL)
        return NULL;
    return arena_copy_str(&explain->arena, matched->entry->key);
}

static enum truth
run_explained(const struct acl_test *test, struct eval *eval)
{
    static const enum explain_outcome outcomes[] = { [TRUTH_NO] = OUTCOME_NO,
                                                     [TRUTH_YES] = OUTCOME_YES,
                                                     [TRUTH_LATER] = OUTCOME_LATER };
    struct explain *explain = eval->explain;
    const struct pattern *matched;
    enum truth truth;

    explain_test(explain, test->pos, test->text, test->name);
    truth = run(test, eval, &matched);
    explain_test_outcome(explain, outcomes[truth], key_of(explain, matched));
    return truth;
}

enum truth
acl_test_one(const struct acl_test *test, struct eval *eval)
{
    const struct sample_memo *known = recall(test, eval);
    const struct pattern *matched;

    if (known != NULL)
        return !known->is_none && find_match(test, &known->value) != NULL ? TRUTH_YES : TRUTH_NO;
    if (__builtin_expect(eval->explain != NULL, 0))
        return run_explained(test, eval);
    return run(test, eval, &matched);
}

enum truth
acl_test_any(const struct acl_test *tests, struct eval *eval)
{
    enum truth result = TRUTH_NO;

    for (const struct acl_test *test = tests; test != NULL; test = test->next) {
        enum truth truth = acl_test_one(test, eval);

        if (truth == TRUTH_YES)
            return TRUTH_YES;
        if (truth == TRUTH_LATER)
            result = TRUTH_LATER;
    }
    return result;
}
