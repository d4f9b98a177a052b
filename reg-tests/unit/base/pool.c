/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of one size, cached per thread. */
#include "weir/base/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "weir/base/sanitize.h"
#include "weir/base/text.h"

static struct pool small_pool = POOL("small", 32);
static struct pool large_pool = POOL("large", 100000);
static struct pool few_pool = { .name = "few", .size = 64, .keep = 3 };
static struct pool crossing_pool = POOL("crossing", 48);

/* Objects that this thread keeps for later. */
static uint32_t
kept(const struct pool *pool)
{
    return pool_caches[pool->index].count;
}

static void
test_what_was_given_is_taken_again(void **state)
{
    void *first = pool_take(&small_pool);
    void *second = pool_take(&small_pool);

    (void)state;
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    assert_int_equal((uintptr_t)first % 16, 0);
    memset(first, 0xff, 32);
    memset(second, 0xff, 32);
    pool_give(&small_pool, first);
    if (!WITH_ASAN) {
        assert_int_equal(kept(&small_pool), 1);
        assert_ptr_equal(pool_take(&small_pool), first);
        pool_give(&small_pool, first);
    }
    pool_give(&small_pool, second);
    pool_give(&small_pool, NULL);
}

static void
test_no_more_is_kept_than_allowed(void **state)
{
    void *objects[10];

    (void)state;
    for (int i = 0; i < 10; i++)
        objects[i] = pool_take(&few_pool);
    for (int i = 0; i < 10; i++)
        pool_give(&few_pool, objects[i]);
    assert_int_equal(kept(&few_pool), WITH_ASAN ? 0 : 3);
    for (int i = 0; i < 10; i++)
        objects[i] = pool_take(&large_pool);
    for (int i = 0; i < 10; i++)
        pool_give(&large_pool, objects[i]);
    assert_true(kept(&large_pool) * 100000 <= 512 * 1024);
}

static void
test_trimming_halves_and_flushing_empties(void **state)
{
    void *objects[64];

    (void)state;
    pool_flush();
    for (int i = 0; i < 64; i++)
        objects[i] = pool_take(&small_pool);
    for (int i = 0; i < 64; i++)
        pool_give(&small_pool, objects[i]);
    assert_int_equal(kept(&small_pool), WITH_ASAN ? 0 : 64);
    pool_trim();
    assert_int_equal(kept(&small_pool), WITH_ASAN ? 0 : 32);
    pool_flush();
    assert_int_equal(kept(&small_pool), 0);
    pool_give(&small_pool, pool_take(&small_pool)); /* still works */
    assert_int_equal(kept(&small_pool), WITH_ASAN ? 0 : 1);
}

#define CROSSING_OBJECTS 1000

struct exchange {
    void *objects[CROSSING_OBJECTS];
};

static void *
take_all(void *ptr)
{
    struct exchange *exchange = ptr;

    for (int i = 0; i < CROSSING_OBJECTS; i++)
        exchange->objects[i] = pool_take(&crossing_pool);
    return NULL;
}

static void
test_giving_on_another_thread(void **state)
{
    struct text report = TEXT_INIT;
    struct exchange exchanges[2];
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, take_all, &exchanges[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < CROSSING_OBJECTS; j++)
            pool_give(&crossing_pool, exchanges[i].objects[j]);
    }
    pool_report(&report);
    assert_non_null(strstr(text_cstr(&report), "Pool crossing (48 bytes)"));
    text_fini(&report);
    pool_flush();
    pool_report(&report);
    assert_non_null(strstr(text_cstr(&report), "Pool crossing (48 bytes) : 0 allocated"));
    text_fini(&report);
}

static void *
take_and_give(void *unused)
{
    void *objects[8];

    (void)unused;
    for (int round = 0; round < 10000; round++) {
        for (int i = 0; i < 8; i++)
            objects[i] = pool_take(&small_pool);
        for (int i = 0; i < 8; i++)
            pool_give(&small_pool, objects[i]);
    }
    return NULL; /* and the thread's cache goes with it */
}

static void
test_reporting_while_threads_work(void **state)
{
    struct text report = TEXT_INIT;
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, take_and_give, NULL);
    for (int i = 0; i < 20; i++) {
        text_clear(&report);
        pool_report(&report);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    pool_flush();
    text_clear(&report);
    pool_report(&report);
    assert_non_null(strstr(text_cstr(&report), "Pool small (32 bytes) : 0 allocated"));
    text_fini(&report);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_given_is_taken_again),
        cmocka_unit_test(test_no_more_is_kept_than_allowed),
        cmocka_unit_test(test_trimming_halves_and_flushing_empties),
        cmocka_unit_test(test_giving_on_another_thread),
        cmocka_unit_test(test_reporting_while_threads_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
