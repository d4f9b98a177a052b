/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peers protocol 2.1: encode and decode.
 *
 * For:     peer_session.c and its sisters.
 * Owns:    nothing.
 * Thread:  control. What comes in is never trusted: each length is checked where it is read.
 */
#include "peer_message.h"

#include <arpa/inet.h>
#include <string.h>

#include "peer_number.h"
#include "server_name.h"

#define NUMBER_BYTES_MAX 10
#define TELLABLE         DATA_RATE_LIMIT /* columns from here on are our own */
#define HELLO_MAX        1024

/* How keys are called on the wire. */
static const uint64_t key_types[] = {
    [STICK_IP] = 4, [STICK_IPV6] = 5, [STICK_INTEGER] = 2, [STICK_STRING] = 6, [STICK_BINARY] = 7,
};

/* --- frames ----------------------------------------------------------------------------------- */

enum peer_framing
peer_frame_read(struct str bytes, struct peer_frame *frame, size_t *used)
{
    struct str rest = bytes;
    uint64_t len;

    frame->body = STR("");
    if (!peer_take_byte(&rest, &frame->class) || !peer_take_byte(&rest, &frame->type))
        return FRAME_MORE;
    if (frame->type >= 0x80) {
        if (!peer_take_number(&rest, &len))
            return rest.len == 0 && bytes.len < 2 + NUMBER_BYTES_MAX ? FRAME_MORE : FRAME_BAD;
        if (len > PEER_MESSAGE_MAX)
            return FRAME_TOO_LONG;
        if (!peer_take_bytes(&rest, len, &frame->body))
            return FRAME_MORE;
    }
    *used = bytes.len - rest.len;
    return FRAME_WHOLE;
}

static void
add_frame(struct text *out, uint8_t type, const struct text *body)
{
    text_add_char(out, PEER_TABLE);
    text_add_char(out, (char)type);
    peer_add_number(out, body->len);
    text_add(out, text_str(body));
}

void
peer_add_control(struct text *out, enum peer_control type)
{
    text_add_char(out, PEER_CONTROL);
    text_add_char(out, (char)type);
}

void
peer_add_error(struct text *out, enum peer_error type)
{
    text_add_char(out, PEER_ERROR);
    text_add_char(out, (char)type);
}

void
peer_add_ack(struct text *out, uint64_t id, uint32_t number)
{
    struct text body = TEXT_INIT;

    peer_add_number(&body, id);
    peer_add_32(&body, number);
    add_frame(out, PEER_ACK, &body);
    text_fini(&body);
}

bool
peer_ack_read(struct str body, uint64_t *id, uint32_t *number)
{
    return peer_take_number(&body, id) && peer_take_32(&body, number);
}

bool
peer_switch_read(struct str body, uint64_t *id)
{
    return peer_take_number(&body, id);
}

/* --- definitions ------------------------------------------------------------------------------ */

/* Strings are counted with an end that is not sent. */
static uint64_t
wire_key_size(const struct stick_layout *layout)
{
    return layout->key_size + (layout->type == STICK_STRING ? 1 : 0);
}

/* Does a definition say more than its bit about a column? */
static bool
has_details(unsigned data)
{
    return stick_data_infos[data].is_array || stick_data_infos[data].kind == KIND_RATE;
}

void
peer_add_definition(struct text *out, const struct stick_layout *layout, uint64_t id,
                    struct str name, int64_t expire_ms)
{
    struct text body = TEXT_INIT;
    uint64_t data = 0;

    for (unsigned i = 0; i < TELLABLE; i++)
        data |= (uint64_t)layout->columns[i].is_stored << i;
    peer_add_number(&body, id);
    peer_add_number(&body, name.len);
    text_add(&body, name);
    peer_add_number(&body, key_types[layout->type]);
    peer_add_number(&body, wire_key_size(layout));
    peer_add_number(&body, data);
    peer_add_number(&body, (uint64_t)expire_ms);
    for (unsigned i = 0; i < TELLABLE; i++) {
        if ((data & 1ull << i) == 0 || !has_details(i))
            continue;
        peer_add_number(&body, i);
        if (stick_data_infos[i].is_array)
            peer_add_number(&body, layout->columns[i].count);
        if (stick_data_infos[i].kind == KIND_RATE)
            peer_add_number(&body, layout->columns[i].period_ms);
    }
    add_frame(out, PEER_DEFINE, &body);
    text_fini(&body);
}

/* What follows the bits; anything behind what we know is none of our business. */
static bool
read_details(struct str body, struct peer_definition *definition)
{
    uint64_t type, number;

    for (unsigned i = 0; i < TELLABLE; i++) {
        if ((definition->data & 1ull << i) == 0 || !has_details(i))
            continue;
        if (!peer_take_number(&body, &type) || type != i)
            return false;
        if (stick_data_infos[i].is_array) {
            if (!peer_take_number(&body, &number) || number == 0 || number > STICK_ARRAY_MAX)
                return false;
            definition->columns[i].count = (uint32_t)number;
        }
        if (stick_data_infos[i].kind == KIND_RATE) {
            if (!peer_take_number(&body, &number) || number > UINT32_MAX)
                return false;
            definition->columns[i].period_ms = (uint32_t)number;
        }
    }
    return true;
}

