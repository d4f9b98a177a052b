/* SPDX-License-Identifier: Apache-2.0 */
/* What sections take from their defaults section, and that they write nothing into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/snapshot.h"
#include "weir/expr/sample.h"
#include "weir/loop/thread.h"
#include "weir/proxy/proxy.h"
#include "weir/rules/action.h"
#include "weir/server/server.h"

static struct snapshot *
build(const char *text)
{
    struct config_text config = { "test.cfg", text };
    struct config_sources sources = { .texts = &config, .text_count = 1 };
    struct diag *diag = diag_new();
    struct snapshot *snapshot = snapshot_build(&sources, diag);

    diag_free(diag);
    return snapshot;
}

static const struct proxy_conf *
backend(const struct snapshot *snapshot, const char *name)
{
    const struct proxy_conf *conf = proxy_conf_find(snapshot, str_from(name), SIDE_BACK);

    assert_non_null(conf);
    return conf;
}

static void
values_are_inherited_and_overridden(void **state)
{
    struct snapshot *snapshot = build("defaults\n mode http\n timeout server 7s\n retries 5\n"
                                      " option redispatch\n fullconn 20\n"
                                      "backend a\n"
                                      "backend b\n timeout server 9s\n retries 1\n"
                                      " no option redispatch\n mode tcp\n"
                                      "backend c\n");

    (void)state;
    assert_non_null(snapshot);
    assert_int_equal(backend(snapshot, "a")->timeouts.server_ms, 7000);
    assert_int_equal(backend(snapshot, "b")->timeouts.server_ms, 9000);
    assert_int_equal(backend(snapshot, "b")->retries, 1);
    assert_int_equal(backend(snapshot, "b")->mode, MODE_TCP);
    assert_false(backend(snapshot, "b")->option.redispatch);
    assert_int_equal(backend(snapshot, "b")->fullconn, 20);
    assert_int_equal(backend(snapshot, "c")->timeouts.server_ms, 7000);
    assert_int_equal(backend(snapshot, "c")->retries, 5);
    assert_int_equal(backend(snapshot, "c")->mode, MODE_HTTP);
    assert_true(backend(snapshot, "c")->option.redispatch);
    snapshot_free(snapshot);
}

static void
named_defaults_are_chosen(void **state)
{
    struct snapshot *snapshot = build("defaults one\n retries 1\n"
                                      "defaults two from one\n fullconn 9\n"
                                      "defaults\n retries 3\n"
                                      "backend a from one\nbackend b from two\nbackend c\n");

    (void)state;
    assert_non_null(snapshot);
    assert_int_equal(backend(snapshot, "a")->retries, 1);
    assert_int_equal(backend(snapshot, "b")->retries, 1);
    assert_int_equal(backend(snapshot, "b")->fullconn, 9);
    assert_int_equal(backend(snapshot, "c")->retries, 3);
    snapshot_free(snapshot);
    assert_null(build("backend a from nowhere\n"));
}

static unsigned
rule_count(const struct snapshot *snapshot, const char *name)
{
    return backend(snapshot, name)->http_request.count;
}

static void
rules_do_not_leak_between_sections(void **state)
{
    struct snapshot *snapshot = build("defaults d\n mode http\n"
                                      " http-request set-header from-defaults 1\n"
                                      "backend a from d\n http-request set-header a 1\n"
                                      " http-request set-header a 2\n"
                                      "backend b from d\n http-request set-header b 1\n"
                                      "backend c from d\n");

    (void)state;
    assert_non_null(snapshot);
    assert_int_equal(rule_count(snapshot, "a"), 3);
    assert_int_equal(rule_count(snapshot, "b"), 2);
    assert_int_equal(rule_count(snapshot, "c"), 1);
    snapshot_free(snapshot);
}

static const struct server_conf *
first_server(const struct snapshot *snapshot, const char *name)
{
    return LIST_FIRST(&backend(snapshot, name)->servers, struct server_conf, link);
}

static void
default_server_and_source_do_not_leak(void **state)
{
    struct snapshot *snapshot = build("defaults\n default-server weight 7 maxconn 3\n"
                                      " source 127.0.0.8\n srvtcpka-idle 1500ms\n"
                                      "backend a\n default-server weight 9\n source 127.0.0.9\n"
                                      " server s 127.0.0.1:1\n"
                                      "backend b\n server s 127.0.0.1:1 id 5\n"
                                      " server t 127.0.0.1:1 source 127.0.0.7\n");
    const struct server_conf *a, *b, *t;

    (void)state;
    assert_non_null(snapshot);
    a = first_server(snapshot, "a");
    b = first_server(snapshot, "b");
    t = LIST_ITEM(b->link.next, struct server_conf, link);
    assert_int_equal(a->weight, 9);
    assert_int_equal(a->maxconn, 3);
    assert_int_equal(b->weight, 7);
    assert_int_equal(((const unsigned char *)&a->dial.source.ip4)[3], 9);
    assert_int_equal(((const unsigned char *)&b->dial.source.ip4)[3], 8);
    assert_int_equal(((const unsigned char *)&t->dial.source.ip4)[3], 7);
    assert_int_equal(b->dial.keepalive_idle_s, 2);
    assert_false(a->has_own_id);
    assert_true(b->has_own_id);
    snapshot_free(snapshot);
}

static int
begin(void **state)
{
    (void)state;
    slot_layout_init();
    keyword_table_init();
    sample_table_init();
    action_table_init();
    thread_table_init(1);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_inherited_and_overridden),
        cmocka_unit_test(named_defaults_are_chosen),
        cmocka_unit_test(rules_do_not_leak_between_sections),
        cmocka_unit_test(default_server_and_source_do_not_leak),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
