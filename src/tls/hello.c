/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read a TLS hello without OpenSSL.
 *
 * For:     routing of raw TLS in TCP mode.
 * Callers: hello_fetch.c of room stream.
 * Thread:  any; pure.
 *
 *     record:  22  version(2)  length(2)  pieces of handshake messages
 *     message: type  length(3)  version(2)  random(32)  session id  ciphers  compression  extensions
 *
 * Every read goes through a cursor that knows where its bytes end: a length that lies fails there.
 */
#include "weir/tls/hello.h"

#include <string.h>

#define RECORD_HEAD       5
#define RECORD_MAX        (16384 + 256)
#define RECORD_HANDSHAKE  22
#define MESSAGE_HEAD      4
#define MESSAGE_MAX       65536
#define RANDOM_LEN        32
#define EXT_SERVER_NAME   0
#define EXT_GROUPS        10
#define EXT_POINT_FORMATS 11
#define EXT_SIGNATURES    13
#define EXT_ALPN          16
#define EXT_TICKET        35
#define EXT_VERSIONS      43
#define EXT_KEY_SHARES    51
#define NAME_TYPE_HOST    0
#define SERVER_CIPHER_LEN 3 /* the one cipher and the one compression method of a ServerHello */

/* --- a cursor ------------------------------------------------------------------------------- */

struct cursor {
    const uint8_t *at;
    size_t left;
    bool failed; /* something was longer than what is there */
};

static struct cursor
cursor_of(struct str bytes)
{
    return (struct cursor){ .at = (const uint8_t *)bytes.ptr, .left = bytes.len };
}

static struct str
take(struct cursor *cursor, size_t len)
{
    struct str taken = str_of((const char *)cursor->at, len);

    if (len > cursor->left) {
        cursor->failed = true;
        cursor->left = 0;
        return STR("");
    }
    cursor->at += len;
    cursor->left -= len;
    return taken;
}

static uint32_t
take_number(struct cursor *cursor, unsigned size)
{
    struct str bytes = take(cursor, size);
    uint32_t number = 0;

    for (size_t i = 0; i < bytes.len; i++)
        number = number << 8 | (uint8_t)bytes.ptr[i];
    return number;
}

/* What stands behind its own length. */
static struct str
take_sized(struct cursor *cursor, unsigned size_of_length)
{
    return take(cursor, take_number(cursor, size_of_length));
}

/* --- records -------------------------------------------------------------------------------- */

static enum hello_state
state_of_head(struct str bytes)
{
    const uint8_t *head = (const uint8_t *)bytes.ptr;

    if (bytes.len >= 1 && head[0] != RECORD_HANDSHAKE)
        return HELLO_NOT;
    if (bytes.len >= 2 && head[1] != 3)
        return HELLO_NOT;
    return bytes.len < RECORD_HEAD ? HELLO_SHORT : HELLO_WHOLE;
}

/* The payload of the record in front, as far as it is here. */
static enum hello_state
next_record(struct str *rest, struct str *payload)
{
    enum hello_state state = state_of_head(*rest);
    struct cursor head = cursor_of(*rest);
    uint32_t length;

    *payload = STR("");
    if (state != HELLO_WHOLE)
        return state;
    (void)take(&head, 3);
    length = take_number(&head, 2);
    if (length == 0 || length > RECORD_MAX)
        return HELLO_NOT;
    *payload = str_slice(*rest, RECORD_HEAD, length);
    *rest = str_slice(*rest, RECORD_HEAD + (size_t)length, rest->len);
    return payload->len < length ? HELLO_SHORT : HELLO_WHOLE;
}

static size_t
message_length(const char *head)
{
    const uint8_t *at = (const uint8_t *)head;

    return MESSAGE_HEAD + ((size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3]);
}

