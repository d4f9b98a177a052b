/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a request's start line.
 *
 * For:     set-path and its like, scripts.
 * Owns:    nothing: bytes go into the message's arena.
 * Thread:  owner of the message.
 */
#include "weir/http/start_line.h"

#include <string.h>

#include "weir/http/uri.h"

/* a, b with something between them. ptr NULL: out of memory. */
static struct str
join(struct message *msg, struct str a, const char *between, struct str b)
{
    size_t middle = strlen(between), len = a.len + middle + b.len;
    char *text = arena_take(&msg->arena, len + 1);

    if (text == NULL)
        return STR_NONE;
    memcpy(text, a.ptr, a.len);
    memcpy(text + a.len, between, middle);
    if (b.len > 0)
        memcpy(text + a.len + middle, b.ptr, b.len);
    return str_of(text, len);
}

/* Path and query have changed: the target is written anew from its parts. */
static bool
set_pathq(struct message *msg, struct str pathq)
{
    if (pathq.ptr == NULL)
        return false;
    msg->path = pathq;
    msg->target = pathq;
    if (msg->scheme.len > 0) {
        struct str front = join(msg, msg->scheme, "://", msg->authority);

        if (front.ptr == NULL)
            return false;
        msg->target = join(msg, front, "", pathq);
    }
    return msg->target.ptr != NULL;
}

static bool
set_uri(struct message *msg, struct str uri)
{
    struct uri parts;

    if (uri_split(uri, false, &parts) == URI_NONE)
        return false;
    msg->target = uri;
    msg->scheme = parts.scheme;
    msg->authority = parts.authority;
    msg->path = parts.path;
    return true;
}

bool
message_set_part(struct message *msg, enum line_part part, struct str value)
{
    struct str query = message_query(msg);

    value = message_copy(msg, value);
    if (value.ptr == NULL)
        return false;
    switch (part) {
    case LINE_METHOD:
        msg->method = (uint8_t)method_find(value);
        msg->method_text = value;
        return true;
    case LINE_PATH:
        return set_pathq(msg, query.ptr == NULL ? value : join(msg, value, "?", query));
    case LINE_PATHQ:
        return set_pathq(msg, value);
    case LINE_QUERY:
        return set_pathq(msg, value.len == 0 ? message_path_only(msg)
                                             : join(msg, message_path_only(msg), "?", value));
    case LINE_URI:
        return set_uri(msg, value);
    }
    return false;
}
