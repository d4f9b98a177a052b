/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of snapshots: hooks in order, what a failure leaves behind, holding and retiring across
 * threads. Run it under -fsanitize=thread too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "weir/config/environment.h"
#include "weir/config/keyword.h"
#include "weir/config/slot.h"
#include "weir/config/snapshot.h"
#include "weir/loop/loop.h"
#include "weir/loop/mailbox.h"
#include "weir/loop/thread.h"
#include "weir/loop/timer.h"

/* --- hooks that tell what happened ------------------------------------------------------------ */

struct marks {
    int number;
};
static struct slot marks_slot = SLOT("marks", SLOT_GLOBAL, struct marks);
REGISTER_SLOT(marks_slot);

static struct text told = TEXT_INIT;
static bool adopt_fails;
static int released; /* the number of the snapshot that went last */

static bool
tell(struct parse *parse, const char *what)
{
    const struct marks *marks = snapshot_slot(parse->snapshot, &marks_slot);

    text_printf(&told, "%s%d ", what, marks->number);
    return true;
}

static bool
on_start(struct parse *parse)
{
    return tell(parse, "start");
}

static bool
on_resolve(struct parse *parse)
{
    return tell(parse, "resolve");
}

static bool
on_resolve_later(struct parse *parse)
{
    return tell(parse, "later");
}

static bool
on_check(struct parse *parse)
{
    return tell(parse, "check");
}

static bool
on_adopt(struct parse *parse)
{
    tell(parse, "adopt");
    return !adopt_fails;
}

static bool
on_publish(struct parse *parse)
{
    assert_ptr_equal(snapshot_current(), parse->snapshot);
    return tell(parse, "publish");
}

static bool
on_release(struct parse *parse)
{
    const struct marks *marks = snapshot_slot(parse->snapshot, &marks_slot);

    released = marks->number;
    return tell(parse, "release");
}

static const struct config_hook hooks[] = {
    { CONFIG_RESOLVE, ORDER_MAIN + 2, on_resolve_later, "test: later" },
    { CONFIG_RESOLVE, ORDER_MAIN + 1, on_resolve, "test" },
    { CONFIG_START, ORDER_MAIN + 1, on_start, "test" },
    { CONFIG_CHECK, ORDER_MAIN + 1, on_check, "test" },
    { CONFIG_ADOPT, ORDER_MAIN + 1, on_adopt, "test" },
    { CONFIG_PUBLISH, ORDER_MAIN + 1, on_publish, "test" },
    { CONFIG_RELEASE, ORDER_MAIN + 1, on_release, "test" },
};
REGISTER(config_hook, hooks);

static bool
parse_number(struct parse *parse)
{
    struct marks *marks = snapshot_slot(parse->snapshot, &marks_slot);
    int64_t number;

    if (!parse_int(parse, "a number", 0, 100, &number))
        return false;
    marks->number = (int)number;
    return true;
}

static const struct keyword keywords[] = {
    { "test-number", IN_GLOBAL, .parse = parse_number, .help = "x" },
};
REGISTER(keyword, keywords);

/* --- helpers ------------------------------------------------------------------------------------
 */

static struct snapshot *
build(const char *content, struct diag *diag)
{
    struct config_text text = { "test.cfg", content };
    struct config_sources sources = { .texts = &text, .text_count = 1 };

    return snapshot_build(&sources, diag);
}

static struct snapshot *
build_good(const char *content)
{
    struct diag *diag = diag_new();
    struct snapshot *snapshot = build(content, diag);

    assert_non_null(snapshot);
    diag_free(diag);
    return snapshot;
}

static void
check_told(const char *expected)
{
    assert_string_equal(text_cstr(&told), expected);
    text_clear(&told);
}

static void
stop(struct timer *timer)
{
    (void)timer;
    loop_stop(loop_here());
}

/* Runs the control thread's loop for a while. */
static void
run_control(int64_t ms)
{
    struct timer timer;

    timer_init(&timer, stop);
    loop_update_clock(loop_here());
    timer_set(loop_here(), &timer, loop_now_ms(loop_here()) + ms);
    loop_run(loop_here());
}

/* --- building -----------------------------------------------------------------------------------
 */

static void
test_stages(void **state)
{
    struct snapshot *snapshot = build_good("global\n test-number 1\n");

    (void)state;
    check_told("start0 resolve1 later1 check1 ");
    snapshot_free(snapshot);
    check_told("release1 ");
}

/* Mistakes in the text: names are still resolved, to tell more mistakes; nothing is judged as a
 * whole. */
static void
test_refused(void **state)
{
    struct diag *diag = diag_new();

    (void)state;
    assert_null(build("global\n test-number 2\n test-number x\n", diag));
    assert_int_equal(diag_count(diag, DIAG_ALERT), 1);
    check_told("start0 resolve2 later2 release2 ");
    diag_free(diag);
}

static void
test_adopt_may_fail(void **state)
{
    struct snapshot *before = snapshot_current();
    struct snapshot *snapshot = build_good("global\n test-number 3\n");
    struct diag *diag = diag_new();

    (void)state;
    adopt_fails = true;
    text_clear(&told);
    assert_false(snapshot_adopt(snapshot, diag));
    adopt_fails = false;
    assert_ptr_equal(snapshot_current(), before);
    snapshot_free(snapshot);
    check_told("adopt3 release3 ");
    diag_free(diag);
}

