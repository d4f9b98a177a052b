/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetScaler's client IP header: read it, believe it.
 *
 * For:     accept-netscaler-cip.
 * Owns:    the part of a header that came first.
 * Callers: bind.c.
 * Thread:  owner; the parser is pure.
 *
 *     old:  magic(4) length(4)                     IP header, TCP header
 *     new:  magic(4) length(4) type=1(2) length(2) IP header, TCP header
 *
 * The old form has the IP version where the new one has a zero. The length next to the IP
 * header counts what follows it.
 */
#include "weir/net/netscaler.h"

#include <string.h>

#include "weir/base/buffer.h"
#include "weir/base/pool.h"
#include "weir/net/handshake.h"
#include "private.h"

#define OLD_HEAD_LEN  8
#define NEW_HEAD_LEN  12
#define HEADERS_MAX   256 /* IP and TCP headers with all their options */
#define PROTOCOL_TCP  6
#define IPV4_HEAD_MIN 20
#define IPV6_HEAD_LEN 40
#define TCP_HEAD_MIN  20

static uint32_t
read_u32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static uint16_t
read_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

/* Length of the IP header; 0: it is not one of a TCP packet. */
static size_t
read_ip(const uint8_t *ip, size_t len, struct proxy_header *out)
{
    size_t size = (size_t)(ip[0] & 0xf) * 4;

    if (ip[0] >> 4 == 4 && len >= IPV4_HEAD_MIN && size >= IPV4_HEAD_MIN && ip[9] == PROTOCOL_TCP) {
        out->src.family = out->dst.family = ADDR_IPV4;
        memcpy(&out->src.ip4, ip + 12, 4);
        memcpy(&out->dst.ip4, ip + 16, 4);
        return size;
    }
    if (ip[0] >> 4 == 6 && len >= IPV6_HEAD_LEN && ip[6] == PROTOCOL_TCP) {
        out->src.family = out->dst.family = ADDR_IPV6;
        memcpy(&out->src.ip6, ip + 8, 16);
        memcpy(&out->dst.ip6, ip + 24, 16);
        return IPV6_HEAD_LEN;
    }
    return 0;
}

static enum parse_result
read_headers(const uint8_t *ip, size_t len, struct proxy_header *out)
{
    size_t ip_len = len > 0 ? read_ip(ip, len, out) : 0;

    if (ip_len == 0 || ip_len + TCP_HEAD_MIN > len) {
        out->error = CONN_ERR_CIP_PROTOCOL;
        return PARSE_BAD;
    }
    out->src.port = read_u16(ip + ip_len);
    out->dst.port = read_u16(ip + ip_len + 2);
    return PARSE_DONE;
}

enum parse_result
netscaler_header_parse(const uint8_t *bytes, size_t len, uint32_t magic_number,
                       struct proxy_header *out)
{
    size_t head = OLD_HEAD_LEN, headers;

    *out = (struct proxy_header){ .error = CONN_ERR_CIP_MAGIC };
    for (size_t i = 0; i < len && i < 4; i++) {
        if (bytes[i] != (uint8_t)(magic_number >> (24 - 8 * i)))
            return PARSE_BAD;
    }
    if (len < NEW_HEAD_LEN)
        return PARSE_MORE;
    out->error = CONN_ERR_CIP_PROTOCOL;
    headers = read_u32(bytes + 4);
    if (bytes[8] == 0) {
        if (read_u16(bytes + 8) != 1)
            return PARSE_BAD;
        head = NEW_HEAD_LEN;
        headers = read_u16(bytes + 10);
    }
    if (headers > HEADERS_MAX)
        return PARSE_BAD;
    out->size = head + headers;
    if (len < out->size)
        return PARSE_MORE;
    return read_headers(bytes + head, headers, out);
}

/* --- on a connection ------------------------------------------------------------------ */

struct expected {
    uint32_t magic_number;
    struct buffer *part; /* owns */
};

static struct pool expected_pool = POOL("netscaler", sizeof(struct expected));

static void
free_expected(void *data)
{
    struct expected *expected = data;

    buffer_drop(expected->part);
    pool_give(&expected_pool, expected);
}

static enum parse_result
parse(struct connection *conn, struct buffer *buf, size_t len, size_t *size,
      enum connection_error *error)
{
    const struct expected *expected = handshake_data(conn);
    struct proxy_header header;
    enum parse_result result =
        netscaler_header_parse((const uint8_t *)buf->data, len, expected->magic_number, &header);

    *size = header.size;
    *error = header.error;
    if (result == PARSE_DONE) {
        conn->flags |= CONN_PROXY_RECEIVED;
        header_replace_addresses(conn, &header.src, &header.dst);
    }
    return result;
}

static enum io
receive(struct connection *conn)
{
    static const struct header_kind kind = {
        .empty = CONN_ERR_CIP_EMPTY,
        .aborted = CONN_ERR_CIP_ABORTED,
        .truncated = CONN_ERR_CIP_TRUNCATED,
        .too_long = CONN_ERR_CIP_PROTOCOL,
        .parse = parse,
    };
    struct expected *expected = handshake_data(conn);

    return header_receive(conn, &kind, &expected->part);
}

bool
netscaler_header_expect(struct connection *conn, uint32_t magic_number)
{
    struct expected *expected = pool_take(&expected_pool);

    if (expected == NULL)
        return false;
    *expected = (struct expected){ .magic_number = magic_number };
    if (handshake_add_owned(conn, receive, expected, free_expected))
        return true;
    free_expected(expected);
    return false;
}
