/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message heads to fields of HTTP/2.
 *
 * For:     h2_stream.c.
 * Thread:  owner.
 *
 * What a message says about its connection ends here. The array lives in the message's arena;
 * nghttp2 copies what it needs.
 */
#include <string.h>

#include "h2_conn.h"
#include "weir/base/number.h"
#include "weir/http/validate.h"
#include "weir/net/transport.h"

/* Beside the fields: pseudo fields, and a length. */
#define OWN_FIELDS 6

#define ABOUT_CONNECTION                                                                           \
    (FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_PROXY_CONNECTION) |                             \
     FIELD_BIT(FIELD_KEEP_ALIVE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |                            \
     FIELD_BIT(FIELD_UPGRADE) | FIELD_BIT(FIELD_HTTP2_SETTINGS) | FIELD_BIT(FIELD_TE))

struct pen {
    nghttp2_nv *first;
    size_t count;
};

static void
put(struct pen *pen, struct str name, struct str value)
{
    pen->first[pen->count++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.ptr,
        .namelen = name.len,
        .value = (uint8_t *)(uintptr_t)value.ptr,
        .valuelen = value.len,
    };
}

static bool
begin(struct pen *pen, struct message *msg)
{
    pen->first = arena_take(&msg->arena, (msg->count + OWN_FIELDS) * sizeof(*pen->first));
    pen->count = 0;
    return pen->first != NULL;
}

static bool
put_length(struct pen *pen, struct message *msg)
{
    char *digits = arena_take(&msg->arena, 20);

    if (digits == NULL)
        return false;
    put(pen, STR("content-length"), str_of(digits, number_format(digits, msg->body_length)));
    return true;
}

/* Everything but what is about the connection; `skip` too. */
static bool
put_fields(struct pen *pen, struct message *msg, uint64_t skip)
{
    bool has_length = false;

    skip |= ABOUT_CONNECTION;
    for (uint32_t i = 0; i < msg->count; i++) {
        const struct field *field = &msg->fields[i];

        if (field->name_len == 0 || (FIELD_BIT(field->id) & skip & ~UINT64_C(1)) != 0)
            continue;
        if (field->id == FIELD_CONTENT_LENGTH) {
            if (msg->body == BODY_LENGTH && !has_length && !put_length(pen, msg))
                return false;
            has_length = true;
            continue;
        }
        put(pen, field_name_str(field), field_value(field));
    }
    if (msg->body == BODY_LENGTH && !has_length && (msg->flags & MESSAGE_LOCAL) != 0)
        return put_length(pen, msg);
    return true;
}

/* --- requests ------------------------------------------------------------- */

static struct str
scheme_of(const struct h2_stream *s, const struct message *msg)
{
    if (msg->scheme.len > 0)
        return msg->scheme;
    return s->ep.mux_conn->conn->transport->handshake != NULL ? STR("https") : STR("http");
}

nghttp2_nv *
h2_write_request(struct h2_stream *s, struct message *msg, size_t *count)
{
    bool is_websocket = (msg->flags & MESSAGE_WEBSOCKET) != 0;
    bool is_connect = msg->method == METHOD_CONNECT && !is_websocket;
    struct str host = message_host(msg);
    struct pen pen;

    if (!begin(&pen, msg))
        return NULL;
    put(&pen, STR(":method"), is_websocket ? STR("CONNECT") : msg->method_text);
    if (is_websocket)
        put(&pen, STR(":protocol"), STR("websocket"));
    if (is_connect) {
        put(&pen, STR(":authority"), msg->authority.len > 0 ? msg->authority : host);
    } else {
        put(&pen, STR(":scheme"), scheme_of(s, msg));
        if (host.len > 0)
            put(&pen, STR(":authority"), host);
        put(&pen, STR(":path"), msg->path.len > 0 ? msg->path : STR("/"));
    }
    if ((msg->flags & MESSAGE_TE_TRAILERS) != 0 && !is_connect)
        put(&pen, STR("te"), STR("trailers"));
    if (!put_fields(&pen, msg, FIELD_BIT(FIELD_HOST) |
                                   (is_websocket ? FIELD_BIT(FIELD_SEC_WEBSOCKET_KEY) : 0)))
        return NULL;
    *count = pen.count;
    return pen.first;
}

/* --- responses ------------------------------------------------------------ */

nghttp2_nv *
h2_write_response(struct h2_stream *s, struct message *msg, size_t *count)
{
    struct pen pen;
    char *digits = arena_take(&msg->arena, 4);
    unsigned status = msg->status;
    uint64_t skip = 0;

    (void)s;
    if (status == 101) { /* RFC 8441 5: the tunnel is open */
        status = 200;
        skip = FIELD_BIT(FIELD_SEC_WEBSOCKET_ACCEPT);
    }
    if (digits == NULL || !begin(&pen, msg))
        return NULL;
    digits[0] = (char)('0' + status / 100 % 10);
    digits[1] = (char)('0' + status / 10 % 10);
    digits[2] = (char)('0' + status % 10);
    put(&pen, STR(":status"), str_of(digits, 3));
    if (!put_fields(&pen, msg, skip))
        return NULL;
    *count = pen.count;
    return pen.first;
}
