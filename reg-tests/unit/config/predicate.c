/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of .if lines and of -cc. Expected results were compared with HAProxy's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "config/predicate.c"

static void
check(const char *text, bool expected)
{
    struct error err = ERROR_INIT;
    bool result = false;

    if (!conditional_eval(text, &result, &err))
        fail_msg("%s: %s", text, err.text);
    if (result != expected)
        fail_msg("%s is %s", text, result ? "true" : "false");
}

static void
check_bad(const char *text, const char *expected, size_t at)
{
    struct predicate_result result;
    struct error err = ERROR_INIT;

    if (predicate_eval(NULL, text, &result, &err))
        fail_msg("%s is accepted", text);
    if (strstr(err.text, expected) == NULL)
        fail_msg("'%s' is not in: %s", expected, err.text);
    if (result.failed_at != at)
        fail_msg("%s fails at %zu", text, result.failed_at);
}

static void
test_grammar(void **state)
{
    (void)state;
    check("", false);
    check("  ", false);
    check("0", false);
    check("1", true);
    check("2", true);
    check("-1", true);
    check("!0", true);
    check("!!1", true);
    check("! 1", false);
    check("(1)", true);
    check("1 && 0 || 1", true);
    check("0||1&&0", false);
    check("1 && (0 || 1)", true);
    check("!(1 && 0)", true);
    check_bad("1 1", "end is expected", 2);
    check_bad("1)", "end is expected", 1);
    check_bad("(1", "not closed", 0);
    check_bad("foo", "predicate", 0);
    check_bad("1 &&", "predicate", 4);
    /* Both sides are read whatever the first one says. */
    check_bad("0 && bad(x)", "predicate", 5);
    check_bad("1 || bad(x)", "predicate", 5);
    check_bad("strqe(a,b)", "did you mean 'streq()'", 0);
}

static void
test_nesting_is_limited(void **state)
{
    char deep[1001];

    (void)state;
    memset(deep, '!', 1000);
    deep[1000] = '\0';
    check_bad(deep, "too many", NESTING_MAX);
    memset(deep, '(', 1000);
    check_bad(deep, "too many", NESTING_MAX);
}

static void
test_arguments(void **state)
{
    (void)state;
    check("streq(a,a)", true);
    check("streq(a,b)", false);
    check("strneq(a,b)", true);
    check("strstr(abc,b)", true);
    check("strstr(abc,x)", false);
    check("streq( a,a)", false);
    check("streq(a,a )", false);
    check("streq(a b,a b)", true);
    check("streq(,)", true);
    check("streq(\"a,b\",'a,b')", true);
    check("streq('a)','a)')", true);
    check("streq(\"a\\\"\",'a\"')", true);
    check("streq(a\\,a\\)", true);
    check_bad("streq(a)", "missing", 6);
    check_bad("streq(a,b,c)", "too many", 10);
    check_bad("streq(a,b", "')' is missing", 8);
    check_bad("streq('a,b)", "quote", 6);
    check_bad("streq((a),(a))", "missing", 6);
    check_bad("fips_mode(x)", "too many", 10);
}

static void
test_environment(void **state)
{
    (void)state;
    setenv("WEIR_TEST", "", 1);
    unsetenv("WEIR_NONE");
    check("defined(WEIR_TEST)", true);
    check("defined(WEIR_NONE)", false);
    check("defined()", false);
    check("defined( WEIR_TEST)", false);
}

static void
test_versions(void **state)
{
    (void)state;
    /* The level of compatibility is 3.5.0. */
    check("version_atleast(3.5)", true);
    check("version_atleast(3.5.0)", true);
    check("version_atleast(3.5-dev5)", true);
    check("version_atleast(2.9.12)", true);
    check("version_atleast(3.5.1)", false);
    check("version_atleast(3.10)", false);
    check("version_atleast()", true);
    check("version_before(3.5)", false);
    check("version_before(3.6-dev0)", true);
    check("version_before(3.5.1)", true);
    check("openssl_version_atleast(1.1.1)", true);
    check("openssl_version_before(3.0.0)", false);
    check("ssllib_name_startswith(OpenSSL)", true);
    check("ssllib_name_startswith(wolf)", false);
    check("fips_mode()", EVP_default_properties_is_fips_enabled(NULL) == 1);
    check_bad("awslc_api_atleast(1)", "AWS-LC", 0);
}

static void
test_comparing_versions(void **state)
{
    static const char *const ascending[] = { "2.6-dev1", "2.6-dev10", "2.6",      "2.6.1",
                                             "2.6.10",   "2.10-dev1", "2.10.0-1", "2.10.0-2" };

    (void)state;
    for (size_t i = 1; i < COUNT(ascending) - 1; i++) {
        assert_true(compare_versions(ascending[i - 1], ascending[i]) < 0);
        assert_true(compare_versions(ascending[i], ascending[i - 1]) > 0);
    }
    assert_int_equal(compare_versions("2.6", "2.6.0"), 0);
    assert_int_equal(compare_versions("2.6.0.0", "2.6"), 0);
}

static bool
is_off(void)
{
    return false;
}

static const struct feature features[] = {
    { "TEST_FEATURE", false, NULL },
    { "TEST_FEATURE_OFF", false, NULL },
    { "TEST_FEATURE_OFF", false, is_off },
    { "TEST_OPTION", true, NULL },
};
REGISTER(feature, features);

static void
test_features(void **state)
{
    (void)state;
    check("feature(TEST_FEATURE)", true);
    check("feature(TEST_FEATURE_OFF)", false);
    check("feature(TEST_OPTION)", false);
    check("enabled(TEST_OPTION)", true);
    check("enabled(TEST_FEATURE)", false);
    check("feature(NO_SUCH)", false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),   cmocka_unit_test(test_nesting_is_limited),
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_environment),
        cmocka_unit_test(test_versions),  cmocka_unit_test(test_comparing_versions),
        cmocka_unit_test(test_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
