/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: taken, given, and the parts of their target.
 *
 * For:     the muxes make them, rules look at them and change them, the muxes send them.
 * Owns:    its arena; a reference to the buffer that its bytes stand in.
 * Callers: parsers, writers, rules, the stream.
 * Thread:  owner.
 */
#include "weir/http/message.h"

#include <stddef.h>
#include <string.h>

#include "weir/base/crash.h"
#include "weir/base/pool.h"
#include "weir/http/uri.h"

static struct pool message_pool = POOL("message", sizeof(struct message));

static inline void
message_init(struct message *msg)
{
    memset(msg, 0, offsetof(struct message, inline_fields));
    msg->magic = MESSAGE_MAGIC;
    msg->fields = msg->inline_fields;
    msg->cap = MESSAGE_FIELDS_INLINE;
}

struct message *
message_take(void)
{
    struct message *msg = pool_take(&message_pool);

    if (msg != NULL)
        message_init(msg);
    return msg;
}

void
message_give(struct message *msg)
{
    if (msg == NULL)
        return;
    MUST_BE(msg, MESSAGE_MAGIC);
    arena_give(&msg->arena);
    buffer_drop(msg->head);
    msg->magic = 0;
    pool_give(&message_pool, msg);
}

void
message_clear(struct message *msg)
{
    MUST_BE(msg, MESSAGE_MAGIC);
    arena_give(&msg->arena);
    buffer_drop(msg->head);
    message_init(msg);
}

struct str
message_copy(struct message *msg, struct str text)
{
    char *copy = arena_take(&msg->arena, text.len == 0 ? 1 : text.len);

    if (copy == NULL)
        return STR_NONE;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return str_of(copy, text.len);
}

/* --- the target ----------------------------------------------------------- */

struct str
message_path_only(const struct message *msg)
{
    return uri_path_only(msg->path);
}

struct str
message_query(const struct message *msg)
{
    return uri_query(msg->path);
}

struct str
message_host(const struct message *msg)
{
    int at = message_find_field(msg, FIELD_HOST, 0);

    return at < 0 ? msg->authority : field_value(&msg->fields[at]);
}

void
message_set_target(struct message *msg, struct str target)
{
    struct uri uri;
    enum uri_form form = uri_split(target, msg->method == METHOD_CONNECT, &uri);

    if (form == URI_NONE)
        uri = (struct uri){ .path = target };
    msg->target = target;
    msg->scheme = uri.scheme;
    msg->authority = uri.authority;
    msg->path = uri.path;
    msg->flags &= ~(unsigned)(MESSAGE_ABSOLUTE_FORM | MESSAGE_NORMALIZED);
    if (form == URI_ABSOLUTE)
        msg->flags |= MESSAGE_ABSOLUTE_FORM;
}

bool
message_set_path(struct message *msg, struct str path)
{
    size_t before = msg->scheme.len + 3 + msg->authority.len;
    char *whole;

    if ((msg->flags & MESSAGE_ABSOLUTE_FORM) == 0) {
        msg->target = msg->path = path;
        return true;
    }
    whole = arena_take(&msg->arena, before + path.len);
    if (whole == NULL)
        return false;
    memcpy(whole, msg->scheme.ptr, msg->scheme.len);
    memcpy(whole + msg->scheme.len, "://", 3);
    memcpy(whole + msg->scheme.len + 3, msg->authority.ptr, msg->authority.len);
    if (path.len > 0)
        memcpy(whole + before, path.ptr, path.len);
    msg->target = str_of(whole, before + path.len);
    msg->path = str_of(whole + before, path.len);
    return true;
}
