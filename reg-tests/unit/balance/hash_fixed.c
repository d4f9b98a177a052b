/* SPDX-License-Identifier: Apache-2.0 */
/* The array: as many places as the weight says, in HAProxy's order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "balance/hash_fixed.c"

static void
check(const uint32_t *weights, uint32_t count, const char *expected)
{
    struct schedule *fixed = hash_fixed_new(weights, count);
    char places[64] = "";

    assert_true(fixed->length < sizeof(places));
    for (uint32_t i = 0; i < fixed->length; i++)
        places[i] = (char)('0' + fixed->at[i]);
    assert_string_equal(places, expected);
    alloc_free(fixed);
}

static void
places_are_haproxys(void **state)
{
    (void)state;
    check((uint32_t[]){ 1, 1, 1 }, 3, "012");
    check((uint32_t[]){ 7 }, 1, "0");
    check((uint32_t[]){ 10, 10 }, 2, "01");
    check((uint32_t[]){ 1, 2, 3, 4, 1 }, 5, "01322312334"); /* as seen in 2.6's static-rr */
}

static void
long_arrays_are_cut(void **state)
{
    uint32_t weights[400], got[400] = { 0 };
    struct schedule *fixed;

    (void)state;
    for (uint32_t i = 0; i < 400; i++)
        weights[i] = i % 2 == 0 ? 256 : 255;
    fixed = hash_fixed_new(weights, 400);
    assert_in_range(fixed->length, 1, PLACES_MAX + 400);
    for (uint32_t i = 0; i < fixed->length; i++)
        got[fixed->at[i]]++;
    for (uint32_t i = 0; i < 400; i++)
        assert_in_range(got[i], 160, 168);
    alloc_free(fixed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_haproxys),
        cmocka_unit_test(long_arrays_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
