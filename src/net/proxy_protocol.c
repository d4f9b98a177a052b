/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol headers, versions 1 and 2: bytes to addresses and back.
 *
 * For:     proxy_handshake.c, which moves the bytes; fetches that look at TLVs.
 * Owns:    nothing; a parsed header points into the bytes it was read from.
 * Callers: the handshake steps, unit tests, the fuzzer.
 * Thread:  any; pure.
 *
 * Strict, because whoever can place a header here decides who the client is: one
 * spelling of every number, one blank between words, lengths that fit exactly. A header
 * that is cut short anywhere asks for more, unless what is there is already wrong.
 * Address families that have no meaning for us (unix, unspecified) are accepted, and
 * the addresses of the socket stand, as the specification has it.
 */
#include "weir/net/proxy_protocol.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/hash.h"
#include "weir/base/number.h"

static const uint8_t v2_signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                          0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
static const char v1_signature[] = "PROXY ";

#define V1_SIGNATURE_LEN (sizeof(v1_signature) - 1)
#define V2_HEAD_LEN      16
#define V2_VERSION       0x20
#define V2_CMD_LOCAL     0x0
#define V2_CMD_PROXY     0x1
#define V2_FAMILY_IPV4   0x1
#define V2_FAMILY_IPV6   0x2
#define V2_FAMILY_UNIX   0x3
#define TLV_HEAD_LEN     3
#define TLV_SSL_HEAD_LEN 5 /* client and verify, before the TLVs inside */

static enum parse_result
bad(struct proxy_header *out, enum connection_error error)
{
    out->error = (uint8_t)error;
    return PARSE_BAD;
}

static unsigned
read_u16(const uint8_t *from)
{
    return (unsigned)from[0] << 8 | from[1];
}

