/* SPDX-License-Identifier: Apache-2.0 */
/* The values that HAProxy computes (observed from version 2.6), and published check values. */
#include "weir/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Bytes of all kinds: a zero, and two with the high bit. */
#define BINARY STR("\xff\x80\x00\x01")
#define PHRASE STR("the quick brown fox")

static void
test_sdbm(void **state)
{
    (void)state;
    assert_int_equal(hash_sdbm(STR_NONE), 0);
    assert_int_equal(hash_sdbm(STR("abc")), 807794786u);
    assert_int_equal(hash_sdbm(BINARY), 2538712770u);
    assert_int_equal(hash_sdbm(PHRASE), 67705923u);
}

static void
test_djb2(void **state)
{
    (void)state;
    assert_int_equal(hash_djb2(STR_NONE), 5381);
    assert_int_equal(hash_djb2(STR("abc")), 193485963u);
    assert_int_equal(hash_djb2(BINARY), 2095776933u);
    assert_int_equal(hash_djb2(PHRASE), 3004220696u);
}

static void
test_wt6(void **state)
{
    (void)state;
    assert_int_equal(hash_wt6(STR_NONE), 4187620192u);
    assert_int_equal(hash_wt6(STR("abc")), 2483038440u);
    assert_int_equal(hash_wt6(BINARY), 3040029558u);
    assert_int_equal(hash_wt6(PHRASE), 4274124462u);
}

static void
test_crc(void **state)
{
    (void)state;
    assert_int_equal(hash_crc32(STR("123456789")), 0xcbf43926u);
    assert_int_equal(hash_crc32(PHRASE), 2445345482u);
    assert_int_equal(hash_crc32(STR_NONE), 0);
    assert_int_equal(hash_crc32c(STR("123456789")), 0xe3069283u);
    assert_int_equal(hash_crc32c(PHRASE), 861269971u);
}

static void
test_avalanche(void **state)
{
    (void)state;
    assert_int_equal(hash_avalanche(0), 2874071335u);
    assert_int_equal(hash_avalanche(hash_sdbm(STR("abc"))), 659243622u);
    assert_int_equal(hash_avalanche(hash_wt6(PHRASE)), 530589713u);
}

static void
test_xxhash(void **state)
{
    (void)state;
    assert_int_equal(hash_xxh32(PHRASE, 7), 4129657430u);
    assert_true((int64_t)hash_xxh64(PHRASE, 7) == 6230739599573410862);
    assert_true((int64_t)hash_xxh3(PHRASE, 7) == -4205007376088516804);
    assert_true((int64_t)hash_xxh3(STR_NONE, 7) == -7981820518085198152);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sdbm),      cmocka_unit_test(test_djb2),
        cmocka_unit_test(test_wt6),       cmocka_unit_test(test_crc),
        cmocka_unit_test(test_avalanche), cmocka_unit_test(test_xxhash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