static void
test_environment_is_the_snapshots_own(void **state)
{
    struct snapshot *first = build_good("global\n setenv WEIR_A 1\n unsetenv WEIR_B\n");
    struct snapshot *second = build_good("global\n presetenv WEIR_A 2\n setenv WEIR_C 3\n");
    const char *name, *value;
    bool is_listed = false;

    (void)state;
    assert_string_equal(environment_find(first, "WEIR_A"), "1");
    assert_string_equal(environment_find(second, "WEIR_A"), "2");
    assert_null(environment_find(first, "WEIR_B"));
    assert_string_equal(environment_find(second, "WEIR_B"), "b");
    assert_null(environment_find(first, "WEIR_C"));
    for (size_t at = 0; environment_next(second, &at, &name, &value);)
        is_listed = is_listed || (strcmp(name, "WEIR_C") == 0 && strcmp(value, "3") == 0);
    assert_true(is_listed);
    snapshot_free(first);
    snapshot_free(second);

    first = build_good("global\n resetenv WEIR_B\n.if defined(PATH) || !defined(WEIR_B)\n"
                       ".alert \"not reset\"\n.endif\n");
    assert_null(environment_find(first, "PATH"));
    snapshot_free(first);
    text_clear(&told);
}

/* --- publishing ----------------------------------------------------------------------------------
 */

static void
publish(const char *content)
{
    struct snapshot *snapshot = build_good(content);
    struct diag *diag = diag_new();

    assert_true(snapshot_adopt(snapshot, diag));
    snapshot_publish(snapshot);
    diag_free(diag);
}

static struct snapshot *held;

static void
hold_current(void *arg)
{
    (void)arg;
    held = snapshot_current();
    snapshot_hold(held);
    snapshot_hold(held);
}

static void
drop_held(void *arg)
{
    (void)arg;
    snapshot_drop(held);
}

static void
test_held_until_dropped(void **state)
{
    (void)state;
    publish("global\n test-number 10\n");
    mailbox_call(thread_at(1), hold_current, NULL);
    run_control(50);
    released = 0;
    publish("global\n test-number 11\n");
    assert_int_equal(snapshot_current()->generation, held->generation + 1);
    run_control(300);
    assert_int_equal(released, 0);
    assert_int_equal(snapshot_retired_count(), 1);
    mailbox_call(thread_at(1), drop_held, NULL);
    run_control(300);
    assert_int_equal(released, 0);
    mailbox_call(thread_at(1), drop_held, NULL);
    for (int i = 0; i < 20 && released == 0; i++)
        run_control(100);
    assert_int_equal(released, 10);
    assert_int_equal(snapshot_retired_count(), 0);
}

static void
test_nobody_holds(void **state)
{
    (void)state;
    released = 0;
    publish("global\n test-number 12\n");
    for (int i = 0; i < 20 && released == 0; i++)
        run_control(50);
    assert_int_equal(released, 11);
}

/* --- a builder thread beside readers
 * ---------------------------------------------------------------- */

enum { ROUNDS = 50 };

static void *
build_in_thread(void *arg)
{
    (void)arg;
    assert_null(this_thread);
    return build_good("global\n test-number 20\n setenv WEIR_A x\n resetenv\n");
}

static uint32_t reads; /* atomic */
static bool must_read; /* atomic */

/* Reads what is current in turn after turn, holding each for two turns. */
static void
read_current(void *arg)
{
    struct snapshot *snapshot = snapshot_current();
    const struct marks *marks = snapshot_slot(snapshot, &marks_slot);

    if (arg != NULL)
        snapshot_drop(arg);
    assert_in_range(marks->number, 1, 100);
    assert_null(getenv("WEIR_A")); /* what is built now does not */
    __atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);
    if (__atomic_load_n(&must_read, __ATOMIC_ACQUIRE)) {
        snapshot_hold(snapshot);
        mailbox_call(this_thread, read_current, snapshot);
    }
}

static void
test_builder_thread(void **state)
{
    (void)state;
    __atomic_store_n(&must_read, true, __ATOMIC_RELEASE);
    mailbox_call(thread_at(1), read_current, NULL);
    mailbox_call(thread_at(2), read_current, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        struct diag *diag = diag_new();
        void *made;
        pthread_t builder;

        assert_int_equal(pthread_create(&builder, NULL, build_in_thread, NULL), 0);
        assert_int_equal(pthread_join(builder, &made), 0);
        assert_true(snapshot_adopt(made, diag));
        snapshot_publish(made);
        diag_free(diag);
        run_control(2);
    }
    __atomic_store_n(&must_read, false, __ATOMIC_RELEASE);
    for (int i = 0; i < 50 && snapshot_retired_count() > 0; i++)
        run_control(100);
    assert_int_equal(snapshot_retired_count(), 0);
    assert_true(__atomic_load_n(&reads, __ATOMIC_RELAXED) > ROUNDS);
}

static int
set_up(void **state)
{
    (void)state;
    setenv("WEIR_B", "b", 1);
    slot_layout_init();
    keyword_table_init();
    thread_table_init(2);
    return 0;
}

static int
start_threads(void **state)
{
    (void)state;
    unsetenv("WEIR_A"); /* what was built before the first is published reached the process */
    publish("global\n test-number 9\n");
    text_clear(&told);
    thread_start_all();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    thread_stop_all();
    text_fini(&told);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_adopt_may_fail),
        cmocka_unit_test(test_environment_is_the_snapshots_own),
        cmocka_unit_test_setup(test_held_until_dropped, start_threads),
        cmocka_unit_test(test_nobody_holds),
        cmocka_unit_test(test_builder_thread),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
