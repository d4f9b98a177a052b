/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor and memory limits. */
#include "weir/os/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "weir/base/sanitize.h"

static void
test_descriptors(void **state)
{
    uint64_t now = limits_files();

    (void)state;
    assert_true(now > 0);
    assert_true(limits_files_max() >= now);
    assert_true(limits_raise_files(now / 2, NULL));
    assert_int_equal(limits_files(), now);
    if (now < limits_files_max()) {
        assert_true(limits_raise_files(now + 1, NULL));
        assert_int_equal(limits_files(), now + 1);
    }
    limits_raise_core();
}

static void
test_no_system_gives_so_many(void **state)
{
    struct error err = ERROR_INIT;

    (void)state;
    assert_false(limits_raise_files(1ull << 50, &err));
    assert_true(err.text[0] != '\0');
}

static void
test_memory(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    if (WITH_ASAN)
        skip(); /* it needs all addresses there are */
    pid = fork();
    if (pid == 0) {
        volatile bool is_set = limits_set_memory(64 << 20, NULL);
        void *volatile large = malloc(256 << 20);

        _exit(is_set && large == NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_no_system_gives_so_many),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
