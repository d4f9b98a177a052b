/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters written in Lua: what their files share.
 */
#pragma once

#include "weir/stream/filter.h"
#include "private.h"

/* A Channel or HTTPMessage in the hands of a callback: userdata, [0] of the object. */
#define SCRIPT_CHANNEL_MAGIC 0x43484e31u
struct script_channel {
    unsigned magic;
    struct filter *filter; /* NULL: not at hand, or in the hands of an action */
    struct script_txn *txn; /* of an action; NULL: of a filter */
    enum direction dir;
    struct message *msg;       /* NULL: TCP, or no head is at hand */
    struct chain *in, *out;    /* NULL: no data is at hand */
    size_t *given;             /* of an action: how much of `in` goes on, and counts as output; NULL: of a filter */
    bool is_last;
};

/* Leaves a Channel on the stack; it is at hand until `filter` is NULL again. */
struct script_channel *script_channel_push(lua_State *lua);
/* Leaves the Channel of that direction for an action with the TXN at `at`. */
void script_channel_push_txn(lua_State *lua, int at, enum direction dir);
/* An HTTPMessage about the Channel at `at`, which becomes its member "channel". */
void script_message_push(lua_State *lua, int at);
struct script_channel *script_channel_at(lua_State *lua, int at);
/* The message of an HTTPMessage. Lua error: none is at hand. */
struct message *script_message_at(lua_State *lua, int at);
/* filter.register_data_filter() and its opposite. */
void script_filter_want_data(struct filter *f, enum direction dir, bool wants);
/* And HTTPMessage. */
void script_add_class_channel(lua_State *lua);
/* Behind Channel. */
void script_add_class_message(lua_State *lua);
/* Header fields and start lines for HTTPMessage: class_http.c. */
void script_add_message_fields(lua_State *lua);
void script_add_filter(lua_State *lua);