bool
peer_definition_read(struct str body, struct peer_definition *definition)
{
    uint64_t len, expire_ms = 0;

    *definition = (struct peer_definition){ 0 };
    if (!peer_take_number(&body, &definition->id) || !peer_take_number(&body, &len) ||
        !peer_take_bytes(&body, len, &definition->name) || !peer_take_number(&body, &definition->key_type) ||
        !peer_take_number(&body, &definition->key_size) || !peer_take_number(&body, &definition->data))
        return false;
    for (unsigned i = 0; i < TELLABLE; i++)
        definition->columns[i].count = 1;
    if (body.len == 0) /* old ones say no more: without periods, no rates */
        return (definition->data & (1u << DATA_GPT | 1u << DATA_GPC | 1u << DATA_GPC_RATE)) == 0;
    if (!peer_take_number(&body, &expire_ms))
        return false;
    definition->expire_ms = expire_ms > INT32_MAX ? INT32_MAX : (int64_t)expire_ms;
    return read_details(body, definition);
}

bool
peer_definition_fits(const struct peer_definition *definition, const struct stick_layout *layout)
{
    return definition->key_type == key_types[layout->type] &&
           definition->key_size == wire_key_size(layout);
}

/* --- names of servers ----------------------------------------------------------------------------- */

/* Where the name stands; the one that was not used for longest gives way. */
static unsigned
place_name(struct peer_names *names, uint64_t key, bool *is_new)
{
    unsigned oldest = 0;

    names->clock++;
    for (unsigned i = 0; i < PEER_NAMES; i++) {
        if (names->items[i].key == key) {
            names->items[i].used = names->clock;
            *is_new = false;
            return i;
        }
        if (names->items[i].used < names->items[oldest].used)
            oldest = i;
    }
    names->items[oldest].key = key;
    names->items[oldest].used = names->clock;
    *is_new = true;
    return oldest;
}

static void
add_name(struct text *out, struct peer_names *names, uint64_t key)
{
    const char *name = key == 0 ? NULL : server_name_find(key);
    struct text body = TEXT_INIT;
    bool is_new;

    if (name != NULL) {
        peer_add_number(&body, place_name(names, key, &is_new) + 1);
        if (is_new) {
            peer_add_number(&body, strlen(name));
            text_puts(&body, name);
        }
    }
    peer_add_number(out, body.len);
    text_add(out, text_str(&body));
    text_fini(&body);
}

static bool
take_name(struct str *in, struct peer_names *names, uint64_t *key)
{
    struct str body, name;
    uint64_t len, id;

    *key = 0;
    if (!peer_take_number(in, &len) || !peer_take_bytes(in, len, &body))
        return false;
    if (len == 0)
        return true;
    if (!peer_take_number(&body, &id) || id == 0 || id > PEER_NAMES)
        return false;
    if (body.len > 0) {
        if (!peer_take_number(&body, &len) || !peer_take_bytes(&body, len, &name))
            return false;
        names->items[id - 1].key = server_name_learn(name);
    }
    *key = names->items[id - 1].key;
    return true;
}

/* --- updates ---------------------------------------------------------------------------------------- */

static void
add_key(struct text *body, const struct stick_layout *layout, const struct stick_key *key)
{
    uint32_t number;

    if (layout->type == STICK_INTEGER) {
        memcpy(&number, key->bytes, sizeof(number));
        peer_add_32(body, number);
        return;
    }
    if (layout->type == STICK_STRING)
        peer_add_number(body, key->len);
    text_add(body, str_of((const char *)key->bytes, key->len));
}

static bool
take_key(struct str *body, const struct stick_layout *layout, struct stick_key *key)
{
    uint64_t len = layout->key_size;
    struct str bytes;
    uint32_t number;

    if (layout->type == STICK_INTEGER) {
        key->len = sizeof(number);
        return peer_take_32(body, &number) && memcpy(key->bytes, &number, sizeof(number)) != NULL;
    }
    if (layout->type == STICK_STRING && (!peer_take_number(body, &len) || len > layout->key_size))
        return false;
    if (!peer_take_bytes(body, len, &bytes))
        return false;
    memcpy(key->bytes, bytes.ptr, len);
    key->len = (uint32_t)len;
    return true;
}

static void
add_values(struct text *body, const struct stick_column *column, enum stick_data data,
           const struct stick_image *image, struct peer_names *names, uint32_t now_ms)
{
    for (unsigned i = 0; i < column->count; i++) {
        if (data == DATA_SERVER_KEY) {
            add_name(body, names, stick_image_number(image, column, data, i));
        } else if (stick_data_infos[data].kind == KIND_RATE) {
            struct stick_rate rate = stick_image_rate(image, column, i);

            peer_add_number(body, (uint32_t)(now_ms - rate.began_ms));
            peer_add_number(body, rate.current);
            peer_add_number(body, rate.previous);
        } else {
            peer_add_number(body, stick_image_number(image, column, data, i));
        }
    }
}

