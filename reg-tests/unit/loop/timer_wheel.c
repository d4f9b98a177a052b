/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer wheel under a clock of our own: nothing fires early, nothing is
 * forgotten, and lazy moves cost no place in the wheel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "loop/timer_wheel.c"

#define START_MS 1000000007

static struct timer_wheel wheel;

static void
add(struct timer *timer, int64_t deadline_ms)
{
    list_init(&timer->link);
    timer->deadline_ms = deadline_ms;
    timer->placed_ms = TIMER_NEVER;
    timer_wheel_place(&wheel, timer);
}

static unsigned
take(int64_t now_ms, struct timer **first)
{
    struct list due;
    unsigned count = 0;

    list_init(&due);
    timer_wheel_take_due(&wheel, now_ms, &due);
    *first = list_is_empty(&due) ? NULL : LIST_FIRST(&due, struct timer, link);
    while (!list_is_empty(&due)) {
        assert_true(LIST_FIRST(&due, struct timer, link)->deadline_ms <= now_ms);
        list_remove(due.next);
        count++;
    }
    return count;
}

static void
fires_at_its_millisecond(void **state)
{
    static const int64_t delays[] = { 0,       1,        2,          63,           64,     65,
                                      4095,    4096,     4097,       30000,        262143, 262144,
                                      3600000, 86400000, 2147483647, 1099511627776 };

    (void)state;
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        struct timer timer, *first;
        int64_t now = START_MS, when = START_MS + delays[i];

        timer_wheel_init(&wheel, now);
        add(&timer, when);
        while (wheel.next_ms < when) {
            assert_true(wheel.next_ms >= now);
            now = wheel.next_ms;
            assert_int_equal(take(now, &first), 0);
            assert_true(wheel.next_ms > now);
        }
        assert_int_equal(wheel.next_ms, when);
        assert_int_equal(take(when, &first), 1);
        assert_ptr_equal(first, &timer);
        assert_true(wheel.next_ms == TIMER_NEVER);
    }
}

static void
far_deadlines_are_only_clamped(void **state)
{
    struct timer timer, *first;

    (void)state;
    timer_wheel_init(&wheel, START_MS);
    add(&timer, INT64_MAX - 1);
    assert_true(wheel.next_ms <= START_MS + WHEEL_FAR_MS);
    assert_int_equal(take(START_MS + WHEEL_FAR_MS, &first), 0);
    assert_true(list_is_linked(&timer.link));
}

static void
past_deadlines_are_due_at_once(void **state)
{
    struct timer timer, *first;

    (void)state;
    timer_wheel_init(&wheel, START_MS);
    add(&timer, 5);
    assert_int_equal(wheel.next_ms, START_MS);
    assert_int_equal(take(START_MS, &first), 1);
}

static void
later_deadline_is_found_when_looked_at(void **state)
{
    struct timer timer, *first;

    (void)state;
    timer_wheel_init(&wheel, START_MS);
    add(&timer, START_MS + 10);
    timer.deadline_ms = START_MS + 50000; /* what timer_set() does */
    assert_int_equal(take(START_MS + 10, &first), 0);
    assert_true(wheel.next_ms > START_MS + 10 && wheel.next_ms <= START_MS + 50000);
    assert_int_equal(take(START_MS + 49999, &first), 0);
    assert_int_equal(take(START_MS + 50000, &first), 1);
}

static void
stopped_lazily_leaves_when_looked_at(void **state)
{
    struct timer timer, *first;

    (void)state;
    timer_wheel_init(&wheel, START_MS);
    add(&timer, START_MS + 10);
    timer.deadline_ms = TIMER_NEVER;
    assert_int_equal(take(START_MS + 10, &first), 0);
    assert_false(list_is_linked(&timer.link));
    assert_true(timer.placed_ms == TIMER_NEVER);
    assert_true(wheel.next_ms == TIMER_NEVER);
}

static void
stopped_timers_leave_no_wake_up(void **state)
{
    struct timer near, far, *first;

    (void)state;
    timer_wheel_init(&wheel, START_MS);
    add(&near, START_MS + 10);
    add(&far, START_MS + 20);
    list_remove(&near.link);
    assert_int_equal(take(START_MS + 5, &first), 0);
    assert_int_equal(wheel.next_ms, START_MS + 20);
}

static void
time_may_pass_without_looking(void **state)
{
    struct timer timer, *first;

    (void)state;
    timer_wheel_init(&wheel, START_MS);
    add(&timer, START_MS + 100000);
    timer_wheel_advance(&wheel, wheel.next_ms - 1);
    assert_int_equal(wheel.now_ms, wheel.next_ms - 1);
    timer_wheel_advance(&wheel, START_MS + 200000); /* too far: something stands before it */
    assert_true(wheel.now_ms < wheel.next_ms);
    assert_int_equal(take(START_MS + 200000, &first), 1);
}

/* Many timers, set, moved and stopped at random, against a plain array. */
static void
agrees_with_a_plain_array(void **state)
{
    enum { COUNT = 300, TURNS = 20000 };
    static struct timer timers[COUNT];
    static int64_t expected[COUNT];
    int64_t now = START_MS;

    (void)state;
    srand(1);
    timer_wheel_init(&wheel, now);
    for (int i = 0; i < COUNT; i++) {
        list_init(&timers[i].link);
        timers[i].deadline_ms = timers[i].placed_ms = expected[i] = TIMER_NEVER;
    }
    for (int turn = 0; turn < TURNS; turn++) {
        struct list due;
        int64_t step = rand() % 4 == 0 ? rand() % 100000 : rand() % 40;

        for (int n = rand() % 5; n > 0; n--) {
            int i = rand() % COUNT;
            int64_t when = now + (rand() % 3 == 0 ? rand() % 10000000 : rand() % 200);

            if (rand() % 8 == 0) {
                list_remove(&timers[i].link);
                timers[i].deadline_ms = timers[i].placed_ms = expected[i] = TIMER_NEVER;
                continue;
            }
            timers[i].deadline_ms = expected[i] = when;
            if (when < timers[i].placed_ms) {
                list_remove(&timers[i].link);
                timer_wheel_advance(&wheel, now);
                timer_wheel_place(&wheel, &timers[i]);
            }
        }
        now += step;
        list_init(&due);
        if (wheel.next_ms <= now)
            timer_wheel_take_due(&wheel, now, &due);
        for (int i = 0; i < COUNT; i++) {
            bool is_due = false;

            LIST_FOR_EACH (timer, &due, struct timer, link)
                is_due = is_due || timer == &timers[i];
            assert_int_equal(is_due, expected[i] <= now);
        }
        while (!list_is_empty(&due)) {
            struct timer *timer = LIST_FIRST(&due, struct timer, link);

            list_remove(&timer->link);
            timer->deadline_ms = timer->placed_ms = expected[timer - timers] = TIMER_NEVER;
        }
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_at_its_millisecond),
        cmocka_unit_test(far_deadlines_are_only_clamped),
        cmocka_unit_test(past_deadlines_are_due_at_once),
        cmocka_unit_test(later_deadline_is_found_when_looked_at),
        cmocka_unit_test(stopped_lazily_leaves_when_looked_at),
        cmocka_unit_test(stopped_timers_leave_no_wake_up),
        cmocka_unit_test(time_may_pass_without_looking),
        cmocka_unit_test(agrees_with_a_plain_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
