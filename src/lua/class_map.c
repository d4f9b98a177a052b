/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map, Patref, and core's functions that change lists of patterns.
 *
 * Thread:  maps are made while a script is loaded (builder); anybody looks things up and changes lists.
 */
#include <string.h>

#include "weir/expr/call.h"
#include "weir/expr/pattern_change.h"
#include "event.h"

/* --- Map: a file that is loaded with the script --------------------------------------------------------------- */

static const char *const methods[] = { "int", "ip", "str", "beg", "sub", "dir", "dom", "end", "reg" };

struct map {
    const struct converter *conv;
    const struct arg *args;
};

/* (file, method) or, as HAProxy has it too, a default behind them. */
static int
map_new(lua_State *lua)
{
    struct script_state *state = script_state_of(lua);
    struct str file = script_to_str(lua, 1);
    lua_Integer method = luaL_checkinteger(lua, 2);
    struct error err = ERROR_INIT;
    struct map *map;

    if (state->set->parse == NULL)
        return luaL_error(lua, "a map can only be made while the script is loaded");
    luaL_argcheck(lua, method >= 0 && method < (lua_Integer)COUNT(methods), 2, "no match method");
    script_object_new(lua, "Map");
    map = lua_newuserdatauv(lua, sizeof(*map), 0);
    lua_pushfstring(lua, "map_%s", methods[method]);
    map->conv = converter_find(script_to_str(lua, -1));
    lua_pop(lua, 1);
    map->args = call_args_build(state->set->parse, map->conv, &file, 1, &err);
    if (map->args == NULL)
        return luaL_error(lua, "map '%s': %s", file.ptr, err.text);
    lua_setfield(lua, -2, "map");
    return 1;
}

/* Leaves what was found at the top; false: nothing. */
static bool
find(lua_State *lua)
{
    struct value value = { .cursor = VALUE_SINGLE };
    struct arena arena;
    struct eval eval = { .arena = &arena };
    const struct map *map;
    bool is_there;

    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_getfield(lua, 1, "map");
    map = lua_touserdata(lua, -1);
    luaL_argcheck(lua, map != NULL && lua_rawlen(lua, -1) == sizeof(*map), 1, "no map");
    arena_init(&arena);
    value_set_str(&value, script_to_str(lua, 2));
    is_there = value_cast(&value, map->conv->in, &arena) &&
               map->conv->run(&eval, map->conv, map->args, &value);
    if (is_there)
        script_push_value_str(lua, &value, &arena);
    arena_fini(&arena);
    return is_there;
}

static int
map_lookup(lua_State *lua)
{
    if (!find(lua))
        lua_pushnil(lua);
    return 1;
}

static int
map_slookup(lua_State *lua)
{
    if (!find(lua))
        lua_pushliteral(lua, "");
    return 1;
}

/* --- lists by their names ------------------------------------------------------------------------------------- */

static struct pattern_file *
list_at(lua_State *lua, int at)
{
    const struct script_set *set = script_state_of(lua)->set;
    struct pattern_file *file = NULL;

    if (set->is_ready)
        file = pattern_change_find(set->snapshot, luaL_checkstring(lua, at));
    if (file == NULL)
        luaL_error(lua, "there is no list of patterns '%s'", luaL_checkstring(lua, at));
    return file;
}

static int
add_acl(lua_State *lua)
{
    struct pattern_file *file = list_at(lua, 1);
    struct error err = ERROR_INIT;

    if (!pattern_change_add_once(file, script_to_str(lua, 2), &err))
        return luaL_error(lua, "%s", err.text);
    return 0;
}

static int
del_key(lua_State *lua)
{
    pattern_change_remove(list_at(lua, 1), PATTERN_CURRENT, script_to_str(lua, 2));
    return 0;
}

static int
set_map(lua_State *lua)
{
    struct pattern_file *file = list_at(lua, 1);
    struct error err = ERROR_INIT;

    if (!pattern_change_put(file, script_to_str(lua, 2), script_to_str(lua, 3), &err))
        return luaL_error(lua, "%s", err.text);
    return 0;
}

/* --- Patref: a list, and perhaps a version of it that traffic does not see yet ----------------------------------- */

