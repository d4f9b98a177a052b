/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a PROXY or NetScaler header. What is accepted must be stable: cut short it asks for
 * more, written again and read again it says the same, and its TLVs lie inside it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "weir/net/netscaler.h"
#include "weir/net/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static void
check_tlvs(const uint8_t *bytes, const struct proxy_header *header)
{
    const char *end = (const char *)bytes + header->size;
    struct proxy_tlv tlv;
    struct str value;
    size_t at = 0;

    while (proxy_header_next_tlv(header, &at, &tlv))
        CHECK(tlv.value.ptr >= (const char *)bytes && tlv.value.ptr + tlv.value.len <= end);
    for (unsigned type = 0; type < 256; type++) {
        if (proxy_header_find_tlv(header, (uint8_t)type, &value))
            CHECK(value.ptr >= (const char *)bytes && value.ptr + value.len <= end);
    }
}

/* What we would send on says the same. */
static void
check_round_trip(const struct proxy_header *header)
{
    uint8_t bytes[PROXY_FORMAT_MAX];
    struct proxy_header again;
    size_t len = proxy_header_format_v2(bytes, &header->src, &header->dst);

    CHECK(proxy_header_parse(bytes, len, &again) == PARSE_DONE && again.size == len);
    CHECK(again.is_local == header->is_local);
    CHECK(addr_eq(&again.src, &header->src) && addr_eq(&again.dst, &header->dst));
    len = proxy_header_format_v1((char *)bytes, &header->src, &header->dst);
    CHECK(proxy_header_parse(bytes, len, &again) == PARSE_DONE && again.size == len);
    CHECK(again.is_local == header->is_local);
    CHECK(addr_eq(&again.src, &header->src) && addr_eq(&again.dst, &header->dst));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct proxy_header header, part;
    enum parse_result result = proxy_header_parse(bytes, len, &header);

    if (result == PARSE_DONE) {
        CHECK(header.size <= len);
        for (size_t cut = 0; cut < header.size; cut += 1 + header.size / 64)
            CHECK(proxy_header_parse(bytes, cut, &part) == PARSE_MORE);
        check_tlvs(bytes, &header);
        check_round_trip(&header);
    }
    if (result == PARSE_BAD)
        CHECK(header.error != CONN_ERR_NONE);
    if (len >= 4) {
        uint32_t magic = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                         (uint32_t)bytes[2] << 8 | bytes[3];

        if (netscaler_header_parse(bytes, len, magic, &header) == PARSE_DONE)
            CHECK(header.size <= len && header.src.family == header.dst.family);
    }
    return 0;
}
