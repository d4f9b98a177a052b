/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of the table, their mailboxes, counters and grace periods. Run it under
 * -fsanitize=thread too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>

#include "weir/base/alloc.h"
#include "weir/loop/counter.h"
#include "weir/loop/grace.h"
#include "weir/loop/lock.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/start.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"

enum { THREADS = 3 };

static uint32_t hooks_run[5]; /* atomic */

static void
stop_control(void *arg)
{
    (void)arg;
    loop_stop(loop_here());
}

/* Runs the control thread's loop until somebody sends it stop_control(). */
static void
run_control(void)
{
    loop_run(loop_here());
}

/* --- mail ------------------------------------------------------------------ */

enum { MAILS = 20000 };

struct numbered {
    struct mail mail;
    unsigned from;
    unsigned number;
};

static unsigned received[THREADS + 1]; /* control's: next number from each sender */
static unsigned received_all;

static void
receive(struct mail *mail)
{
    struct numbered *numbered = (struct numbered *)(void *)mail;

    assert_true(thread_is_control());
    assert_int_equal(numbered->number, received[numbered->from]);
    received[numbered->from]++;
    alloc_free(numbered);
    if (++received_all == THREADS * MAILS)
        loop_stop(loop_here());
}

static void
send_many(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < MAILS; i++) {
        struct numbered *numbered = alloc_zero(sizeof(*numbered));

        numbered->from = this_thread->index;
        numbered->number = i;
        mailbox_send(thread_at(0), &numbered->mail, receive);
    }
}

static void
mail_of_each_sender_comes_in_order(void **state)
{
    (void)state;
    received_all = 0;
    for (unsigned i = 1; i <= THREADS; i++) {
        received[i] = 0;
        mailbox_call(thread_at(i), send_many, NULL);
    }
    run_control();
    assert_int_equal(received_all, THREADS * MAILS);
}

/* A mail that goes round all threads: each hop finds its receiver asleep. */
struct token {
    struct mail mail;
    unsigned hops;
};

static void
pass_on(struct mail *mail)
{
    struct token *token = (struct token *)(void *)mail;

    if (++token->hops == 3000)
        mailbox_call(thread_at(0), stop_control, NULL);
    else
        mailbox_send(thread_at((this_thread->index + 1) % thread_count()), mail, pass_on);
}

static void
sleeping_threads_wake_for_mail(void **state)
{
    struct token token = { .hops = 0 };

    (void)state;
    mailbox_send(thread_at(1), &token.mail, pass_on);
    run_control();
    assert_int_equal(token.hops, 3000);
}

static uint32_t visited; /* atomic: bit per thread */

static void
visit(void *arg)
{
    (void)arg;
    __atomic_or_fetch(&visited, 1u << this_thread->index, __ATOMIC_RELAXED);
}

static void
call_all_reaches_all_and_returns(void **state)
{
    (void)state;
    mailbox_call_all(visit, stop_control, NULL);
    run_control();
    assert_int_equal(visited, 0xe);
}

/* --- counters ---------------------------------------------------------------- */

struct row {
    uint64_t some;
    uint64_t peak;
};

static struct counter_rows rows;

static void
count_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100000; i++) {
        struct row *row = counter_row(&rows);

        counter_add(&row->some, 1);
        counter_add(&row->peak, this_thread->index);
    }
}

static void
counters_of_all_threads_add_up(void **state)
{
    (void)state;
    counter_rows_init(&rows, sizeof(struct row));
    assert_null(counter_row_of(&rows, 1));
    assert_int_equal(counter_sum(&rows, offsetof(struct row, some)), 0);
    mailbox_call_all(count_up, stop_control, NULL);
    run_control();
    assert_int_equal(counter_sum(&rows, offsetof(struct row, some)), THREADS * 100000);
    assert_int_equal(counter_max(&rows, offsetof(struct row, peak)), THREADS * 100000);
    assert_null(counter_row_of(&rows, 0));
    assert_int_equal((uintptr_t)counter_row_of(&rows, 1) % 64, 0);
    counter_clear(&rows, 0, sizeof(struct row));
    assert_int_equal(counter_sum(&rows, offsetof(struct row, some)), 0);
    counter_rows_fini(&rows);
}

