/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol, versions 1 and 2: read from a client, write to a server. The parser and the
 * writer are pure; the handshake steps around them use the connection.
 */
#pragma once

#include <stdint.h>

#include "weir/base/registry.h"
#include "weir/base/str.h"
#include "weir/net/connection.h"

enum parse_result { PARSE_DONE, PARSE_MORE, PARSE_BAD };

#define PROXY_HEADER_MAX    65551 /* bytes: v2 head and the largest length it can say */
#define PROXY_V1_MAX        107   /* bytes of a line, its end included */
#define PROXY_FORMAT_MAX    536   /* bytes that we write at most without options */
#define PROXY_UNIQUE_ID_MAX 128

/* Numbers of TLVs. */
enum proxy_tlv_type {
    PROXY_TLV_ALPN = 0x01,
    PROXY_TLV_AUTHORITY = 0x02,
    PROXY_TLV_CRC32C = 0x03,
    PROXY_TLV_NOOP = 0x04,
    PROXY_TLV_UNIQUE_ID = 0x05,
    PROXY_TLV_SSL = 0x20,
    PROXY_TLV_SSL_VERSION = 0x21,
    PROXY_TLV_SSL_CN = 0x22,
    PROXY_TLV_SSL_CIPHER = 0x23,
    PROXY_TLV_SSL_SIG_ALG = 0x24,
    PROXY_TLV_SSL_KEY_ALG = 0x25,
    PROXY_TLV_NETNS = 0x30,
};

struct proxy_header {
    bool is_local; /* LOCAL command or UNKNOWN: addresses are those of the socket */
    struct addr src, dst;
    uint8_t version;
    uint8_t error;       /* enum connection_error, with PARSE_BAD */
    size_t size;         /* bytes of the header */
    const uint8_t *tlvs; /* v2: what follows the addresses (points into the parsed bytes) */
    size_t tlvs_len;
};

struct proxy_tlv {
    uint8_t type;
    struct str value;
};

/* --- pure -------------------------------------------------------------------- */

/* Reads one header from the beginning of `bytes`. A CRC32C in it is verified. */
enum parse_result proxy_header_parse(const uint8_t *bytes, size_t len, struct proxy_header *out);
/* Iteration over the TLVs of a parsed header: size_t at = 0; while (proxy_header_next_tlv(header,
 * &at, &tlv)). Those inside PROXY_TLV_SSL are not among them. */
bool proxy_header_next_tlv(const struct proxy_header *header, size_t *at, struct proxy_tlv *out);
/* The first of its type; those inside PROXY_TLV_SSL are found too. */
bool proxy_header_find_tlv(const struct proxy_header *header, uint8_t type, struct str *out);
/* Both return the length written; `to` has room for PROXY_FORMAT_MAX bytes. src or dst may be
 * ADDR_NONE. */
size_t proxy_header_format_v1(char *to, const struct addr *src, const struct addr *dst);
size_t proxy_header_format_v2(uint8_t *to, const struct addr *src, const struct addr *dst);
/* Adds a TLV to a v2 header of `len` bytes, which has room for `room` bytes in all. Returns the new
 * length; the old one when it does not fit. */
size_t proxy_header_add_tlv(uint8_t *header, size_t len, size_t room, const struct proxy_tlv *tlv);
/* Adds a CRC32C over all that is there: the last thing to do. */
size_t proxy_header_add_crc32c(uint8_t *header, size_t len, size_t room);

/* --- owner thread ------------------------------------------------------------ */

/* Handshake step for incoming connections (accept-proxy, expect-proxy). Leaves bytes after the
 * header unread. */
enum io proxy_header_receive(struct connection *conn);

/* What a header to a server says beyond addresses (proxy-v2-options), as a set. */
enum proxy_v2_option {
    PROXY_V2_SSL = 1 << 0,
    PROXY_V2_CERT_CN = 1 << 1,
    PROXY_V2_SSL_CIPHER = 1 << 2,
    PROXY_V2_CERT_SIG = 1 << 3,
    PROXY_V2_CERT_KEY = 1 << 4,
    PROXY_V2_AUTHORITY = 1 << 5,
    PROXY_V2_CRC32C = 1 << 6,
    PROXY_V2_UNIQUE_ID = 1 << 7,
};

/* How rooms that know more (TLS) add their TLVs: appends to the v2 header of `len` bytes and
 * returns the new length. `client` is the connection that the header speaks of. */
struct proxy_tlv_writer {
    unsigned options; /* runs if one of these is asked for; 0: always */
    size_t (*add)(struct connection *client, unsigned options, uint8_t *header, size_t len,
                  size_t room);
};
REGISTRY(proxy_tlv_writer, struct proxy_tlv_writer);

struct dial_request;
/* Adds the step that sends a header on an outgoing connection, if the request's conf asks for one.
 * Without a client the connection speaks for itself (health checks). What is needed of the client
 * is copied. False: out of memory. */
bool proxy_header_send_later(struct connection *conn, const struct dial_request *request);
/* What a received header said, kept in conn->proxy_header. */
void proxy_header_free(struct proxy_header *header);
