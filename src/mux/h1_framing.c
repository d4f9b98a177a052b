/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a whole head means: its target and host, how its body is framed, whether it asks for another
 * protocol, whether its connection goes on.
 *
 * For:     one meaning for each message, or a refusal: what leaves here can be sent on without
 *          another thought.
 * Callers: h1_parser.c, when all fields are there.
 * Thread:  pure.
 */
#include "weir/http/uri.h"
#include "h1_head.h"

/* --- what both kinds share ------------------------------------------------ */

/* Two lengths: the coding counts, and the connection ends after it (RFC 9112 6.1). */
static void
drop_length(struct h1_head *h)
{
    message_remove_fields_id(h->msg, FIELD_CONTENT_LENGTH);
    h->seen &= (uint8_t)~H1_HAS_LENGTH;
    if (!h->limits->keep_insecure)
        h->msg->flags |= MESSAGE_CLOSE;
}

static inline bool
is_version_1_1(const struct message *msg)
{
    return msg->version_major > 1 || (msg->version_major == 1 && msg->version_minor >= 1);
}

static void
read_persistence(struct h1_head *h)
{
    struct message *msg = h->msg;

    if ((h->seen & H1_SAYS_CLOSE) != 0)
        msg->flags |= MESSAGE_CLOSE;
    if (is_version_1_1(msg))
        return;
    if ((h->seen & (H1_SAYS_KEEP_ALIVE | H1_SAYS_CLOSE)) == H1_SAYS_KEEP_ALIVE &&
        msg->version_major == 1)
        msg->flags |= MESSAGE_KEEP_ALIVE;
    else
        msg->flags |= MESSAGE_CLOSE;
}

/* The framing of a coding that can be framed. */
static void
set_chunked(struct h1_head *h)
{
    struct message *msg = h->msg;

    if ((h->seen & H1_HAS_LENGTH) != 0)
        drop_length(h);
    if (!is_version_1_1(msg)) {
        msg->flags &= ~(unsigned)MESSAGE_KEEP_ALIVE;
        msg->flags |= MESSAGE_CLOSE; /* RFC 9112 6.1: faulty framing */
    }
    msg->body = BODY_CHUNKED;
}

/* --- requests ------------------------------------------------------------- */

static enum parse_result
read_request_body(struct h1_head *h)
{
    struct message *msg = h->msg;
    bool is_bodiless =
        msg->method == METHOD_GET || msg->method == METHOD_HEAD || msg->method == METHOD_DELETE;

    if (msg->method ==
        METHOD_CONNECT) { /* RFC 9110 9.3.6: no content; bytes after the head are the tunnel's */
        message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
        message_remove_fields_id(msg, FIELD_TRANSFER_ENCODING);
        return PARSE_DONE;
    }
    if ((h->seen & H1_HAS_CODING) != 0) {
        if (h->coding == CODING_UNKNOWN)
            return h1_refuse(h, 422, h->begin, "an unknown transfer coding (RFC 9112 6.1)");
        if (h->coding != CODING_CHUNKED)
            return h1_refuse(h, 400, h->begin,
                             "Transfer-Encoding is not chunked, once and last (RFC 9112 6.3)");
        set_chunked(h);
    } else if ((h->seen & H1_HAS_LENGTH) != 0) {
        msg->body = BODY_LENGTH;
        msg->body_length = h->length;
    }
    if (is_bodiless && !is_version_1_1(msg) && !h->limits->any_payload &&
        (msg->body == BODY_CHUNKED || msg->body_length > 0))
        return h1_refuse(h, 413, h->begin, "a body with this method in HTTP/1.0");
    return PARSE_DONE;
}

static bool
has_body(const struct message *msg)
{
    return msg->body == BODY_CHUNKED || (msg->body == BODY_LENGTH && msg->body_length > 0);
}

static void
forget_upgrade(struct message *msg)
{
    message_remove_fields_id(msg, FIELD_UPGRADE);
    message_remove_fields_id(msg, FIELD_HTTP2_SETTINGS);
    msg->upgrade = STR_NONE;
}

