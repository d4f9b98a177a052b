/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of the runtime socket become tables of Lua.
 *
 * Thread: who has entered the state.
 */
#include <stdlib.h>

#include "private.h"

/* A number where it is one. */
static void
push_word(lua_State *lua, struct str word)
{
    script_push_str(lua, word);
    if (word.len > 0 && lua_stringtonumber(lua, lua_tostring(lua, -1)) != 0)
        lua_remove(lua, -2);
}

static void
set_field(lua_State *lua, int table, struct str name, struct str value)
{
    script_push_str(lua, name);
    push_word(lua, value);
    lua_rawset(lua, table);
}

/* "Name: value" lines. */
static void
read_info(lua_State *lua, struct str text)
{
    int table = lua_gettop(lua);

    while (text.ptr != NULL) {
        struct str line = str_split(&text, '\n'), name = str_split(&line, ':');

        if (line.ptr != NULL)
            set_field(lua, table, name, str_trim(line));
    }
}

/* "# a,b,c" and the row below it. */
static void
read_stat(lua_State *lua, struct str text)
{
    struct str names = str_split(&text, '\n'), values = STR_NONE;
    int table = lua_gettop(lua);

    if (text.ptr != NULL)
        values = str_split(&text, '\n');
    if (str_starts(names, STR("# ")))
        names = str_slice(names, 2, names.len);
    while (names.ptr != NULL && values.ptr != NULL) {
        struct str name = str_split(&names, ','), value = str_split(&values, ',');

        if (name.len > 0 && value.len > 0)
            set_field(lua, table, name, value);
    }
}

/* "conn_rate(10000)": "conn_rate". */
static struct str
plain_name(struct str name)
{
    return str_split(&name, '(');
}

/* "0x55...: key=127.0.0.1 use=0 exp=1000 gpc0=1" */
static void
read_entry(lua_State *lua, int table, struct str line)
{
    struct str key = STR_NONE;
    int entry;

    str_split(&line, ' ');
    lua_newtable(lua);
    entry = lua_gettop(lua);
    while (line.ptr != NULL) {
        struct str value = str_split(&line, ' '), name = str_split(&value, '=');

        if (value.ptr == NULL)
            continue;
        if (str_eq(name, STR("key")))
            key = value;
        else
            set_field(lua, entry, str_eq(name, STR("exp")) ? STR("expire") : plain_name(name), value);
    }
    script_push_str(lua, key);
    lua_insert(lua, entry);
    lua_rawset(lua, table);
}

static void
read_table(lua_State *lua, struct str text)
{
    int table = lua_gettop(lua);

    while (text.ptr != NULL) {
        struct str line = str_split(&text, '\n');

        if (str_starts(line, STR("0x")))
            read_entry(lua, table, line);
    }
}

int
script_answer_read(lua_State *lua, enum script_answer how)
{
    struct str text = script_to_str(lua, -1);

    if (how == ANSWER_CERT) /* no text: fine */
        return text.len == 0 ? 0 : luaL_error(lua, "%s", text.ptr);
    lua_newtable(lua);
    switch (how) {
    case ANSWER_INFO:
        read_info(lua, text);
        break;
    case ANSWER_STAT:
        read_stat(lua, text);
        break;
    case ANSWER_TABLE:
        read_table(lua, text);
        break;
    case ANSWER_CERT:
        break;
    }
    return 1;
}
