/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: form and parts. */
#include "weir/http/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct example {
    const char *target;
    bool is_connect;
    enum uri_form form;
    const char *scheme, *authority, *path;
};

static const struct example examples[] = {
    { "/", false, URI_ORIGIN, "", "", "/" },
    { "/a?b", false, URI_ORIGIN, "", "", "/a?b" },
    { "//a/b", false, URI_ORIGIN, "", "", "//a/b" },
    { "*", false, URI_ASTERISK, "", "", "*" },
    { "http://a", false, URI_ABSOLUTE, "http", "a", "/" },
    { "http://a/", false, URI_ABSOLUTE, "http", "a", "/" },
    { "HTTPS://u:p@[::1]:8/x?y", false, URI_ABSOLUTE, "HTTPS", "u:p@[::1]:8", "/x?y" },
    { "http:///x", false, URI_ABSOLUTE, "http", "", "/x" },
    { "a+b-c.9://h/", false, URI_ABSOLUTE, "a+b-c.9", "h", "/" },
    { "http://a?x", false, URI_NONE, "", "", "" },
    { "http://a#x", false, URI_NONE, "", "", "" },
    { "http:/a", false, URI_NONE, "", "", "" },
    { "://a", false, URI_NONE, "", "", "" },
    { "a", false, URI_NONE, "", "", "" },
    { "a:b", false, URI_NONE, "", "", "" },
    { "**", false, URI_NONE, "", "", "" },
    { "a:443", true, URI_AUTHORITY, "", "a:443", "" },
    { "[::1]:443", true, URI_AUTHORITY, "", "[::1]:443", "" },
    { "a:0", true, URI_AUTHORITY, "", "a:0", "" },
    { "a", true, URI_NONE, "", "", "" },
    { "a:", true, URI_NONE, "", "", "" },
    { ":443", true, URI_NONE, "", "", "" },
    { "a:65536", true, URI_NONE, "", "", "" },
    { "a:4x", true, URI_NONE, "", "", "" },
    { "u@a:443", true, URI_NONE, "", "", "" },
    { "http://a:443/", true, URI_NONE, "", "", "" },
    { "/", true, URI_NONE, "", "", "" },
    { "[::1]", true, URI_NONE, "", "", "" },
};

static void
forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct example *e = &examples[i];
        struct uri uri;

        assert_int_equal(uri_split(str_from(e->target), e->is_connect, &uri), e->form);
        assert_true(str_eq(uri.scheme, str_from(e->scheme)));
        if (e->form != URI_NONE)
            assert_true(str_eq(uri.authority, str_from(e->authority)));
        assert_true(str_eq(uri.path, str_from(e->path)));
    }
    assert_int_equal(uri_split(STR(""), false, &(struct uri){ 0 }), URI_NONE);
}

static void
paths(void **state)
{
    (void)state;
    assert_true(str_eq(uri_path_only(STR("/a?b?c")), STR("/a")));
    assert_true(str_eq(uri_path_only(STR("/a")), STR("/a")));
    assert_true(str_eq(uri_query(STR("/a?b?c")), STR("b?c")));
    assert_true(str_eq(uri_query(STR("/a?")), STR("")));
    assert_non_null(uri_query(STR("/a?")).ptr);
    assert_null(uri_query(STR("/a")).ptr);
    assert_null(uri_query(STR("")).ptr);
}

static void
authorities(void **state)
{
    struct str host, port;

    (void)state;
    authority_split(STR("u:p@a:80"), &host, &port);
    assert_true(str_eq(host, STR("a")));
    assert_true(str_eq(port, STR("80")));
    authority_split(STR("[::1]"), &host, &port);
    assert_true(str_eq(host, STR("[::1]")));
    assert_null(port.ptr);
    authority_split(STR(""), &host, &port);
    assert_int_equal(host.len, 0);
    assert_true(authority_is_same(STR("A:80"), STR("a"), STR("http")));
    assert_true(authority_is_same(STR("a:"), STR("a"), STR("http")));
    assert_true(authority_is_same(STR("a"), STR("a:443"), STR("https")));
    assert_false(authority_is_same(STR("a:8080"), STR("a"), STR("http")));
    assert_false(authority_is_same(STR("a"), STR("b"), STR("http")));
    assert_true(authority_is_same(STR("u@a"), STR("a"), STR("http")));
    assert_int_equal(uri_default_port(STR("HTTP")), 80);
    assert_int_equal(uri_default_port(STR("https")), 443);
    assert_int_equal(uri_default_port(STR("ftp")), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(paths),
        cmocka_unit_test(authorities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