void
peer_add_update(struct text *out, const struct stick_layout *layout,
                const struct peer_update *update, struct peer_names *names, uint32_t now_ms)
{
    bool is_timed = update->expires_in_ms >= 0;
    struct text body = TEXT_INIT;

    if (update->has_number)
        peer_add_32(&body, update->number);
    if (is_timed)
        peer_add_32(&body, (uint32_t)update->expires_in_ms);
    add_key(&body, layout, &update->key);
    for (unsigned i = 0; i < TELLABLE; i++) {
        if (layout->columns[i].is_stored)
            add_values(&body, &layout->columns[i], (enum stick_data)i, &update->image, names,
                       now_ms);
    }
    add_frame(out,
              update->has_number ? (is_timed ? PEER_UPDATE_TIMED : PEER_UPDATE)
                                 : (is_timed ? PEER_UPDATE_TIMED_NEXT : PEER_UPDATE_NEXT),
              &body);
    text_fini(&body);
}

/* One element of one column; it is kept if `column` is not NULL. */
static bool
take_value(struct str *body, enum stick_data data, const struct stick_column *column,
           unsigned index, struct stick_image *image, struct peer_names *names, uint32_t now_ms)
{
    uint64_t number, current, previous;

    if (data == DATA_SERVER_KEY) {
        if (!take_name(body, names, &number))
            return false;
    } else if (!peer_take_number(body, &number)) {
        return false;
    }
    if (stick_data_infos[data].kind != KIND_RATE) {
        if (column != NULL)
            stick_image_set_number(image, column, data, index, number);
        return true;
    }
    if (!peer_take_number(body, &current) || !peer_take_number(body, &previous))
        return false;
    if (column != NULL) {
        struct stick_rate rate = { (uint32_t)current, (uint32_t)previous,
                                   now_ms - (uint32_t)number };

        stick_image_set_rate(image, column, index, &rate);
    }
    return true;
}

/* Rates over another period tell nothing here. */
static bool
take_column(struct str *body, const struct peer_definition *definition, enum stick_data data,
            const struct stick_layout *layout, struct peer_names *names, uint32_t now_ms,
            struct stick_image *image)
{
    const struct stick_column *column = &layout->columns[data];
    uint32_t count = definition->columns[data].count;
    bool is_wanted = column->is_stored &&
                     (stick_data_infos[data].kind != KIND_RATE ||
                      column->period_ms == definition->columns[data].period_ms);

    if (is_wanted) {
        memset((char *)image->bytes + column->offset, 0, stick_column_size(column, data));
        image->has |= 1u << data;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!take_value(body, data, is_wanted && i < column->count ? column : NULL, i, image, names,
                        now_ms))
            return false;
    }
    return true;
}

bool
peer_update_read(const struct peer_definition *definition, const struct stick_layout *layout,
                 uint8_t type, struct str body, struct peer_names *names, uint32_t now_ms,
                 struct peer_update *update)
{
    uint32_t expires_in_ms;

    update->has_number = type == PEER_UPDATE || type == PEER_UPDATE_TIMED;
    update->expires_in_ms = -1;
    update->image.has = 0;
    if (update->has_number && !peer_take_32(&body, &update->number))
        return false;
    if (type == PEER_UPDATE_TIMED || type == PEER_UPDATE_TIMED_NEXT) {
        if (!peer_take_32(&body, &expires_in_ms))
            return false;
        update->expires_in_ms = expires_in_ms;
    }
    if (!take_key(&body, layout, &update->key))
        return false;
    for (unsigned i = 0; i < TELLABLE; i++) {
        if ((definition->data & 1ull << i) != 0 &&
            !take_column(&body, definition, (enum stick_data)i, layout, names, now_ms,
                         &update->image))
            return false;
    }
    return true;
}

/* --- hello -------------------------------------------------------------------------------------------- */

enum peer_framing
peer_hello_read(struct str bytes, struct peer_hello *hello, size_t *used)
{
    struct str lines[3], rest = bytes;

    for (unsigned i = 0; i < 3; i++) {
        const char *end = rest.len == 0 ? NULL : memchr(rest.ptr, '\n', rest.len);

        if (end == NULL)
            return bytes.len < HELLO_MAX ? FRAME_MORE : FRAME_BAD;
        lines[i] = str_of(rest.ptr, (size_t)(end - rest.ptr));
        rest = str_slice(rest, lines[i].len + 1, rest.len - lines[i].len - 1);
        if (lines[i].len > 0 && lines[i].ptr[lines[i].len - 1] == '\r')
            lines[i].len--;
    }
    *used = bytes.len - rest.len;
    hello->version = lines[0];
    hello->protocol = str_split(&hello->version, ' ');
    hello->to = lines[1];
    hello->pid = lines[2];
    hello->from = str_split(&hello->pid, ' ');
    hello->process = hello->pid.ptr == NULL ? STR("") : hello->pid;
    if (hello->pid.ptr != NULL)
        hello->pid = str_split(&hello->process, ' ');
    return FRAME_WHOLE;
}
