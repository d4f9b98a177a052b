/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol headers, versions 1 and 2: write them.
 *
 * For:     proxy_handshake.c.
 * Owns:    nothing; the caller gives the room.
 * Callers: the sending step, rooms that add TLVs, unit tests, the fuzzer.
 * Thread:  any; pure.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "weir/base/hash.h"
#include "weir/net/proxy_protocol.h"
#include "private.h"

static void
write_u16(uint8_t *to, size_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

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

    memcpy(to, proxy_v2_signature, PROXY_V2_SIGNATURE_LEN);
    if (family == ADDR_NONE) {
        to[12] = PROXY_V2_VERSION | PROXY_V2_LOCAL;
        to[13] = 0;
    } else {
        to[12] = PROXY_V2_VERSION | PROXY_V2_PROXY;
        to[13] = family == ADDR_IPV4 ? 0x11 : 0x21;
        len = write_v2_addresses(to + PROXY_V2_HEAD_LEN, family, src, dst);
    }
    write_u16(to + 14, len);
    return PROXY_V2_HEAD_LEN + len;
}

size_t
proxy_header_add_tlv(uint8_t *header, size_t len, size_t room, const struct proxy_tlv *tlv)
{
    size_t size = PROXY_TLV_HEAD_LEN + tlv->value.len;

    if (len + size > room || len + size > PROXY_HEADER_MAX || tlv->value.len > UINT16_MAX)
        return len;
    header[len] = tlv->type;
    write_u16(header + len + 1, tlv->value.len);
    if (tlv->value.len > 0)
        memcpy(header + len + PROXY_TLV_HEAD_LEN, tlv->value.ptr, tlv->value.len);
    write_u16(header + 14, len + size - PROXY_V2_HEAD_LEN);
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