struct patref {
    struct pattern_file *file;
    uint32_t version; /* PATTERN_CURRENT: changes are in force at once */
};

static struct patref *
patref_at(lua_State *lua)
{
    return luaL_checkudata(lua, 1, "Patref");
}

static int
get_patref(lua_State *lua)
{
    struct pattern_file *file = list_at(lua, 1);
    struct patref *ref = lua_newuserdatauv(lua, sizeof(*ref), 0);

    *ref = (struct patref){ file, PATTERN_CURRENT };
    luaL_setmetatable(lua, "Patref");
    return 1;
}

static int
patref_get_name(lua_State *lua)
{
    lua_pushstring(lua, pattern_change_name(patref_at(lua)->file));
    return 1;
}

static int
patref_is_map(lua_State *lua)
{
    lua_pushboolean(lua, pattern_change_is_map(patref_at(lua)->file));
    return 1;
}

/* nil and a text: how changes fail. */
static int
push_result(lua_State *lua, bool is_fine, const struct error *err)
{
    if (is_fine) {
        lua_pushboolean(lua, true);
        return 1;
    }
    lua_pushnil(lua);
    lua_pushstring(lua, err->text);
    return 2;
}

static int
patref_add(lua_State *lua)
{
    const struct patref *ref = patref_at(lua);
    struct str value = script_opt_str(lua, 3);
    struct error err = ERROR_INIT;

    return push_result(lua, pattern_change_add(ref->file, ref->version, script_to_str(lua, 2),
                                               value.ptr == NULL ? STR("") : value, &err),
                       &err);
}

/* Keys of a list, or keys with values of a map. */
static int
patref_add_bulk(lua_State *lua)
{
    const struct patref *ref = patref_at(lua);
    bool is_map = pattern_change_is_map(ref->file), fine = true;
    struct error err = ERROR_INIT;

    luaL_checktype(lua, 2, LUA_TTABLE);
    lua_pushnil(lua);
    while (fine && lua_next(lua, 2)) {
        lua_pushvalue(lua, -2); /* so that lua_next() keeps its key */
        fine = is_map ? pattern_change_add(ref->file, ref->version, script_to_str(lua, -1),
                                           script_to_str(lua, -2), &err)
                      : pattern_change_add(ref->file, ref->version, script_to_str(lua, -2), STR(""),
                                           &err);
        lua_pop(lua, 2);
    }
    return push_result(lua, fine, &err);
}

static int
patref_del(lua_State *lua)
{
    const struct patref *ref = patref_at(lua);

    lua_pushboolean(lua, pattern_change_remove(ref->file, ref->version, script_to_str(lua, 2)));
    return 1;
}

static int
patref_set(lua_State *lua)
{
    const struct patref *ref = patref_at(lua);
    struct error err = ERROR_INIT;
    struct str key = script_to_str(lua, 2), value = script_to_str(lua, 3);
    bool fine;

    if (ref->version != PATTERN_CURRENT)
        return luaL_error(lua, "'set' changes what traffic sees: it does not go with prepare()");
    fine = lua_toboolean(lua, 4) ? pattern_change_put(ref->file, key, value, &err)
                                 : pattern_change_set(ref->file, key, value, &err);
    if (!fine && err.text[0] == '\0')
        error_set(&err, "no such key");
    return push_result(lua, fine, &err);
}

static int
patref_purge(lua_State *lua)
{
    const struct patref *ref = patref_at(lua);

    pattern_change_clear(ref->file, ref->version);
    lua_pushboolean(lua, true);
    return 1;
}

static int
patref_prepare(lua_State *lua)
{
    struct patref *ref = patref_at(lua);

    if (ref->version != PATTERN_CURRENT)
        return luaL_error(lua, "a version is prepared already");
    ref->version = pattern_change_prepare(ref->file);
    lua_pushboolean(lua, true);
    return 1;
}

static int
patref_commit(lua_State *lua)
{
    struct patref *ref = patref_at(lua);
    struct error err = ERROR_INIT;
    bool fine;

    if (ref->version == PATTERN_CURRENT)
        return luaL_error(lua, "nothing was prepared");
    fine = pattern_change_commit(ref->file, ref->version, &err);
    ref->version = PATTERN_CURRENT;
    return push_result(lua, fine, &err);
}

