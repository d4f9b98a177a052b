/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the language's words: sorted, without repetitions, and no registered word is called
 * gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/known_words.c"

static void
test_table_is_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < COUNT(words); i++) {
        if (strcmp(words[i - 1].name, words[i].name) >= 0)
            fail_msg("'%s' stands before '%s'", words[i - 1].name, words[i].name);
        assert_int_not_equal(words[i].places, 0);
    }
}

static void
test_lookup(void **state)
{
    (void)state;
    assert_int_equal(known_places("balance"), IN_BACK);
    assert_int_equal(known_places("bind"), IN_FRONTEND | IN_LISTEN | IN_PEERS | IN_LOG_FORWARD);
    assert_int_equal(known_places("nonsense"), 0);
    assert_non_null(known_gone(IN_BACKEND, "reqadd"));
    assert_null(known_gone(IN_GLOBAL, "reqadd"));
    assert_non_null(known_gone_section("program"));
}

static void
test_registered_words_are_not_gone(void **state)
{
    (void)state;
    FOR_EACH_REGISTERED (keyword, kw, list) {
        if (known_gone(kw->place, kw->name) != NULL && !(kw->flags & KEYWORD_HIDDEN))
            fail_msg("'%s' of %s is called gone", kw->name, list->file);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sorted),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_registered_words_are_not_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
