/* SPDX-License-Identifier: Apache-2.0 */
/* MUST() stops the program, and only then. */
#include "weir/base/crash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define THING_MAGIC 0x12345678

struct thing {
    unsigned magic;
};

/* Runs `check` in a child whose standard error is kept in `said`; returns the wait status. */
static int
run_child(void (*check)(void), char *said, size_t size)
{
    int status, ends[2];
    ssize_t got;
    size_t len = 0;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        check();
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + len, size - 1 - len)) > 0)
        len += (size_t)got;
    said[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
break_must(void)
{
    volatile int one = 1;

    MUST(one == 2);
}

static void
break_must_be(void)
{
    struct thing thing = { .magic = 0xdeadbeef };

    MUST_BE(&thing, THING_MAGIC);
}

static void
test_a_broken_condition(void **state)
{
    char said[8192];
    int status = run_child(break_must, said, sizeof(said));

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "crash.c"));
    assert_non_null(strstr(said, "break_must(): one == 2"));
}

static void
test_a_wrong_magic_number(void **state)
{
    char said[8192];
    int status = run_child(break_must_be, said, sizeof(said));

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(said, "&thing is not THING_MAGIC"));
    assert_non_null(strstr(said, "0xdeadbeef"));
}

static void
test_what_holds_goes_on(void **state)
{
    struct thing thing = { .magic = THING_MAGIC };

    (void)state;
    MUST(thing.magic == THING_MAGIC);
    MUST_BE(&thing, THING_MAGIC);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_broken_condition),
        cmocka_unit_test(test_a_wrong_magic_number),
        cmocka_unit_test(test_what_holds_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