static int
patref_giveup(lua_State *lua)
{
    struct patref *ref = patref_at(lua);

    if (ref->version != PATTERN_CURRENT)
        pattern_change_clear(ref->file, ref->version);
    ref->version = PATTERN_CURRENT;
    return 0;
}

/* --- what stands in it, and who wants to know of changes -------------------------------------------------------- */

static int
patref_event_sub(lua_State *lua)
{
    return script_event_sub(lua, EVENTS_OF_LISTS, pattern_change_name(patref_at(lua)->file));
}

/* A method; else the value of a key: ref["key"]. Upvalue: the methods. */
static int
patref_index(lua_State *lua)
{
    const struct patref *ref = patref_at(lua);
    struct text value = TEXT_INIT;
    bool is_there;

    lua_settop(lua, 2);
    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    is_there = pattern_change_get(ref->file, ref->version, script_to_str(lua, 2), &value);
    if (is_there)
        lua_pushlstring(lua, text_cstr(&value), value.len);
    else
        lua_pushnil(lua);
    text_fini(&value);
    return 1;
}

/* State of a walk: what text_cstr() of a dump has, as a string; and where in it. */
static int
patref_next(lua_State *lua)
{
    size_t len, at = (size_t)lua_tointeger(lua, lua_upvalueindex(2));
    const char *all = lua_tolstring(lua, lua_upvalueindex(1), &len), *value;

    if (at >= len)
        return 0;
    value = all + at + strlen(all + at) + 1;
    lua_pushstring(lua, all + at);
    lua_pushstring(lua, value);
    lua_pushinteger(lua, value + strlen(value) + 1 - all);
    lua_replace(lua, lua_upvalueindex(2));
    return 2;
}

/* for key, value in pairs(ref): as it is now. */
static int
patref_pairs(lua_State *lua)
{
    const struct patref *ref = patref_at(lua);
    struct text all = TEXT_INIT;

    pattern_change_dump(ref->file, ref->version, &all);
    lua_pushlstring(lua, text_cstr(&all), all.len);
    text_fini(&all);
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, patref_next, 2);
    return 1;
}

/* --- classes ---------------------------------------------------------------------------------------------------- */

static void
add_map(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        { "lookup", map_lookup }, { "slookup", map_slookup }, { NULL, NULL }
    };

    script_class_new(lua, "Map", functions);
    lua_newtable(lua);
    lua_pushcfunction(lua, map_new);
    lua_setfield(lua, -2, "new");
    for (size_t i = 0; i < COUNT(methods); i++) {
        lua_pushfstring(lua, "_%s", methods[i]);
        lua_pushinteger(lua, (lua_Integer)i);
        lua_rawset(lua, -3);
        lua_pushstring(lua, methods[i]); /* without '_', as HAProxy has it too */
        lua_pushinteger(lua, (lua_Integer)i);
        lua_rawset(lua, -3);
    }
    lua_setglobal(lua, "Map");
}

void
script_add_class_map(lua_State *lua)
{
    static const luaL_Reg of_patref[] = { { "get_name", patref_get_name },
                                          { "is_map", patref_is_map },
                                          { "add", patref_add },
                                          { "add_bulk", patref_add_bulk },
                                          { "del", patref_del },
                                          { "set", patref_set },
                                          { "purge", patref_purge },
                                          { "prepare", patref_prepare },
                                          { "commit", patref_commit },
                                          { "giveup", patref_giveup },
                                          { "event_sub", patref_event_sub },
                                          { NULL, NULL } };
    static const luaL_Reg of_core[] = { { "add_acl", add_acl }, { "del_acl", del_key },
                                        { "del_map", del_key }, { "set_map", set_map },
                                        { "get_patref", get_patref }, { NULL, NULL } };

    add_map(lua);
    script_class_new(lua, "Patref", of_patref);
    luaL_getmetatable(lua, "Patref");
    lua_pushcfunction(lua, patref_pairs);
    lua_setfield(lua, -2, "__pairs");
    lua_getfield(lua, -1, "__index");
    lua_pushcclosure(lua, patref_index, 1);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 1);
    lua_getglobal(lua, "core");
    luaL_setfuncs(lua, of_core, 0);
    lua_pop(lua, 1);
}
