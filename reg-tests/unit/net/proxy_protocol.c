/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY headers, good and bad; every good one is cut short at every byte, and every byte
 * of what we write ourselves is read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "weir/net/netscaler.h"
#include "weir/net/proxy_protocol.h"

#define SIG         "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) (text), sizeof(text) - 1

static const char local = 0;

struct example {
    const char *bytes;
    size_t len;
    const char *src; /* &local or the address; NULL: bad */
    unsigned src_port;
    const char *dst;
    unsigned dst_port;
    enum connection_error error;
};

#define BAD(text, error_)                                                                          \
    {                                                                                              \
        BYTES(text), .error = CONN_ERR_PROXY_##error_                                              \
    }
#define LOCAL(text)                                                                                \
    {                                                                                              \
        BYTES(text), .src = &local                                                                 \
    }

static const struct example examples[] = {
    /* --- version 1 */
    { BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 1024 443\r\n"), "192.0.2.1", 1024, "198.51.100.2",
      443, 0 },
    { BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255", 65535,
      "255.255.255.255", 65535, 0 },
    { BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0", 0, "0.0.0.0", 0, 0 },
    { BYTES("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"), "2001:db8::1", 1, "::1", 2, 0 },
    { BYTES("PROXY TCP6 2001:DB8::A ::ffff:1.2.3.4 1 2\r\n"), "2001:db8::a", 1, "::ffff:1.2.3.4", 2,
      0 },
    { BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "65535 65535\r\n"),
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      65535, 0 },
    LOCAL("PROXY UNKNOWN\r\n"),
    LOCAL("PROXY UNKNOWN whatever else 1 2\r\n"),
    LOCAL("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "65535 65535\r\n"),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 1024 443\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 1024 443\r\r\n", BAD),
    BAD("PROXY TCP4  192.0.2.1 198.51.100.2 1024 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 1024 443 \r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 1024\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 1024 443 5\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.01 198.51.100.2 1024 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2 198.51.100.2 1024 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.256 198.51.100.2 1024 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 01024 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1 198.51.100.2  443\r\n", BAD),
    BAD("PROXY TCP4 ::1 ::1 1 2\r\n", BAD),
    BAD("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", BAD),
    BAD("PROXY TCP6 fe80::1%lo ::1 1 2\r\n", BAD),
    BAD("PROXY TCP6 [::1] ::1 1 2\r\n", BAD),
    BAD("PROXY TCP4 192.0.2.1\0 198.51.100.2 1024 443\r\n", BAD),
    BAD("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", PROTOCOL),
    BAD("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", PROTOCOL),
    BAD("PROXY UNKNOWNX\r\n", PROTOCOL),
    BAD("PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", PROTOCOL),
    BAD("PROXY \r\n", PROTOCOL),
    BAD("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
        "65535 655355\r\n",
        BAD),
    BAD("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", HEADER),
    BAD("PROXX", HEADER),
    BAD("GET / HTTP/1.1\r\n\r\n", HEADER),
    BAD("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", HEADER),
    BAD("\0", HEADER),
    /* --- version 2 */
    { BYTES(SIG "\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb"), "192.0.2.1", 1024,
      "198.51.100.2", 443, 0 },
    { BYTES(SIG "\x21\x12\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb"), "192.0.2.1", 1024,
      "198.51.100.2", 443, 0 },
    { BYTES(SIG "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02"),
      "2001:db8::1", 1, "::1", 2, 0 },
    { BYTES(SIG "\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb\x04\0\x01z"),
      "192.0.2.1", 1024, "198.51.100.2", 443, 0 },
    { BYTES(SIG "\x21\x11\0\x0f\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb\x04\0\0"), "192.0.2.1",
      1024, "198.51.100.2", 443, 0 },
    LOCAL(SIG "\x20\0\0\0"),
    LOCAL(SIG "\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb"),
    LOCAL(SIG "\x20\x11\0\x02xx"), /* a local one may carry anything */
    LOCAL(SIG "\x20\xff\0\x02xx"),
    LOCAL(SIG "\x21\0\0\0"),
    LOCAL(SIG "\x20\0\0\x07\x03\0\x04\xa9\xb8~\x8f"), /* HAProxy's check with crc32c */
    { BYTES(SIG "!\x11\0\x16\x7f\0\0\x01\x7f\0\0\x01\xc9:Bl\x03\0\x04\x1e\xc6\x0b\x1f\x05\0\0"),
      "127.0.0.1", 51514, "127.0.0.1", 17004,
      0 }, /* HAProxy's, with crc32c and an empty unique id */
    BAD(SIG "\x20\0\0\x07\x03\0\x04\xa9\xb8~\x8e", BAD),
    BAD(SIG "\x20\0\0\x06\x03\0\x03\xa9\xb8~", BAD),
    BAD(SIG "\x21\x11\0\x0b\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01", BAD),
    BAD(SIG "\x21\x21\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb", BAD),
    BAD(SIG "\x21\x41\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb", BAD),
    BAD(SIG "\x21\x13\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb", BAD),
    BAD(SIG "\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb\x04\0\x02z", BAD),
    BAD(SIG "\x21\x11\0\x0e\xc0\0\x02\x01\xc6\x33\x64\x02\x04\0\x01\xbb\x04\0", BAD),
    BAD(SIG "\x22\x11", BAD),
    BAD(SIG "\x11\x11", HEADER),
    BAD(SIG "\x31\x11", HEADER),
    BAD("\r\n\r\n\0\r\nQUIX", HEADER),
    BAD("\r\n\r\nG", HEADER),
};

