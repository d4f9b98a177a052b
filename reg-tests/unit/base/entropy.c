/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers and unique ids. */
#include "weir/base/entropy.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_numbers_differ(void **state)
{
    uint64_t ones = 0, zeros = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t n = entropy_next();

        ones |= n;
        zeros |= ~n;
        assert_true(n != entropy_next());
    }
    assert_true(ones == UINT64_MAX && zeros == UINT64_MAX);
}

static void
test_below(void **state)
{
    unsigned seen[10] = { 0 };

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t n = entropy_below(10);

        assert_true(n < 10);
        seen[n]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(seen[i], 700, 1300);
    assert_int_equal(entropy_below(1), 0);
    assert_true(entropy_below(UINT64_MAX) < UINT64_MAX);
}

static void
test_filling(void **state)
{
    unsigned char bytes[1000] = { 0 };
    int zeros = 0;

    (void)state;
    entropy_fill(bytes, 0);
    assert_int_equal(bytes[0], 0);
    entropy_fill(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        zeros += bytes[i] == 0;
    assert_true(zeros < 100);
}

static void
test_ids(void **state)
{
    char a[UUID_LEN + 1] = "", b[UUID_LEN + 1] = "";

    (void)state;
    assert_int_equal(entropy_format_uuid4(a), UUID_LEN);
    assert_int_equal(entropy_format_uuid4(b), UUID_LEN);
    assert_string_not_equal(a, b);
    assert_int_equal(strspn(a, "0123456789abcdef-"), UUID_LEN);
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_int_equal(entropy_format_uuid7(a, 0x0123456789abll * 1000), UUID_LEN);
    assert_memory_equal(a, "01234567-89ab-7", 15);
    assert_non_null(strchr("89ab", a[19]));
    for (int i = 0; i < 1000; i++) {
        entropy_format_uuid4(b);
        assert_string_not_equal(a, b);
    }
}

/* A child of fork() has the memory of its parent, but must not say the same. */
static void
test_children_are_different(void **state)
{
    char ours[UUID_LEN], theirs[UUID_LEN];
    uint64_t our_number, their_number;
    int ends[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        their_number = entropy_next();
        entropy_format_uuid4(theirs);
        _exit(write(ends[1], &their_number, sizeof(their_number)) == -1 ||
              write(ends[1], theirs, UUID_LEN) == -1);
    }
    our_number = entropy_next();
    entropy_format_uuid4(ours);
    assert_int_equal(read(ends[0], &their_number, sizeof(their_number)), sizeof(their_number));
    assert_int_equal(read(ends[0], theirs, UUID_LEN), UUID_LEN);
    waitpid(pid, &status, 0);
    assert_true(our_number != their_number);
    assert_memory_not_equal(ours, theirs, UUID_LEN);
    close(ends[0]);
    close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_differ),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_filling),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_children_are_different),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
