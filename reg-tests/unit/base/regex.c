/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 behind a few functions. */
#include "weir/base/regex.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_matching(void **state)
{
    struct regex *regex = regex_compile(STR("^/static/.*\\.(css|js)$"), REGEX_CASE, NULL);

    (void)state;
    assert_non_null(regex);
    assert_true(regex_match(regex, STR("/static/a.css")));
    assert_false(regex_match(regex, STR("/static/a.CSS")));
    assert_false(regex_match(regex, STR_NONE));
    regex_free(regex);
    regex = regex_compile(STR("abc"), REGEX_NOCASE, NULL);
    assert_true(regex_match(regex, STR("xxABCxx")));
    assert_true(regex_match(regex, STR("\xff\0abc"))); /* bytes, not UTF-8 */
    regex_free(regex);
    regex_free(NULL);
}

/* What a pattern begins with is compared before the machine starts: it must be no guess. */
static void
test_beginnings(void **state)
{
    static const struct {
        const char *pattern, *subject;
        bool matches;
    } cases[] = {
        { "^/api/v[0-9]", "/api/v1", true },   { "^/api/v[0-9]", "/apj/v1", false },
        { "^/a|/b", "/b", true },              { "^(/a|/b)", "/b", true },
        { "^/x(a|b)", "/xb", true },           { "^/x(a|b)", "/yb", false },
        { "^ab?c", "ac", true },               { "^ab*c", "ac", true },
        { "^ab{0,2}c", "ac", true },           { "^ab+c", "abbc", true },
        { "^ab+c", "ac", false },              { "^a\\.b", "a.b", true },
        { "^a\\.b", "axb", false },            { "^a\\db", "a1b", true },
        { "^[|]x|y", "y", true },              { "^[]|]x", "|x", true },
        { "^(?i)abc", "ABC", true },           { "^ab(?i)c", "abC", true },
        { "^ab(?:c|d)e", "abde", true },       { "^a\\Q(\\E|b", "b", true },
        { "(?i)^abc", "ABC", true },           { "^", "", true },
        { "^a\\|b", "a|b", true },             { "^a\\|b", "b", false },
        { "^a(\\(|x)b|c", "c", true },         { "^a$", "a", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct regex *regex = regex_compile(str_from(cases[i].pattern), REGEX_CASE, NULL);

        assert_non_null(regex);
        if (regex_match(regex, str_from(cases[i].subject)) != cases[i].matches)
            fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].subject);
        regex_free(regex);
    }
}

static void
test_mistakes_say_where(void **state)
{
    struct error err = ERROR_INIT;

    (void)state;
    assert_null(regex_compile(STR("a(b"), REGEX_CASE, &err));
    assert_non_null(strstr(err.text, "'a(b' is invalid at offset 3: "));
    assert_non_null(strstr(err.text, "parenthes"));
    assert_null(regex_compile(STR("*"), REGEX_CASE, NULL));
}

static void
test_capturing(void **state)
{
    struct regex *regex = regex_compile(STR("(a)(b)?(c)"), REGEX_CASE, NULL);
    struct str groups[REGEX_GROUPS_MAX];
    struct str subject = STR("xxac abc");

    (void)state;
    assert_int_equal(regex_capture(regex, subject, 0, groups), 4);
    assert_true(str_eq(groups[0], STR("ac")));
    assert_ptr_equal(groups[0].ptr, subject.ptr + 2);
    assert_true(str_eq(groups[1], STR("a")));
    assert_null(groups[2].ptr);
    assert_true(str_eq(groups[3], STR("c")));
    assert_int_equal(regex_capture(regex, subject, 4, groups), 4);
    assert_true(str_eq(groups[2], STR("b")));
    assert_int_equal(regex_capture(regex, subject, 6, groups), 0);
    assert_int_equal(regex_capture(regex, subject, 99, groups), 0);
    regex_free(regex);
}

static void
test_more_groups_than_places(void **state)
{
    struct regex *regex = regex_compile(STR("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)"), REGEX_CASE, NULL);
    struct str groups[REGEX_GROUPS_MAX];

    (void)state;
    assert_int_equal(regex_capture(regex, STR("abcdefghijk"), 0, groups), REGEX_GROUPS_MAX);
    assert_true(str_eq(groups[9], STR("i")));
    regex_free(regex);
}

static bool
expands_to(const char *format, const struct str *groups, int count, const char *expected)
{
    char to[100];
    long len = regex_expand(to, sizeof(to), str_from(format), groups, count);

    return len != -1 && str_eq(str_of(to, (size_t)len), str_from(expected));
}

static void
test_expanding(void **state)
{
    struct str groups[3] = { STR("abc"), STR("a"), STR_NONE };
    char to[4];

    (void)state;
    assert_true(expands_to("x\\1y\\0z", groups, 3, "xayabcz"));
    assert_true(expands_to("\\2\\9", groups, 3, ""));
    assert_true(expands_to("\\x41\\q\\\\\\xz", groups, 3, "Aq\\xz"));
    assert_true(expands_to("end\\", groups, 3, "end\\"));
    assert_true(expands_to("", groups, 3, ""));
    assert_int_equal(regex_expand(to, 4, STR("a\\0"), groups, 3), 4);
    assert_int_equal(regex_expand(to, 3, STR("a\\0"), groups, 3), -1);
    assert_int_equal(regex_expand(to, 0, STR("a"), groups, 3), -1);
}

/* Ends in a limit of PCRE2 rather than in hours or a broken stack. */
static void
test_a_pattern_that_explodes_does_not_match(void **state)
{
    struct regex *regex = regex_compile(STR("^(a+)+$"), REGEX_CASE, NULL);
    struct regex *deep = regex_compile(STR("^(?:(a)|b)*$"), REGEX_CASE, NULL);
    char *subject = malloc(300000);

    (void)state;
    memset(subject, 'a', 300000);
    subject[40] = '!';
    assert_false(regex_match(regex, str_of(subject, 41)));
    subject[299999] = '!';
    assert_false(regex_match(deep, str_of(subject, 300000)));
    free(subject);
    regex_free(regex);
    regex_free(deep);
}

static void *
match_often(void *ptr)
{
    for (int i = 0; i < 1000; i++) {
        if (!regex_match(ptr, STR("/static/x.css")))
            return ptr;
    }
    return NULL;
}

static void
test_threads_share_a_pattern(void **state)
{
    struct regex *regex = regex_compile(STR("^/static/.*\\.(css|js)$"), REGEX_CASE, NULL);
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, match_often, regex);
    for (int i = 0; i < 4; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    regex_free(regex);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_beginnings),
        cmocka_unit_test(test_mistakes_say_where),
        cmocka_unit_test(test_capturing),
        cmocka_unit_test(test_more_groups_than_places),
        cmocka_unit_test(test_expanding),
        cmocka_unit_test(test_a_pattern_that_explodes_does_not_match),
        cmocka_unit_test(test_threads_share_a_pattern),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
