/* SPDX-License-Identifier: Apache-2.0 */
/* When a failed attempt goes to another server. */
#include "stream/retry.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct row {
    int64_t interval;
    unsigned done, left;
    bool wanted;
};

static void
test_redispatch_turn(void **state)
{
    static const struct row rows[] = {
        /* the last one */
        { -1, 1, 2, false },
        { -1, 2, 1, false },
        { -1, 3, 0, true },
        /* the one before the last */
        { -2, 2, 1, true },
        { -2, 3, 0, false },
        /* each, every second */
        { 1, 1, 2, true },
        { 1, 3, 0, true },
        { 2, 1, 2, false },
        { 2, 2, 1, true },
        { 2, 3, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct proxy_conf backend = { .redispatch_interval = rows[i].interval };
        struct stream s = { .retries_done = (uint16_t)rows[i].done,
                            .retries_left = (uint16_t)rows[i].left,
                            .eval = { .backend = &backend } };

        assert_int_equal(is_redispatch_turn(&s), rows[i].wanted);
    }
}

static void
test_may_retry(void **state)
{
    struct proxy_conf backend = { .retry_on = RETRY_CONN_FAILURE | RETRY_503 };
    struct stream s = { .retries_left = 1, .flags = STREAM_HTTP, .eval = { .backend = &backend } };

    (void)state;
    assert_true(retry_is_possible(&s, RETRY_CONN_FAILURE));
    assert_true(retry_is_possible(&s, RETRY_503));
    assert_false(retry_is_possible(&s, RETRY_EMPTY_RESPONSE));
    s.flags |= STREAM_NO_L7_RETRY;
    assert_true(retry_is_possible(&s, RETRY_CONN_FAILURE));
    assert_false(retry_is_possible(&s, RETRY_503));
    s.flags = STREAM_HTTP | STREAM_ANSWERED;
    assert_false(retry_is_possible(&s, RETRY_503));
    s.flags = STREAM_HTTP | STREAM_BODY_LOST;
    assert_false(retry_is_possible(&s, RETRY_503));
    s.flags = STREAM_HTTP;
    s.retries_left = 0;
    assert_false(retry_is_possible(&s, RETRY_CONN_FAILURE));
    /* TCP knows of connections only. */
    s.retries_left = 1;
    s.flags = 0;
    backend.retry_on = 0;
    assert_true(retry_is_possible(&s, RETRY_CONN_FAILURE));
    assert_false(retry_is_possible(&s, RETRY_RESPONSE_TIMEOUT));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redispatch_turn),
        cmocka_unit_test(test_may_retry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
