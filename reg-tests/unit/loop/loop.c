/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop: deferred work, timers, the clock, and a thread that does not come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/clock.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"
#include "weir/loop/watchdog.h"

/* --- deferred work -------------------------------------------------------------- */

static unsigned ran;
static struct deferred first, second, stopper;

static void
run_first(struct deferred *work)
{
    ran++;
    assert_false(list_is_linked(&work->link));
    loop_defer(loop_here(), &second);
}

static void
run_second(struct deferred *work)
{
    (void)work;
    ran += 10;
    deferred_cancel(&stopper); /* later in the same round */
    loop_defer(loop_here(), &stopper);
}

static void
run_stopper(struct deferred *work)
{
    (void)work;
    ran += 100;
    loop_stop(loop_here());
}

static void
deferred_work_runs_once_in_the_same_turn(void **state)
{
    uint64_t turns = loop_here()->turns;

    (void)state;
    ran = 0;
    deferred_init(&first, run_first);
    deferred_init(&second, run_second);
    deferred_init(&stopper, run_stopper);
    loop_defer(loop_here(), &first);
    loop_defer(loop_here(), &first);
    loop_run(loop_here());
    assert_int_equal(ran, 111);
    assert_true(loop_here()->turns <= turns + 1);
}

static void
run_forever(struct deferred *work)
{
    if (++ran == 1000)
        loop_stop(loop_here());
    else
        loop_defer(loop_here(), work);
}

static void
endless_deferring_does_not_stop_turns(void **state)
{
    uint64_t turns = loop_here()->turns;

    (void)state;
    ran = 0;
    deferred_init(&first, run_forever);
    loop_defer(loop_here(), &first);
    loop_run(loop_here());
    assert_int_equal(ran, 1000);
    assert_true(loop_here()->turns > turns + 20);
}

/* --- timers --------------------------------------------------------------------- */

struct probe {
    struct timer timer;
    int64_t fired_ms;
};

static struct probe probes[3];

static void
on_probe(struct timer *timer)
{
    struct probe *probe = LIST_ITEM(timer, struct probe, timer);

    assert_false(timer_is_running(timer));
    probe->fired_ms = loop_now_ms(loop_here());
    if (probe == &probes[0])
        timer_set(loop_here(), &probes[1].timer, probe->fired_ms + 3); /* moves it earlier */
    if (probe == &probes[1]) {
        timer_stop(&probes[2].timer);
        loop_stop(loop_here());
    }
}

static void
timers_fire_in_order_and_not_early(void **state)
{
    int64_t now = loop_now_ms(loop_here());

    (void)state;
    loop_update_clock(loop_here());
    now = loop_now_ms(loop_here());
    for (int i = 0; i < 3; i++) {
        timer_init(&probes[i].timer, on_probe);
        probes[i].fired_ms = 0;
    }
    timer_set(loop_here(), &probes[0].timer, now + 2);
    timer_set(loop_here(), &probes[1].timer, now + 60000);
    timer_set(loop_here(), &probes[2].timer, now + 5);
    timer_set(loop_here(), &probes[2].timer, now + 50000); /* later: only stored */
    loop_run(loop_here());
    assert_true(probes[0].fired_ms >= now + 2);
    assert_true(probes[1].fired_ms >= probes[0].fired_ms + 3);
    assert_int_equal(probes[2].fired_ms, 0);
}

static unsigned refires;

static void
on_refire(struct timer *timer)
{
    if (++refires == 3)
        loop_stop(loop_here());
    else
        timer_set(loop_here(), timer, 0); /* in the past */
}

static void
past_deadline_fires_at_the_next_turn(void **state)
{
    struct timer timer;
    uint64_t turns;

    (void)state;
    refires = 0;
    timer_init(&timer, on_refire);
    timer_set(loop_here(), &timer, 0);
    turns = loop_here()->turns;
    loop_run(loop_here());
    assert_int_equal(refires, 3);
    assert_true(loop_here()->turns >= turns + 3);
}

static void
clock_agrees_with_the_system(void **state)
{
    struct loop *loop = loop_here();
    int64_t before = clock_monotonic_us();

    (void)state;
    loop_update_clock(loop);
    assert_true(loop->now_us >= before - 1000);
    assert_true(loop->now_us <= clock_monotonic_us() + 1000);
    assert_true(loop->wall_us <= clock_wall_us() && loop->wall_us > clock_wall_us() - 1000000);
    assert_int_equal(loop->now_ms, loop->now_us / 1000);
}

/* --- watchdog --------------------------------------------------------------------- */

static void
never_return(void *arg)
{
    (void)arg;
    for (;;)
        __asm__ volatile("" ::: "memory");
}

static void
run_stuck(int out)
{
    dup2(out, STDERR_FILENO);
    thread_table_init(2);
    watchdog_set_limits(250, 500);
    thread_start_all();
    mailbox_call(thread_at(2), never_return, NULL);
    loop_run(loop_here());
    _exit(0);
}

static void
stuck_thread_ends_the_program(void **state)
{
    static char text[65536];
    size_t len = 0;
    int out[2], status;
    ssize_t got;
    pid_t child;

    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it turns the signal into an exit of its own */
#endif
    assert_int_equal(pipe(out), 0);
    child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(out[0]);
        run_stuck(out[1]);
    }
    close(out[1]);
    while ((got = read(out[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)got;
    close(out[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "thread 2 (weir/2) has not returned to its loop"));
    assert_non_null(strstr(text, "stopping the program"));
    assert_non_null(strstr(text, "loop_run")); /* its backtrace, not the watchdog's */
}

static int
start(void **state)
{
    (void)state;
    thread_table_init(0);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    thread_table_fini();
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(deferred_work_runs_once_in_the_same_turn),
        cmocka_unit_test(endless_deferring_does_not_stop_turns),
        cmocka_unit_test(timers_fire_in_order_and_not_early),
        cmocka_unit_test(past_deadline_fires_at_the_next_turn),
        cmocka_unit_test(clock_agrees_with_the_system),
    };
    static const struct CMUnitTest alone[] = {
        cmocka_unit_test(stuck_thread_ends_the_program),
    };

    return cmocka_run_group_tests(alone, NULL, NULL) +
           cmocka_run_group_tests_name("loop", tests, start, stop);
}
