/* SPDX-License-Identifier: Apache-2.0 */
/* Rise and fall, forced health, maintenance: what results of checks do to a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check/check.c"

#include "weir/config/environment.h"
#include "weir/expr/sample.h"
#include "weir/loop/thread.h"
#include "weir/rules/action.h"

/* Checks never begin by themselves: the control loop does not run. */
static const char text[] = "defaults\n timeout connect 1s\n timeout server 1s\n"
                           "backend b\n"
                           " server s 127.0.0.1:9 check inter 1h rise 3 fall 2\n"
                           " server slow 127.0.0.1:9 check inter 1h rise 1 fall 1 fastinter 2s "
                           "downinter 9s\n"
                           " server unchecked 127.0.0.1:9\n";

static struct server *
find(const char *name)
{
    return server_find(proxy_find(STR("b"), SIDE_BACK), str_from(name));
}

static void
result(const char *name, enum check_status status)
{
    check_done(find(name)->check, status, 0, NULL);
}

static void
expect(const char *name, int health, enum server_state state)
{
    struct check_view view;

    assert_true(check_view(find(name), &view));
    assert_int_equal(view.health, health);
    assert_int_equal(find(name)->state, state);
}

static void
falls_and_rises(void **state)
{
    (void)state;
    expect("s", 3, SERVER_RUNNING);
    result("s", CHECK_L4OK);
    expect("s", 4, SERVER_RUNNING);
    result("s", CHECK_L4CON);
    expect("s", 3, SERVER_RUNNING);
    result("s", CHECK_L4OK); /* a good one in between: counted from the beginning */
    expect("s", 4, SERVER_RUNNING);
    result("s", CHECK_L4CON);
    result("s", CHECK_L7TOUT);
    expect("s", 0, SERVER_STOPPED);
    assert_int_equal(find("s")->failed_checks, 3);
    assert_int_equal(find("s")->down_transitions, 1);
    result("s", CHECK_L4CON);
    assert_int_equal(find("s")->failed_checks, 3);
    result("s", CHECK_L4OK);
    result("s", CHECK_L4OK);
    expect("s", 2, SERVER_STOPPED);
    result("s", CHECK_L4CON);
    expect("s", 0, SERVER_STOPPED);
    result("s", CHECK_L4OK);
    result("s", CHECK_L7OK);
    result("s", CHECK_L6OK);
    expect("s", 4, SERVER_RUNNING);
}

static void
first_failure_takes_a_new_server_down(void **state)
{
    (void)state;
    expect("slow", 1, SERVER_RUNNING);
    result("slow", CHECK_L4CON);
    expect("slow", 0, SERVER_STOPPED);
    result("slow", CHECK_L4OK);
    expect("slow", 1, SERVER_RUNNING);
}

static void
times_follow_the_state(void **state)
{
    const struct check_conf *conf = check_conf_of(find("slow")->conf);
    struct check check = { .server = find("slow") };

    (void)state;
    assert_int_equal(interval_ms(&check, conf), 9000);
    check.health = 1;
    assert_int_equal(interval_ms(&check, conf), 3600000);
    conf = check_conf_of(find("s")->conf);
    check.server = find("s");
    assert_int_equal(interval_ms(&check, conf), 3600000);
}

static void
forced_health_goes_on_from_there(void **state)
{
    (void)state;
    check_force(find("s"), SERVER_STOPPED);
    expect("s", 0, SERVER_STOPPED);
    check_force(find("s"), SERVER_RUNNING);
    expect("s", 4, SERVER_RUNNING);
    check_force(find("s"), SERVER_STOPPING);
    assert_int_equal(find("s")->state, SERVER_STOPPING);
    assert_false(server_is_usable(find("s")));
    assert_true(server_takes_persistent(find("s")));
    check_force(find("s"), SERVER_RUNNING);
    check_force(find("unchecked"), SERVER_STOPPED);
    assert_int_equal(find("unchecked")->state, SERVER_STOPPED);
    check_force(find("unchecked"), SERVER_RUNNING);
}

static void
drain_leaves_the_count_alone(void **state)
{
    (void)state;
    result("s", CHECK_L4CON);
    expect("s", 3, SERVER_RUNNING);
    server_set_admin(find("s"), ADMIN_FDRAIN, 0, NULL);
    expect("s", 3, SERVER_RUNNING);
    server_set_admin(find("s"), 0, ADMIN_FDRAIN, NULL);
    result("s", CHECK_L4OK);
    expect("s", 4, SERVER_RUNNING);
}

static void
maintenance_begins_anew(void **state)
{
    (void)state;
    server_set_admin(find("s"), ADMIN_FMAINT, 0, NULL);
    expect("s", 4, SERVER_STOPPED);
    server_set_state(find("s"), SERVER_RUNNING, NULL);
    assert_int_equal(find("s")->state, SERVER_STOPPED);
    server_set_admin(find("s"), 0, ADMIN_FMAINT, NULL);
    expect("s", 3, SERVER_RUNNING);
    result("s", CHECK_L4CON);
    expect("s", 0, SERVER_STOPPED);
}

static void
paused_checks_are_not_due(void **state)
{
    struct check_view view;

    (void)state;
    assert_false(check_pause(find("unchecked")));
    assert_true(check_pause(find("s")));
    assert_false(check_is_due(find("s")->check));
    assert_true(check_view(find("s"), &view) && !view.is_enabled);
    assert_true(check_resume(find("s")));
    assert_true(check_is_due(find("s")->check));
    assert_false(check_resume(find("unchecked")));
}

static int
begin(void **state)
{
    struct config_text config = { "test.cfg", text };
    struct config_sources sources = { .texts = &config, .text_count = 1 };
    struct diag *diag = diag_new();
    struct snapshot *snapshot;

    (void)state;
    slot_layout_init();
    keyword_table_init();
    sample_table_init();
    action_table_init();
    thread_table_init(1);
    loop_update_clock(loop_here());
    snapshot = snapshot_build(&sources, diag);
    if (snapshot == NULL || !snapshot_adopt(snapshot, diag))
        return 1;
    snapshot_publish(snapshot);
    diag_free(diag);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(falls_and_rises),
        cmocka_unit_test(first_failure_takes_a_new_server_down),
        cmocka_unit_test(times_follow_the_state),
        cmocka_unit_test(forced_health_goes_on_from_there),
        cmocka_unit_test(drain_leaves_the_count_alone),
        cmocka_unit_test(maintenance_begins_anew),
        cmocka_unit_test(paused_checks_are_not_due),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