/* --- grace -------------------------------------------------------------------- */

struct published {
    unsigned is_alive;
    unsigned generation;
};

static struct published *current;
static uint32_t freed;
static uint32_t readers_stop; /* atomic */

static void
free_published(void *object)
{
    struct published *published = object;

    assert_true(thread_is_control());
    published->is_alive = 0;
    alloc_free(published);
    freed++;
}

static void
read_and_come_back(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++)
        assert_int_equal(grace_read(current)->is_alive, 1);
    if (!__atomic_load_n(&readers_stop, __ATOMIC_RELAXED))
        mailbox_call(this_thread, read_and_come_back, NULL);
}

static void
publish_next(struct timer *timer)
{
    struct published *next = alloc_zero(sizeof(*next));
    struct published *old = current;

    next->is_alive = 1;
    next->generation = old->generation + 1;
    grace_publish(current, next);
    grace_free_later(old, free_published);
    if (next->generation < 100) {
        timer_set(loop_here(), timer, loop_now_ms(loop_here()) + 1);
        return;
    }
    __atomic_store_n(&readers_stop, 1, __ATOMIC_RELAXED);
    mailbox_call_all(visit, stop_control, NULL);
}

static void
nothing_is_freed_under_a_reader(void **state)
{
    struct timer timer;

    (void)state;
    current = alloc_zero(sizeof(*current));
    current->is_alive = 1;
    timer_init(&timer, publish_next);
    for (unsigned i = 1; i <= THREADS; i++)
        mailbox_call(thread_at(i), read_and_come_back, NULL);
    timer_set(loop_here(), &timer, 0);
    run_control();
    grace_wait();
}

/* --- locks ---------------------------------------------------------------------- */

static struct lock lock = LOCK_INIT(LOCK_SERVER);
static uint64_t locked_count;

static void
count_locked(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        lock_take(&lock);
        locked_count++;
        lock_give(&lock);
    }
}

static void
lock_keeps_others_out(void **state)
{
    (void)state;
    mailbox_call_all(count_locked, stop_control, NULL);
    run_control();
    assert_int_equal(locked_count, THREADS * 20000);
}

/* --- life ------------------------------------------------------------------------ */

static void
count_start(void)
{
    __atomic_add_fetch(&hooks_run[START_THREAD], 1, __ATOMIC_RELAXED);
}

static void
count_stop(void)
{
    __atomic_add_fetch(&hooks_run[STOP_THREAD], 1, __ATOMIC_RELAXED);
}

static const struct start_hook hooks[] = {
    { START_THREAD, count_start },
    { STOP_THREAD, count_stop },
};
REGISTER(start_hook, hooks);

static void
early_mail(void *arg)
{
    *(bool *)arg = true;
    mailbox_call(thread_at(0), stop_control, NULL);
}

static void
mail_sent_before_the_start_is_kept(void **state)
{
    static bool has_come;

    (void)state;
    mailbox_call(thread_at(2), early_mail, &has_come);
    thread_start_all();
    assert_int_equal(hooks_run[START_THREAD], THREADS + 1);
    run_control();
    assert_true(has_come);
}

static int
start(void **state)
{
    (void)state;
    thread_table_init(THREADS);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    thread_stop_all();
    assert_int_equal(hooks_run[STOP_THREAD], THREADS + 1);
    thread_table_fini();
    assert_int_equal(freed, 100);
    alloc_free(current);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_sent_before_the_start_is_kept),
        cmocka_unit_test(mail_of_each_sender_comes_in_order),
        cmocka_unit_test(sleeping_threads_wake_for_mail),
        cmocka_unit_test(call_all_reaches_all_and_returns),
        cmocka_unit_test(counters_of_all_threads_add_up),
        cmocka_unit_test(nothing_is_freed_under_a_reader),
        cmocka_unit_test(lock_keeps_others_out),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
