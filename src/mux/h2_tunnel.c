/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket between versions: HTTP/1's upgrade and HTTP/2's extended CONNECT (RFC 8441).
 *
 * For:     h2_headers.c, h2_stream.c.
 * Thread:  owner.
 *
 * Inside of weir a WebSocket is always the upgrade that HTTP/1 knows: GET with "upgrade: websocket",
 * answered by 101. So rules, logs and the other side's mux need not know where it came from.
 */
#include <openssl/sha.h>
#include <string.h>

#include "h2_conn.h"
#include "weir/base/encode.h"
#include "weir/base/entropy.h"

/* RFC 6455 1.3 */
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_MAX     128

static bool
add(struct message *msg, enum field_name id, struct str value)
{
    if (!message_add_field(msg, id, field_name_text(id), value))
        return false;
    msg->fields[msg->count - 1].flags |= FIELD_RECEIVED;
    return true;
}

static bool
add_upgrade(struct message *msg)
{
    msg->flags |= MESSAGE_UPGRADE | MESSAGE_WEBSOCKET;
    msg->upgrade = STR("websocket");
    return add(msg, FIELD_CONNECTION, STR("upgrade")) && add(msg, FIELD_UPGRADE, msg->upgrade);
}

bool
h2_tunnel_request(struct h2_stream *s, struct message *msg)
{
    uint64_t random[2] = { entropy_next(), entropy_next() };
    char *key;

    (void)s;
    msg->method = METHOD_GET;
    msg->method_text = STR("GET");
    if (!add_upgrade(msg))
        return false;
    if (message_find_field(msg, FIELD_SEC_WEBSOCKET_KEY, 0) >= 0)
        return true;
    key = arena_take(&msg->arena, 32);
    if (key == NULL)
        return false;
    return add(msg, FIELD_SEC_WEBSOCKET_KEY,
               str_of(key, base64_encode(key, str_of((const char *)random, sizeof(random)))));
}

void
h2_tunnel_ask(struct h2_stream *s, const struct message *msg)
{
    int at = message_find_field(msg, FIELD_SEC_WEBSOCKET_KEY, 0);
    struct str key = at < 0 ? STR_NONE : field_value(&msg->fields[at]);
    unsigned char hash[SHA_DIGEST_LENGTH];
    char text[KEY_MAX + sizeof(ACCEPT_GUID)];

    s->accept[0] = '\0';
    if (key.len == 0 || key.len > KEY_MAX)
        return;
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, ACCEPT_GUID, sizeof(ACCEPT_GUID) - 1);
    SHA1((const unsigned char *)text, key.len + sizeof(ACCEPT_GUID) - 1, hash);
    s->accept[base64_encode(s->accept, str_of((const char *)hash, sizeof(hash)))] = '\0';
}

bool
h2_tunnel_answer(struct h2_stream *s, struct message *msg)
{
    struct str accept;

    msg->status = 101;
    msg->reason = STR("Switching Protocols");
    if (!add_upgrade(msg))
        return false;
    if (s->accept[0] == '\0')
        return true;
    accept = message_copy(msg, str_from(s->accept));
    return accept.ptr != NULL && add(msg, FIELD_SEC_WEBSOCKET_ACCEPT, accept);
}
