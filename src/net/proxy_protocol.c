/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol headers, versions 1 and 2: read them. (They are written by proxy_format.c.)
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
#include <string.h>

#include "weir/base/hash.h"
#include "weir/base/number.h"
#include "private.h"

const uint8_t proxy_v2_signature[PROXY_V2_SIGNATURE_LEN] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                             0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
static const char v1_signature[] = "PROXY ";

#define V1_SIGNATURE_LEN (sizeof(v1_signature) - 1)
#define V2_FAMILY_IPV4   0x1
#define V2_FAMILY_IPV6   0x2
#define V2_FAMILY_UNIX   0x3
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

        if (left < PROXY_TLV_HEAD_LEN)
            return false;
        len = read_u16(tlv + 1);
        if (left - PROXY_TLV_HEAD_LEN < len)
            return false;
        if (tlv[0] == PROXY_TLV_CRC32C &&
            (len != 4 || !short_crc32c_is_right(bytes, out->size, tlv + PROXY_TLV_HEAD_LEN)))
            return false;
        tlv += PROXY_TLV_HEAD_LEN + len;
        left -= PROXY_TLV_HEAD_LEN + len;
    }
    return true;
}

static enum parse_result
parse_v2_body(const uint8_t *bytes, struct proxy_header *out)
{
    unsigned command = bytes[12] & 0xf;
    unsigned family = bytes[13] >> 4;
    size_t len = out->size - PROXY_V2_HEAD_LEN;
    int addresses = v2_addresses_len(bytes[13]);

    if (command == PROXY_V2_LOCAL) {
        /* The family is ignored; so is what follows, unless it is the addresses that it says. */
        out->is_local = true;
        if (addresses < 0 || (size_t)addresses > len)
            return PARSE_DONE;
    } else {
        if (addresses < 0 || (size_t)addresses > len)
            return bad(out, CONN_ERR_PROXY_BAD);
        if (family == V2_FAMILY_IPV4)
            read_v2_addresses(bytes + PROXY_V2_HEAD_LEN, ADDR_IPV4, out);
        else if (family == V2_FAMILY_IPV6)
            read_v2_addresses(bytes + PROXY_V2_HEAD_LEN, ADDR_IPV6, out);
        else
            out->is_local = true;
    }
    out->tlvs = bytes + PROXY_V2_HEAD_LEN + addresses;
    out->tlvs_len = len - (size_t)addresses;
    return tlvs_are_right(bytes, out) ? PARSE_DONE : bad(out, CONN_ERR_PROXY_BAD);
}

static enum parse_result
parse_v2(const uint8_t *bytes, size_t len, struct proxy_header *out)
{
    out->version = 2;
    if (len > 12 && (bytes[12] & 0xf0) != PROXY_V2_VERSION)
        return bad(out, CONN_ERR_PROXY_HEADER);
    if (len > 12 && (bytes[12] & 0xf) > PROXY_V2_PROXY)
        return bad(out, CONN_ERR_PROXY_BAD);
    if (len < PROXY_V2_HEAD_LEN)
        return PARSE_MORE;
    out->size = PROXY_V2_HEAD_LEN + read_u16(bytes + 14);
    if (len < out->size)
        return PARSE_MORE;
    return parse_v2_body(bytes, out);
}

enum parse_result
proxy_header_parse(const uint8_t *bytes, size_t len, struct proxy_header *out)
{
    size_t v1 = len < V1_SIGNATURE_LEN ? len : V1_SIGNATURE_LEN;
    size_t v2 = len < PROXY_V2_SIGNATURE_LEN ? len : PROXY_V2_SIGNATURE_LEN;

    *out = (struct proxy_header){ 0 };
    if (len == 0)
        return PARSE_MORE;
    if (memcmp(bytes, v1_signature, v1) == 0)
        return v1 < V1_SIGNATURE_LEN ? PARSE_MORE : parse_v1(bytes, len, out);
    if (memcmp(bytes, proxy_v2_signature, v2) == 0)
        return v2 < PROXY_V2_SIGNATURE_LEN ? PARSE_MORE : parse_v2(bytes, len, out);
    return bad(out, CONN_ERR_PROXY_HEADER);
}

/* --- TLVs ------------------------------------------------------------------------ */

static bool
next_tlv(struct str tlvs, size_t *at, struct proxy_tlv *out)
{
    const uint8_t *bytes = (const uint8_t *)tlvs.ptr;
    size_t len;

    if (tlvs.len - *at < PROXY_TLV_HEAD_LEN)
        return false;
    len = read_u16(bytes + *at + 1);
    if (tlvs.len - *at - PROXY_TLV_HEAD_LEN < len)
        return false;
    out->type = bytes[*at];
    out->value = str_of(tlvs.ptr + *at + PROXY_TLV_HEAD_LEN, len);
    *at += PROXY_TLV_HEAD_LEN + len;
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
