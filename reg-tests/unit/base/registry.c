/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that files leave in a linker section. */
#include "weir/base/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct animal {
    const char *name;
    int legs;
};

REGISTRY(animal, struct animal);
REGISTRY(plant, struct animal);

static void
test_all_tables_are_walked(void **state)
{
    int count = 0, legs = 0;

    (void)state;
    FOR_EACH_REGISTERED (animal, animal, list) {
        assert_non_null(animal->name);
        assert_non_null(list->file);
        count++;
        legs += animal->legs;
    }
    assert_int_equal(count, 3);
    assert_int_equal(legs, 14);
}

static void
test_nobody_registered(void **state)
{
    int count = 0;

    (void)state;
    FOR_EACH_REGISTERED (plant, plant, list)
        count += plant->legs + 1;
    assert_int_equal(count, 0);
}

static const struct animal pets[] = { { "cat", 4 }, { "dog", 4 } };
REGISTER(animal, pets);

static const struct animal insects[] = { { "bee", 6 } };
REGISTER(animal, insects);

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_tables_are_walked),
        cmocka_unit_test(test_nobody_registered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
