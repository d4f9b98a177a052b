/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new state knows: Lua's own libraries, search paths, and the classes of weir.
 *
 * Thread: builder.
 */
#include <string.h>

#include "filter.h"

static const struct {
    const char *name;
    lua_CFunction open;
} libraries[] = {
    { LUA_TABLIBNAME, luaopen_table },   { LUA_IOLIBNAME, luaopen_io },
    { LUA_OSLIBNAME, luaopen_os },       { LUA_STRLIBNAME, luaopen_string },
    { LUA_MATHLIBNAME, luaopen_math },   { LUA_UTF8LIBNAME, luaopen_utf8 },
    { LUA_LOADLIBNAME, luaopen_package }, { LUA_DBLIBNAME, luaopen_debug },
};

int
script_library_find(const char *name)
{
    for (size_t i = 0; i < COUNT(libraries); i++) {
        if (strcmp(libraries[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* "package.path" and its like: what the configuration says comes first. */
static void
prepend_path(lua_State *lua, const char *field, const char *path)
{
    if (path == NULL || lua_getglobal(lua, LUA_LOADLIBNAME) != LUA_TTABLE)
        return;
    lua_pushfstring(lua, "%s;", path);
    lua_getfield(lua, -2, field);
    lua_concat(lua, 2);
    lua_setfield(lua, -2, field);
}

void
script_libraries_open(struct script_state *state)
{
    lua_State *lua = state->lua;

    luaL_requiref(lua, LUA_GNAME, luaopen_base, 1);
    luaL_requiref(lua, LUA_COLIBNAME, luaopen_coroutine, 1);
    for (size_t i = 0; i < COUNT(libraries); i++) {
        if ((state->set->libraries & (1u << i)) == 0)
            luaL_requiref(lua, libraries[i].name, libraries[i].open, 1);
    }
    lua_settop(lua, 0);
    prepend_path(lua, "path", state->set->path);
    lua_settop(lua, 0);
    prepend_path(lua, "cpath", state->set->cpath);
    lua_settop(lua, 0);
    script_add_core(lua, state);
    script_add_ask(lua);
    script_add_class_proxy(lua);
    script_add_class_server(lua);
    script_add_class_table(lua);
    script_add_class_map(lua);
    script_add_class_regex(lua);
    script_add_class_cert(lua);
    script_add_class_queue(lua);
    script_add_register(lua);
    script_add_events(lua);
    script_add_act(lua);
    script_add_class_txn(lua);
    script_add_class_fetches(lua);
    script_add_class_http(lua);
    script_add_class_channel(lua);
    script_add_filter(lua);
    script_add_class_cli(lua);
    script_add_class_applet(lua);
    script_add_class_socket(lua);
    script_add_class_client(lua);
    lua_settop(lua, 0);
}
