/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY headers on connections: the handshake steps around the parser and the writer.
 *
 * For:     accept-proxy, expect-proxy; send-proxy and its sisters.
 * Owns:    TLVs of a received header, in conn->proxy_header; a header that is being sent.
 * Callers: bind.c and rules add the receiving step, connector.c the sending one.
 * Thread:  owner.
 */
#include "weir/net/proxy_protocol.h"

#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/buffer.h"
#include "weir/base/pool.h"
#include "weir/net/connector.h"
#include "weir/net/handshake.h"
#include "weir/net/transport.h"
#include "private.h"

#define TLVS_KEPT_MAX 256 /* more of them keep the whole buffer */

/* --- receiving ---------------------------------------------------------------------------- */

struct kept_header {
    struct proxy_header header;
    struct buffer *buf; /* holds; NULL: the TLVs are in `bytes` */
    uint8_t bytes[TLVS_KEPT_MAX];
};

static struct pool kept_header_pool = POOL("proxy_header", sizeof(struct kept_header));

static bool
keep_header(struct connection *conn, const struct proxy_header *header, struct buffer *buf)
{
    struct kept_header *kept = pool_take(&kept_header_pool);

    if (kept == NULL)
        return false;
    kept->header = *header;
    kept->buf = NULL;
    if (header->tlvs_len > sizeof(kept->bytes)) {
        kept->buf = buffer_hold(buf);
    } else {
        memcpy(kept->bytes, header->tlvs, header->tlvs_len);
        kept->header.tlvs = kept->bytes;
    }
    proxy_header_free(conn->proxy_header);
    conn->proxy_header = &kept->header;
    return true;
}

void
proxy_header_free(struct proxy_header *header)
{
    struct kept_header *kept = LIST_ITEM(header, struct kept_header, header);

    if (header == NULL)
        return;
    buffer_drop(kept->buf);
    pool_give(&kept_header_pool, kept);
}

static enum parse_result
parse_proxy(struct connection *conn, struct buffer *buf, size_t len, size_t *size,
            enum connection_error *error)
{
    struct proxy_header header;
    enum parse_result result = proxy_header_parse((const uint8_t *)buf->data, len, &header);

    *error = header.error;
    *size = header.size;
    if (result != PARSE_DONE)
        return result;
    if (header.tlvs_len > 0 && !keep_header(conn, &header, buf)) {
        *error = CONN_ERR_NO_MEMORY;
        return PARSE_BAD;
    }
    conn->flags |= CONN_PROXY_RECEIVED;
    if (!header.is_local)
        header_replace_addresses(conn, &header.src, &header.dst);
    return PARSE_DONE;
}

static void
drop_buffer(void *data)
{
    buffer_drop(data);
}

enum io
proxy_header_receive(struct connection *conn)
{
    static const struct header_kind kind = {
        .empty = CONN_ERR_PROXY_EMPTY,
        .aborted = CONN_ERR_PROXY_ABORTED,
        .truncated = CONN_ERR_PROXY_TRUNCATED,
        .too_long = CONN_ERR_PROXY_BAD,
        .parse = parse_proxy,
    };

    struct buffer *part = handshake_data(conn);
    enum io io = header_receive(conn, &kind, &part);

    handshake_set_data(conn, part, part != NULL ? drop_buffer : NULL);
    return io;
}

/* --- sending ------------------------------------------------------------------------------- */

/* Copied when dialling: the client may be gone when the server answers. */
struct outgoing_header {
    unsigned options; /* of v2 */
    bool is_v2;
    bool has_addresses; /* of a client; otherwise the connection speaks for itself */
    uint32_t len;       /* of `bytes`; 0: not formatted yet */
    uint32_t sent;
    uint32_t room;
    struct addr src, dst;
    uint8_t *bytes; /* owns, when it is not `few` */
    uint8_t few[2048];
};

static struct pool outgoing_header_pool = POOL("proxy_outgoing", sizeof(struct outgoing_header));