static void
check_addr(const struct addr *addr, const char *host, unsigned port)
{
    char text[ADDR_TEXT_MAX];

    addr_format_host(addr, text, sizeof(text));
    assert_string_equal(text, host);
    assert_int_equal(addr->port, port);
}

/* A copy of exactly this size, so that ASan sees a read behind it. */
static enum parse_result
parse(const char *bytes, size_t len, struct proxy_header *header)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    enum parse_result result;

    memcpy(copy, bytes, len);
    result = proxy_header_parse(copy, len, header);
    free(copy);
    return result;
}

static void
reads_what_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct example *e = &examples[i];
        struct proxy_header header;
        enum parse_result result = parse(e->bytes, e->len, &header);

        if (e->src == NULL) {
            if (result != PARSE_BAD || header.error != e->error)
                fail_msg("example %zu: result %d, error %d", i, result, header.error);
            continue;
        }
        if (result != PARSE_DONE)
            fail_msg("example %zu: result %d", i, result);
        assert_int_equal(header.size, e->len);
        assert_int_equal(header.is_local, e->src == &local);
        if (e->src != &local) {
            check_addr(&header.src, e->src, e->src_port);
            check_addr(&header.dst, e->dst, e->dst_port);
        }
    }
}

static void
every_part_of_a_good_one_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        struct proxy_header header;

        if (examples[i].src == NULL)
            continue;
        for (size_t len = 0; len < examples[i].len; len++) {
            if (parse(examples[i].bytes, len, &header) != PARSE_MORE)
                fail_msg("example %zu cut to %zu bytes", i, len);
        }
    }
}

static void
what_follows_is_not_ours(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        struct proxy_header header;
        char bytes[1024];

        if (examples[i].src == NULL)
            continue;
        memcpy(bytes, examples[i].bytes, examples[i].len);
        memcpy(bytes + examples[i].len, "\r\nPROXY ", 8);
        assert_int_equal(parse(bytes, examples[i].len + 8, &header), PARSE_DONE);
        assert_int_equal(header.size, examples[i].len);
    }
}

static void
a_line_without_end_is_refused_in_time(void **state)
{
    struct proxy_header header;
    char bytes[PROXY_V1_MAX + 1];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "PROXY UNKNOWN ", 14);
    assert_int_equal(parse(bytes, PROXY_V1_MAX - 1, &header), PARSE_MORE);
    assert_int_equal(parse(bytes, PROXY_V1_MAX, &header), PARSE_BAD);
}

static struct addr
addr_of(const char *host, uint16_t port)
{
    struct addr addr;

    assert_true(addr_parse_host(str_from(host), &addr));
    addr.port = port;
    return addr;
}

