/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values between samples and Lua.
 *
 * Thread: who has entered the state.
 */
#include <string.h>

#include "private.h"

void
script_push_str(lua_State *lua, struct str s)
{
    lua_pushlstring(lua, s.ptr == NULL ? "" : s.ptr, s.len);
}

static void
push_address(lua_State *lua, const struct value *value)
{
    struct addr addr = { 0 };
    char text[64];

    addr.family = value->type == VALUE_IP4 ? ADDR_IPV4 : ADDR_IPV6;
    if (value->type == VALUE_IP4)
        addr.ip4 = value->ip4;
    else
        addr.ip6 = value->ip6;
    addr_format_host(&addr, text, sizeof(text));
    lua_pushstring(lua, text);
}

void
script_push_value(lua_State *lua, const struct value *value)
{
    switch ((enum value_type)value->type) {
    case VALUE_BOOL:
        if (script_state_of(lua)->set->limits.has_real_booleans)
            lua_pushboolean(lua, value->num != 0);
        else
            lua_pushinteger(lua, value->num != 0);
        return;
    case VALUE_INT:
        lua_pushinteger(lua, value->num);
        return;
    case VALUE_IP4:
    case VALUE_IP6:
        push_address(lua, value);
        return;
    case VALUE_STR:
    case VALUE_BIN:
    case VALUE_METHOD:
        script_push_str(lua, value->str);
        return;
    case VALUE_NONE:
    case VALUE_ADDR:
    case VALUE_ANY:
    case VALUE_SAME:
    case VALUE_TYPES:
        break;
    }
    lua_pushnil(lua);
}

void
script_push_value_str(lua_State *lua, const struct value *value, struct arena *arena)
{
    struct value copy;

    if (value == NULL) {
        lua_pushliteral(lua, "");
        return;
    }
    copy = *value;
    if (value_has_bytes(&copy) || value_cast(&copy, VALUE_STR, arena))
        script_push_str(lua, copy.str);
    else
        lua_pushliteral(lua, "");
}

bool
script_to_value(lua_State *lua, int at, struct value *out, struct arena *arena)
{
    size_t len;
    const char *bytes;

    switch (lua_type(lua, at)) {
    case LUA_TBOOLEAN:
        value_set_bool(out, lua_toboolean(lua, at));
        return true;
    case LUA_TNUMBER:
        value_set_int(out, lua_isinteger(lua, at) ? lua_tointeger(lua, at)
                                                  : (int64_t)lua_tonumber(lua, at));
        return true;
    case LUA_TSTRING:
        bytes = lua_tolstring(lua, at, &len);
        return value_set_copy(out, VALUE_STR, arena, bytes, len);
    default:
        return false;
    }
}

struct str
script_to_str(lua_State *lua, int at)
{
    size_t len;
    const char *bytes = luaL_checklstring(lua, at, &len);

    return str_of(bytes, len);
}

struct str
script_opt_str(lua_State *lua, int at)
{
    return lua_isnoneornil(lua, at) ? STR_NONE : script_to_str(lua, at);
}