/* The first message in one piece: it may be cut over records anywhere. */
static enum hello_state
join_message(struct str rest, struct arena *arena, struct str *message)
{
    struct str piece;
    enum hello_state state = next_record(&rest, &piece);
    char *joined;
    size_t have;

    if (state == HELLO_NOT || piece.len == 0)
        return state;
    if (piece.ptr[0] != HELLO_CLIENT && piece.ptr[0] != HELLO_SERVER)
        return HELLO_NOT;
    *message = piece;
    if (state == HELLO_SHORT ||
        (piece.len >= MESSAGE_HEAD && message_length(piece.ptr) <= piece.len))
        return state;
    joined = arena_take(arena, piece.len + rest.len);
    if (joined == NULL)
        return HELLO_NOT;
    memcpy(joined, piece.ptr, have = piece.len);
    while (have < MESSAGE_HEAD || have < message_length(joined)) {
        if (have >= MESSAGE_HEAD && message_length(joined) > MESSAGE_MAX)
            return HELLO_NOT;
        state = next_record(&rest, &piece);
        if (state != HELLO_WHOLE)
            return state;
        memcpy(joined + have, piece.ptr, piece.len);
        have += piece.len;
    }
    *message = str_of(joined, have);
    return HELLO_WHOLE;
}

/* --- the message ---------------------------------------------------------------------------- */

static struct str
read_server_name(struct str extension)
{
    struct cursor names = cursor_of(extension);

    names = cursor_of(take_sized(&names, 2));
    while (names.left > 0) {
        uint32_t type = take_number(&names, 1);
        struct str name = take_sized(&names, 2);

        if (!names.failed && type == NAME_TYPE_HOST)
            return name;
    }
    return STR_NONE;
}

static struct str
read_list(struct str extension, unsigned size_of_length)
{
    struct cursor list = cursor_of(extension);
    struct str items = take_sized(&list, size_of_length);

    return list.failed ? STR_NONE : items;
}

static void
read_extension(uint32_t type, struct str extension, struct hello *out)
{
    switch (type) {
    case EXT_SERVER_NAME:
        out->server_name = read_server_name(extension);
        break;
    case EXT_GROUPS:
        out->groups = read_list(extension, 2);
        break;
    case EXT_SIGNATURES:
        out->signatures = read_list(extension, 2);
        break;
    case EXT_ALPN:
        out->alpn = read_list(extension, 2);
        break;
    case EXT_KEY_SHARES:
        out->key_shares = read_list(extension, 2);
        break;
    case EXT_POINT_FORMATS:
        out->point_formats = read_list(extension, 1);
        break;
    case EXT_VERSIONS:
        if (out->type == HELLO_CLIENT)
            out->versions = read_list(extension, 1);
        break;
    case EXT_TICKET:
        out->ticket = extension.len == 0 ? TICKET_EMPTY : TICKET_GIVEN;
        break;
    default:
        break;
    }
}

static bool
read_message(struct str message, struct hello *out)
{
    struct cursor body = cursor_of(message), extensions;

    out->type = (enum hello_type)take_number(&body, 1);
    body = cursor_of(take_sized(&body, 3));
    out->version = (uint16_t)take_number(&body, 2);
    (void)take(&body, RANDOM_LEN);
    (void)take_sized(&body, 1);
    if (out->type == HELLO_CLIENT) {
        out->ciphers = take_sized(&body, 2);
        (void)take_sized(&body, 1);
    } else {
        out->ciphers = str_slice(take(&body, SERVER_CIPHER_LEN), 0, 2);
    }
    if (body.failed || out->version >> 8 != 3)
        return false;
    out->extensions = body.left == 0 ? STR("") : take_sized(&body, 2);
    extensions = cursor_of(out->extensions);
    while (extensions.left > 0) {
        uint32_t type = take_number(&extensions, 2);
        struct str extension = take_sized(&extensions, 2);

        if (!extensions.failed)
            read_extension(type, extension, out);
    }
    return !body.failed && !extensions.failed;
}

bool
hello_parse_message(struct str message, struct hello *out)
{
    *out = (struct hello){ 0 };
    return read_message(message, out);
}

enum hello_state
hello_parse(struct str bytes, struct arena *arena, struct hello *out)
{
    struct str message = STR("");
    enum hello_state state = join_message(bytes, arena, &message);

    *out = (struct hello){ 0 };
    if (state != HELLO_WHOLE)
        return state;
    return read_message(message, out) ? HELLO_WHOLE : HELLO_NOT;
}

struct str
hello_first_alpn(const struct hello *hello)
{
    struct cursor list = cursor_of(hello->alpn.ptr == NULL ? STR("") : hello->alpn);
    struct str name = take_sized(&list, 1);

    return list.failed || name.len == 0 ? STR_NONE : name;
}
