/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the peers protocol: below 240 one byte; else four bits in the first one, then seven in
 * each that follows, the last of which has no high bit.
 *
 * For:     peer_message.c.
 * Owns:    nothing.
 * Thread:  any; pure.
 */
#include "peer_number.h"

#include <arpa/inet.h>
#include <string.h>

void
peer_add_number(struct text *out, uint64_t number)
{
    if (number < 0xf0) {
        text_add_char(out, (char)number);
        return;
    }
    text_add_char(out, (char)(number | 0xf0));
    number = (number - 0xf0) >> 4;
    while (number >= 0x80) {
        text_add_char(out, (char)(number | 0x80));
        number = (number - 0x80) >> 7;
    }
    text_add_char(out, (char)number);
}

bool
peer_take_byte(struct str *in, uint8_t *byte)
{
    if (in->len == 0)
        return false;
    *byte = (uint8_t)in->ptr[0];
    *in = str_slice(*in, 1, in->len - 1);
    return true;
}

bool
peer_take_number(struct str *in, uint64_t *number)
{
    uint8_t byte;

    if (!peer_take_byte(in, &byte))
        return false;
    *number = byte;
    if (byte < 0xf0)
        return true;
    for (unsigned shift = 4; shift < 64; shift += 7) {
        if (!peer_take_byte(in, &byte))
            return false;
        *number += (uint64_t)byte << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

bool
peer_take_32(struct str *in, uint32_t *number)
{
    if (in->len < sizeof(*number))
        return false;
    memcpy(number, in->ptr, sizeof(*number));
    *number = ntohl(*number);
    *in = str_slice(*in, sizeof(*number), in->len - sizeof(*number));
    return true;
}

void
peer_add_32(struct text *out, uint32_t number)
{
    number = htonl(number);
    text_add(out, str_of((const char *)&number, sizeof(number)));
}

bool
peer_take_bytes(struct str *in, uint64_t len, struct str *bytes)
{
    if (len > in->len)
        return false;
    *bytes = str_slice(*in, 0, len);
    *in = str_slice(*in, len, in->len - len);
    return true;
}
