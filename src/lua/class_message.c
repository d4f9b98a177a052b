/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPMessage: the head of a message on its way through a filter that is written in Lua; its body is that of
 * its channel (class_channel.c).
 *
 * Thread:  owner of the stream, in the state that it has entered; only within a callback of a filter.
 */
#include "weir/base/number.h"
#include "weir/http/message.h"
#include "filter.h"

void
script_message_push(lua_State *lua, int at)
{
    at = lua_absindex(lua, at);
    script_object_new(lua, "HTTPMessage");
    lua_rawgeti(lua, at, 0);
    lua_rawseti(lua, -2, 0);
    lua_pushvalue(lua, at);
    lua_setfield(lua, -2, "channel");
}

struct message *
script_message_at(lua_State *lua, int at)
{
    struct message *msg = script_channel_at(lua, at)->msg;

    if (msg == NULL)
        luaL_error(lua, "the head of the message is not at hand now");
    return msg;
}

static int
eom(lua_State *lua)
{
    lua_pushboolean(lua, script_channel_at(lua, 1)->is_last);
    return 1;
}

static int
get_stline(lua_State *lua)
{
    const struct message *msg = script_message_at(lua, 1);

    lua_newtable(lua);
    lua_pushfstring(lua, "HTTP/%d.%d", msg->version_major, msg->version_minor);
    lua_setfield(lua, -2, "version");
    if ((msg->flags & MESSAGE_IS_RESPONSE) != 0) {
        lua_pushfstring(lua, "%d", msg->status);
        lua_setfield(lua, -2, "code");
        script_push_str(lua, msg->reason);
        lua_setfield(lua, -2, "reason");
    } else {
        script_push_str(lua, msg->method_text);
        lua_setfield(lua, -2, "method");
        script_push_str(lua, msg->target);
        lua_setfield(lua, -2, "uri");
    }
    return 1;
}

/* (number | "chunked"): how long the body will be that the filter gives on. */
static int
set_body_len(lua_State *lua)
{
    struct message *msg = script_message_at(lua, 1);
    char text[24];
    lua_Integer len = -1;

    if (lua_isinteger(lua, 2))
        len = lua_tointeger(lua, 2);
    else
        luaL_argcheck(lua, str_eq(script_to_str(lua, 2), STR("chunked")), 2, "a number or 'chunked'");
    luaL_argcheck(lua, lua_type(lua, 2) != LUA_TNUMBER || len >= 0, 2, "a length");
    message_remove_fields_id(msg, FIELD_CONTENT_LENGTH);
    message_remove_fields_id(msg, FIELD_TRANSFER_ENCODING);
    msg->body = len < 0 ? BODY_CHUNKED : BODY_LENGTH;
    msg->body_length = len < 0 ? 0 : (uint64_t)len;
    lua_pushboolean(lua, len < 0 ||
                             message_add_field_copy(msg, STR("content-length"),
                                                    str_of(text, number_format(text, (uint64_t)len))));
    return 1;
}

/* --- class ------------------------------------------------------------------------------------------------ */

/* What a channel can do with bytes, a message can too. */
static void
add_channel_methods(lua_State *lua)
{
    static const char *const shared[][2] = {
        { "body", "data" },       { "data", "data" },       { "input", "input" },
        { "output", "output" },   { "is_full", "is_full" }, { "may_recv", "may_recv" },
        { "is_resp", "is_resp" }, { "append", "append" },   { "prepend", "prepend" },
        { "insert", "insert" },   { "set", "set" },         { "remove", "remove" },
        { "send", "send" },       { "forward", "forward" },
    };

    luaL_getmetatable(lua, "HTTPMessage");
    lua_getfield(lua, -1, "__index");
    luaL_getmetatable(lua, "Channel");
    lua_getfield(lua, -1, "__index");
    for (size_t i = 0; i < COUNT(shared); i++) {
        lua_getfield(lua, -1, shared[i][1]);
        lua_setfield(lua, -4, shared[i][0]);
    }
    lua_pop(lua, 4);
}

void
script_add_class_message(lua_State *lua)
{
    static const luaL_Reg functions[] = { { "eom", eom },
                                          { "get_stline", get_stline },
                                          { "set_body_len", set_body_len },
                                          { NULL, NULL } };

    script_class_new(lua, "HTTPMessage", functions);
    add_channel_methods(lua);
    script_add_message_fields(lua);
}
