/* SPDX-License-Identifier: Apache-2.0 */
/* Messages and their fields. */
#include "weir/http/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
expect_text(const struct message *msg, int at, const char *value)
{
    assert_true(at >= 0);
    assert_true(str_eq(field_value(&msg->fields[at]), str_from(value)));
}

static void
fields_are_found(void **state)
{
    struct message *msg = message_take();

    (void)state;
    assert_int_equal(message_find_field(msg, FIELD_HOST, 0), -1);
    assert_true(message_add_field(msg, FIELD_HOST, STR("host"), STR("a")));
    assert_true(message_add_field_copy(msg, STR("X-Foo"), STR("1")));
    assert_true(message_add_field_copy(msg, STR("Cookie"), STR("2")));
    assert_true(message_add_field_copy(msg, STR("x-FOO"), STR("")));
    expect_text(msg, message_find_field(msg, FIELD_HOST, 0), "a");
    expect_text(msg, message_find_field(msg, FIELD_COOKIE, 0), "2");
    expect_text(msg, message_find_field_name(msg, STR("x-foo"), 0), "1");
    expect_text(msg, message_find_field_name(msg, STR("x-foo"), 2), "");
    expect_text(msg, message_find_field_name(msg, STR("cookie"), 0), "2");
    assert_int_equal(message_find_field_name(msg, STR("x-foo"), 4), -1);
    assert_int_equal(message_find_field_name(msg, STR("x-bar"), 0), -1);
    assert_int_equal(message_find_field_name(msg, STR(""), 0), -1);
    assert_true(str_eq(message_host(msg), STR("a")));
    message_give(msg);
}

static void
fields_are_removed(void **state)
{
    struct message *msg = message_take();

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(message_add_field_copy(msg, STR("x-foo"), STR("1")));
        assert_true(message_add_field_copy(msg, STR("accept"), STR("2")));
    }
    message_remove_field(msg, 0);
    assert_int_equal(message_find_field_name(msg, STR("x-foo"), 0), 2);
    message_remove_fields(msg, STR("x-foo"));
    assert_int_equal(message_find_field_name(msg, STR("x-foo"), 0), -1);
    assert_int_equal(message_find_field(msg, FIELD_ACCEPT, 0), 1);
    message_remove_fields_id(msg, FIELD_ACCEPT);
    assert_int_equal(message_find_field(msg, FIELD_ACCEPT, 0), -1);
    assert_int_equal(msg->count, 6);
    message_give(msg);
}

static void
many_fields(void **state)
{
    struct message *msg = message_take();
    char name[16];

    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "X-%d", i);
        assert_true(message_add_field_copy(msg, str_from(name), str_from(name + 2)));
    }
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "x-%d", i);
        expect_text(msg, message_find_field_name(msg, str_from(name), 0), name + 2);
    }
    message_replace_value(msg, 7, STR("seven"));
    expect_text(msg, 7, "seven");
    assert_int_equal(msg->fields[7].flags, 0);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "t-%d", i);
        assert_true(message_add_trailer(msg, str_from(name), str_from(name + 2)));
    }
    assert_int_equal(msg->trailer_count, 40);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "t-%d", i);
        assert_true(str_eq(field_name_str(&msg->trailers[i]), str_from(name)));
        assert_true(str_eq(field_value(&msg->trailers[i]), str_from(name + 2)));
    }
    message_clear(msg);
    assert_int_equal(msg->count, 0);
    assert_int_equal(msg->trailer_count, 0);
    assert_true(msg->fields == msg->inline_fields);
    message_give(msg);
    message_give(NULL);
}

static void
targets(void **state)
{
    struct message *msg = message_take();

    (void)state;
    message_set_target(msg, STR("/a?b"));
    assert_true(str_eq(message_path_only(msg), STR("/a")));
    assert_true(str_eq(message_query(msg), STR("b")));
    assert_int_equal(message_host(msg).len, 0);
    assert_true(message_set_path(msg, STR("/c")));
    assert_true(str_eq(msg->target, STR("/c")));

    message_set_target(msg, STR("http://h:1/a?b"));
    assert_true((msg->flags & MESSAGE_ABSOLUTE_FORM) != 0);
    assert_true(str_eq(message_host(msg), STR("h:1")));
    assert_true(message_set_path(msg, STR("/c?d")));
    assert_true(str_eq(msg->target, STR("http://h:1/c?d")));
    assert_true(str_eq(msg->path, STR("/c?d")));

    message_set_target(msg, STR("odd"));
    assert_true(str_eq(msg->path, STR("odd")));
    assert_true((msg->flags & MESSAGE_ABSOLUTE_FORM) == 0);
    msg->method = METHOD_CONNECT;
    message_set_target(msg, STR("h:1"));
    assert_int_equal(msg->path.len, 0);
    assert_true(str_eq(msg->authority, STR("h:1")));
    assert_true(str_eq(message_copy(msg, STR("x")), STR("x")));
    assert_non_null(message_copy(msg, STR("")).ptr);
    message_give(msg);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found),
        cmocka_unit_test(fields_are_removed),
        cmocka_unit_test(many_fields),
        cmocka_unit_test(targets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