static enum parse_result
read_request_upgrade(struct h1_head *h)
{
    struct message *msg = h->msg;

    if (msg->upgrade.len == 0)
        return PARSE_DONE;
    if ((h->seen & H1_SAYS_UPGRADE) == 0) {
        msg->upgrade = STR_NONE; /* stays visible, is not sent */
        return PARSE_DONE;
    }
    if (has_body(msg) || !is_version_1_1(msg) || list_has(msg->upgrade, STR("h2c")) ||
        list_has(msg->upgrade, STR("h2"))) {
        forget_upgrade(msg);
        return PARSE_DONE;
    }
    msg->flags |= MESSAGE_UPGRADE;
    if (!list_has(msg->upgrade, STR("websocket")))
        return PARSE_DONE;
    msg->flags |= MESSAGE_WEBSOCKET;
    if (message_find_field(msg, FIELD_SEC_WEBSOCKET_KEY, 0) < 0 && !h1_forgive(h))
        return h1_refuse(h, 400, h->begin,
                         "a WebSocket request without Sec-WebSocket-Key (RFC 6455 4.1)");
    return PARSE_DONE;
}

/* A path, which is what nearly all targets are, needs no look at all. */
static enum parse_result
read_target_form(struct h1_head *h)
{
    struct message *msg = h->msg;
    enum uri_form form;
    struct uri uri;

    if (msg->target.ptr[0] == '/' && msg->method != METHOD_CONNECT) {
        msg->path = msg->target;
        return PARSE_DONE;
    }
    form = uri_split(msg->target, msg->method == METHOD_CONNECT, &uri);
    if ((form == URI_NONE || (form == URI_ASTERISK && msg->method != METHOD_OPTIONS)) &&
        !h1_forgive(h))
        return h1_refuse(h, 400, msg->target.ptr, "the target is of no known form (RFC 9112 3.2)");
    message_set_target(msg, msg->target);
    if (msg->path.len == 1 && msg->method == METHOD_OPTIONS && form == URI_ABSOLUTE)
        msg->path = STR("*"); /* RFC 9112 3.2.4 */
    if (!validate_authority(msg->authority) && !h1_forgive(h))
        return h1_refuse(h, 400, msg->target.ptr,
                         "a byte that may not stand in an authority (RFC 3986 3.2)");
    return PARSE_DONE;
}

/* CONNECT's authority always says a port; Host may leave it out. */
static bool
is_same_host(const struct message *msg, struct str host)
{
    struct str name, port;

    if (authority_is_same(msg->authority, host, msg->scheme))
        return true;
    authority_split(msg->authority, &name, &port);
    return msg->method == METHOD_CONNECT && str_eq_nocase(name, host);
}

static enum parse_result
read_host_meaning(struct h1_head *h)
{
    struct message *msg = h->msg;
    int at = message_find_field(msg, FIELD_HOST, 0);
    struct str host, user_less, port;

    if (at < 0) {
        if (msg->authority.len == 0 || msg->method == METHOD_CONNECT)
            return PARSE_DONE; /* nobody insists on Host, as HAProxy does not */
        authority_split(msg->authority, &user_less, &port);
        user_less.len = (size_t)(msg->authority.ptr + msg->authority.len - user_less.ptr);
        if (!message_add_field(msg, FIELD_HOST, STR("host"), user_less))
            return h1_refuse(h, 500, h->begin, "out of memory");
        return PARSE_DONE;
    }
    host = field_value(&msg->fields[at]);
    if (!validate_host(host) && !h1_forgive(h))
        return h1_refuse(h, 400, host.ptr, "a byte that may not stand in Host (RFC 9110 7.2)");
    if (msg->authority.len > 0 && !is_same_host(msg, host) && !h1_forgive(h))
        return h1_refuse(h, 400, host.ptr,
                         "Host differs from the target's authority (RFC 9112 3.2)");
    return PARSE_DONE;
}