static void
free_outgoing(void *data)
{
    struct outgoing_header *out = data;

    if (out->bytes != out->few)
        alloc_free(out->bytes);
    pool_give(&outgoing_header_pool, out);
}

/* Fields of the configuration may be long. */
static void
make_room(struct outgoing_header *out, const struct dial_request *request)
{
    size_t room = sizeof(out->few);

    for (unsigned i = 0; i < request->tlv_count; i++)
        room += PROXY_TLV_HEAD_LEN + request->tlvs[i].value.len;
    if (room > PROXY_HEADER_MAX)
        room = PROXY_HEADER_MAX;
    out->room = (uint32_t)room;
    out->bytes = request->tlv_count == 0 ? out->few : alloc_zero(room);
}

static void
format_tlvs(struct outgoing_header *out, const struct dial_request *request)
{
    struct connection *client = request->client;
    size_t len = out->len;

    if ((out->options & PROXY_V2_UNIQUE_ID) != 0 && client != NULL)
        len = proxy_header_add_tlv(out->bytes, len, out->room,
                                   &(struct proxy_tlv){
                                       PROXY_TLV_UNIQUE_ID,
                                       str_slice(request->unique_id, 0, PROXY_UNIQUE_ID_MAX),
                                   });
    FOR_EACH_REGISTERED (proxy_tlv_writer, writer, list) {
        if ((writer->options == 0 || (out->options & writer->options) != 0) && client != NULL)
            len = writer->add(client, out->options, out->bytes, len, out->room);
    }
    for (unsigned i = 0; i < request->tlv_count; i++)
        len = proxy_header_add_tlv(out->bytes, len, out->room, &request->tlvs[i]);
    if ((out->options & PROXY_V2_CRC32C) != 0)
        len = proxy_header_add_crc32c(out->bytes, len, out->room);
    out->len = (uint32_t)len;
}

/* Version 1 of a connection that speaks for itself names its own ends, because many servers refuse
 * UNKNOWN; they are known once it is connected. */
static void
format_own_v1(struct connection *conn, struct outgoing_header *out)
{
    const struct addr *src = connection_src(conn), *dst = connection_dst(conn);

    out->len = (uint32_t)proxy_header_format_v1((char *)out->bytes, src, dst);
}

static enum io
send_header(struct connection *conn)
{
    struct outgoing_header *out = handshake_data(conn);
    size_t sent;
    enum io io;

    if (out->len == 0)
        format_own_v1(conn, out);
    io = plain_write(conn, out->bytes + out->sent, out->len - out->sent, 0, &sent);
    out->sent = (uint32_t)(out->sent + sent);
    if (io != IO_OK)
        return io;
    return out->sent == out->len ? IO_OK : IO_WAIT;
}

bool
proxy_header_send_later(struct connection *conn, const struct dial_request *request)
{
    const struct dial_conf *conf = request->conf;
    struct connection *client = request->client;
    static const struct addr none = { .family = ADDR_NONE };
    const struct addr *src = &none, *dst = &none;
    struct outgoing_header *out;

    if (!conf->send_proxy && !conf->send_proxy_v2)
        return true;
    out = pool_take(&outgoing_header_pool);
    if (out == NULL)
        return false;
    if (client != NULL) {
        src = request->client_src != NULL ? request->client_src : connection_src(client);
        dst = request->client_dst != NULL ? request->client_dst : connection_dst(client);
    }
    out->options = conf->proxy_v2_options;
    out->len = out->sent = 0;
    make_room(out, request);
    if (conf->send_proxy_v2) {
        out->len = (uint32_t)proxy_header_format_v2(out->bytes, src, dst);
        format_tlvs(out, request);
    } else if (client != NULL) {
        out->len = (uint32_t)proxy_header_format_v1((char *)out->bytes, src, dst);
    }
    if (handshake_add_owned(conn, send_header, out, free_outgoing))
        return true;
    free_outgoing(out);
    return false;
}
