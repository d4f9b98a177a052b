/* SPDX-License-Identifier: Apache-2.0 */
/* Signals turned into events. */
#include "weir/os/signal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_names(void **state)
{
    (void)state;
    assert_string_equal(signal_name(SIGTERM), "SIGTERM");
    assert_string_equal(signal_name(SIGUSR2), "SIGUSR2");
    assert_string_equal(signal_name(0), "unknown signal");
    assert_string_equal(signal_name(-1), "unknown signal");
    assert_string_equal(signal_name(9999), "unknown signal");
    assert_int_equal(signal_find(STR("SIGUSR1")), SIGUSR1);
    assert_int_equal(signal_find(STR("usr1")), SIGUSR1);
    assert_int_equal(signal_find(STR("15")), SIGTERM);
    assert_int_equal(signal_find(STR("SIG")), 0);
    assert_int_equal(signal_find(STR("nothing")), 0);
    assert_int_equal(signal_find(STR("0")), 0);
}

static void
test_blocked_signals_become_readable(void **state)
{
    const int signals[] = { SIGUSR1, SIGTERM };
    int fd;

    (void)state;
    signal_block_all();
    fd = signal_open(signals, 2, NULL);
    assert_true(fd >= 0);
    assert_int_equal(signal_read(fd), 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGTERM);
    assert_int_equal(signal_read(fd) + signal_read(fd), SIGUSR1 + SIGTERM);
    assert_int_equal(signal_read(fd), 0);
    close(fd);
}

static void
test_a_crash_is_not_blocked(void **state)
{
    (void)state;
    sigset_t set;

    signal_block_all();
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    assert_true(sigismember(&set, SIGHUP));
    assert_true(sigismember(&set, SIGCHLD));
    assert_false(sigismember(&set, SIGSEGV));
    assert_false(sigismember(&set, SIGABRT));
    signal_unblock_all();
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    assert_false(sigismember(&set, SIGHUP));
}

static void
test_broken_pipes(void **state)
{
    int ends[2];

    (void)state;
    signal_ignore_pipe();
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_blocked_signals_become_readable),
        cmocka_unit_test(test_a_crash_is_not_blocked),
        cmocka_unit_test(test_broken_pipes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
