/* SPDX-License-Identifier: Apache-2.0 */
/* Address words of the configuration. */
#include "weir/os/addr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define BIND   (ADDR_REQUIRE_PORT | ADDR_ALLOW_PORT_RANGE | ADDR_ALLOW_NAME | ADDR_ALLOW_FD)
#define SERVER (ADDR_ALLOW_PORT_OFFSET | ADDR_ALLOW_NAME)
#define LOG    (ADDR_ALLOW_NAME | ADDR_ALLOW_FD | ADDR_ALLOW_DATAGRAM)

static struct addr_spec
parsed(const char *word, unsigned allow)
{
    struct error err = ERROR_INIT;
    struct addr_spec spec;

    if (!addr_parse(word, allow, &spec, &err))
        fail_msg("%s", err.text);
    return spec;
}

/* The address of the word, printed. */
static bool
is(const char *word, unsigned allow, const char *expected)
{
    struct addr_spec spec = parsed(word, allow);
    char text[ADDR_TEXT_MAX];

    addr_format(&spec.addr, text, sizeof(text));
    if (strcmp(text, expected) != 0)
        print_message("'%s' became '%s'\n", word, text);
    return strcmp(text, expected) == 0;
}

/* It is refused, and the message has this in it. */
static bool
refuses(const char *word, unsigned allow, const char *why)
{
    struct error err = ERROR_INIT;
    struct addr_spec spec;
    bool is_refused = !addr_parse(word, allow, &spec, &err);

    if (strstr(err.text, why) == NULL)
        print_message("'%s' said '%s'\n", word, err.text);
    return is_refused && strstr(err.text, why) != NULL;
}

static void
test_listening_addresses(void **state)
{
    (void)state;
    assert_true(is(":80", BIND, "0.0.0.0:80"));
    assert_true(is("*:80", BIND, "0.0.0.0:80"));
    assert_true(parsed("*:80", BIND).is_any);
    assert_true(is("192.0.2.1:80", BIND, "192.0.2.1:80"));
    assert_true(is(":::8080", BIND, "[::]:8080"));
    assert_true(is("::1:8080", BIND, "[::1]:8080"));
    assert_true(is("[::1]:8080", BIND, "[::1]:8080"));
    assert_true(is("[192.0.2.1]:80", BIND, "192.0.2.1:80"));
    assert_true(is("ipv4@:80", BIND, "0.0.0.0:80"));
    assert_true(is("ipv6@:80", BIND, "[::]:80"));
    assert_true(is("ipv6@*:80", BIND, "[::]:80"));
    assert_true(is("tcp4@:80", BIND, "0.0.0.0:80"));
    assert_true(is("ip@1.2.3.4:80", BIND, "1.2.3.4:80"));
    assert_true(refuses("192.0.2.1", BIND, "port is missing"));
    assert_true(refuses("*", BIND, "port is missing"));
    assert_true(refuses("::1", BIND, "port is missing"));
    assert_true(refuses(":0", BIND, "port 0"));
    assert_true(refuses(":70000", BIND, "not a port number"));
    assert_true(refuses(":80x", BIND, "not a port number"));
    assert_true(refuses("", BIND, "empty"));
}

static void
test_port_ranges(void **state)
{
    struct addr_spec spec = parsed(":80-90", BIND);

    (void)state;
    assert_int_equal(spec.port_low, 80);
    assert_int_equal(spec.port_high, 90);
    assert_true(spec.port_is_given);
    spec = parsed(":80", BIND);
    assert_int_equal(spec.port_low, 80);
    assert_int_equal(spec.port_high, 80);
    assert_int_equal(spec.addr.port, 80);
    assert_true(refuses(":90-80", BIND, "empty"));
    assert_true(refuses(":0-80", BIND, "empty"));
    assert_true(refuses(":80-", BIND, "not a port number"));
    assert_true(refuses(":80-90000", BIND, "not a port number"));
    assert_true(refuses("1.2.3.4:80-90", SERVER, "range '80-90' is not permitted"));
}

static void
test_server_addresses(void **state)
{
    struct addr_spec spec = parsed("192.0.2.1", SERVER);

    (void)state;
    assert_false(spec.port_is_given);
    assert_int_equal(spec.addr.port, 0);
    assert_false(parsed("192.0.2.1:", SERVER).port_is_given);
    assert_true(is("2001:db8::1:", SERVER, "[2001:db8::1]:0"));
    assert_true(is("[2001:db8::1]", SERVER, "[2001:db8::1]:0"));
    assert_true(is("2001:db8::1", SERVER, "[2001:db8::1]:0"));
    assert_true(is("::1", SERVER, "[::1]:0"));
    assert_true(is("::1:80", SERVER, "[::1]:80"));
    assert_true(is("1:2:3:4:5:6:7:8", SERVER, "[1:2:3:4:5:6:7:8]:0"));
    assert_true(is("192.0.2.1:0", SERVER, "192.0.2.1:0"));
    spec = parsed("192.0.2.1:+100", SERVER);
    assert_true(spec.port_is_offset && spec.port_is_given);
    assert_int_equal(spec.port_low, 100);
    assert_int_equal(spec.addr.port, 0);
    spec = parsed(":-5", SERVER);
    assert_true(spec.port_is_offset && spec.is_any);
    assert_int_equal(spec.port_low, -5);
    assert_true(refuses("1.2.3.4:+5", BIND, "offset '+5' is not permitted"));
    assert_true(refuses("1.2.3.4:+", SERVER, "not a port number"));
}

