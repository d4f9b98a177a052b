/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a head says about its connection and its body: Host, Connection, framing, Upgrade.
 *
 * For:     one meaning for each message, or a refusal: what leaves here can be sent on without
 * another thought. Callers: h1_parser.c. Thread:  pure.
 *
 * Fields about the connection stay visible for rules (but for "close" and "keep-alive"); their
 * meaning goes to the message's members, and h1_writer.c decides what is sent.
 */
#include <string.h>

#include "h1_head.h"
#include "weir/http/uri.h"

/* --- connection ----------------------------------------------------------- */

/* Never taken away because Connection names them: framing and routing do not end here. */
#define END_TO_END                                                                                 \
    (FIELD_BIT(FIELD_HOST) | FIELD_BIT(FIELD_CONTENT_LENGTH) |                                     \
     FIELD_BIT(FIELD_TRANSFER_ENCODING) | FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_UPGRADE) | \
     FIELD_BIT(FIELD_TE))

static unsigned
meaning_of_token(struct str token)
{
    switch (token.len) {
    case 0:
        return 0;
    case 5:
        if (str_eq_nocase(token, STR("close")))
            return H1_SAYS_CLOSE;
        break;
    case 7:
        if (str_eq_nocase(token, STR("upgrade")))
            return H1_SAYS_UPGRADE;
        break;
    case 10:
        if (str_eq_nocase(token, STR("keep-alive")))
            return H1_SAYS_KEEP_ALIVE;
        break;
    default:
        break;
    }
    return H1_NAMES_FIELDS;
}

/* The tokens that stay, in memory of their own: the received bytes must not change, because an
 * unfinished head is parsed again. */
static enum h1_verdict
copy_kept_tokens(struct h1_head *h, struct field *field)
{
    char *first = arena_take(&h->msg->arena, field->value_len + 1);
    struct str rest = field_value(field);
    char *to = first;

    if (first == NULL) {
        h1_refuse(h, 500, field->name, "out of memory");
        return H1_REFUSED;
    }
    while (rest.ptr != NULL) {
        struct str token = list_next(&rest);

        if ((meaning_of_token(token) & (H1_SAYS_UPGRADE | H1_NAMES_FIELDS)) == 0)
            continue;
        if (to != first)
            *to++ = ',';
        memcpy(to, token.ptr, token.len);
        to += token.len;
    }
    field->value = first;
    field->value_len = (uint32_t)(to - first);
    return H1_KEEP;
}

/* "keep-alive", which servers say although they need not. Of the bytes that differ from these
 * letters by 0x20 alone, only capitals may stand in a value. */
static inline bool
is_keep_alive(const struct field *field)
{
    const uint64_t small = UINT64_C(0x2020202020202020);
    uint64_t first, last, first_word, last_word;

    if (field->value_len != 10)
        return false;
    memcpy(&first, field->value, 8);
    memcpy(&last, field->value + 2, 8);
    memcpy(&first_word, "keep-alive", 8);
    memcpy(&last_word, "ep-alive", 8);
    return (first | small) == first_word && (last | small) == last_word;
}

/* Takes "close" and "keep-alive" out of the value. */
static enum h1_verdict
read_connection(struct h1_head *h, struct field *field)
{
    struct str rest = field_value(field);
    unsigned all = 0;

    if (is_keep_alive(field)) {
        h->seen |= H1_SAYS_KEEP_ALIVE;
        return H1_LEAVE_OUT;
    }
    while (rest.ptr != NULL)
        all |= meaning_of_token(list_next(&rest));
    h->seen |= (uint8_t)all;
    field->flags &= (uint8_t)~FIELD_VERBATIM;
    if ((all & (H1_SAYS_UPGRADE | H1_NAMES_FIELDS)) == 0)
        return H1_LEAVE_OUT;
    if ((all & (H1_SAYS_CLOSE | H1_SAYS_KEEP_ALIVE)) == 0)
        return H1_KEEP;
    return copy_kept_tokens(h, field);
}

static void
remove_named(struct message *msg, struct str name)
{
    char lower[128];
    enum field_name id;

    if (name.len == 0 || name.len > sizeof(lower))
        return;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = byte_is(name.ptr[i], BYTE_UPPER) ? (char)(name.ptr[i] | 0x20) : name.ptr[i];
    id = field_name_find(lower, name.len);
    if (id == FIELD_OTHER || (FIELD_BIT(id) & END_TO_END) == 0)
        message_remove_fields(msg, str_of(lower, name.len));
}

/* RFC 9110 7.6.1: fields that Connection names are for us alone. */
static void
remove_named_fields(struct message *msg)
{
    for (int at = message_find_field(msg, FIELD_CONNECTION, 0); at >= 0;
         at = message_find_field(msg, FIELD_CONNECTION, (uint32_t)at + 1)) {
        struct str rest = field_value(&msg->fields[at]);

        while (rest.ptr != NULL)
            remove_named(msg, list_next(&rest));
    }
}

/* --- single fields -------------------------------------------------------- */

/* Identical ones collapse; different ones are an attack or a mistake. RFC 9112 3.2. */
static enum h1_verdict
read_host(struct h1_head *h, const struct field *field)
{
    int at = message_find_field(h->msg, FIELD_HOST, 0);

    if (at < 0)
        return H1_KEEP;
    if (str_eq(field_value(&h->msg->fields[at]), field_value(field)))
        return H1_LEAVE_OUT;
    h1_refuse(h, 400, field->name, "several different Host fields (RFC 9112 3.2)");
    return H1_REFUSED;
}

