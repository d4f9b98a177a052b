/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regex: regular expressions of PCRE2 for scripts.
 *
 * Thread: who has entered the state.
 */
#include "weir/base/regex.h"
#include "private.h"

static const char class[] = "Regex";

struct holder {
    struct regex *regex; /* owns; NULL: it did not compile */
};

static const struct regex *
regex_at(lua_State *lua)
{
    return ((struct holder *)luaL_checkudata(lua, 1, class))->regex;
}

/* (pattern, is case sensitive) gives true and the object, or false and why not. */
static int
regex_new(lua_State *lua)
{
    struct str pattern = script_to_str(lua, 1);
    struct error err = ERROR_INIT;
    struct holder *holder = lua_newuserdatauv(lua, sizeof(*holder), 0);

    holder->regex = NULL;
    luaL_setmetatable(lua, class);
    holder->regex = regex_compile(pattern, lua_toboolean(lua, 2) ? REGEX_CASE : REGEX_NOCASE, &err);
    lua_pushboolean(lua, holder->regex != NULL);
    if (holder->regex != NULL)
        lua_insert(lua, -2);
    else
        lua_pushstring(lua, err.text);
    return 2;
}

static int
exec(lua_State *lua)
{
    lua_pushboolean(lua, regex_match(regex_at(lua), script_to_str(lua, 2)));
    return 1;
}

/* true and the groups: [1] the whole match, [2] the first group ... */
static int
match(lua_State *lua)
{
    struct str groups[REGEX_GROUPS_MAX];
    int count = regex_capture(regex_at(lua), script_to_str(lua, 2), 0, groups);

    lua_pushboolean(lua, count > 0);
    lua_createtable(lua, count, 0);
    for (int i = 0; i < count; i++) {
        script_push_str(lua, groups[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    return 2;
}

static int
collect(lua_State *lua)
{
    struct holder *holder = lua_touserdata(lua, 1);

    regex_free(holder->regex);
    holder->regex = NULL;
    return 0;
}

void
script_add_class_regex(lua_State *lua)
{
    static const luaL_Reg functions[] = { { "exec", exec }, { "match", match }, { NULL, NULL } };

    script_class_new(lua, class, functions);
    luaL_getmetatable(lua, class);
    lua_pushcfunction(lua, collect);
    lua_setfield(lua, -2, "__gc");
    lua_pop(lua, 1);
    lua_newtable(lua);
    lua_pushcfunction(lua, regex_new);
    lua_setfield(lua, -2, "new");
    lua_setglobal(lua, class);
}
