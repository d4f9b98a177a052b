/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the peers protocol 2.1: bytes to structs and back. Pure, but for the names of servers.
 */
#pragma once

#include "weir/base/text.h"
#include "private.h"

#define PEER_MESSAGE_MAX 16384 /* bytes of a message behind its header */
#define PEER_NAMES       128   /* of servers that a session remembers, each way */

enum peer_class { PEER_CONTROL = 0, PEER_ERROR = 1, PEER_TABLE = 10 };
enum peer_control { PEER_RESYNC_ASK, PEER_RESYNC_FULL, PEER_RESYNC_PARTIAL, PEER_RESYNC_CONFIRM, PEER_HEARTBEAT };
enum peer_error { PEER_ERROR_PROTOCOL, PEER_ERROR_SIZE };
enum peer_table_message {
    PEER_UPDATE = 0x80,
    PEER_UPDATE_NEXT = 0x81, /* its number is one more than that of the one before */
    PEER_DEFINE = 0x82,
    PEER_SWITCH = 0x83,
    PEER_ACK = 0x84,
    PEER_UPDATE_TIMED = 0x85, /* with the time that the entry has left */
    PEER_UPDATE_TIMED_NEXT = 0x86,
};

/* One message as it lies in what was received. */
struct peer_frame {
    uint8_t class, type;
    struct str body;
};
enum peer_framing { FRAME_WHOLE, FRAME_MORE, FRAME_BAD, FRAME_TOO_LONG };
/* The first message; *used: its bytes. */
enum peer_framing peer_frame_read(struct str bytes, struct peer_frame *frame, size_t *used);

/* A table as the other side tells it. */
struct peer_definition {
    uint64_t id;
    struct str name; /* lies in the message */
    uint64_t key_type, key_size, data; /* data: set of bits of enum stick_data */
    int64_t expire_ms;
    struct {
        uint32_t count, period_ms;
    } columns[STICK_DATAS];
};
bool peer_definition_read(struct str body, struct peer_definition *definition);
/* Can its entries be entries of this table? */
bool peer_definition_fits(const struct peer_definition *definition,
                          const struct stick_layout *layout);

/* Names of servers that one side has told the other: both count them in the same way. */
struct peer_names {
    struct {
        uint64_t key; /* stick/rule.h; 0: none */
        uint64_t used;
    } items[PEER_NAMES];
    uint64_t clock;
};

struct peer_update {
    uint32_t number; /* if it has_number */
    bool has_number;
    int64_t expires_in_ms; /* -1: as the table says */
    struct stick_key key;
    struct stick_image image;
};
/* `type`: of the message. Columns that the table does not store are read and dropped; `names`: what
 * this session has been told. False: malformed. */
bool peer_update_read(const struct peer_definition *definition, const struct stick_layout *layout,
                      uint8_t type, struct str body, struct peer_names *names, uint32_t now_ms,
                      struct peer_update *update);
/* "table id, number" of an acknowledgement. */
bool peer_ack_read(struct str body, uint64_t *id, uint32_t *number);
bool peer_switch_read(struct str body, uint64_t *id);

/* --- what we say ------------------------------------------------------------------------ */

void peer_add_control(struct text *out, enum peer_control type);
void peer_add_error(struct text *out, enum peer_error type);
void peer_add_ack(struct text *out, uint64_t id, uint32_t number);
void peer_add_definition(struct text *out, const struct stick_layout *layout, uint64_t id,
                         struct str name, int64_t expire_ms);
/* update->expires_in_ms says whether it is a timed one; has_number whether it follows the last. */
void peer_add_update(struct text *out, const struct stick_layout *layout,
                     const struct peer_update *update, struct peer_names *names, uint32_t now_ms);

/* --- hello ---------------------------------------------------------------------------------- */

struct peer_hello {
    struct str protocol, version, to, from, pid, process;
};
/* Three lines. *used: their bytes. */
enum peer_framing peer_hello_read(struct str bytes, struct peer_hello *hello, size_t *used);
