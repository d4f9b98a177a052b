/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that never is NULL. */
#include "weir/base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_memory_is_zeroed(void **state)
{
    char *ptr = alloc_zero(100);
    char zeros[100] = { 0 };

    (void)state;
    assert_memory_equal(ptr, zeros, 100);
    alloc_free(ptr);
    ptr = alloc_array(10, 10);
    assert_memory_equal(ptr, zeros, 100);
    alloc_free(ptr);
    ptr = alloc_aligned(64, 100);
    assert_int_equal((uintptr_t)ptr % 64, 0);
    assert_memory_equal(ptr, zeros, 100);
    alloc_free(ptr);
    alloc_free(NULL);
}

static void
test_no_bytes_at_all(void **state)
{
    (void)state;
    alloc_free(alloc_zero(0));
    alloc_free(alloc_array(0, 8));
    alloc_free(alloc_resize(NULL, 0));
    alloc_free(alloc_copy_str(STR_NONE));
}

static void
test_copies(void **state)
{
    char *copy = alloc_copy("abc");

    (void)state;
    assert_string_equal(copy, "abc");
    copy = alloc_resize(copy, 1000);
    assert_string_equal(copy, "abc");
    alloc_free(copy);
    copy = alloc_copy_str(str_of("abcdef", 3));
    assert_string_equal(copy, "abc");
    alloc_free(copy);
    copy = alloc_printf("%d-%s", 7, "x");
    assert_string_equal(copy, "7-x");
    alloc_free(copy);
}

static void
test_too_much_stops_the_program(void **state)
{
    (void)state;
    volatile size_t many = SIZE_MAX / 4;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(STDERR_FILENO);
        alloc_free(alloc_array(many, 16));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed),
        cmocka_unit_test(test_no_bytes_at_all),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_too_much_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
