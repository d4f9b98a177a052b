/* SPDX-License-Identifier: Apache-2.0 */
/* What two configurations say differently, in words; texts that are read again; amendments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "weir/config/keyword.h"
#include "weir/config/slot.h"
#include "weir/config/snapshot.h"
#include "weir/expr/sample.h"
#include "weir/loop/thread.h"
#include "weir/proxy/proxy.h"
#include "weir/rules/action.h"
#include "weir/server/dynamic.h"
#include "weir/server/server.h"

static struct snapshot *
read_sources(const struct config_sources *sources)
{
    struct diag *diag = diag_new();
    struct snapshot *snapshot = snapshot_build(sources, diag);
    struct text report = TEXT_INIT;

    diag_print(diag, &report, DIAG_ALERT);
    if (snapshot == NULL)
        print_error("%s", text_cstr(&report));
    text_fini(&report);
    diag_free(diag);
    return snapshot;
}

static struct snapshot *
read_text(const char *content)
{
    struct config_text text = { .name = "t", .content = content };

    return read_sources(&(struct config_sources){ .texts = &text, .text_count = 1 });
}

static void
check(const char *before, const char *now, const char *expected)
{
    struct snapshot *left = read_text(before), *right = read_text(now);
    struct text words = TEXT_INIT;

    assert_non_null(left);
    assert_non_null(right);
    outline_compare(&left->outline, &right->outline, &words);
    assert_string_equal(text_cstr(&words), expected);
    text_fini(&words);
    snapshot_free(left);
    snapshot_free(right);
}

#define BASE "defaults\n mode http\n timeout client 5s\nfrontend f\n bind 127.0.0.1:1\n default_backend b\n"
#define BACK "backend b\n balance roundrobin\n"

static void
test_same(void **state)
{
    (void)state;
    check(BASE BACK, BASE BACK, "");
    /* Comments, blanks and quotes say nothing. */
    check(BASE BACK, BASE "# more\n\nbackend   \"b\"\n  balance 'roundrobin'\n", "");
}

static void
test_servers(void **state)
{
    (void)state;
    check(BASE BACK " server s1 10.0.0.1:80 weight 100\n server s2 10.0.0.2:80\n",
          BASE BACK " server s1 10.0.0.1:80 weight 50\n server s2 10.0.0.2:80\n server s3 10.0.0.3:80\n",
          "backend b: s1 weight 100 -> 50, server s3 added; 1 other unchanged\n");
    check(BASE BACK " server s1 10.0.0.1:80 check inter 2s backup\n",
          BASE BACK " server s1 10.0.0.9:80 inter 3s check rise 4\n",
          "backend b: s1 address 10.0.0.1:80 -> 10.0.0.9:80, s1 inter 2s -> 3s, s1 rise 4 added, "
          "s1 backup removed\n");
    check(BASE BACK " server s1 10.0.0.1:80\n", BASE BACK, "backend b: server s1 removed\n");
}

static void
test_settings_and_rules(void **state)
{
    (void)state;
    check(BASE BACK, "defaults\n mode http\n timeout client 6s\nfrontend f\n bind 127.0.0.1:1\n default_backend b\n" BACK,
          "defaults: timeout client 5s -> 6s\n");
    check(BASE BACK " option httpclose\n", BASE BACK " no option httpclose\n",
          "backend b: no option httpclose (was: option httpclose)\n");
    check(BASE " http-request deny if { path /a }\n" BACK, BASE " http-request deny if { path /b }\n" BACK,
          "frontend f: rules changed\n  - http-request deny if { path /a }\n"
          "  + http-request deny if { path /b }\n");
    check(BASE " http-request deny if { path /a }\n http-request deny if { path /b }\n" BACK,
          BASE " http-request deny if { path /b }\n http-request deny if { path /a }\n" BACK,
          "frontend f: rules in another order\n");
    check("global\n nbthread 2\n" BASE BACK, "global\n nbthread 3\n" BASE BACK,
          "global: nbthread 2 -> 3 (needs a restart: nbthread)\n");
}

static void
test_sections(void **state)
{
    (void)state;
    check(BASE BACK, BASE BACK "backend c\n server x 10.0.0.1:1\n", "backend c added with 1 server\n");
    check(BASE BACK "backend c\n", BASE BACK, "backend c removed\n");
    check("defaults d\n mode http\n" BASE BACK, "defaults d\n mode http\n" BASE "backend b from d\n balance roundrobin\n",
          "backend b: begins with 'backend b from d'\n");
}

/* The text stands for the files; what was said at run time stands at the end of its section. */
static void
test_again_and_amended(void **state)
{
    struct snapshot *first = read_text(BASE BACK " server s1 10.0.0.1:80\n server s2 10.0.0.2:80\n");
    struct amendment amendments[] = {
        { .kind = AMEND_LINE, .places = IN_BACKEND, .name = "b", .item = "s3", .origin = "test",
          .line = "server s3 10.0.0.3:80 weight 7", .apply = server_conf_add_dynamic },
        { .kind = AMEND_LINE, .places = IN_BACKEND, .name = "b", .item = "s1", .origin = "test",
          .line = "server s1", .is_removal = true, .apply = server_conf_remove },
        { .kind = AMEND_SECTION, .places = IN_BACKEND, .name = "n", .origin = "test",
          .line = "backend n\nbe-unpublished" },
    };
    struct config_sources sources = { .amendments = amendments, .amendment_count = 3 };
    struct snapshot *second;
    struct proxy_conf *conf;
    struct text words = TEXT_INIT;

    (void)state;
    assert_non_null(first);
    sources.transcript = first->transcript;
    sources.base = first;
    second = read_sources(&sources);
    assert_non_null(second);
    assert_true(second->transcript == first->transcript);
    conf = proxy_conf_find(second, STR("b"), SIDE_BACK);
    assert_int_equal(conf->server_count, 2);
    LIST_FOR_EACH (srv, &conf->servers, struct server_conf, link) {
        bool is_new = strcmp(srv->name, "s3") == 0;

        assert_int_equal(srv->is_dynamic, is_new);
        assert_int_equal(srv->id, is_new ? 1 : 2); /* s2 keeps its number; that of s1 is free */
        assert_int_equal(srv->weight, is_new ? 7 : 1);
    }
    assert_true(proxy_conf_find(second, STR("n"), SIDE_BACK)->starts_unpublished);
    outline_compare(&second->outline, &first->outline, &words);
    assert_string_equal(text_cstr(&words),
                        "backend b: server s1 added, server s3 removed (it was added at run time); "
                        "1 other unchanged\nbackend n removed (it was added at run time)\n");
    text_fini(&words);
    snapshot_free(second);
    snapshot_free(first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_settings_and_rules),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_again_and_amended),
    };

    slot_layout_init();
    keyword_table_init();
    sample_table_init();
    action_table_init();
    thread_table_init(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
