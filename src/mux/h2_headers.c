/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of HTTP/2 to message heads.
 *
 * For:     h2_session.c, field by field, then the whole.
 * Thread:  owner.
 *
 * nghttp2 has refused already what RFC 9113 8 calls malformed: pseudo fields that are missing,
 * twice, or late; capitals; fields about the connection; lengths that do not fit. What it lets pass
 * and what could be read differently by a server that speaks HTTP/1 is refused here, by the same
 * tables as on the HTTP/1 side.
 */
#include <string.h>

#include "h1_head.h"
#include "h2_conn.h"
#include "weir/http/uri.h"
#include "weir/http/validate.h"

#define MAX_FIELDS_DEFAULT 101
/* What a field costs beside its bytes, so that empty ones are not free: RFC 9113 6.5.2. */
#define FIELD_COST 8

static void
refuse(struct h2_stream *s, int status, const char *text)
{
    if (s->status != 0)
        return;
    s->status = (uint16_t)status;
    s->text = text;
}

/* --- fields --------------------------------------------------------------- */

static bool
keep_pseudo(struct h2_stream *s, struct str name, struct str copy)
{
    switch (name.len) {
    case 5:
        s->path = copy;
        break;
    case 7:
        if (name.ptr[1] == 'm')
            s->method = copy;
        else if (name.ptr[2] == 'c')
            s->scheme = copy;
        else
            s->head->status = (uint16_t)((copy.ptr[0] - '0') * 100 + (copy.ptr[1] - '0') * 10 +
                                         (copy.ptr[2] - '0'));
        break;
    case 9:
        s->protocol = copy;
        break;
    case 10:
        s->authority = copy;
        break;
    default:
        break;
    }
    return true;
}

static uint32_t
max_fields(const struct h2_conn *h2)
{
    return h2->own.max_fields == 0 ? MAX_FIELDS_DEFAULT : h2->own.max_fields;
}

static size_t
max_head(const struct h2_conn *h2)
{
    return h2->own.max_head == 0 ? buffer_default_size() : h2->own.max_head;
}

bool
h2_head_add(struct h2_stream *s, struct str name, struct str value)
{
    struct message *msg = s->head;
    struct h2_conn *h2 = h2_of_stream(s);
    struct str copy, kept;
    enum field_name id;

    s->head_bytes += (uint32_t)(name.len + value.len + FIELD_COST);
    s->head_fields++;
    if (s->head_bytes > max_head(h2) || s->head_fields >= max_fields(h2) + 4)
        refuse(s, 431, "the header fields are too large (tune.bufsize, tune.http.maxhdr)");
    if (s->status != 0)
        return true;
    copy = message_copy(msg, value);
    if (copy.ptr == NULL)
        return false;
    if (name.ptr[0] == ':')
        return keep_pseudo(s, name, copy);
    if (!validate_lower_name(name) || !validate_value(value)) {
        refuse(s, 400, "a byte that may not stand in a field (RFC 9113 8.2.1)");
        return true;
    }
    id = field_name_find(name.ptr, name.len);
    kept = id == FIELD_OTHER ? message_copy(msg, name) : field_name_text(id);
    if (kept.ptr == NULL || !message_add_field(msg, id, kept, copy))
        return false;
    msg->fields[msg->count - 1].flags |= FIELD_RECEIVED;
    return true;
}

bool
h2_trailer_add(struct h2_stream *s, struct str name, struct str value)
{
    struct h2_conn *h2 = h2_of_stream(s);
    enum field_name id = field_name_find(name.ptr, name.len);

    s->head_bytes += (uint32_t)(name.len + value.len + FIELD_COST);
    s->head_fields++;
    if (s->receiving == NULL || name.ptr[0] == ':' || h1_is_no_trailer(id) ||
        s->head_bytes > max_head(h2) || s->head_fields > max_fields(h2) ||
        !validate_lower_name(name) || !validate_value(value))
        return true;
    return message_add_trailer(s->receiving, name, value);
}

/* --- what both kinds share ------------------------------------------------ */

/* What nghttp2 has counted, and will compare with the body. */
static bool
read_length(struct h2_stream *s, bool ended)
{
    struct message *msg = s->head;
    int at = message_find_field(msg, FIELD_CONTENT_LENGTH, 0);
    struct str plain;

    msg->body = ended ? BODY_NONE : BODY_CHUNKED;
    if (at < 0)
        return false;
    if (!validate_length(field_value(&msg->fields[at]), &msg->body_length, &plain)) {
        refuse(s, 400, "Content-Length is no number (RFC 9110 8.6)");
        return true;
    }
    message_replace_value(msg, (uint32_t)at, plain);
    if (message_find_field(msg, FIELD_CONTENT_LENGTH, (uint32_t)at + 1) >= 0)
        refuse(s, 400, "several Content-Length fields (RFC 9110 8.6)");
    msg->body = BODY_LENGTH;
    return true;
}

