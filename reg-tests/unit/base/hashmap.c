/* SPDX-License-Identifier: Apache-2.0 */
/* Hash table from byte strings to pointers. */
#include "weir/base/hashmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "weir/base/alloc.h"

static void
test_an_empty_map(void **state)
{
    struct hashmap map = HASHMAP_INIT;
    size_t at = 0;

    (void)state;
    assert_null(hashmap_find(&map, STR("a")));
    assert_null(hashmap_remove(&map, STR("a")));
    assert_int_equal(hashmap_next(&map, &at, NULL, NULL), 0);
    hashmap_fini(&map);
}

static void
test_setting_and_replacing(void **state)
{
    struct hashmap map;
    int one = 1, two = 2;

    (void)state;
    hashmap_init(&map);
    assert_null(hashmap_set(&map, STR("a"), &one));
    assert_ptr_equal(hashmap_find(&map, STR("a")), &one);
    assert_null(hashmap_find(&map, STR("A")));
    assert_null(hashmap_find(&map, STR_NONE));
    assert_ptr_equal(hashmap_set(&map, STR("a"), &two), &one);
    assert_ptr_equal(hashmap_remove(&map, STR("a")), &two);
    assert_null(hashmap_find(&map, STR("a")));
    assert_null(hashmap_set(&map, STR_NONE, &one));
    assert_ptr_equal(hashmap_find(&map, STR("")), &one);
    hashmap_fini(&map);
}

#define KEYS 5000

/* Against a plain table: what is there, after any order of adding and removing. */
static void
test_many_keys(void **state)
{
    static char names[KEYS][16];
    static bool is_there[KEYS];
    struct hashmap map = HASHMAP_INIT;
    unsigned random = 1;
    size_t count = 0, at = 0;

    (void)state;
    for (int i = 0; i < KEYS; i++)
        snprintf(names[i], sizeof(names[i]), "k%d", i);
    for (int round = 0; round < 100000; round++) {
        random = random * 1103515245 + 12345;
        unsigned i = random / 65536 % KEYS;
        void *expected = is_there[i] ? names[i] : NULL;

        if (random & 0x8000)
            assert_ptr_equal(hashmap_set(&map, str_from(names[i]), names[i]), expected);
        else
            assert_ptr_equal(hashmap_remove(&map, str_from(names[i])), expected);
        is_there[i] = random & 0x8000;
    }
    for (int i = 0; i < KEYS; i++) {
        assert_ptr_equal(hashmap_find(&map, str_from(names[i])), is_there[i] ? names[i] : NULL);
        count += is_there[i];
    }
    assert_int_equal(map.count, count);
    struct str key;
    void *value;
    while (hashmap_next(&map, &at, &key, &value)) {
        assert_ptr_equal(key.ptr, value);
        count--;
    }
    assert_int_equal(count, 0);
    hashmap_fini(&map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_map),
        cmocka_unit_test(test_setting_and_replacing),
        cmocka_unit_test(test_many_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
