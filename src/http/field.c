/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header fields of a message: find, add, replace, remove.
 *
 * For:     rules, the stream, the muxes.
 * Callers: everybody who has a message.
 * Thread:  owner.
 *
 * A removed field stays in the array with an empty name, so indexes stay what they are while
 * somebody walks. Fields live inside the message until there are more than MESSAGE_FIELDS_INLINE.
 */
#include <string.h>

#include "weir/base/crash.h"
#include "weir/http/message.h"

#define NAME_LEN_MAX UINT16_MAX

struct field *
message_more_fields(struct message *msg)
{
    uint32_t cap = msg->cap * 2;
    struct field *fields;

    if (msg->count < msg->cap)
        return &msg->fields[msg->count];
    fields = arena_take(&msg->arena, cap * sizeof(*fields));
    if (fields == NULL)
        return NULL;
    memcpy(fields, msg->fields, msg->count * sizeof(*fields));
    msg->fields = fields;
    msg->cap = cap;
    return &msg->fields[msg->count];
}

bool
message_add_field(struct message *msg, enum field_name id, struct str lower_name, struct str value)
{
    struct field *field = message_field_room(msg);

    MUST(lower_name.len > 0 && lower_name.len <= NAME_LEN_MAX && value.len <= UINT32_MAX);
    if (field == NULL)
        return false;
    *field = (struct field){
        .name = lower_name.ptr,
        .value = value.ptr == NULL ? "" : value.ptr,
        .value_len = (uint32_t)value.len,
        .name_len = (uint16_t)lower_name.len,
        .id = (uint8_t)id,
    };
    message_keep_field(msg, id);
    return true;
}

static void
copy_lower(char *to, struct str from)
{
    for (size_t i = 0; i < from.len; i++) {
        char c = from.ptr[i];

        to[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
}

bool
message_add_field_copy(struct message *msg, struct str name, struct str value)
{
    char *copy = arena_take(&msg->arena, name.len + value.len);

    if (copy == NULL)
        return false;
    copy_lower(copy, name);
    if (value.len > 0)
        memcpy(copy + name.len, value.ptr, value.len);
    return message_add_field(msg, field_name_find(copy, name.len), str_of(copy, name.len),
                             str_of(copy + name.len, value.len));
}

int
message_find_field(const struct message *msg, enum field_name id, uint32_t from)
{
    if ((msg->present & FIELD_BIT(id)) == 0)
        return -1;
    for (uint32_t i = from; i < msg->count; i++) {
        if (msg->fields[i].id == id && msg->fields[i].name_len != 0)
            return (int)i;
    }
    return -1;
}

int
message_find_field_name(const struct message *msg, struct str lower_name, uint32_t from)
{
    enum field_name id = field_name_find(lower_name.ptr, lower_name.len);

    if (id != FIELD_OTHER)
        return message_find_field(msg, id, from);
    if ((msg->present & FIELD_BIT(FIELD_OTHER)) == 0 || lower_name.len == 0)
        return -1;
    for (uint32_t i = from; i < msg->count; i++) {
        const struct field *field = &msg->fields[i];

        if (field->name_len == lower_name.len &&
            memcmp(field->name, lower_name.ptr, lower_name.len) == 0)
            return (int)i;
    }
    return -1;
}

void
message_remove_field(struct message *msg, uint32_t at)
{
    MUST(at < msg->count);
    msg->fields[at].name_len = 0;
}

void
message_remove_fields(struct message *msg, struct str lower_name)
{
    for (int at = message_find_field_name(msg, lower_name, 0); at >= 0;
         at = message_find_field_name(msg, lower_name, (uint32_t)at + 1))
        message_remove_field(msg, (uint32_t)at);
}

void
message_remove_fields_id(struct message *msg, enum field_name id)
{
    for (int at = message_find_field(msg, id, 0); at >= 0;
         at = message_find_field(msg, id, (uint32_t)at + 1))
        message_remove_field(msg, (uint32_t)at);
}

void
message_replace_value(struct message *msg, uint32_t at, struct str value)
{
    struct field *field;

    MUST(at < msg->count && value.len <= UINT32_MAX);
    field = &msg->fields[at];
    field->value = value.ptr == NULL ? "" : value.ptr;
    field->value_len = (uint32_t)value.len;
    field->flags &= (uint8_t) ~(FIELD_RECEIVED | FIELD_VERBATIM);
}

/* --- trailers ------------------------------------------------------------- */

#define TRAILERS_MIN 8

/* Grows by powers of two; the old array stays in the arena until the message goes. */
static bool
make_trailer_room(struct message *msg)
{
    uint32_t count = msg->trailer_count;
    uint32_t cap = count < TRAILERS_MIN ? TRAILERS_MIN : count * 2;
    struct field *trailers;

    if (msg->trailers != NULL && (count < TRAILERS_MIN || (count & (count - 1)) != 0))
        return true;
    trailers = arena_take(&msg->arena, cap * sizeof(*trailers));
    if (trailers == NULL)
        return false;
    if (count > 0)
        memcpy(trailers, msg->trailers, count * sizeof(*trailers));
    msg->trailers = trailers;
    return true;
}

bool
message_add_trailer(struct message *msg, struct str lower_name, struct str value)
{
    char *copy;

    MUST(lower_name.len > 0 && lower_name.len <= NAME_LEN_MAX && value.len <= UINT32_MAX);
    copy = arena_take(&msg->arena, lower_name.len + value.len);
    if (copy == NULL || !make_trailer_room(msg))
        return false;
    memcpy(copy, lower_name.ptr, lower_name.len);
    if (value.len > 0)
        memcpy(copy + lower_name.len, value.ptr, value.len);
    msg->trailers[msg->trailer_count++] = (struct field){
        .name = copy,
        .value = copy + lower_name.len,
        .value_len = (uint32_t)value.len,
        .name_len = (uint16_t)lower_name.len,
        .id = (uint8_t)field_name_find(copy, lower_name.len),
    };
    return true;
}