/* --- requests ------------------------------------------------------------- */

/* RFC 9113 8.2.3: crumbs are one field elsewhere. */
static bool
join_cookies(struct message *msg)
{
    int first = message_find_field(msg, FIELD_COOKIE, 0);
    int at = first < 0 ? -1 : message_find_field(msg, FIELD_COOKIE, (uint32_t)first + 1);
    size_t len = 0;
    char *whole, *to;

    if (at < 0)
        return true;
    for (int i = first; i >= 0; i = message_find_field(msg, FIELD_COOKIE, (uint32_t)i + 1))
        len += msg->fields[i].value_len + 2;
    whole = to = arena_take(&msg->arena, len);
    if (whole == NULL)
        return false;
    for (int i = first; i >= 0; i = message_find_field(msg, FIELD_COOKIE, (uint32_t)i + 1)) {
        if (to != whole) {
            memcpy(to, "; ", 2);
            to += 2;
        }
        memcpy(to, msg->fields[i].value, msg->fields[i].value_len);
        to += msg->fields[i].value_len;
        if (i != first)
            message_remove_field(msg, (uint32_t)i);
    }
    message_replace_value(msg, (uint32_t)first, str_of(whole, (size_t)(to - whole)));
    return true;
}

/* The last field goes to where HTTP/1 clients put Host. */
static void
put_first(struct message *msg)
{
    struct field host = msg->fields[msg->count - 1];

    host.flags |= FIELD_RECEIVED;
    memmove(&msg->fields[1], &msg->fields[0], (msg->count - 1) * sizeof(host));
    msg->fields[0] = host;
}

/* Host and :authority say the same, and servers of HTTP/1 want Host. */
static bool
read_host(struct h2_stream *s)
{
    struct message *msg = s->head;
    int at = message_find_field(msg, FIELD_HOST, 0);
    struct str host, user, port;

    if (at >= 0) {
        host = field_value(&msg->fields[at]);
        if (!validate_host(host))
            refuse(s, 400, "a byte that may not stand in Host (RFC 9110 7.2)");
        if (s->authority.len > 0 && !authority_is_same(s->authority, host, s->scheme))
            refuse(s, 400, "Host differs from :authority (RFC 9113 8.3.1)");
        if (message_find_field(msg, FIELD_HOST, (uint32_t)at + 1) >= 0)
            refuse(s, 400, "several Host fields (RFC 9112 3.2)");
        if (s->authority.len == 0)
            s->authority = host;
        return true;
    }
    if (s->authority.len == 0)
        return true;
    if (!validate_authority(s->authority)) {
        refuse(s, 400, "a byte that may not stand in an authority (RFC 3986 3.2)");
        return true;
    }
    authority_split(s->authority, &user, &port);
    user.len = (size_t)(s->authority.ptr + s->authority.len - user.ptr);
    if (!message_add_field(msg, FIELD_HOST, STR("host"), user))
        return false;
    put_first(msg);
    return true;
}

/* "scheme://authority/path", as rules and logs see it; the parts are parts of it. */
static bool
build_target(struct h2_stream *s)
{
    struct message *msg = s->head;
    size_t before = s->scheme.len + 3 + s->authority.len, len = before + s->path.len;
    char *whole;

    if (msg->method == METHOD_CONNECT && (s->flags & H2S_EXTENDED) == 0) {
        msg->target = msg->authority = s->authority;
        return true;
    }
    if (s->path.ptr[0] != '/' || s->authority.len == 0) { /* "*", or nobody is named */
        msg->target = msg->path = s->path;
        msg->scheme = s->scheme;
        msg->authority = s->authority;
        return true;
    }
    whole = arena_take(&msg->arena, len);
    if (whole == NULL)
        return false;
    memcpy(whole, s->scheme.ptr, s->scheme.len);
    memcpy(whole + s->scheme.len, "://", 3);
    memcpy(whole + s->scheme.len + 3, s->authority.ptr, s->authority.len);
    memcpy(whole + before, s->path.ptr, s->path.len);
    msg->target = str_of(whole, len);
    msg->scheme = str_of(whole, s->scheme.len);
    msg->authority = str_of(whole + s->scheme.len + 3, s->authority.len);
    msg->path = str_of(whole + before, s->path.len);
    msg->flags |= MESSAGE_ABSOLUTE_FORM | MESSAGE_NORMALIZED;
    return true;
}

