/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses: parse, print, compare. */
#include "weir/os/addr.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static bool
prints(const struct addr *addr, const char *host, const char *full)
{
    char text[ADDR_TEXT_MAX];
    size_t len = addr_format_host(addr, text, sizeof(text));
    bool is_right = len == strlen(host) && strcmp(text, host) == 0;

    len = addr_format(addr, text, sizeof(text));
    return is_right && len == strlen(full) && strcmp(text, full) == 0;
}

static void
test_hosts(void **state)
{
    struct addr addr;

    (void)state;
    assert_int_equal(sizeof(struct addr), 24);
    assert_true(addr_parse_host(STR("192.0.2.1"), &addr));
    assert_int_equal(addr.family, ADDR_IPV4);
    assert_int_equal(addr.port, 0);
    addr.port = 80;
    assert_true(prints(&addr, "192.0.2.1", "192.0.2.1:80"));
    assert_true(addr_parse_host(STR("2001:db8::1"), &addr));
    addr.port = 443;
    assert_true(prints(&addr, "2001:db8::1", "[2001:db8::1]:443"));
    assert_true(addr_parse_host(STR("255.255.255.255"), &addr));
    assert_true(prints(&addr, "255.255.255.255", "255.255.255.255:0"));
    assert_true(addr_parse_host(STR("fe80::1%lo"), &addr));
    assert_true(addr.scope_id > 0);
    assert_false(addr_parse_host(STR("fe80::1%nosuch0"), &addr));
    assert_false(addr_parse_host(STR("1.2.3"), &addr));
    assert_false(addr_parse_host(STR("1.2.3.256"), &addr));
    assert_false(addr_parse_host(STR("localhost"), &addr));
    assert_false(addr_parse_host(STR(""), &addr));
    assert_false(addr_parse_host(STR("1.2.3.4\0.5"), &addr));
    assert_false(addr_parse_host(STR("1.2.3.4 "), &addr));
}

static void
test_printing_in_little_room(void **state)
{
    struct addr addr;
    char text[8];

    (void)state;
    assert_true(addr_parse_host(STR("192.0.2.100"), &addr));
    assert_int_equal(addr_format_host(&addr, text, sizeof(text)), 0);
    assert_int_equal(addr_format(&addr, text, sizeof(text)), 7);
    assert_string_equal(text, "192.0.2");
    assert_true(addr_parse_host(STR("2001:db8::1"), &addr));
    assert_int_equal(addr_format_host(&addr, text, sizeof(text)), 0);
    addr = (struct addr){ .family = ADDR_UNIX, .path = "/a/long/path" };
    assert_int_equal(addr_format_host(&addr, text, sizeof(text)), 7);
    assert_int_equal(addr_format(&addr, text, 0), 0);
}

static void
test_other_families_print(void **state)
{
    struct addr addr = { .family = ADDR_UNIX, .path = "/run/x" };

    (void)state;
    assert_true(prints(&addr, "/run/x", "unix@/run/x"));
    addr.path = "";
    assert_true(prints(&addr, "unix", "unix"));
    addr = (struct addr){ .family = ADDR_ABSTRACT, .path = "x" };
    assert_true(prints(&addr, "abns@x", "abns@x"));
    addr = (struct addr){ .family = ADDR_ABSTRACT_SHORT, .path = "x" };
    assert_true(prints(&addr, "abnsz@x", "abnsz@x"));
    addr = (struct addr){ .family = ADDR_FD, .fd = 3 };
    assert_true(prints(&addr, "fd@3", "fd@3"));
    addr = (struct addr){ .family = ADDR_SOCKPAIR, .fd = 4 };
    assert_true(prints(&addr, "sockpair@4", "sockpair@4"));
    addr = (struct addr){ .family = ADDR_NONE };
    assert_true(prints(&addr, "-", "-"));
}

static void
test_the_kernels_form(void **state)
{
    struct sockaddr_storage storage;
    struct addr addr, again;

    (void)state;
    assert_true(addr_parse_host(STR("192.0.2.1"), &addr));
    addr.port = 8080;
    assert_int_equal(addr_to_sockaddr(&addr, &storage), sizeof(struct sockaddr_in));
    assert_int_equal(((struct sockaddr_in *)&storage)->sin_port, htons(8080));
    addr_from_sockaddr(&again, &storage);
    assert_true(addr_eq(&addr, &again));
    assert_true(addr_parse_host(STR("2001:db8::1"), &addr));
    addr.port = 8080;
    assert_int_equal(addr_to_sockaddr(&addr, &storage), sizeof(struct sockaddr_in6));
    addr_from_sockaddr(&again, &storage);
    assert_true(addr_eq(&addr, &again));
    addr = (struct addr){ .family = ADDR_FD, .fd = 3 };
    assert_int_equal(addr_to_sockaddr(&addr, &storage), 0);
    storage.ss_family = AF_UNIX;
    addr_from_sockaddr(&again, &storage);
    assert_int_equal(again.family, ADDR_UNIX);
    assert_string_equal(again.path, "");
}

static void
test_unix_names(void **state)
{
    struct sockaddr_storage storage;
    struct sockaddr_un *un = (struct sockaddr_un *)&storage;
    struct addr addr = { .family = ADDR_UNIX, .path = "/run/x" };

    (void)state;
    assert_int_equal(addr_to_sockaddr(&addr, &storage), sizeof(*un));
    assert_string_equal(un->sun_path, "/run/x");
    addr = (struct addr){ .family = ADDR_ABSTRACT, .path = "name" };
    assert_int_equal(addr_to_sockaddr(&addr, &storage), sizeof(*un));
    assert_memory_equal(un->sun_path, "\0name\0", 6);
    addr = (struct addr){ .family = ADDR_ABSTRACT_SHORT, .path = "name" };
    assert_int_equal(addr_to_sockaddr(&addr, &storage), sizeof(sa_family_t) + 5);
    assert_memory_equal(un->sun_path, "\0name", 5);
}

static void
test_comparing_and_hashing(void **state)
{
    struct addr a, b;

    (void)state;
    assert_true(addr_parse_host(STR("192.0.2.1"), &a));
    b = a;
    assert_true(addr_eq(&a, &b));
    assert_true(addr_hash(&a) == addr_hash(&b));
    b.port = 1;
    assert_false(addr_eq(&a, &b));
    assert_true(addr_eq_host(&a, &b));
    assert_true(addr_hash(&a) != addr_hash(&b));
    assert_true(addr_parse_host(STR("::ffff:192.0.2.1"), &b));
    assert_false(addr_eq_host(&a, &b));
    addr_unmap(&b);
    assert_true(addr_eq(&a, &b));
    assert_true(addr_hash(&a) == addr_hash(&b));
    addr_unmap(&b);
    assert_true(addr_eq(&a, &b));
    a = (struct addr){ .family = ADDR_UNIX, .path = "/a" };
    b = (struct addr){ .family = ADDR_UNIX, .path = "/b" };
    assert_false(addr_eq(&a, &b));
    b.family = ADDR_ABSTRACT;
    assert_false(addr_eq(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_printing_in_little_room),
        cmocka_unit_test(test_other_families_print),
        cmocka_unit_test(test_the_kernels_form),
        cmocka_unit_test(test_unix_names),
        cmocka_unit_test(test_comparing_and_hashing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
