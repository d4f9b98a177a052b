/* SPDX-License-Identifier: Apache-2.0 */
/*
 * StickTable: what scripts know of a stick table.
 *
 * Thread: who has entered the state; entries are looked up on the spot, a dump is made by the control thread.
 */
#include <string.h>

#include "weir/stick/table.h"
#include "private.h"

static const char class[] = "StickTable";

#define FILTERS_MAX 4

static struct stick_table_conf *
table_at(lua_State *lua)
{
    struct stick_table_conf *conf = script_handle_at(lua, 1, class);

    if (conf->live == NULL)
        luaL_error(lua, "the table does not live yet");
    return conf;
}

static int
info(lua_State *lua)
{
    static const char *const types[] = { "ip", "ipv6", "integer", "string", "binary" };
    const struct stick_table_conf *conf = table_at(lua);

    lua_newtable(lua);
    lua_pushstring(lua, types[conf->layout.type]);
    lua_setfield(lua, -2, "type");
    lua_pushinteger(lua, conf->layout.key_size);
    lua_setfield(lua, -2, "length");
    lua_pushinteger(lua, (lua_Integer)stick_table_size(conf->live));
    lua_setfield(lua, -2, "size");
    lua_pushinteger(lua, (lua_Integer)stick_table_used(conf->live));
    lua_setfield(lua, -2, "used");
    lua_pushinteger(lua, conf->expire_ms);
    lua_setfield(lua, -2, "expire");
    lua_pushboolean(lua, conf->nopurge);
    lua_setfield(lua, -2, "nopurge");
    lua_newtable(lua);
    for (int i = 0; i < STICK_DATAS; i++) {
        const struct stick_column *column = &conf->layout.columns[i];

        if (!column->is_stored)
            continue;
        lua_pushinteger(lua, stick_data_infos[i].kind == KIND_RATE ? (lua_Integer)column->period_ms : -1);
        lua_setfield(lua, -2, stick_data_infos[i].name);
    }
    lua_setfield(lua, -2, "data");
    return 1;
}

static void
push_data(lua_State *lua, const struct stick_table_conf *conf, struct stick_entry *entry)
{
    for (int i = 0; i < STICK_DATAS; i++) {
        const struct stick_column *column = &conf->layout.columns[i];

        if (!column->is_stored)
            continue;
        if (!stick_data_infos[i].is_array) {
            lua_pushinteger(lua, (lua_Integer)stick_data_read(conf->live, entry, (enum stick_data)i, 0));
        } else {
            lua_newtable(lua);
            for (uint32_t n = 0; n < column->count; n++) {
                lua_pushinteger(lua, (lua_Integer)stick_data_read(conf->live, entry,
                                                                  (enum stick_data)i, n));
                lua_rawseti(lua, -2, n);
            }
        }
        lua_setfield(lua, -2, stick_data_infos[i].name);
    }
}

/* nil: there is no such entry. */
static int
lookup(lua_State *lua)
{
    const struct stick_table_conf *conf = table_at(lua);
    struct value value = { .cursor = VALUE_SINGLE };
    struct stick_entry *entry = NULL;
    struct stick_key key;
    struct arena arena;

    value_set_str(&value, script_to_str(lua, 2));
    arena_init(&arena);
    if (stick_key_from(&key, &conf->layout, &value, &arena))
        entry = stick_table_find(conf->live, &key);
    arena_fini(&arena);
    if (entry == NULL) {
        lua_pushnil(lua);
        return 1;
    }
    lua_newtable(lua);
    lua_pushinteger(lua, (lua_Integer)stick_entry_holders(entry) - 1); /* but us */
    lua_setfield(lua, -2, "use");
    lua_pushinteger(lua, stick_entry_expires_in(conf->live, entry));
    lua_setfield(lua, -2, "expire");
    push_data(lua, conf, entry);
    stick_entry_drop(conf->live, entry);
    return 1;
}

/* { { "gpc0", "gt", 30 }, ... }: as words of "show table". */
static int
dump(lua_State *lua)
{
    static const char *const operators[] = { "eq", "ne", "le", "lt", "ge", "gt", NULL };
    const struct stick_table_conf *conf = table_at(lua);

    lua_settop(lua, 2);
    lua_pushfstring(lua, "show table %s", conf->name);
    if (!lua_isnil(lua, 2)) {
        luaL_checktype(lua, 2, LUA_TTABLE);
        luaL_argcheck(lua, lua_rawlen(lua, 2) <= FILTERS_MAX, 2, "at most four comparisons");
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(lua, 2); i++) {
            struct str name;

            lua_rawgeti(lua, 2, i);
            luaL_argcheck(lua, lua_istable(lua, -1), 2, "a list of { data, operator, number }");
            lua_rawgeti(lua, 4, 1);
            lua_rawgeti(lua, 4, 2);
            lua_rawgeti(lua, 4, 3);
            name = script_to_str(lua, 5);
            luaL_argcheck(lua, stick_data_find(name) >= 0, 2, "no such data");
            lua_pushfstring(lua, "%s data.%s %s %I", lua_tostring(lua, 3), lua_tostring(lua, 5),
                            operators[luaL_checkoption(lua, 6, NULL, operators)],
                            (LUAI_UACINT)luaL_checkinteger(lua, 7));
            lua_replace(lua, 3);
            lua_settop(lua, 3);
        }
    }
    return script_ask(lua, lua_tostring(lua, 3), ANSWER_TABLE);
}

void
script_push_table(lua_State *lua, struct stick_table_conf *conf)
{
    script_handle_new(lua, class, conf);
}

void
script_add_class_table(lua_State *lua)
{
    static const luaL_Reg functions[] = {
        { "info", info }, { "lookup", lookup }, { "dump", dump }, { NULL, NULL }
    };

    script_class_new(lua, class, functions);
}