static void
write_u16(uint8_t *to, size_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

/* --- version 1 ------------------------------------------------------------------ */

static bool
parse_v1_host(struct str word, enum addr_family family, struct addr *out)
{
    for (size_t i = 0; i < word.len; i++) {
        if (strchr("0123456789abcdefABCDEF:.", word.ptr[i]) == NULL || word.ptr[i] == '\0')
            return false;
    }
    return addr_parse_host(word, out) && out->family == family;
}

static bool
parse_v1_port(struct str word, uint16_t *out)
{
    uint64_t port;

    if (word.len > 5 || (word.len > 1 && word.ptr[0] == '0'))
        return false;
    if (!number_read_digits(word, &port) || port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool
parse_v1_addresses(struct str rest, enum addr_family family, struct proxy_header *out)
{
    struct str words[4];

    for (int i = 0; i < 4; i++) {
        if (rest.ptr == NULL)
            return false;
        words[i] = str_split(&rest, ' ');
    }
    return rest.ptr == NULL && parse_v1_host(words[0], family, &out->src) &&
           parse_v1_host(words[1], family, &out->dst) && parse_v1_port(words[2], &out->src.port) &&
           parse_v1_port(words[3], &out->dst.port);
}

static enum parse_result
parse_v1_line(struct str line, struct proxy_header *out)
{
    struct str rest = str_slice(line, V1_SIGNATURE_LEN, line.len);
    struct str protocol = str_split(&rest, ' ');
    enum addr_family family;

    if (str_eq(protocol, STR("UNKNOWN"))) {
        out->is_local = true;
        return PARSE_DONE;
    }
    if (str_eq(protocol, STR("TCP4")))
        family = ADDR_IPV4;
    else if (str_eq(protocol, STR("TCP6")))
        family = ADDR_IPV6;
    else
        return bad(out, CONN_ERR_PROXY_PROTOCOL);
    if (!parse_v1_addresses(rest, family, out))
        return bad(out, CONN_ERR_PROXY_BAD);
    return PARSE_DONE;
}

static enum parse_result
parse_v1(const uint8_t *bytes, size_t len, struct proxy_header *out)
{
    size_t max = len < PROXY_V1_MAX ? len : PROXY_V1_MAX;

    out->version = 1;
    for (size_t i = V1_SIGNATURE_LEN; i < max; i++) {
        if (bytes[i] == '\n')
            return bad(out, CONN_ERR_PROXY_BAD);
        if (bytes[i] != '\r')
            continue;
        if (i + 1 == max)
            break;
        if (bytes[i + 1] != '\n')
            return bad(out, CONN_ERR_PROXY_BAD);
        out->size = i + 2;
        return parse_v1_line(str_of((const char *)bytes, i), out);
    }
    return len < PROXY_V1_MAX ? PARSE_MORE : bad(out, CONN_ERR_PROXY_BAD);
}

/* --- version 2 ------------------------------------------------------------------ */

static void
read_v2_addresses(const uint8_t *from, enum addr_family family, struct proxy_header *out)
{
    size_t width = family == ADDR_IPV4 ? 4 : 16;

    out->src = out->dst = (struct addr){ .family = (uint8_t)family };
    if (family == ADDR_IPV4) {
        memcpy(&out->src.ip4, from, width);
        memcpy(&out->dst.ip4, from + width, width);
    } else {
        memcpy(&out->src.ip6, from, width);
        memcpy(&out->dst.ip6, from + width, width);
    }
    out->src.port = (uint16_t)read_u16(from + 2 * width);
    out->dst.port = (uint16_t)read_u16(from + 2 * width + 2);
}

/* Length of the address block; -1: no such family or protocol. */
static int
v2_addresses_len(uint8_t family_and_protocol)
{
    unsigned protocol = family_and_protocol & 0xf;

    if (protocol > 2)
        return -1;
    switch (family_and_protocol >> 4) {
    case 0:
        return 0;
    case V2_FAMILY_IPV4:
        return 12;
    case V2_FAMILY_IPV6:
        return 36;
    case V2_FAMILY_UNIX:
        return 216;
    default:
        return -1;
    }
}

/* `copy` has room for the whole header; the four bytes of the checksum count as zero. */
static bool
crc32c_is_right(const uint8_t *bytes, size_t size, const uint8_t *at, uint8_t *copy)
{
    uint32_t said, is;

    memcpy(&said, at, sizeof(said));
    memcpy(copy, bytes, size);
    memset(copy + (at - bytes), 0, sizeof(said));
    is = htonl(hash_crc32c(str_of((const char *)copy, size)));
    return said == is;
}

__attribute__((noinline)) static bool
long_crc32c_is_right(const uint8_t *bytes, size_t size, const uint8_t *at)
{
    uint8_t copy[PROXY_HEADER_MAX];

    return crc32c_is_right(bytes, size, at, copy);
}

static bool
short_crc32c_is_right(const uint8_t *bytes, size_t size, const uint8_t *at)
{
    uint8_t copy[PROXY_FORMAT_MAX];

    return size > sizeof(copy) ? long_crc32c_is_right(bytes, size, at)
                               : crc32c_is_right(bytes, size, at, copy);
}

/* They fill their room exactly, and a checksum among them is right. */
static bool
tlvs_are_right(const uint8_t *bytes, const struct proxy_header *out)
{
    const uint8_t *tlv = out->tlvs;
    size_t left = out->tlvs_len;

    while (left > 0) {
        size_t len;

        if (left < TLV_HEAD_LEN)
            return false;
        len = read_u16(tlv + 1);
        if (left - TLV_HEAD_LEN < len)
            return false;
        if (tlv[0] == PROXY_TLV_CRC32C &&
            (len != 4 || !short_crc32c_is_right(bytes, out->size, tlv + TLV_HEAD_LEN)))
            return false;
        tlv += TLV_HEAD_LEN + len;
        left -= TLV_HEAD_LEN + len;
    }
    return true;
}

static enum parse_result
parse_v2_body(const uint8_t *bytes, struct proxy_header *out)
{
    unsigned command = bytes[12] & 0xf;
    unsigned family = bytes[13] >> 4;
    size_t len = out->size - V2_HEAD_LEN;
    int addresses = v2_addresses_len(bytes[13]);

    if (command == V2_CMD_LOCAL) {
        /* The family is ignored; so is what follows, unless it is the addresses that it says. */
        out->is_local = true;
        if (addresses < 0 || (size_t)addresses > len)
            return PARSE_DONE;
    } else {
        if (addresses < 0 || (size_t)addresses > len)
            return bad(out, CONN_ERR_PROXY_BAD);
        if (family == V2_FAMILY_IPV4)
            read_v2_addresses(bytes + V2_HEAD_LEN, ADDR_IPV4, out);
        else if (family == V2_FAMILY_IPV6)
            read_v2_addresses(bytes + V2_HEAD_LEN, ADDR_IPV6, out);
        else
            out->is_local = true;
    }
    out->tlvs = bytes + V2_HEAD_LEN + addresses;
    out->tlvs_len = len - (size_t)addresses;
    return tlvs_are_right(bytes, out) ? PARSE_DONE : bad(out, CONN_ERR_PROXY_BAD);
}

static enum parse_result
parse_v2(const uint8_t *bytes, size_t len, struct proxy_header *out)
{
    out->version = 2;
    if (len > 12 && (bytes[12] & 0xf0) != V2_VERSION)
        return bad(out, CONN_ERR_PROXY_HEADER);
    if (len > 12 && (bytes[12] & 0xf) > V2_CMD_PROXY)
        return bad(out, CONN_ERR_PROXY_BAD);
    if (len < V2_HEAD_LEN)
        return PARSE_MORE;
    out->size = V2_HEAD_LEN + read_u16(bytes + 14);
    if (len < out->size)
        return PARSE_MORE;
    return parse_v2_body(bytes, out);
}

enum parse_result
proxy_header_parse(const uint8_t *bytes, size_t len, struct proxy_header *out)
{
    size_t v1 = len < V1_SIGNATURE_LEN ? len : V1_SIGNATURE_LEN;
    size_t v2 = len < sizeof(v2_signature) ? len : sizeof(v2_signature);

    *out = (struct proxy_header){ 0 };
    if (len == 0)
        return PARSE_MORE;
    if (memcmp(bytes, v1_signature, v1) == 0)
        return v1 < V1_SIGNATURE_LEN ? PARSE_MORE : parse_v1(bytes, len, out);
    if (memcmp(bytes, v2_signature, v2) == 0)
        return v2 < sizeof(v2_signature) ? PARSE_MORE : parse_v2(bytes, len, out);
    return bad(out, CONN_ERR_PROXY_HEADER);
}

/* --- TLVs ------------------------------------------------------------------------ */

static bool
next_tlv(struct str tlvs, size_t *at, struct proxy_tlv *out)
{
    const uint8_t *bytes = (const uint8_t *)tlvs.ptr;
    size_t len;

    if (tlvs.len - *at < TLV_HEAD_LEN)
        return false;
    len = read_u16(bytes + *at + 1);
    if (tlvs.len - *at - TLV_HEAD_LEN < len)
        return false;
    out->type = bytes[*at];
    out->value = str_of(tlvs.ptr + *at + TLV_HEAD_LEN, len);
    *at += TLV_HEAD_LEN + len;
    return true;
}

bool
proxy_header_next_tlv(const struct proxy_header *header, size_t *at, struct proxy_tlv *out)
{
    return next_tlv(str_of((const char *)header->tlvs, header->tlvs_len), at, out);
}

static bool
find_tlv_inside_ssl(struct str ssl, uint8_t type, struct str *out)
{
    struct proxy_tlv tlv;
    size_t at = TLV_SSL_HEAD_LEN;

    if (ssl.len < TLV_SSL_HEAD_LEN)
        return false;
    while (next_tlv(ssl, &at, &tlv)) {
        if (tlv.type == type) {
            *out = tlv.value;
            return true;
        }
    }
    return false;
}

bool
proxy_header_find_tlv(const struct proxy_header *header, uint8_t type, struct str *out)
{
    struct proxy_tlv tlv;
    size_t at = 0;

    while (proxy_header_next_tlv(header, &at, &tlv)) {
        if (tlv.type == type) {
            *out = tlv.value;
            return true;
        }
        if (tlv.type == PROXY_TLV_SSL && find_tlv_inside_ssl(tlv.value, type, out))
            return true;
    }
    return false;
}

/* --- writing --------------------------------------------------------------------- */

static struct in6_addr
as_ipv6(const struct addr *addr)
{
    struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

    if (addr->family == ADDR_IPV6)
        return addr->ip6;
    memcpy(mapped.s6_addr + 12, &addr->ip4, 4);
    return mapped;
}

/* The family that can say both; ADDR_NONE: one of them is not an IP address. */
static enum addr_family
common_family(const struct addr *src, const struct addr *dst)
{
    if (!addr_is_ip(src) || !addr_is_ip(dst))
        return ADDR_NONE;
    if (src->family == ADDR_IPV4 && dst->family == ADDR_IPV4)
        return ADDR_IPV4;
    return ADDR_IPV6;
}

size_t
proxy_header_format_v1(char *to, const struct addr *src, const struct addr *dst)
{
    char src_text[INET6_ADDRSTRLEN], dst_text[INET6_ADDRSTRLEN];
    enum addr_family family = common_family(src, dst);
    int len;

    if (family == ADDR_NONE) {
        memcpy(to, "PROXY UNKNOWN\r\n", 15);
        return 15;
    }
    if (family == ADDR_IPV4) {
        inet_ntop(AF_INET, &src->ip4, src_text, sizeof(src_text));
        inet_ntop(AF_INET, &dst->ip4, dst_text, sizeof(dst_text));
    } else {
        struct in6_addr src6 = as_ipv6(src), dst6 = as_ipv6(dst);

        inet_ntop(AF_INET6, &src6, src_text, sizeof(src_text));
        inet_ntop(AF_INET6, &dst6, dst_text, sizeof(dst_text));
    }
    len = snprintf(to, PROXY_FORMAT_MAX, "PROXY %s %s %s %u %u\r\n",
                   family == ADDR_IPV4 ? "TCP4" : "TCP6", src_text, dst_text, src->port, dst->port);
    return (size_t)len;
}

static size_t
write_v2_addresses(uint8_t *to, enum addr_family family, const struct addr *src,
                   const struct addr *dst)
{
    size_t width = family == ADDR_IPV4 ? 4 : 16;

    if (family == ADDR_IPV4) {
        memcpy(to, &src->ip4, width);
        memcpy(to + width, &dst->ip4, width);
    } else {
        struct in6_addr src6 = as_ipv6(src), dst6 = as_ipv6(dst);

        memcpy(to, &src6, width);
        memcpy(to + width, &dst6, width);
    }
    write_u16(to + 2 * width, src->port);
    write_u16(to + 2 * width + 2, dst->port);
    return 2 * width + 4;
}

size_t
proxy_header_format_v2(uint8_t *to, const struct addr *src, const struct addr *dst)
{
    enum addr_family family = common_family(src, dst);
    size_t len = 0;

    memcpy(to, v2_signature, sizeof(v2_signature));
    if (family == ADDR_NONE) {
        to[12] = V2_VERSION | V2_CMD_LOCAL;
        to[13] = 0;
    } else {
        to[12] = V2_VERSION | V2_CMD_PROXY;
        to[13] = family == ADDR_IPV4 ? 0x11 : 0x21;
        len = write_v2_addresses(to + V2_HEAD_LEN, family, src, dst);
    }
    write_u16(to + 14, len);
    return V2_HEAD_LEN + len;
}

size_t
proxy_header_add_tlv(uint8_t *header, size_t len, size_t room, const struct proxy_tlv *tlv)
{
    size_t size = TLV_HEAD_LEN + tlv->value.len;

    if (len + size > room || len + size > PROXY_HEADER_MAX || tlv->value.len > UINT16_MAX)
        return len;
    header[len] = tlv->type;
    write_u16(header + len + 1, tlv->value.len);
    if (tlv->value.len > 0)
        memcpy(header + len + TLV_HEAD_LEN, tlv->value.ptr, tlv->value.len);
    write_u16(header + 14, len + size - V2_HEAD_LEN);
    return len + size;
}

size_t
proxy_header_add_crc32c(uint8_t *header, size_t len, size_t room)
{
    static const char zeros[4];
    struct proxy_tlv tlv = { PROXY_TLV_CRC32C, { zeros, sizeof(zeros) } };
    size_t size = proxy_header_add_tlv(header, len, room, &tlv);
    uint32_t crc;

    if (size == len)
        return len;
    crc = htonl(hash_crc32c(str_of((const char *)header, size)));
    memcpy(header + size - sizeof(crc), &crc, sizeof(crc));
    return size;
}