static void
writes_version_1(void **state)
{
    struct addr a4 = addr_of("192.0.2.1", 1), b4 = addr_of("198.51.100.2", 65535);
    struct addr a6 = addr_of("2001:db8::1", 7), none = { .family = ADDR_NONE };
    char to[PROXY_FORMAT_MAX];

#define WRITES(src, dst, text)                                                                     \
    do {                                                                                           \
        size_t len = proxy_header_format_v1(to, src, dst);                                         \
        assert_int_equal(len, sizeof(text) - 1);                                                   \
        assert_memory_equal(to, text, len);                                                        \
    } while (0)
    (void)state;
    WRITES(&a4, &b4, "PROXY TCP4 192.0.2.1 198.51.100.2 1 65535\r\n");
    WRITES(&a6, &a6, "PROXY TCP6 2001:db8::1 2001:db8::1 7 7\r\n");
    WRITES(&a4, &a6, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 7\r\n");
    WRITES(&a4, &none, "PROXY UNKNOWN\r\n");
    WRITES(&none, &none, "PROXY UNKNOWN\r\n");
}

static void
writes_version_2_as_it_reads_it(void **state)
{
    struct addr a4 = addr_of("192.0.2.1", 1), a6 = addr_of("2001:db8::1", 7);
    struct addr mapped = addr_of("::ffff:192.0.2.1", 1), none = { .family = ADDR_NONE };
    struct proxy_header header;
    uint8_t to[PROXY_FORMAT_MAX];
    size_t len;

    (void)state;
    len = proxy_header_format_v2(to, &a4, &a4);
    assert_int_equal(len, 28);
    assert_int_equal(proxy_header_parse(to, len, &header), PARSE_DONE);
    assert_true(addr_eq(&header.src, &a4) && addr_eq(&header.dst, &a4));
    len = proxy_header_format_v2(to, &a4, &a6);
    assert_int_equal(len, 52);
    assert_int_equal(proxy_header_parse(to, len, &header), PARSE_DONE);
    assert_true(addr_eq(&header.src, &mapped) && addr_eq(&header.dst, &a6));
    len = proxy_header_format_v2(to, &none, &a6);
    assert_int_equal(len, 16);
    assert_int_equal(proxy_header_parse(to, len, &header), PARSE_DONE);
    assert_true(header.is_local);
}

static void
tlvs_are_found(void **state)
{
    struct addr a4 = addr_of("192.0.2.1", 1);
    struct proxy_tlv id = { PROXY_TLV_UNIQUE_ID, STR("abc") };
    struct proxy_tlv ssl = { PROXY_TLV_SSL, STR("\x01\0\0\0\0\x21\0\x07TLSv1.3\x22\0\x02me") };
    struct proxy_header header;
    struct proxy_tlv tlv;
    struct str value;
    uint8_t to[PROXY_FORMAT_MAX];
    size_t len = proxy_header_format_v2(to, &a4, &a4), at = 0;

    (void)state;
    len = proxy_header_add_tlv(to, len, sizeof(to), &ssl);
    len = proxy_header_add_tlv(to, len, sizeof(to), &id);
    len = proxy_header_add_crc32c(to, len, sizeof(to));
    assert_int_equal(proxy_header_parse(to, len, &header), PARSE_DONE);
    assert_true(proxy_header_find_tlv(&header, PROXY_TLV_UNIQUE_ID, &value));
    assert_true(str_eq(value, STR("abc")));
    assert_true(proxy_header_find_tlv(&header, PROXY_TLV_SSL_VERSION, &value));
    assert_true(str_eq(value, STR("TLSv1.3")));
    assert_true(proxy_header_find_tlv(&header, PROXY_TLV_SSL_CN, &value));
    assert_true(str_eq(value, STR("me")));
    assert_false(proxy_header_find_tlv(&header, PROXY_TLV_ALPN, &value));
    assert_true(proxy_header_next_tlv(&header, &at, &tlv) && tlv.type == PROXY_TLV_SSL);
    assert_true(proxy_header_next_tlv(&header, &at, &tlv) && tlv.type == PROXY_TLV_UNIQUE_ID);
    assert_true(proxy_header_next_tlv(&header, &at, &tlv) && tlv.type == PROXY_TLV_CRC32C);
    assert_false(proxy_header_next_tlv(&header, &at, &tlv));
    to[20] ^= 1; /* the checksum sees it */
    assert_int_equal(proxy_header_parse(to, len, &header), PARSE_BAD);
    /* No room: nothing is added. */
    assert_int_equal(proxy_header_add_tlv(to, len, len + 5, &id), len);
}

static void
long_headers_are_checked_too(void **state)
{
    static uint8_t to[PROXY_HEADER_MAX];
    static char filler[60000];
    struct addr a4 = addr_of("192.0.2.1", 1);
    struct proxy_tlv tlv = { PROXY_TLV_NOOP, { filler, sizeof(filler) } };
    struct proxy_header header;
    size_t len = proxy_header_format_v2(to, &a4, &a4);

    (void)state;
    len = proxy_header_add_tlv(to, len, sizeof(to), &tlv);
    len = proxy_header_add_crc32c(to, len, sizeof(to));
    assert_int_equal(proxy_header_parse(to, len, &header), PARSE_DONE);
    to[30000] = 1;
    assert_int_equal(proxy_header_parse(to, len, &header), PARSE_BAD);
}

/* --- NetScaler ------------------------------------------------------------------------- */

#define TCP_HEAD "\x04\0\x01\xbb\0\0\0\0\0\0\0\0\x50\x02\0\0\0\0\0\0"
#define IP4_HEAD "\x45\0\0\x28\0\0\0\0\x40\x06\0\0\xc0\0\x02\x01\xc6\x33\x64\x02"
#define IP6_HEAD                                                                                   \
    "\x60\0\0\0\0\x14\x06\x40\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\0\0\x01"

static void
netscaler_headers(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *src;
        enum connection_error error;
    } cases[] = {
        { BYTES("\0\0\x03\xe7\0\0\0\x28" IP4_HEAD TCP_HEAD), "192.0.2.1", 0 },
        { BYTES("\0\0\x03\xe7\0\0\0\x3c" IP6_HEAD TCP_HEAD), "2001:db8::1", 0 },
        { BYTES("\0\0\x03\xe7\0\0\0\x34\0\x01\0\x28" IP4_HEAD TCP_HEAD), "192.0.2.1", 0 },
        { BYTES("\0\0\x03\xe8\0\0\0\x28"), NULL, CONN_ERR_CIP_MAGIC },
        { BYTES("\0\0\x03\xe7\0\0\x10\x28" IP4_HEAD), NULL, CONN_ERR_CIP_PROTOCOL },
        { BYTES("\0\0\x03\xe7\0\0\0\x14" IP4_HEAD), NULL, CONN_ERR_CIP_PROTOCOL },
        { BYTES("\0\0\x03\xe7\0\0\0\x04\x4f\0\0\0"), NULL, CONN_ERR_CIP_PROTOCOL },
        { BYTES("\0\0\x03\xe7\0\0\0\x34\0\x02\0\x28"), NULL, CONN_ERR_CIP_PROTOCOL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy_header header;

        for (size_t len = 0; len <= cases[i].len; len++) {
            uint8_t *copy = malloc(len == 0 ? 1 : len);
            enum parse_result result;

            memcpy(copy, cases[i].bytes, len);
            result = netscaler_header_parse(copy, len, 999, &header);
            free(copy);
            if (len < cases[i].len && cases[i].src != NULL)
                assert_int_equal(result, PARSE_MORE);
            if (len == cases[i].len)
                assert_int_equal(result, cases[i].src != NULL ? PARSE_DONE : PARSE_BAD);
        }
        if (cases[i].src == NULL) {
            assert_int_equal(header.error, cases[i].error);
            continue;
        }
        check_addr(&header.src, cases[i].src, 1024);
        assert_int_equal(header.dst.port, 443);
        assert_int_equal(header.size, cases[i].len);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_should),
        cmocka_unit_test(every_part_of_a_good_one_asks_for_more),
        cmocka_unit_test(what_follows_is_not_ours),
        cmocka_unit_test(a_line_without_end_is_refused_in_time),
        cmocka_unit_test(writes_version_1),
        cmocka_unit_test(writes_version_2_as_it_reads_it),
        cmocka_unit_test(tlvs_are_found),
        cmocka_unit_test(long_headers_are_checked_too),
        cmocka_unit_test(netscaler_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