static enum h1_verdict
read_length(struct h1_head *h, struct field *field)
{
    uint64_t length;
    struct str plain;

    if (!validate_length(field_value(field), &length, &plain)) {
        h1_refuse(h, 400, field->value, "Content-Length is no number (RFC 9112 6.3)");
        return H1_REFUSED;
    }
    if ((h->seen & H1_HAS_LENGTH) != 0) {
        if (length == h->length)
            return H1_LEAVE_OUT;
        h1_refuse(h, 400, field->value, "several different Content-Length fields (RFC 9112 6.3)");
        return H1_REFUSED;
    }
    if (plain.len != field->value_len) {
        field->value = plain.ptr;
        field->value_len = (uint32_t)plain.len;
        field->flags &= (uint8_t)~FIELD_VERBATIM;
    }
    h->seen |= H1_HAS_LENGTH;
    h->length = length;
    return H1_KEEP;
}

static enum h1_verdict
read_coding(struct h1_head *h, const struct field *field)
{
    if ((h->seen & H1_HAS_CODING) == 0)
        h->coding = CODING_EMPTY;
    h->seen |= H1_HAS_CODING;
    h->coding = (uint8_t)validate_coding((enum coding_result)h->coding, field_value(field));
    return H1_KEEP;
}

/* Only "trailers" means anything beyond this hop. */
static enum h1_verdict
read_te(struct h1_head *h, struct field *field)
{
    struct str rest = field_value(field);

    while (rest.ptr != NULL) {
        struct str element = list_next(&rest);
        struct str coding = str_trim(str_split(&element, ';'));

        if (!str_eq_nocase(coding, STR("trailers")))
            continue;
        if (field->value_len != coding.len) {
            field->value = coding.ptr;
            field->value_len = (uint32_t)coding.len;
            field->flags &= (uint8_t)~FIELD_VERBATIM;
        }
        if ((h->msg->flags & MESSAGE_TE_TRAILERS) != 0)
            return H1_LEAVE_OUT;
        h->msg->flags |= MESSAGE_TE_TRAILERS;
        return H1_KEEP;
    }
    return H1_LEAVE_OUT;
}

static enum h1_verdict
read_upgrade(struct h1_head *h, const struct field *field)
{
    if (h->msg->upgrade.len != 0)
        return H1_LEAVE_OUT; /* one is enough, and two could mean two things */
    h->msg->upgrade = field_value(field);
    return H1_KEEP;
}

enum h1_verdict
h1_meaning_of_field(struct h1_head *h, struct field *field)
{
    bool is_request = (h->msg->flags & MESSAGE_IS_RESPONSE) == 0;
    unsigned id = field->id;

    switch (id) {
    case FIELD_HOST:
        return is_request ? read_host(h, field) : H1_KEEP;
    case FIELD_CONNECTION:
        return read_connection(h, field);
    case FIELD_CONTENT_LENGTH:
        return read_length(h, field);
    case FIELD_TRANSFER_ENCODING:
        return read_coding(h, field);
    case FIELD_TE:
        return is_request ? read_te(h, field) : H1_KEEP;
    case FIELD_UPGRADE:
        return read_upgrade(h, field);
    case FIELD_EXPECT:
        if (is_request && str_eq_nocase(field_value(field), STR("100-continue")))
            h->msg->flags |= MESSAGE_EXPECT_CONTINUE;
        return H1_KEEP;
    default:
        return H1_KEEP;
    }
}

bool
h1_is_no_trailer(enum field_name id)
{
    const uint64_t forbidden =
        FIELD_BIT(FIELD_HOST) | FIELD_BIT(FIELD_CONNECTION) | FIELD_BIT(FIELD_PROXY_CONNECTION) |
        FIELD_BIT(FIELD_KEEP_ALIVE) | FIELD_BIT(FIELD_TRANSFER_ENCODING) |
        FIELD_BIT(FIELD_CONTENT_LENGTH) | FIELD_BIT(FIELD_TE) | FIELD_BIT(FIELD_TRAILER) |
        FIELD_BIT(FIELD_UPGRADE) | FIELD_BIT(FIELD_EXPECT) | FIELD_BIT(FIELD_COOKIE) |
        FIELD_BIT(FIELD_SET_COOKIE) | FIELD_BIT(FIELD_AUTHORIZATION) |
        FIELD_BIT(FIELD_CONTENT_TYPE) | FIELD_BIT(FIELD_CONTENT_ENCODING) |
        FIELD_BIT(FIELD_LOCATION) | FIELD_BIT(FIELD_CACHE_CONTROL) | FIELD_BIT(FIELD_RANGE) |
        FIELD_BIT(FIELD_WWW_AUTHENTICATE) | FIELD_BIT(FIELD_PROXY_AUTHENTICATE) |
        FIELD_BIT(FIELD_PROXY_AUTHORIZATION);

    return id != FIELD_OTHER && (FIELD_BIT(id) & forbidden) != 0;
}

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
        remove_named_fields(h->msg);
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
        remove_named_fields(msg);
    return result;
}
