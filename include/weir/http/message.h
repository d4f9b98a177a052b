/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one internal form of an HTTP message: start line and fields, which point into the received
 * bytes or into the message's arena. The body is not here: it flows through endpoints
 * (mux/endpoint.h).
 *
 * Field names are in lower case. Fields about the connection itself (connection, keep-alive,
 * transfer-encoding, upgrade ...) stay in the list, because rules look at them; what they mean is
 * expressed in the members below by the mux that received them, and the mux that sends writes what
 * its own protocol needs. "close" and "keep-alive" are taken out of `connection`, as HAProxy does.
 *
 * Thread: owner. Memory: from pools; message_take() may be NULL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/base/buffer.h"
#include "weir/http/token.h"

enum field_flag {
    FIELD_RECEIVED = 1 << 0, /* came with the message; else made by a rule or by weir */
    FIELD_VERBATIM = 1 << 1, /* "name: value\r\n" stands just so in the received bytes */
};

struct field {
    const char *name;  /* lower case */
    const char *value; /* without blanks around */
    uint32_t value_len;
    uint16_t name_len; /* 0: removed, to be skipped */
    uint8_t id;        /* enum field_name */
    uint8_t flags;     /* enum field_flag */
};

enum body_kind {
    BODY_NONE,
    BODY_LENGTH,  /* body_length bytes */
    BODY_CHUNKED, /* length unknown until its end, which is said */
    BODY_CLOSE,   /* ends with the connection (responses) */
};

enum message_flag {
    MESSAGE_IS_RESPONSE = 1 << 0,
    MESSAGE_CLOSE = 1 << 1,      /* the sender wants no further message on the connection */
    MESSAGE_KEEP_ALIVE = 1 << 2, /* HTTP/1.0 with keep-alive */
    MESSAGE_UPGRADE = 1 << 3,    /* asks for or accepts `upgrade` */
    MESSAGE_EXPECT_CONTINUE = 1 << 4,
    MESSAGE_TE_TRAILERS = 1 << 5,
    MESSAGE_ABSOLUTE_FORM = 1 << 6, /* target was scheme://authority/path */
    MESSAGE_FORCE_CLOSE = 1 << 7, /* option httpclose and friends: tell the receiver not to reuse */
    MESSAGE_WEBSOCKET = 1 << 8,
    MESSAGE_UNSAFE_ACCEPTED = 1 << 9, /* parsed only thanks to accept-unsafe-violations */
    MESSAGE_NO_BODY_EXPECTED =
        1 << 10,              /* response to HEAD, 1xx, 204, 304: whatever the length says */
    MESSAGE_LOCAL = 1 << 11,  /* made by weir, not received */
    MESSAGE_TUNNEL = 1 << 12, /* response: 101 or 2xx to CONNECT; raw bytes follow, both ways */
    MESSAGE_NORMALIZED = 1 << 13, /* the target was put together from HTTP/2's parts: HTTP/1 servers
                                     get the path alone */
    MESSAGE_EXTENDED = 1 << 14, /* HTTP/2's CONNECT with :protocol (RFC 8441) */
};

#define MESSAGE_FIELDS_INLINE 24
#define MESSAGE_MAGIC         0x4d455353u

struct message {
    unsigned magic;
    unsigned flags;                       /* enum message_flag */
    uint8_t version_major, version_minor; /* as received */
    uint8_t method;                       /* enum http_method */
    uint8_t body;                         /* enum body_kind */
    uint16_t status;
    uint64_t body_length; /* with BODY_LENGTH */
    struct str method_text;
    struct str target; /* request target as received; rules may replace it: message_set_target() */
    struct str scheme; /* of an absolute or h2 target, else len 0 */
    struct str authority; /* of an absolute, authority or h2 target, else len 0 */
    struct str path;      /* path and query; "*" for OPTIONS *; len 0 with CONNECT */
    struct str reason;
    struct str upgrade;   /* value of the Upgrade field when MESSAGE_UPGRADE */
    uint64_t present;     /* bit set of enum field_name: which ids were ever added (a hint: may have
                             been removed since) */
    struct field *fields; /* inline_fields, or in the arena */
    uint32_t count;       /* used entries, removed ones included */
    uint32_t cap;
    struct field *trailers; /* in the arena; NULL: none */
    uint32_t trailer_count;
    uint32_t head_bytes; /* size of the head as received */
    struct buffer *head; /* holds: the received bytes; NULL when made by weir */
    struct arena arena;  /* what rules and the writer make */
    struct field inline_fields[MESSAGE_FIELDS_INLINE];
};

/* Empty. NULL: out of memory. */
struct message *message_take(void) __attribute__((warn_unused_result));
/* NULL is fine. */
void message_give(struct message *msg);
/* Empty again, as after message_take(). */
void message_clear(struct message *msg);

/* --- fields --------------------------------------------------------------- */

/* Adds a field whose bytes live as long as the message. Fails (false) only when memory is out. */
bool message_add_field(struct message *msg, enum field_name id, struct str lower_name,
                       struct str value);
/* Copies name (lowering it) and value into the arena. */
bool message_add_field_copy(struct message *msg, struct str name, struct str value);
/* The first field at or after index `from` with this name; -1: none. By id it costs a bit test when
 * absent. */
int message_find_field(const struct message *msg, enum field_name id, uint32_t from);
int message_find_field_name(const struct message *msg, struct str lower_name, uint32_t from);
void message_remove_field(struct message *msg, uint32_t at);
/* All fields of that name. */
void message_remove_fields(struct message *msg, struct str lower_name);
void message_remove_fields_id(struct message *msg, enum field_name id);
/* Bytes are borrowed. */
void message_replace_value(struct message *msg, uint32_t at, struct str value);
/* Adds a trailer field; both are copied into the arena. */
bool message_add_trailer(struct message *msg, struct str lower_name, struct str value);
/* A copy of text in the message's arena; ptr NULL: out of memory. */
struct str message_copy(struct message *msg, struct str text);

/* The room for one more field, at the end, uncounted; NULL: out of memory. For the parsers: fill
 * it, then message_keep_field(). */
struct field *message_more_fields(struct message *msg);
static inline struct field *
message_field_room(struct message *msg)
{
    if (__builtin_expect(msg->count == msg->cap, 0))
        return message_more_fields(msg);
    return &msg->fields[msg->count];
}
static inline void
message_keep_field(struct message *msg, enum field_name id)
{
    msg->present |= FIELD_BIT(id);
    msg->count++;
}

static inline struct str
field_value(const struct field *field)
{
    return (struct str){ field->value, field->value_len };
}
static inline struct str
field_name_str(const struct field *field)
{
    return (struct str){ field->name, field->name_len };
}

/* --- parts of the target -------------------------------------------------- */

struct str message_path_only(const struct message *msg); /* without query */
struct str message_query(const struct message *msg);     /* without '?'; ptr NULL: none */
/* Value of Host or the authority. */
struct str message_host(const struct message *msg);
/* Replaces the target (borrowed bytes) and takes it to parts. What is no target of any form counts
 * as a path. */
void message_set_target(struct message *msg, struct str target);
/* Replaces path and query (borrowed bytes), keeping scheme and authority of an absolute form.
 * False: out of memory. */
bool message_set_path(struct message *msg, struct str path_and_query);
