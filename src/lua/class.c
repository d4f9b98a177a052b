/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes: metatables in the registry, by name.
 *
 * Thread: who has entered the state.
 */
#include "private.h"

static int
print_object(lua_State *lua)
{
    lua_pushfstring(lua, "weir class %s", lua_tostring(lua, lua_upvalueindex(1)));
    return 1;
}

void
script_class_new(lua_State *lua, const char *name, const luaL_Reg *functions)
{
    luaL_newmetatable(lua, name);
    lua_newtable(lua);
    luaL_setfuncs(lua, functions, 0);
    lua_setfield(lua, -2, "__index");
    lua_pushstring(lua, name);
    lua_pushcclosure(lua, print_object, 1);
    lua_setfield(lua, -2, "__tostring");
    lua_pop(lua, 1);
}

void
script_object_new(lua_State *lua, const char *class)
{
    lua_createtable(lua, 1, 0);
    luaL_setmetatable(lua, class);
}