static void
check_target(struct h2_stream *s)
{
    bool is_connect = s->head->method == METHOD_CONNECT && (s->flags & H2S_EXTENDED) == 0;

    if (!validate_token(s->method))
        refuse(s, 400, "the method is no token (RFC 9110 9.1)");
    if (is_connect ? s->authority.len == 0 : s->path.len == 0)
        refuse(s, 400, "no target (RFC 9113 8.3.1)");
    if (is_connect)
        return;
    if (!validate_target(s->path, h2_of_stream(s)->own.unsafe_request))
        refuse(s, 400, "a byte that may not stand in a target (RFC 9113 8.3.1)");
    if (s->path.len > 0 && s->path.ptr[0] != '/' &&
        !(str_eq(s->path, STR("*")) && s->head->method == METHOD_OPTIONS))
        refuse(s, 400, "the path does not begin with '/' (RFC 9113 8.3.1)");
    for (size_t i = 0; i < s->scheme.len; i++) {
        if (!byte_is(s->scheme.ptr[i], BYTE_TOKEN))
            refuse(s, 400, "the scheme is none (RFC 3986 3.1)");
    }
}

static void
read_body(struct h2_stream *s, bool ended)
{
    struct message *msg = s->head;
    bool has_length = read_length(s, ended);
    bool may_have = msg->method == METHOD_POST || msg->method == METHOD_PUT ||
                    msg->method == METHOD_PATCH;

    if (has_length && msg->body_length <= h2_of_stream(s)->window)
        s->flags |= H2S_SHORT;
    if (msg->method == METHOD_CONNECT || (s->flags & H2S_EXTENDED) != 0) {
        msg->body = BODY_NONE;
        message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    } else if (!has_length && ended && may_have) { /* RFC 9110 8.6: old servers want to hear it */
        msg->body = BODY_LENGTH;
        message_add_field(msg, FIELD_CONTENT_LENGTH, STR("content-length"), STR("0"));
    }
}

static void
read_te(struct message *msg)
{
    if (message_find_field(msg, FIELD_TE, 0) >= 0) /* nghttp2 lets nothing but "trailers" pass */
        msg->flags |= MESSAGE_TE_TRAILERS;
}

static void
read_expect(struct message *msg)
{
    int at = message_find_field(msg, FIELD_EXPECT, 0);

    if (at >= 0 && str_eq_nocase(field_value(&msg->fields[at]), STR("100-continue")))
        msg->flags |= MESSAGE_EXPECT_CONTINUE;
}

void
h2_head_request(struct h2_stream *s, bool ended)
{
    struct message *msg = s->head;

    msg->version_major = 2;
    msg->version_minor = 0;
    msg->head_bytes = s->head_bytes;
    if (s->status != 0)
        return;
    msg->method_text = s->method;
    msg->method = (uint8_t)method_find(s->method);
    if (msg->method == METHOD_CONNECT)
        s->flags |= s->protocol.len > 0 ? H2S_CONNECT | H2S_EXTENDED : H2S_CONNECT;
    if ((s->flags & H2S_EXTENDED) != 0 && !str_eq_nocase(s->protocol, STR("websocket")))
        refuse(s, 501, "a :protocol that is not known here (RFC 8441 4)");
    check_target(s);
    if (s->status == 0 && (!read_host(s) || !join_cookies(msg) || !build_target(s)))
        refuse(s, 500, "out of memory");
    if (s->status != 0)
        return;
    read_te(msg);
    read_expect(msg);
    read_body(s, ended);
    if ((s->flags & H2S_EXTENDED) != 0 && !h2_tunnel_request(s, msg))
        refuse(s, 500, "out of memory");
}

/* --- responses ------------------------------------------------------------ */

void
h2_head_response(struct h2_stream *s, bool ended)
{
    struct message *msg = s->head;

    msg->flags |= MESSAGE_IS_RESPONSE;
    msg->version_major = 2;
    msg->version_minor = 0;
    msg->head_bytes = s->head_bytes;
    msg->reason = str_from(status_reason(msg->status));
    if (s->status != 0)
        return;
    if (msg->status < 200 || msg->status == 204 || msg->status == 304 ||
        (s->flags & H2S_HEAD) != 0)
        msg->flags |= MESSAGE_NO_BODY_EXPECTED;
    if (msg->status < 200)
        return;
    if ((s->flags & H2S_CONNECT) != 0 && msg->status < 300) {
        msg->flags |= MESSAGE_TUNNEL | MESSAGE_NO_BODY_EXPECTED;
        message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
        if ((s->flags & H2S_EXTENDED) != 0 && !h2_tunnel_answer(s, msg))
            refuse(s, 500, "out of memory");
        return;
    }
    read_length(s, ended);
}
