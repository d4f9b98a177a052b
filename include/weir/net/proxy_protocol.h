/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol, versions 1 and 2: read from a client, write to a server. The parser and the writer are
 * pure; the handshake steps around them use the connection.
 */
#pragma once

#include "weir/net/connection.h"

enum parse_result { PARSE_DONE, PARSE_MORE, PARSE_BAD };

#define PROXY_HEADER_MAX 65551 /* bytes: v2 head and the largest length it can say */

struct proxy_header {
    bool is_local;         /* LOCAL command or UNKNOWN: addresses are those of the socket */
    struct addr src, dst;
    uint8_t version;
    size_t size;           /* bytes of the header */
    const uint8_t *tlvs;   /* v2: what follows the addresses (points into the parsed bytes) */
    size_t tlvs_len;
};

/* Reads one header from the beginning of `bytes`. Pure. */
enum parse_result proxy_header_parse(const uint8_t *bytes, size_t len, struct proxy_header *out);
/* Both return the length written; `to` has room for 536 bytes. src or dst may be ADDR_NONE. */
size_t proxy_header_format_v1(char *to, const struct addr *src, const struct addr *dst);
size_t proxy_header_format_v2(uint8_t *to, const struct addr *src, const struct addr *dst);
/* Handshake step for incoming connections (accept-proxy, expect-proxy). Leaves bytes after the header unread. */
enum io proxy_header_receive(struct connection *conn);
