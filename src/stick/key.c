/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of tables: values as the bytes that a table keeps.
 *
 * Thread: any; pure.
 */
#include <arpa/inet.h>
#include <string.h>

#include "private.h"

static enum value_type
type_of(enum stick_type type)
{
    switch (type) {
    case STICK_IP:
        return VALUE_IP4;
    case STICK_IPV6:
        return VALUE_IP6;
    case STICK_INTEGER:
        return VALUE_INT;
    case STICK_STRING:
        return VALUE_STR;
    case STICK_BINARY:
        break;
    }
    return VALUE_BIN;
}

static void
set_bytes(struct stick_key *key, const void *bytes, size_t len)
{
    memcpy(key->bytes, bytes, len);
    key->len = (uint32_t)len;
}

bool
stick_key_from(struct stick_key *key, const struct stick_layout *layout, struct value *value,
               struct arena *arena)
{
    uint32_t number;

    if (!value_cast(value, type_of(layout->type), arena))
        return false;
    switch (layout->type) {
    case STICK_IP:
        set_bytes(key, &value->ip4, sizeof(value->ip4));
        break;
    case STICK_IPV6:
        set_bytes(key, &value->ip6, sizeof(value->ip6));
        break;
    case STICK_INTEGER:
        number = (uint32_t)value->num;
        set_bytes(key, &number, sizeof(number));
        break;
    case STICK_STRING: /* longer ones are cut: their end does not tell them apart */
        if (value->str.len == 0)
            return false;
        set_bytes(key, value->str.ptr,
                  value->str.len < layout->key_size ? value->str.len : layout->key_size);
        break;
    case STICK_BINARY: /* shorter ones are filled with zeros */
        if (value->str.len == 0)
            return false;
        memset(key->bytes, 0, layout->key_size);
        memcpy(key->bytes, value->str.ptr,
               value->str.len < layout->key_size ? value->str.len : layout->key_size);
        key->len = layout->key_size;
        break;
    }
    return true;
}
