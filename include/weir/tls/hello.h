/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS hello read without OpenSSL: routing by server name where weir does not decrypt.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "weir/base/arena.h"
#include "weir/base/str.h"

enum hello_type { HELLO_CLIENT = 1, HELLO_SERVER = 2 };

enum hello_ticket { TICKET_NONE, TICKET_EMPTY, TICKET_GIVEN };

/* What a hello says; the strings point into the bytes that were read, or into the arena. Lists are
 * as on the wire, without their length; ptr NULL: not said. */
struct hello {
    enum hello_type type;
    uint16_t version; /* 0x0303: TLS 1.2 and, by its own rule, 1.3 */
    struct str server_name;
    struct str ciphers; /* two bytes each */
    struct str alpn;    /* length and name, each */
    struct str groups;
    struct str signatures;
    struct str key_shares; /* group, length, key, each */
    struct str point_formats; /* a byte each */
    struct str versions;      /* two bytes each; of a client */
    struct str extensions;    /* all: type, length, content, each */
    enum hello_ticket ticket;
};

enum hello_state {
    HELLO_WHOLE,
    HELLO_SHORT, /* more bytes may make it one */
    HELLO_NOT,   /* something else */
};

/* Reads the hello of either side (RFC 8446 4.1, RFC 5246 7.4.1), which may be spread over several
 * records; what follows it is not looked at. The arena holds the joined pieces in that case (out of
 * memory: HELLO_NOT). Pure; any thread. */
enum hello_state hello_parse(struct str bytes, struct arena *arena, struct hello *out);
/* The same of a message without records: type, length, content. */
bool hello_parse_message(struct str message, struct hello *out);
/* The first protocol of a list as `alpn` is; ptr NULL: none. */
struct str hello_first_alpn(const struct hello *hello);