static void
test_names(void **state)
{
    struct addr_spec spec = parsed("www.example.com:80", SERVER);

    (void)state;
    assert_true(spec.needs_lookup);
    assert_true(str_eq(spec.host_name, STR("www.example.com")));
    assert_int_equal(spec.port_low, 80);
    assert_int_equal(addr_domain(&spec.addr), AF_UNSPEC);
    spec = parsed("ipv6@www.example.com", SERVER);
    assert_true(spec.needs_lookup);
    assert_int_equal(addr_domain(&spec.addr), AF_INET6);
    assert_true(refuses("localhost:80", ADDR_REQUIRE_PORT, "'localhost' is not an IP address"));
    assert_true(refuses("1:2:3", SERVER, "not an IP address"));
    assert_true(refuses("ipv4@::1:80", BIND, "'::1' is not an IPv4 address"));
    assert_true(refuses("ipv6@1.2.3.4:80", BIND, "'1.2.3.4' is not an IPv6 address"));
}

static void
test_without_ports(void **state)
{
    (void)state;
    assert_true(is("::1", ADDR_REFUSE_PORT, "[::1]:0"));
    assert_true(is("2001:db8::1", ADDR_REFUSE_PORT, "[2001:db8::1]:0"));
    assert_true(is("192.0.2.1", ADDR_REFUSE_PORT, "192.0.2.1:0"));
    assert_true(refuses("192.0.2.1:80", ADDR_REFUSE_PORT, "port '80' is not permitted"));
    assert_true(refuses("ipv4@::1", ADDR_REFUSE_PORT, "not an IPv4 address"));
}

static void
test_paths_and_descriptors(void **state)
{
    char word[300];
    struct addr_spec spec;

    (void)state;
    assert_true(is("/run/weir.sock", BIND, "unix@/run/weir.sock"));
    assert_true(is("/run/a@b:80", BIND, "unix@/run/a@b:80"));
    assert_true(is("unix@rel/path", BIND, "unix@rel/path"));
    assert_true(is("uxst@/run/x", BIND, "unix@/run/x"));
    assert_true(is("stream+unix@/run/x", BIND, "unix@/run/x"));
    assert_true(is("abns@name", BIND, "abns@name"));
    assert_true(is("abnsz@name", BIND, "abnsz@name"));
    assert_true(is("fd@3", BIND, "fd@3"));
    assert_true(is("sockpair@4", BIND, "sockpair@4"));
    spec = parsed("/run/x", SERVER);
    assert_int_equal(addr_domain(&spec.addr), AF_UNIX);
    assert_true(refuses("fd@x", BIND, "not a number"));
    assert_true(refuses("fd@3", SERVER, "cannot be used"));
    assert_true(refuses("unix@", BIND, "missing behind '@'"));
    memset(word, 'x', sizeof(word));
    word[0] = '/';
    word[sizeof(word) - 1] = '\0';
    assert_true(refuses(word, BIND, "too long"));
}

static void
test_kinds(void **state)
{
    (void)state;
    assert_true(parsed("udp@127.0.0.1:514", LOG).is_datagram);
    assert_true(parsed("uxdg@/dev/log", LOG).is_datagram);
    assert_true(parsed("dgram+ipv4@127.0.0.1:514", LOG).is_datagram);
    assert_true(parsed("tcp@127.0.0.1:514", LOG).is_stream);
    assert_false(parsed("127.0.0.1:514", LOG).is_stream);
    assert_false(parsed("127.0.0.1:514", LOG).is_datagram);
    assert_true(parsed("mptcp@:80", BIND).is_mptcp);
    assert_true(refuses("udp@:80", BIND, "datagram"));
    assert_true(refuses("quic4@:443", BIND, "QUIC"));
    assert_true(refuses("rhttp@", SERVER, "reverse HTTP"));
    assert_true(refuses("ivp4@:80", BIND, "did you mean 'ipv4@'?"));
    assert_true(refuses("something@:80", BIND, "unknown address family 'something@'"));
    assert_true(refuses("something@:80", BIND, "address 'something@:80': "));
}

static void
test_lookups(void **state)
{
    struct error err = ERROR_INIT;
    struct addr addr = { .port = 80 };

    (void)state;
    assert_true(addr_resolve(STR("localhost:80"), AF_INET, &addr, &err) == false);
    assert_true(addr_resolve(str_of("localhost:80", 9), AF_INET, &addr, &err));
    assert_int_equal(addr.family, ADDR_IPV4);
    assert_int_equal(addr.port, 80);
    assert_false(addr_resolve(STR("no-such-host.invalid"), AF_UNSPEC, &addr, &err));
    assert_non_null(strstr(err.text, "cannot resolve 'no-such-host.invalid'"));
}

/* Whatever stands there, the answer is an address or a message. */
static void
test_random_words(void **state)
{
    static const char letters[] = "a1.:@[]/*-+%ipv46fdx";
    unsigned random = 1;
    char word[24];

    (void)state;
    for (int round = 0; round < 200000; round++) {
        struct error err = ERROR_INIT;
        struct addr_spec spec;
        size_t len;

        random = random * 1103515245 + 12345;
        len = random / 65536 % (sizeof(word) - 1);
        for (size_t i = 0; i < len; i++) {
            random = random * 1103515245 + 12345;
            word[i] = letters[random / 65536 % (sizeof(letters) - 1)];
        }
        word[len] = '\0';
        if (addr_parse(word, random / 65536 & 127, &spec, &err)) {
            char text[ADDR_TEXT_MAX];

            assert_true(addr_format(&spec.addr, text, sizeof(text)) < sizeof(text));
        } else {
            assert_true(err.text[0] != '\0');
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listening_addresses),
        cmocka_unit_test(test_port_ranges),
        cmocka_unit_test(test_server_addresses),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_without_ports),
        cmocka_unit_test(test_paths_and_descriptors),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_random_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
