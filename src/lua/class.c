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

/* --- objects that stand for something of the configuration ------------------------------------------------ */

struct handle {
    const char *class; /* the very text: an address that no script can make */
    void *what;
};

void
script_handle_new(lua_State *lua, const char *class, void *what)
{
    script_object_new(lua, class);
    *(struct handle *)lua_newuserdatauv(lua, sizeof(struct handle), 0) =
        (struct handle){ class, what };
    lua_rawseti(lua, -2, 0);
}

void *
script_handle_at(lua_State *lua, int at, const char *class)
{
    const struct handle *handle = NULL;

    if (lua_istable(lua, at)) {
        lua_rawgeti(lua, at, 0);
        if (lua_rawlen(lua, -1) == sizeof(*handle))
            handle = lua_touserdata(lua, -1);
        lua_pop(lua, 1);
    }
    if (handle == NULL || handle->class != class)
        luaL_argerror(lua, at, lua_pushfstring(lua, "an object of class %s should stand here; was it "
                                                    "called with ':'?", class));
    return handle->what;
}