enum parse_result
h1_meaning_of_request(struct h1_head *h)
{
    enum parse_result result = read_target_form(h);

    if (result == PARSE_DONE)
        result = read_host_meaning(h);
    read_persistence(h);
    if (result == PARSE_DONE)
        result = read_request_body(h);
    if (result == PARSE_DONE)
        result = read_request_upgrade(h);
    if (result == PARSE_DONE && (h->seen & H1_NAMES_FIELDS) != 0)
        h1_remove_named_fields(h->msg);
    return result;
}

/* --- responses ------------------------------------------------------------ */

/* 1xx and 204 have no body and say nothing about one. */
static bool
is_silent_status(unsigned status)
{
    return status < 200 || status == 204;
}

static enum parse_result
read_switch(struct h1_head *h, struct h1_asked asked)
{
    struct message *msg = h->msg;

    if (!asked.upgrade || (h->seen & H1_SAYS_UPGRADE) == 0 || msg->upgrade.len == 0)
        return h1_refuse(h, 400, h->begin, "101 that nobody asked for (RFC 9110 15.2.2)");
    msg->flags |= MESSAGE_UPGRADE | MESSAGE_TUNNEL;
    if (!asked.websocket)
        return PARSE_DONE;
    msg->flags |= MESSAGE_WEBSOCKET;
    if (message_find_field(msg, FIELD_SEC_WEBSOCKET_ACCEPT, 0) < 0 && !h1_forgive(h))
        return h1_refuse(h, 400, h->begin, "101 without Sec-WebSocket-Accept (RFC 6455 4.2.2)");
    return PARSE_DONE;
}

static enum parse_result
read_response_coding(struct h1_head *h)
{
    if (h->coding == CODING_CHUNKED) {
        set_chunked(h);
        return PARSE_DONE;
    }
    if (h->coding == CODING_REPEATED && h1_forgive(h)) {
        set_chunked(h);
        return PARSE_DONE;
    }
    if (h->coding == CODING_EMPTY && h1_forgive(h)) {
        message_remove_fields_id(h->msg, FIELD_TRANSFER_ENCODING);
        h->seen &= (uint8_t)~H1_HAS_CODING;
        return PARSE_DONE;
    }
    return h1_refuse(h, 400, h->begin,
                     "Transfer-Encoding is not chunked, once and last (RFC 9112 6.3)");
}

static enum parse_result
read_response_body(struct h1_head *h, struct h1_asked asked)
{
    struct message *msg = h->msg;
    bool is_tunnel = asked.method == METHOD_CONNECT && msg->status >= 200 && msg->status < 300;

    if (is_tunnel)
        msg->flags |= MESSAGE_TUNNEL;
    if (is_tunnel || is_silent_status(msg->status)) {
        message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
        message_remove_fields_id(msg, FIELD_TRANSFER_ENCODING);
        msg->flags |= MESSAGE_NO_BODY_EXPECTED;
        return PARSE_DONE;
    }
    if (asked.method == METHOD_HEAD || msg->status == 304)
        msg->flags |= MESSAGE_NO_BODY_EXPECTED;
    msg->body = BODY_CLOSE;
    if ((h->seen & H1_HAS_CODING) != 0 && read_response_coding(h) != PARSE_DONE)
        return PARSE_BAD;
    if ((h->seen & (H1_HAS_LENGTH | H1_HAS_CODING)) == H1_HAS_LENGTH) {
        msg->body = BODY_LENGTH;
        msg->body_length = h->length;
    }
    if (msg->body == BODY_CLOSE && (msg->flags & MESSAGE_NO_BODY_EXPECTED) == 0)
        msg->flags |= MESSAGE_CLOSE;
    return PARSE_DONE;
}

enum parse_result
h1_meaning_of_response(struct h1_head *h, struct h1_asked asked)
{
    struct message *msg = h->msg;
    enum parse_result result = PARSE_DONE;

    if (msg->status == 101)
        result = read_switch(h, asked);
    if (msg->status >= 200 || msg->status == 101)
        read_persistence(h);
    if (result == PARSE_DONE)
        result = read_response_body(h, asked);
    if (result == PARSE_DONE && (h->seen & H1_NAMES_FIELDS) != 0)
        h1_remove_named_fields(msg);
    return result;
}
