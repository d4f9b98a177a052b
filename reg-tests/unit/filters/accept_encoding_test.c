/* SPDX-License-Identifier: Apache-2.0 */
/* What clients accept: weights, "*", mistakes. */
#include "filters/accept_encoding.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
check(const char *list, const char *coding, int weight, unsigned position)
{
    struct accepted found = accept_encoding_find(str_from(list), str_from(coding));

    assert_int_equal(found.weight, weight);
    assert_int_equal(found.position, position);
}

static void
test_weights(void **state)
{
    (void)state;
    check("gzip", "gzip", 1000, 0);
    check("br, GZip", "gzip", 1000, 1);
    check("gzip;q=0.5", "gzip", 500, 0);
    check("gzip ; Q=0.125 , br", "gzip", 125, 0);
    check("gzip;q=0", "gzip", 0, 0);
    check("gzip;q=0.000", "gzip", 0, 0);
    check("gzip;q=1.000", "gzip", 1000, 0);
    check("gzip;x=1;q=0.2", "gzip", 200, 0);
    check("gzip;q=0.2, gzip;q=0.7", "gzip", 700, 1);
}

static void
test_any(void **state)
{
    (void)state;
    check("*", "gzip", 1000, 0);
    check("br, *;q=0.1", "gzip", 100, 1);
    check("gzip;q=0, *", "gzip", 0, 0);
    check("*;q=0, gzip", "gzip", 1000, 1);
}

static void
test_nothing(void **state)
{
    (void)state;
    check("", "gzip", -1, 0);
    check("br", "gzip", -1, 0);
    check("x-gzip, gzipp", "gzip", -1, 0);
    check(",,;q=1,", "gzip", -1, 0);
    check("gzip;q=abc", "gzip", 0, 0);
    check("gzip;q=7", "gzip", 1000, 0);
    check("gzip;q=", "gzip", 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
